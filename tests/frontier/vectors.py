"""Points from plain numbers, and the front by brute force."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from paretoscope.frontier.points import Point, objectives
from paretoscope.trials.trial import MetricValue

INF, NAN = math.inf, math.nan
grid = st.integers(0, 5).map(float)
"""Small whole numbers, so that ties are frequent."""
SIZE_QUALITY = objectives("size_bytes", "quality")
ALL = objectives("size_bytes", "quality", "latency_p50_ms")
KEYS = ("size_bytes", "latency_p50_ms", "peak_memory_bytes")


def at(
    point_id: str,
    size: float | None,
    quality: float | None,
    p50: float | None = None,
    *,
    half: float = 0.0,
    p: float | None = None,
    is_reference: bool = False,
) -> Point:
    """A point; `half` is half the width of the interval of its quality."""
    given_values = {
        "size_bytes": (size, 0.0),
        "quality": (quality, half),
        "latency_p50_ms": (p50, 0.0),
    }
    values = {
        key: None if v is None else MetricValue(key, v, v - h, v + h)
        for key, (v, h) in given_values.items()
    }
    return Point(point_id, values, quality_p=p, is_reference=is_reference)


def lower(*vectors: tuple[float, ...]) -> list[Point]:
    """Points in metrics where lower is better, called 0, 1, 2 ..."""
    return [
        Point(str(i), {k: MetricValue(k, x) for k, x in zip(KEYS, v, strict=False)})
        for i, v in enumerate(vectors)
    ]


def brute_front(vectors: list[tuple[float, ...]]) -> set[int]:
    def beaten(i: int) -> bool:
        return any(
            all(a <= b for a, b in zip(v, vectors[i], strict=True)) and v != vectors[i]
            for v in vectors
        )

    return {i for i in range(len(vectors)) if not beaten(i)}
