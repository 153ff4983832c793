"""Data to train and to evaluate on: by name, as splits, as tokens."""
