"""Modules and parameters of a torch model: access by name, slicing, typed wrappers."""
