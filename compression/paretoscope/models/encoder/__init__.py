"""Encoder classifiers."""
