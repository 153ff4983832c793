"""Pareto dominance, the exact hypervolume and the knee of plain vectors to minimize.

Metrics, directions and missing values are `frontier/front.py`'s. A vector holds no NaN; infinities
are ordered as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Vector = tuple[float, ...]


def dominates(a: Vector, b: Vector) -> bool:
    """Whether `a` is at most `b` in every objective and less in one.

    >>> dominates((1, 2), (1, 3)), dominates((1, 2), (1, 2)), dominates((1, 2), (0, 9))
    (True, False, False)
    """
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def non_dominated(vectors: Sequence[Vector]) -> list[int]:
    """Indices of the vectors that no other dominates, ascending; duplicates are all kept or none.

    In lexicographic order a vector can only be dominated by an earlier one, and then by one that
    was kept, so each is compared only with the front so far: O(n * front).

    >>> non_dominated([(1, 3), (2, 2), (2, 3), (3, 1), (1, 3)])
    [0, 1, 3, 4]
    """
    kept: list[int] = []
    for index in sorted(range(len(vectors)), key=lambda i: vectors[i]):
        if not any(dominates(vectors[other], vectors[index]) for other in kept):
            kept.append(index)
    return sorted(kept)


def hypervolume(vectors: Sequence[Vector], reference: Vector) -> float:
    """Volume that the vectors dominate, up to the `reference` point.

    Exact in any dimension: the box is cut along the last objective into slabs (HSO, While et al.
    2006, doi:10.1109/TEVC.2005.851275), down to an interval. A vector that is not better than the
    reference in every objective adds nothing.

    >>> hypervolume([(1, 2), (2, 1)], (3, 3))
    3.0
    """
    inside = [v for v in vectors if all(x < limit for x, limit in zip(v, reference, strict=True))]
    return _slabs([inside[i] for i in non_dominated(inside)], reference)


def _slabs(vectors: Sequence[Vector], reference: Vector) -> float:
    if not vectors:
        return 0.0
    if len(reference) == 1:
        return float(reference[0] - min(v[0] for v in vectors))
    ordered = sorted(vectors, key=lambda v: v[-1])
    tops = [v[-1] for v in ordered[1:]] + [reference[-1]]
    total = 0.0
    for count, (vector, top) in enumerate(zip(ordered, tops, strict=True), start=1):
        if top > vector[-1]:
            below = [v[:-1] for v in ordered[:count]]
            total += _slabs([below[i] for i in non_dominated(below)], reference[:-1]) * (
                top - vector[-1]
            )
    return total


def normalised(vectors: Sequence[Vector]) -> list[Vector]:
    """Each objective scaled so that its best finite value is 0 and its worst finite value is 1.

    A constant objective is 0; an infinity is 0 or 1.

    >>> normalised([(10, 5), (20, 5), (15, 5)])
    [(0.0, 0.0), (1.0, 0.0), (0.5, 0.0)]
    """
    columns = [_stretched(column) for column in zip(*vectors, strict=True)]
    return [tuple(row) for row in zip(*columns, strict=True)] if columns else [() for _ in vectors]


def _stretched(column: Sequence[float]) -> list[float]:
    finite = [x for x in column if math.isfinite(x)]
    best, worst = (min(finite), max(finite)) if finite else (0.0, 0.0)
    # Halves first: the span of two huge numbers of opposite sign would overflow to infinity.
    span = worst / 2 - best / 2
    return [
        (0.0 if x < 0 else 1.0) if math.isinf(x) else (x / 2 - best / 2) / span if span > 0 else 0.0
        for x in column
    ]


def knee(front: Sequence[Vector]) -> int | None:
    """Index of the vector furthest below the chord between the ends of the front, else None.

    Every objective is scaled to 0..1 over the front. The chord (in n dimensions the plane through
    the unit points) is where the coordinates sum to 1, and the distance below it is (1 - sum) /
    sqrt(n) (normal boundary intersection, Das 1999, doi:10.1007/s001580050111). Ties go to the more
    balanced vector, then to the lexicographically smaller one, then to the first. A front of fewer
    than three different finite vectors, or without a vector below the chord, has no knee.

    >>> knee([(0, 10), (1, 2), (10, 0)])
    1
    >>> knee([(0, 10), (5, 5), (10, 0)]) is None
    True
    """
    finite = [i for i, v in enumerate(front) if all(math.isfinite(x) for x in v)]
    if len({front[i] for i in finite}) < 3:
        return None
    rows = dict(zip(finite, normalised([front[i] for i in finite]), strict=True))
    best = min(
        finite, key=lambda i: (round(sum(rows[i]), 12), round(max(rows[i]), 12), front[i], i)
    )
    return best if sum(rows[best]) < 1 - 1e-9 else None
