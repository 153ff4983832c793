"""Encoder classifiers in torch."""
