"""The components of Explore."""
