"""The components of Compare."""
