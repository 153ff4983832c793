"""Pruning: single weights (`weights.py`) and whole structures (`structure.py`), one file per idea."""
