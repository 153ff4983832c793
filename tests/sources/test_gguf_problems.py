"""Metadata of a GGUF file that changes the computation is applied, or refused by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paretoscope.errors import ModelError
from paretoscope.sources.resolve import resolve_model
from tests.tiny.gguf_files import write_llama


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rope.scaling.type", "none"),
        ("rope.scaling.type", "linear"),
        ("rope.scaling.finetuned", True),
        ("expert_count", 0),
        ("attention.causal", True),
        ("attention.sliding_window", 128),
        ("attention.key_length", 16),
        ("logit_scale", 1.0),
    ],
)
def test_what_changes_nothing_is_accepted(tmp_path: Path, key: str, value: Any) -> None:
    path = write_llama(tmp_path / "tiny.gguf", {f"llama.{key}": value})
    assert resolve_model(str(path)).max_tokens == 128


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rope.scaling.type", "yarn"),
        ("rope.scaling.type", "longrope"),
        ("rope.scaling.attn_factor", 1.2),
        ("rope.scaling.factor", -2.0),
        ("attention.scale", 0.1),
        ("attention.causal", False),
        ("attention.sliding_window", 32),
        ("attention.clamp_kqv", 8.0),
        ("attention.key_length", 32),
        ("final_logit_softcapping", 30.0),
        ("logit_scale", 0.5),
        ("expert_count", 8),
        ("rope.dimension_sections", [4, 4]),
        ("something_new", 3),
    ],
)
def test_what_changes_the_computation_is_refused_by_key(
    tmp_path: Path, key: str, value: Any
) -> None:
    path = write_llama(tmp_path / "tiny.gguf", {f"llama.{key}": value})
    with pytest.raises(ModelError) as caught:
        resolve_model(str(path))
    named = "rope.dimension_count" if key == "attention.key_length" else key
    assert f"llama.{named}" in str(caught.value)


def test_keys_of_several_problems_are_all_named(tmp_path: Path) -> None:
    keys = {
        "llama.rope.scaling.type": "yarn",
        "llama.expert_count": 8,
        "llama.attention.scale": 0.1,
    }
    with pytest.raises(ModelError) as caught:
        resolve_model(str(write_llama(tmp_path / "tiny.gguf", keys)))
    assert all(key in str(caught.value) for key in keys)
