"""Pareto dominance, the exact hypervolume and the knee of plain vectors to minimize.

Metrics, directions and missing values are `frontier/front.py`'s. A vector holds no NaN; infinities
are ordered as numbers.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, ...]
Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def dominates(a: Vector, b: Vector) -> bool:
    """Whether `a` is at most `b` in every objective and less in one.

    >>> dominates((1, 2), (1, 3)), dominates((1, 2), (1, 2)), dominates((1, 2), (0, 9))
    (True, False, False)
    """
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def non_dominated(vectors: Sequence[Vector] | Array) -> list[int]:
    """Indices of the vectors that no other dominates, ascending; duplicates are all kept or none.

    >>> non_dominated([(1, 3), (2, 2), (2, 3), (3, 1), (1, 3)])
    [0, 1, 3, 4]
    """
    return np.flatnonzero(on_front(_rows(vectors))).tolist()


def on_front(vectors: Array) -> Mask:
    """Which of the vectors [n, d] no other one dominates, as [n]."""
    if not len(vectors):
        return np.zeros(0, bool)
    order = np.lexsort(vectors.T[::-1])
    rows = vectors[order]
    new = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))
    distinct = rows[new]
    if vectors.shape[1] > 3:
        behind = _culled(distinct, distinct)
    else:
        behind = np.array(list(_swept(distinct, itertools.repeat(True))))
    kept = np.empty(len(vectors), bool)
    kept[order] = ~behind[np.cumsum(new) - 1]
    return kept


def dominated(vectors: Array, others: Array) -> Mask:
    """Which of the `vectors` [n, d] one of the `others` [m, d] dominates, as [n].

    In lexicographic order only earlier vectors can dominate, so all are visited in this order; of
    those before, up to three objectives need only the edge of the last two: O((n + m) log m). With
    more objectives all are compared with each vector on the front: O((n + m) front).
    """
    if vectors.shape[1] > 3:
        return _culled(vectors, others)
    both = np.vstack([vectors, others])
    is_other = np.arange(len(both)) >= len(vectors)
    # Among equals the vectors come first: an equal does not dominate.
    order = np.lexsort((is_other, *both.T[::-1]))
    found = np.zeros(len(both), bool)
    found[order] = list(_swept(both[order], is_other[order].tolist()))
    return found[: len(vectors)]


def _swept(rows: Array, is_other: Iterable[bool]) -> Iterator[bool]:
    """Whether each of the sorted rows [n, 1 .. 3] lies behind the edge of the others before it.

    The edge is a staircase in the last two coordinates: `ys` increase and `zs` decrease.
    """
    ys: list[float] = []
    zs: list[float] = []
    zeros = np.zeros((len(rows), 3 - rows.shape[1]))
    _, second, third = np.hstack([rows, zeros]).T.tolist()  # no list for each row
    for y, z, other in zip(second, third, is_other, strict=False):
        at = bisect_right(ys, y)
        behind = at > 0 and zs[at - 1] <= z
        if other and not behind:
            start = bisect_left(ys, y)
            while at < len(zs) and zs[at] >= z:
                at += 1
            ys[start:at], zs[start:at] = [y], [z]
        yield behind


def _culled(vectors: Array, others: Array) -> Mask:
    """As `dominated`: what is behind one of the others is not compared with the next one."""
    found = np.zeros(len(vectors), bool)
    left = np.arange(len(vectors))
    others = others[np.lexsort(others.T[::-1])]
    while len(others) and len(left):
        first = others[0]
        here = vectors[left]
        behind = (here >= first).all(axis=1) & (here > first).any(axis=1)
        found[left[behind]] = True
        left = left[~behind]
        others = others[(others < first).any(axis=1)]
    return found


def hypervolume(vectors: Sequence[Vector] | Array, reference: Vector) -> float:
    """Volume that the vectors dominate, up to the `reference` point.

    Exact in any dimension: the box is cut along the last objective into slabs (HSO, While et al.
    2006, doi:10.1109/TEVC.2005.851275), down to an area. A vector that is not better than the
    reference in every objective adds nothing.

    >>> hypervolume([(1, 2), (2, 1)], (3, 3))
    3.0
    """
    rows, limit = _rows(vectors), np.array(reference, np.float64)
    if not len(rows):
        return 0.0
    inside = rows[(rows < limit).all(axis=1)]
    return _volume(inside[non_dominated(inside)], limit) if len(inside) else 0.0


def _volume(rows: Array, limit: Array) -> float:
    """Of rows [n, d] that are all below the `limit` [d]."""
    if len(limit) == 1:
        return float(limit[0] - rows[:, 0].min())
    rows = rows[np.argsort(rows[:, -1], kind="stable")]
    bottoms = rows[:, -1]
    heights = np.append(bottoms[1:], limit[-1])
    cut = np.flatnonzero(heights > bottoms)
    heights = heights[cut] - bottoms[cut]
    if len(limit) == 2:
        return float((heights * (limit[0] - np.minimum.accumulate(rows[:, 0])[cut])).sum())
    slabs = (_volume(rows[: at + 1, :-1], limit[:-1]) for at in cut)
    return float(sum(slab * height for slab, height in zip(slabs, heights, strict=True)))


def _rows(vectors: Sequence[Vector] | Array) -> Array:
    return np.array(vectors, np.float64) if len(vectors) else np.empty((0, 1))


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
