"""Every token of a tokenizer has a row in the word embedding, or the model is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from paretoscope.errors import ModelError
from paretoscope.sources.embedding_rows import check_embedding_rows
from paretoscope.sources.resolve import resolve_model
from tests.tiny.factory import make_tiny


def add(folder: Path, *tokens: str) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens(list(tokens))
    tokenizer.save(str(folder / "tokenizer.json"))


def change_config(folder: Path, **settings: Any) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "llama", "gpt2", "qwen2"])
def test_tokens_without_a_row_are_named(family: str, tmp_path: Path) -> None:
    folder = make_tiny(family, tmp_path / "model")
    check_embedding_rows(resolve_model(str(folder)))
    add(folder, "zebra", "gnu")
    with pytest.raises(ModelError, match=r'2 tokens \("zebra", id .* "gnu", id'):
        check_embedding_rows(resolve_model(str(folder)))


@pytest.mark.parametrize(
    "settings",
    [
        {"pad_token": "[NEW]"},
        {"pad_token": {"content": "[NEW]", "special": True}},
        {"additional_special_tokens": ["[NEW]"]},
        {"added_tokens_decoder": {"9999": {"content": "[NEW]", "special": True}}},
    ],
)
def test_tokens_that_only_the_config_names_count(settings: dict[str, Any], tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    change_config(folder, **settings)
    with pytest.raises(ModelError, match=r'1 token \("\[NEW\]"'):
        check_embedding_rows(resolve_model(str(folder)))


def test_older_files_count_unless_the_config_lists_all(tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "model")
    (folder / "added_tokens.json").write_text('{"zebra": 9999}')
    with pytest.raises(ModelError, match="zebra"):
        check_embedding_rows(resolve_model(str(folder)))
    change_config(folder, added_tokens_decoder={})
    check_embedding_rows(resolve_model(str(folder)))


def test_spare_rows_are_allowed(tmp_path: Path) -> None:
    folder = make_tiny("llama", tmp_path / "model", vocab_size=2_000)
    check_embedding_rows(resolve_model(str(folder)))
