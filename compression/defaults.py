"""What a recommendation judges by until somebody says otherwise: the same on the page, in the command and in a report."""

OBJECTIVES = ("quality", "size_bytes", "latency_p50_ms")
"""Metrics to be made better, all three at once."""
DROP_POINTS = 2.0
"""Points of accuracy that may be lost."""
