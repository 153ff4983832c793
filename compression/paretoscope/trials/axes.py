"""What a recommendation judges by until somebody says otherwise: the same on the page, in the
command and in a report.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axes:
    """The metrics that answer the three questions about a model: how good, how large, how fast."""

    quality: str = "quality"
    time: str = "latency_p50_ms"
    size: str = "size_bytes"

    @property
    def change(self) -> str:
        """The metric of the change of quality from the baseline."""
        return "perplexity_change" if self.quality == "perplexity" else "quality_change"

    @property
    def objectives(self) -> tuple[str, str, str]:
        """Metrics to be made better, all three at once."""
        return self.quality, self.size, self.time


def axes(quality_metric: str = "accuracy", *, generates: bool = False) -> Axes:
    """Of a classifier, or of a language model that `generates`.

    >>> axes("perplexity", generates=True).objectives
    ('perplexity', 'size_bytes', 'tpot_ms')
    """
    return Axes(
        "perplexity" if quality_metric == "perplexity" else "quality",
        "tpot_ms" if generates else "latency_p50_ms",
    )


OBJECTIVES = Axes().objectives
"""Those of a classifier."""
DROP_POINTS = 2.0
"""Points of accuracy that may be lost, or per cent of perplexity that may be added."""
