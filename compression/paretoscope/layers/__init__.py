"""Bytes, time and sensitivity of the parts of a model: documents, how they are made and stored."""
