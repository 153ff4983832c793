"""Pruning of single weights (`weights.py`) and of whole structures (`structure.py`)."""
