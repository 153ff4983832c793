"""Training: one loop for each architecture, and what both share."""
