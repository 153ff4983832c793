"""Columns whose values are probably groups, such as films, and are in several splits.

Reviews of one film share names and opinions, so a model that saw one of them in training is better
on the others than on reviews of a new film.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from paretoscope.tasks.duplicates import Row
from paretoscope.tasks.given import group_of

SOURCES = frozenset(
    "id uid uuid guid film movie user username author patient speaker conversation dialog dialogue"
    " thread session document doc docid reviewer customer client subject student participant person"
    " url link group grp cluster family asin isbn".split()
)
"""Words in the name of a column that names the source of a text even if it has few values."""
ITEMS = frozenset(
    "product item title source article page paper book song artist album game hotel restaurant"
    " business company brand venue place store seller post topic question query premise context"
    " passage parent account channel host domain show episode case record report event".split()
)
"""Words in the name of a column that names what a text is about."""
ATTRIBUTES = frozenset(
    "label labels class category target sentiment rating ratings stars score tag tags split fold"
    " city country region state location lang language date day month year time timestamp age"
    " gender keyword length count size version type kind status".split()
)
"""Words in the name of a column that is an attribute of texts rather than their source."""
FEWEST_SOURCES = 4
FEWEST_GROUPS = 10
"""Fewest values of a column of items; and of any column more than 3 a class."""
SHARE_OF_ROWS = (0.02, 0.6)
"""Values per row of a column with any other name: fewer are categories, more are identifiers."""
MIN_SHARED = 0.05
"""Smallest share of the validation rows whose group is also in train that is reported."""
MAX_COLUMNS = 3
_NUMERIC = re.compile(r"[\d\s.,:/+-]*|\d{4}-\d\d-\d\d.*")
"""Numbers, dates and times."""


class Shared(NamedTuple):
    """A column, and the share of the validation rows whose value is also in train."""

    column: str
    share: float


def shared_groups(
    columns: Mapping[str, Sequence[Any]], train: Sequence[Row], validation: Sequence[Row]
) -> list[Shared]:
    """The columns that are probably groups, with the largest shares, at most `MAX_COLUMNS`."""
    found: list[Shared] = []
    classes = len({row.label for row in (*train, *validation)})
    for name, values in columns.items():
        groups = _groups(name, values, classes)
        if not groups:
            continue
        trained = {groups[row.place] for row in train}
        shared = [groups[row.place] in trained for row in validation if groups[row.place]]
        share = sum(shared) / max(1, len(validation))
        if share >= MIN_SHARED:
            found.append(Shared(name, share))
    return sorted(found, key=lambda each: (-each.share, each.column))[:MAX_COLUMNS]


def _groups(name: str, values: Sequence[Any], classes: int) -> list[str]:
    """The group of each row if the column is probably one, else nothing."""
    if any(isinstance(value, list | dict | bytes) for value in values):
        return []
    groups = [group_of(value) for value in values]
    count = Counter(group for group in groups if group)
    rows, distinct = count.total(), len(count)
    if distinct == rows or distinct <= classes:
        return []
    words = set(_words(name))
    enough = max(FEWEST_GROUPS, 3 * classes + 1)
    if words & SOURCES and not words & ATTRIBUTES:
        return groups if distinct >= FEWEST_SOURCES else []
    if words & ITEMS and not words & ATTRIBUTES:
        return groups if distinct >= enough else []
    low, high = SHARE_OF_ROWS
    unlikely = words & ATTRIBUTES or all(_NUMERIC.fullmatch(group) for group in count)
    if unlikely or distinct < enough or not low <= distinct / rows <= high:
        return []
    return groups


def _words(name: str) -> list[str]:
    """The words of a column's name, singular.

    >>> _words("movieId"), _words("Film_titles"), _words("docs 2")
    (['movie', 'id'], ['film', 'title'], ['doc'])
    """
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return [word.lower().removesuffix("s") if len(word) > 3 else word.lower() for word in found]
