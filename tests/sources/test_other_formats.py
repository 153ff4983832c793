"""A folder of another tool is recognized, and the error names what to give instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paretoscope.errors import ModelError
from paretoscope.sources.resolve import resolve_model
from tests.tiny.folders import write_model


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        resolve_model(str(folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("model.onnx", "an ONNX graph (model.onnx)"),
        ("onnx/model_quantized.onnx", "an ONNX graph (model_quantized.onnx)"),
        ("openvino_model.xml", "an OpenVINO model"),
        ("tf_model.h5", "TensorFlow weights"),
        ("saved_model.pb", "TensorFlow weights"),
        ("flax_model.msgpack", "Flax weights"),
        ("text_classification.mlmodel", "a Core ML model"),
        ("model.tflite", "a TensorFlow Lite model"),
        ("model.fp16.safetensors", "weights as model.fp16.safetensors"),
        ("model_head.pkl", "is a SetFit model"),
        ("config_setfit.json", "is a SetFit model"),
    ],
)
@pytest.mark.parametrize("config", [True, False])
def test_weights_of_another_format_are_named(
    tmp_path: Path, file: str, what: str, config: bool
) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    if not config:
        (folder / "config.json").unlink()
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(b"content")
    assert what in refusal(folder)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            {"peft_type": "LORA", "base_model_name_or_path": "org/base"},
            "a PEFT adapter (LORA) for org/base",
        ),
        ({"config": {}, "model_name": "bert-base"}, "an adapter for bert-base"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_an_adapter_must_be_merged_first(
    tmp_path: Path, content: dict[str, object], what: str, whole: bool
) -> None:
    folder = write_model(tmp_path / "model")
    if not whole:
        (folder / "model.safetensors").unlink()
        (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text(json.dumps(content))
    found = refusal(folder)
    assert what in found
    assert "merge" in found


def test_a_sentence_embedding_model_has_no_head(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", architectures=["MPNetModel"])
    (folder / "modules.json").write_text("[]")
    assert "a sentence-embedding model" in refusal(folder)
    with_head = write_model(tmp_path / "cross-encoder")
    (with_head / "modules.json").write_text("[]")
    assert resolve_model(str(with_head)).classes == 2


def test_the_last_checkpoint_of_a_training_folder_is_suggested(tmp_path: Path) -> None:
    for step in (500, 1000, 90):
        write_model(tmp_path / "run" / f"checkpoint-{step}")
    assert str(tmp_path / "run" / "checkpoint-1000") in refusal(tmp_path / "run")


def test_a_gguf_file_in_a_folder_is_given_itself(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tiny.Q4_0.GGUF").write_bytes(b"GGUF")
    assert str(tmp_path / "model" / "tiny.Q4_0.GGUF") in refusal(tmp_path / "model")


def test_a_pointer_of_git_lfs_is_no_file_of_weights(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "git lfs pull" in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_an_unknown_folder_keeps_the_general_error(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path / "model")
    (folder / name).unlink()
    assert "has no" in refusal(folder)
