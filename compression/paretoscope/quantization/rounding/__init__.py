"""Rounding: the integers and scales of a weight; one file a method."""
