"""The recipe language: what to do to a model, as a value with a content hash."""
