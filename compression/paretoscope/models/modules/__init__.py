"""Modules and parameters of a torch model: found by name, cut to size."""
