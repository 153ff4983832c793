"""The longest text of a model, and lengths that it cannot have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paretoscope.catalog import request
from paretoscope.errors import ModelError, TaskError
from paretoscope.recipes.recipe import Recipe
from paretoscope.sources.max_tokens import check_max_length, special_tokens, text_limit
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.ref import DataOptions
from tests.tiny.factory import make_tiny


def with_limit(folder: Path, limit: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": limit}))
    return folder


@pytest.mark.parametrize(
    ("positions", "limit", "longest"),
    [
        (512, 128, 128),
        (512, 2048, 512),
        (512, int(1e30), 512),
        (512, None, 512),
        (None, 300, 300),
        (None, 1e30, None),
        (512, 64.0, 64),
    ],
)
def test_the_lower_of_positions_and_tokenizer_counts(
    positions: int | None, limit: Any, longest: int | None, tmp_path: Path
) -> None:
    assert text_limit(positions, with_limit(tmp_path, limit)) == longest


def test_the_older_name_of_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text('{"max_len": 100}')
    assert text_limit(512, tmp_path) == 100
    assert text_limit(512, tmp_path / "none") == 512


@pytest.mark.parametrize("limit", [0, -1, "512", True, [512]])
def test_a_limit_that_is_no_length_is_refused(limit: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="model_max_length"):
        text_limit(512, with_limit(tmp_path, limit))


def test_a_decoder_is_limited_by_its_positions_only(tmp_path: Path) -> None:
    folder = make_tiny("llama", tmp_path / "model")
    before = resolve_model(str(folder)).max_tokens
    with_limit(folder, 8)
    assert resolve_model(str(folder)).max_tokens == before != 8


@pytest.mark.parametrize(("length", "found"), [(2, "at least 3"), (129, "at most 128")])
def test_a_length_out_of_range_is_refused_before_the_run(
    length: int, found: str, tmp_path: Path
) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    data = tmp_path / "own.csv"
    data.write_text("text,label\na,b\n")
    model = resolve_model(str(folder))
    assert special_tokens(model) == 2
    for fitting in (None, 3, 128):
        check_max_length(fitting, model)
    options = DataOptions(max_length=length)
    with pytest.raises(TaskError, match=found):
        request(str(folder), Recipe(), task=str(data), options=options)
