"""The golden files, and the check of expected bytes against them."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from paretoscope.errors import ParetoscopeError
from paretoscope.recipes.file import parse_recipe
from paretoscope.shape.apply_recipe import expected_bytes
from paretoscope.shape.compatibility import check_fit
from paretoscope.shape.read import read_shape
from paretoscope.sources.ref import ModelRef

GOLDEN = Path(__file__).parent / "golden"
ADDED_FIELDS = {
    "max_length",
    "labels",
    "split_column",
    "group_column",
    "drop_missing",
    "placebo",
    "ttft_placebo",
    "kl_floor",
    "data_options",
    "truncated",
    "delimiter",
    "parts",
    "references",
}
"""Fields of requests and documents that are newer than the golden files."""


def as_recorded(content: Any) -> Any:
    """The content without newer fields that have no value, as an older document lacks them."""
    if isinstance(content, dict):
        fields: dict[str, Any] = content
        return {
            name: as_recorded(value)
            for name, value in fields.items()
            if value or name not in ADDED_FIELDS
        }
    if isinstance(content, list):
        return [as_recorded(value) for value in content]  # pyright: ignore[reportUnknownVariableType]
    return content


@cache
def golden(name: str) -> Any:
    """The content of a golden file."""
    content = (GOLDEN / name).read_bytes()
    return json.loads(gzip.decompress(content) if name.endswith(".gz") else content)


def check_expected_bytes(content: dict[str, Any], ref: ModelRef) -> None:
    """Every golden recipe has the recorded size on the model, or is refused by the same error."""
    shape = read_shape(ref)
    for row in golden("recipes.json.gz"):
        expected = content["recipes"][row["name"]]
        recipe = parse_recipe(row["input"])
        try:
            check_fit(ref, recipe)
            found: object = asdict(expected_bytes(shape, recipe))
        except ParetoscopeError as error:
            found = type(error).__name__
        refused = isinstance(expected, str)
        wanted = expected if refused else dict(zip(content["fields"], expected, strict=True))
        assert found == wanted, row["name"]
