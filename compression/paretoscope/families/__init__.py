"""Model families: one row each."""
