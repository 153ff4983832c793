"""Pruning criteria: one file each."""
