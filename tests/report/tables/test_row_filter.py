"""The filter language of the table of models."""

from __future__ import annotations

import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.report.tables.row_filter import FIELDS, completions, filtered, parse
from paretoscope.report.tables.table import rows
from tests.documents import document

FOUR_BITS = Quantize(scheme="weight-only", bits=4)
TABLE = rows(
    [
        document(),
        document(Quantize(), quality=0.955, size=23_000_000),
        document(FOUR_BITS, quality=0.93, speedup=1.1, size=18_000_000),
        document(PruneWeights(sparsity=0.5), quality=0.95, speedup=1.0, size=91_000_000),
        document(Distill(layers=3), PruneStructure(ratio=0.5), Quantize(), size=15_000_000),
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("size < 20", [2, 4]),
        ("size < 20 and bits <= 4", [2]),
        ("not size < 20", [0, 1, 3]),
        ("bits == 32 or sparsity >= 50", [0, 3]),
        ("2 < bits <= 8 and (speedup < 1.5 or layers == 3)", [2, 4]),
        ("ffn >= 50", [4]),
        ('strategy == "chain"', [4]),
        ('strategy != "chain" and stages >= 1', [1, 2, 3]),
        ("change >= -1", [0, 1, 3, 4]),
        ("perplexity < 100", []),
        ("noisy", []),
        ("not noisy", [0, 1, 2, 3, 4]),
        ('name == "Baseline"', [0]),
    ],
)
def test_a_filter_keeps_the_rows_that_it_describes(text: str, expected: list[int]) -> None:
    assert filtered(TABLE, text) == [TABLE[at] for at in expected]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("siz < 3", '"size"'),
        ("size = 3", "=="),
        ("size", "size < 20"),
        ("size < ", "cannot be read"),
        ("name < 3", "quotes"),
        ("__import__('os').system('true')", "not part"),
        ("(lambda: 1)()", "not part"),
        ("size.real < 3", "not part"),
        ("[x for x in ()]", "not part"),
        ("bits in (2, 4)", "compares with"),
        ("2 ** 9999999 < size", "not part"),
        ("size < 20" + " and size < 20" * 60, "characters"),
        ("(" * 400, "cannot be read"),
        ("size < 2\0", "cannot be read"),
    ],
)
def test_a_mistake_is_one_plain_error(text: str, named: str) -> None:
    with pytest.raises(ParetoscopeError) as error:
        parse(text)
    assert named in str(error.value)


def test_every_example_is_a_filter() -> None:
    for name, field in FIELDS.items():
        parse(f"{name} {field.example}".strip())


def test_completions_are_filters_or_lead_to_one() -> None:
    assert list(completions("not ")) == [
        f"not {name} {field.example}".strip() for name, field in FIELDS.items()
    ]
    assert list(completions("size < 20 ")) == ["size < 20 and ", "size < 20 or "]
    assert list(completions("xyz")) == []
