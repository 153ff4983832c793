"""The components of Compress."""
