"""The tokenizer.json of a checkpoint gives the token ids of transformers, or is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from paretoscope.errors import ModelError
from paretoscope.models.checkpoint import prepare
from paretoscope.models.tokenizer import (
    check_inputs,
    check_tokenizer,
    own_tokenizer,
    tokenizer_json,
)
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.splits import Split, Task
from paretoscope.tasks.tokens import encode, truncating
from tests.tiny.factory import make_tiny

TEXTS = (
    "What is the Name of the City?",
    "  two  spaces and Ünlaut café 中文 ",
    "a literal [SEP] and <pad> in [MASK] a text<mask>",
    "where was the film about the river shown " * 30,
)
IDS = np.arange(len(TEXTS))
SPLIT = Split("validation", tuple(map(str, IDS)), TEXTS, IDS % 2)
TASK = Task("own", ("no", "yes"), None, {"validation": SPLIT}, key="0" * 16)
BERT: tuple[dict[str, Any], ...] = (
    {"tokenizer_class": "BertTokenizer", "do_lower_case": True},
    {"tokenizer_class": "BertTokenizer", "do_lower_case": False},
    {"tokenizer_class": "BertTokenizerFast", "do_lower_case": False, "strip_accents": True},
    {"tokenizer_class": "BertTokenizer", "strip_accents": False, "tokenize_chinese_chars": False},
    {"tokenizer_class": "DistilBertTokenizer", "do_lower_case": False},
    {"tokenizer_class": "BertTokenizer", "cls_token": "[MASK]"},
    {"truncation_side": "left", "model_max_length": 16},
    {"truncation_side": "left", "model_max_length": int(1e30)},
    {"model_max_length": 24},
    {"split_special_tokens": True},
)
ROBERTA: tuple[dict[str, Any], ...] = (
    {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True},
    {"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": False},
    {"tokenizer_class": "RobertaTokenizer", "sep_token": "<mask>"},
    {"add_bos_token": True, "add_eos_token": True, "bos_token": "<s>", "eos_token": "</s>"},
)


def configured(folder: Path, family: str, settings: dict[str, Any]) -> ModelRef:
    """A tiny model with these settings in its tokenizer_config.json."""
    make_tiny(family, folder, labels=TASK.labels)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return resolve_model(str(folder))


@pytest.mark.parametrize(
    ("family", "settings"),
    [*(("bert", row) for row in BERT), *(("roberta", row) for row in ROBERTA)],
    ids=str,
)
def test_settings_beside_tokenizer_json_count(
    family: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    ref = configured(tmp_path / "model", family, settings)
    prepare(ref, TASK, tmp_path / "checkpoint", ref.max_tokens)
    path = tmp_path / "checkpoint" / "tokenizer.json"
    own = AutoTokenizer.from_pretrained(tmp_path / "model")
    wanted = [own(text, truncation=True, max_length=ref.max_tokens).input_ids for text in TEXTS]
    assert [ids.tolist() for ids in encode(path, TEXTS, ref.max_tokens)] == wanted
    packed = Tokenizer.from_str(truncating(path, ref.max_tokens))
    assert [packed.encode(text).ids for text in TEXTS] == wanted


def test_a_difference_is_refused_with_the_first_text(tmp_path: Path) -> None:
    ref = configured(tmp_path / "model", "bert", {})
    own = own_tokenizer(ref)
    content = json.loads(tokenizer_json(ref, own, rows=10_000))
    content["normalizer"]["lowercase"] = not content["normalizer"]["lowercase"]
    other = Tokenizer.from_str(json.dumps(content)).to_str()
    with pytest.raises(ModelError, match='first for the text "A Capital'):
        check_tokenizer(ref, own, other, 10_000, TASK, 32)


def test_default_tokens_of_a_class_need_no_row(tmp_path: Path) -> None:
    ref = configured(tmp_path / "model", "qwen2", {"tokenizer_class": "Qwen2Tokenizer"})
    own = own_tokenizer(ref)
    rows = len(load_file(tmp_path / "model" / "model.safetensors")["model.embed_tokens.weight"])
    assert len(own) > rows
    written = tokenizer_json(ref, own, rows)
    check_tokenizer(ref, own, written, rows, TASK, None)
    assert Tokenizer.from_str(written).get_vocab_size() <= rows


def test_a_slow_tokenizer_without_a_fast_form_is_refused(tmp_path: Path) -> None:
    ref = configured(tmp_path / "model", "bert", {"tokenizer_class": "CanineTokenizer"})
    with pytest.raises(ModelError, match="CanineTokenizer, which cannot be converted"):
        prepare(ref, TASK, tmp_path / "checkpoint", ref.max_tokens)


def test_other_token_types_of_a_single_text_are_refused(tmp_path: Path) -> None:
    settings = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
    ref = configured(tmp_path / "model", "bert", settings)
    path = tmp_path / "model" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    special = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    template = TemplateProcessing(single="$A [SEP] [CLS]:2", special_tokens=special)
    tokenizer.post_processor = template  # as XLNet's
    tokenizer.save(str(path))
    with pytest.raises(ModelError, match="token types"):
        prepare(ref, TASK, tmp_path / "checkpoint", ref.max_tokens)


def test_a_length_below_the_special_tokens_is_refused(tmp_path: Path) -> None:
    ref = configured(tmp_path / "model", "bert", {"model_max_length": 2})
    with pytest.raises(ModelError, match="adds 2 special tokens"):
        prepare(ref, TASK, tmp_path / "checkpoint", ref.max_tokens)


def test_a_vocabulary_beyond_the_embedding_is_refused_when_prepared(tmp_path: Path) -> None:
    ref = configured(tmp_path / "model", "bert", {})
    weights = tmp_path / "model" / "model.safetensors"
    tensors = load_file(weights)
    name = "bert.embeddings.word_embeddings.weight"
    tensors[name] = tensors[name][:-2].clone()
    save_file(tensors, weights, metadata={"format": "pt"})
    config = tmp_path / "model" / "config.json"
    config.write_text(
        json.dumps({**json.loads(config.read_text()), "vocab_size": len(tensors[name])})
    )
    with pytest.raises(ModelError, match=r"2 tokens .* without a row"):
        prepare(ref, TASK, tmp_path / "checkpoint", ref.max_tokens)


@pytest.mark.parametrize("types", [True, False])
def test_other_inputs_than_token_ids_are_found_before_a_trial(tmp_path: Path, types: bool) -> None:
    model = configured(tmp_path, "bert", {})
    tokenizer = own_tokenizer(model)
    check_inputs(model, tokenizer)

    def more(_text: str) -> dict[str, list[int]]:
        other = {"token_type_ids": [0, 2]} if types else {"bbox": [0, 0]}
        return {"input_ids": [1, 2], "attention_mask": [1, 1], **other}

    with pytest.raises(ModelError, match="types" if types else "bbox"):
        check_inputs(model, more)
