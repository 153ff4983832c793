"""The store: trials, measurements and the engine's heartbeat in one database."""
