"""Pruning criteria, a file each: scores of weights, units, layers and dimensions."""
