"""The parts of Jobs."""
