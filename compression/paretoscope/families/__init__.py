"""Model families: one row of facts for each, and nothing that needs torch."""
