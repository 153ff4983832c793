"""The alternatives: the same models made by the documented calls of public tools."""
