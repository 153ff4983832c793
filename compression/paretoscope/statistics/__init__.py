"""Confidence intervals and paired tests, with numpy only."""
