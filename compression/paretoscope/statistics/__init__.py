"""Intervals and paired tests, in numpy alone."""
