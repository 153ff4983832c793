"""The public functions of the package, and what they share with the command line."""
