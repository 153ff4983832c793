"""The metrics of one model, as light as those of thousands have to be."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from paretoscope.trials.trial import MetricValue


class Numbers(Mapping[str, MetricValue]):
    """Metrics by key with their intervals, in stored units.

    The numbers lie in one array, because thousands of models are held at once; `layout` says which
    they are, such as "quality:3 size_bytes:1": a value with its interval, and one without.
    """

    __slots__ = ("_content", "_places", "layout")

    def __init__(self, layout: str, content: Iterable[float]) -> None:
        self.layout = layout
        self._places = _places(layout)
        self._content = array("d", content)

    @classmethod
    def of(cls, metrics: Iterable[MetricValue]) -> Numbers:
        """Those of a document; an interval with only one end known has none."""
        layout: list[str] = []
        content: list[float] = []
        for key, value, low, high in metrics:
            known = [value] if low is None or high is None else [value, low, high]
            layout.append(f"{key}:{len(known)}")
            content += known
        return cls(" ".join(layout), content)

    def __getitem__(self, key: str) -> MetricValue:
        at, count = self._places[key]
        value = self._content[at]
        if key.endswith("_bytes") and value.is_integer():
            value = int(value)
        if count == 1:
            return MetricValue(key, value)
        return MetricValue(key, value, self._content[at + 1], self._content[at + 2])

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def to_json(self) -> list[Any]:
        """The layout, then the numbers."""
        return [self.layout, *self._content]


@lru_cache(maxsize=1024)
def _places(layout: str) -> dict[str, tuple[int, int]]:
    """By key the place of its value, and how many numbers there are."""
    found: dict[str, tuple[int, int]] = {}
    at = 0
    for each in layout.split():
        key, _, count = each.partition(":")
        found[key] = at, int(count)
        at += int(count)
    return found
