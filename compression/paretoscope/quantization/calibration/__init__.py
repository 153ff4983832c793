"""Calibration: the range of an activation from its histogram; one file a method."""
