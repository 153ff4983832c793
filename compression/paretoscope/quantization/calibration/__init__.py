"""How the range of an activation is found: one file a method."""
