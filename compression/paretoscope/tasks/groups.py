"""Splits in which all rows of a group, such as the reviews of one film, are in one split.

The groups are sorted by a hash of their name and fill validation, test and calibration up to the
same shares of each class as without groups, as far as whole groups allow. The splits depend only on
the rows, not on their order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from paretoscope.tasks.duplicates import Row, sha256
from paretoscope.tasks.ref import SPLIT_VERSION

Quota = Mapping[str, Mapping[int, int]]
"""Split -> label -> wanted number of rows; the train split has what remains."""


def assign_groups(rows: Sequence[Row], quota: Quota) -> dict[str, list[Row]]:
    """The rows of each split of `quota`, and those of "train"; a class may be absent from a split.

    >>> rows = [Row(str(n), str(n), "text", n % 2, group=f"film {n // 4}") for n in range(40)]
    >>> found = assign_groups(rows, {"test": {0: 4, 1: 4}})
    >>> len(found["test"]), len(found["train"])
    (8, 32)
    """
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        members[row.group].append(row)
    order = sorted(members, key=lambda group: sha256(f"{SPLIT_VERSION}\0group\0{group}"))
    classes = {group: Counter(row.label for row in members[group]) for group in order}
    sizes: dict[str, Counter[int]] = {name: Counter() for name in (*quota, "train")}
    places: dict[str, str] = {}
    for group in order:
        nearer = (name for name in quota if _is_nearer(classes[group], sizes[name], quota[name]))
        places[group] = next(nearer, "train")
        sizes[places[group]].update(classes[group])
    _fill_gaps(places, classes, sizes)
    found: dict[str, list[Row]] = {name: [] for name in sizes}
    for group in order:
        found[places[group]] += members[group]
    return found


def _is_nearer(group: Counter[int], size: Counter[int], quota: Mapping[int, int]) -> bool:
    """Whether a split is nearer to its quota with the group than without it."""
    return (
        sum(
            abs(quota.get(label, 0) - size[label]) - abs(quota.get(label, 0) - size[label] - count)
            for label, count in group.items()
        )
        > 0
    )


def _fill_gaps(
    places: dict[str, str], classes: Mapping[str, Counter[int]], sizes: Mapping[str, Counter[int]]
) -> None:
    """Move small groups into splits that lack a class, if no other split lacks it then."""
    labels = sorted({label for count in classes.values() for label in count})
    for name in sizes:
        for label in labels:
            if sizes[name][label]:
                continue
            movable = [
                group
                for group, place in places.items()
                if place != name
                and classes[group][label]
                and all(sizes[place][each] > count for each, count in classes[group].items())
            ]
            if not movable:
                continue
            moved = min(movable, key=lambda group: classes[group].total())
            sizes[places[moved]].subtract(classes[moved])
            sizes[name].update(classes[moved])
            places[moved] = name
