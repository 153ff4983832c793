"""The components of Jobs."""
