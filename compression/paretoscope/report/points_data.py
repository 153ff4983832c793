"""The points of a report as data for its script: columns of rounded numbers, every text once.

Numbers are in the shown unit with one digit more than is shown. A column of texts lists each text
once and has an index for each row.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import stage_words
from paretoscope.report.chapter import Chapter
from paretoscope.report.figures.palette import DARK, LIGHT, STYLES, Background, rgba
from paretoscope.report.plain_answer import parts
from paretoscope.report.tables.change import TIMES
from paretoscope.report.tables.strategy import family
from paretoscope.report.tables.table import Row, present_metrics
from paretoscope.trials.format import warnings, when
from paretoscope.trials.metrics import Metric

Json = dict[str, Any]
ERROR_BAR_OPACITY = 0.4
ESTIMATE, COMPUTED, NORMALIZED = "estimate", "computed", "normalized"


def encoded(chapters: Sequence[Chapter]) -> str:
    """All chapters with the palette: JSON, deflated (RFC 1950), in base64.

    Base64 cannot end a script element, whatever the names in it are.
    """
    content = {"theme": theme(), "chapters": [chapter_data(each) for each in chapters]}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def decoded(text: str) -> Json:
    """What `encoded` was given."""
    return json.loads(zlib.decompress(base64.b64decode(text)))


def theme() -> Json:
    """Colors and shapes of the strategies, and the colors of both themes."""
    return {
        "styles": [
            {
                "label": style.label,
                "light": style.light_color,
                "dark": style.dark_color,
                "symbol": style.symbol,
                "glyph": style.glyph,
            }
            for style in STYLES.values()
        ],
        "light": _background(LIGHT),
        "dark": _background(DARK),
    }


def _background(colors: Background) -> Json:
    names = ("text", "faint", "grid", "paper", "accent")
    found = {name: getattr(colors, name) for name in names}
    return found | {"bars": rgba(colors.text, ERROR_BAR_OPACITY)}


def chapter_data(chapter: Chapter) -> Json:
    """One chapter; a missing number is null. Rows are referred to by their position."""
    table = chapter.table
    position = {row.id: at for at, row in enumerate(table)}
    families = list(STYLES)
    return {
        "axes": {
            "quality": chapter.axes.quality,
            "time": chapter.axes.time,
            "size": chapter.axes.size,
        },
        "metrics": [_metric(each, chapter) for each in present_metrics(table)],
        "columns": {each.key: _column(each, table) for each in present_metrics(table)},
        "ids": [row.id for row in table],
        "names": [row.short_name for row in table],
        "families": [families.index(row.family) for row in table],
        "recipes": _recipes(table),
        "words": [_texts(words) for words in zip(*(parts(row) for row in table), strict=True)],
        "tests": _tests(table),
        "timed": [_rounded(row.timed_ms, 4) for row in table],
        "noisy": [position[row.id] for row in table if row.noisy],
        "days": _texts(when(row.document) for row in table),
        "protocols": _texts(row.document.protocol for row in table),
        "examples": _texts(_examples(row) for row in table),
        "warnings": _texts(" ".join(warnings(row.document.notes)) for row in table),
        "front": [position[each] for each in chapter.found.on_front],
        "baseline": position[chapter.baseline.id] if chapter.baseline else None,
        "recommended": position.get(chapter.advice.best or ""),
        "picked": [position[each] for each in chapter.picked],
        "named": {position[each.row.id]: each.title for each in chapter.cards},
    }


def kind(of: Metric, table: Sequence[Row]) -> str:
    """How a number came about where it is not simply measured; empty if it is."""
    if of.key == "energy_j" and any(
        row.document.energy and "estimate" in row.document.energy.source for row in table
    ):
        return ESTIMATE
    if of.key == "theoretical_bytes":
        return COMPUTED
    return NORMALIZED if of.key in TIMES and table[0].reference.normalized_to else ""


def _metric(of: Metric, chapter: Chapter) -> Json:
    return {
        "key": of.key,
        "label": of.label,
        "unit": of.unit,
        "digits": of.digits,
        "lower": of.better == "lower",
        "log": of.log,
        "signed": of.key.endswith("_change"),
        "about": of.about,
        "kind": kind(of, chapter.table),
    }


def _column(of: Metric, table: Sequence[Row]) -> Json:
    """Values `v` and the ends of their 95 % intervals, where the metric has intervals."""
    digits = of.digits + 1
    found = [row.values.get(of.key) for row in table]

    def column(numbers: Iterable[float | None]) -> list[float | None]:
        return [
            None if number is None else _rounded(of.shown(number), digits) for number in numbers
        ]

    values = column(each and each.value for each in found)
    if all(each is None or each.low is None for each in found):
        return {"v": values}
    low = column(each.low if each else None for each in found)
    high = column(each.high if each else None for each in found)
    return {"v": values, "lo": low, "hi": high}


def _rounded(number: float | None, digits: int) -> float | None:
    """To significant digits; a whole number where nothing is behind the point.

    >>> _rounded(93.1226, 4), _rounded(91_000.2, 4), _rounded(float("nan"), 4)
    (93.12, 91000, None)
    """
    if number is None or number != number or abs(number) == float("inf"):
        return None
    short = float(f"{number:.{digits}g}")
    return int(short) if short.is_integer() else short


def _texts(column: Iterable[str]) -> Json:
    """A column of texts, each text once.

    >>> _texts(["a", "b", "a"])
    {'of': ['a', 'b'], 'at': [0, 1, 0]}
    """
    known: dict[str, int] = {}
    at = [known.setdefault(text, len(known)) for text in column]
    return {"of": list(known), "at": at}


def _recipes(table: Sequence[Row]) -> Json:
    """Every stage once: in words, as a chip, and its strategy; for each row its stages."""
    known: dict[str, int] = {}
    stages: list[list[object]] = []
    at: list[list[int]] = []
    families = list(STYLES)
    for row in table:
        places: list[int] = []
        for stage in row.document.recipe.stages:
            words = stage.in_words()
            if words not in known:
                known[words] = len(stages)
                strategy = families.index(family(Recipe(stages=(stage,))))
                stages.append([words, stage_words(stage), strategy])
            places.append(known[words])
        at.append(places)
    return {"stages": stages, "at": at}


def _tests(table: Sequence[Row]) -> Json:
    """Correct answers lost and gained against the baseline, and p of McNemar's test."""
    paired = [None if row.is_baseline else row.document.paired for row in table]
    counted = [each if each and each.change is None else None for each in paired]
    return {
        "lost": [each and each.lost for each in counted],
        "gained": [each and each.gained for each in counted],
        "p": [each and _rounded(each.mcnemar_p, 3) for each in counted],
    }


def _examples(row: Row) -> str:
    """ "538 examples (validation), 120 timed requests"."""
    quality, latency, generation = (
        row.document.quality,
        row.document.latency,
        row.document.generation,
    )
    if quality is None:
        return ""
    unit = "examples" if quality.metric == "accuracy" else "tokens"
    timed = generation.n if generation else latency.n if latency else 0
    return f"{quality.n:,} {unit} ({quality.split}), {timed} timed requests"
