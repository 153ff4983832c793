"""The parts of Compress."""
