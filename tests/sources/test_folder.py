"""A folder or hub id is accepted for what it holds, or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from safetensors.numpy import save_file

from paretoscope.errors import ModelError
from paretoscope.sources.resolve import resolve_model
from tests.tiny.folders import write_model

# --- folders --------------------------------------------------------------------------------------


def test_a_folder_is_known_by_content(tmp_path: Path) -> None:
    first, copy = write_model(tmp_path / "one"), write_model(tmp_path / "two")
    ref = resolve_model(str(first))
    assert (ref.kind, ref.labels, ref.classes, ref.outputs, ref.task) == (
        "folder",
        ("no", "yes"),
        2,
        ("no", "yes"),
        None,
    )
    assert ref.key == resolve_model(str(copy)).key
    write_model(copy, weight=2.0)
    assert ref.key != resolve_model(str(copy)).key
    (first / "tokenizer.json").write_text('{"other": 1}')
    assert ref.key != resolve_model(str(first)).key


def test_a_relative_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(tmp_path / "org" / "mine")
    monkeypatch.chdir(tmp_path)
    assert resolve_model("org/mine").name == str(tmp_path / "org" / "mine")


@pytest.mark.parametrize(
    ("config", "outputs"),
    [
        (
            {"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}},
            ("LABEL_0", "LABEL_1", "LABEL_2"),
        ),
        ({"id2label": None, "num_labels": 4}, ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3")),
        ({"id2label": None}, ("LABEL_0", "LABEL_1")),
    ],
)
def test_labels_without_real_names_are_none(
    tmp_path: Path, config: dict[str, Any], outputs: tuple[str, ...]
) -> None:
    ref = resolve_model(str(write_model(tmp_path / "model", **config)))
    assert ref.labels is None
    assert ref.outputs == outputs


def test_labels_come_in_the_order_of_their_number(tmp_path: Path) -> None:
    names = {str(index): f"class {index}" for index in reversed(range(12))}
    assert resolve_model(str(write_model(tmp_path / "model", id2label=names))).labels == tuple(
        f"class {index}" for index in range(12)
    )


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 130}, 128),
        ({}, None),
    ],
)
def test_longest_input_follows_from_the_positions(
    tmp_path: Path, config: dict[str, Any], tokens: int | None
) -> None:
    assert resolve_model(str(write_model(tmp_path / "model", **config))).max_tokens == tokens


def test_shards_are_accepted_and_a_missing_one_is_named(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {
        "weight_map": {
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00002-of-00002.safetensors",
        }
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="model-00002-of-00002"):
        resolve_model(str(folder))
    save_file({"b": np.zeros(2, dtype=np.float32)}, folder / "model-00002-of-00002.safetensors")
    assert resolve_model(str(folder)).classes == 2


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pkl", "weights.pt"])
def test_a_pickle_is_refused_by_name(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"\x80\x04")
    for given in (folder, folder / name):
        with pytest.raises(ModelError) as caught:
            resolve_model(str(given))
        assert f'{name}" is a pickle file' in str(caught.value)


def test_a_pickle_beside_safetensors_does_not_matter(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    assert resolve_model(str(folder)).kind == "folder"


@pytest.mark.parametrize(
    ("architectures", "what"),
    [
        (["BertModel"], "a BertModel"),
        (["BertForMaskedLM"], "a BertForMaskedLM"),
        (None, "without architectures"),
    ],
)
def test_a_model_without_a_head_is_named(tmp_path: Path, architectures: Any, what: str) -> None:
    with pytest.raises(
        ModelError, match="a classification or language modeling head is needed"
    ) as caught:
        resolve_model(str(write_model(tmp_path / "model", architectures=architectures)))
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", None, "has no config.json"),
        ("config.json", "{", "cannot be read as JSON"),
        ("config.json", "[]", "must be a JSON object"),
        (
            "config.json",
            '{"architectures": ["XForSequenceClassification"], "id2label": {"0": "a", "2": "b"}}',
            "does not name the outputs 0, 1, 2",
        ),
        ("model.safetensors", None, "has no weights"),
        ("model.safetensors", "not a tensor", "is not a complete safetensors file"),
        ("model.safetensors", "", "is not a complete safetensors file"),
        ("tokenizer.json", None, "has no tokenizer"),
    ],
)
def test_a_folder_with_a_broken_file(
    tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    folder = write_model(tmp_path / "model")
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(ModelError) as caught:
        resolve_model(str(folder))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_cut_short_are_noticed(tmp_path: Path) -> None:
    weights = write_model(tmp_path / "model") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        resolve_model(str(tmp_path / "model"))


def test_a_single_file_is_no_model(tmp_path: Path) -> None:
    weights = write_model(tmp_path / "model") / "model.safetensors"
    with pytest.raises(ModelError, match="is a file, but a model is a folder"):
        resolve_model(str(weights))


# --- language models ------------------------------------------------------------------------------


def test_a_language_model_is_known_by_its_head(tmp_path: Path) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "max_position_embeddings": 64,
    }
    ref = resolve_model(str(write_model(tmp_path / "model", **config)))
    assert (ref.architecture, ref.labels, ref.classes, ref.max_tokens) == (
        "decoder",
        None,
        None,
        64,
    )
    gpt2 = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_positions": 32}
    assert resolve_model(str(write_model(tmp_path / "gpt2", **gpt2))).max_tokens == 32


def test_a_language_model_of_another_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match='family "opt" are not supported; supported are llama, mistral'
    ):
        resolve_model(
            str(write_model(tmp_path / "model", architectures=["OPTForCausalLM"], model_type="opt"))
        )


def write_gguf(path: Path, family: str = "llama", context: int = 64) -> Path:
    writer = gguf.GGUFWriter(path, family)
    writer.add_name("Tiny")
    writer.add_context_length(context)
    writer.add_token_list(["a", "b", "c"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_a_gguf_file_is_known_by_its_header(tmp_path: Path) -> None:
    ref = resolve_model(str(write_gguf(tmp_path / "tiny.gguf")))
    assert (ref.kind, ref.architecture, ref.max_tokens) == ("gguf", "decoder", 64)
    assert "de-quantized" in ref.about
    assert resolve_model(str(write_gguf(tmp_path / "other.gguf", context=65))).key != ref.key


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK", "is not a GGUF file"),
        (b"GGUF\x03", "is corrupt"),
        (b"GGUF" + b"\xff" * 40, "is corrupt"),
    ],
)
def test_a_broken_gguf_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        resolve_model(str(path))


def test_a_gguf_file_of_another_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='a "mamba" model'):
        resolve_model(str(write_gguf(tmp_path / "mamba.gguf", family="mamba")))
