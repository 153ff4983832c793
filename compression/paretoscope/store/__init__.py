"""The store: trials, measurements and the engine's state in one database."""
