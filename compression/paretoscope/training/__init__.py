"""Training: one trainer for each architecture, and the settings and loop that both share."""
