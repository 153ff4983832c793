"""Checkpoints that would become another model are refused, with every reason at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from paretoscope.errors import ModelError
from paretoscope.sources.folder_problems import ADAPTER_PARTS, BUFFERS
from paretoscope.sources.resolve import resolve_model
from tests.tiny.folders import write_model

LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        resolve_model(str(folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_tensors(folder: Path, **tensors: Any) -> Path:
    stored = {"classifier.weight": np.zeros((2, 4), dtype=np.float32)}
    save_file(stored | {name: np.asarray(value) for name, value in tensors.items()},
              folder / "model.safetensors")  # fmt: skip
    return folder


@pytest.mark.parametrize("head", [{}, LLAMA])
@pytest.mark.parametrize(
    ("key", "settings", "method"),
    [
        ("quantization_config", {"quant_method": "gptq", "bits": 4}, "with gptq"),
        ("quantization_config", {"quant_method": "hqq"}, "with hqq"),
        ("quantization_config", {"load_in_4bit": True}, "with bitsandbytes"),
        ("quantization_config", {"quant_algo": "FP8"}, "with FP8"),
        ("compression_config", {"quant_method": "compressed-tensors"}, "with compressed-tensors"),
        ("compression_config", {"config_groups": {}}, "with a compression_config"),
    ],
)
def test_a_quantized_checkpoint_is_named_by_its_method(
    tmp_path: Path, head: dict[str, Any], key: str, settings: dict[str, Any], method: str
) -> None:
    found = refusal(write_model(tmp_path / "model", **dict[str, Any](head, **{key: settings})))
    assert method in found
    assert "fp32 or fp16" in found


def test_a_settings_file_of_a_quantizer_is_enough(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (folder / "quantize_config.json").write_text('{"bits": 4}')
    assert "with quantize_config.json" in refusal(folder)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32])
def test_weights_that_are_integers_are_quantized(tmp_path: Path, dtype: Any) -> None:
    folder = with_tensors(
        write_model(tmp_path / "model"), **{"layer.0.dense.weight": np.zeros((4, 4), dtype=dtype)}
    )
    assert "layer.0.dense.weight" in refusal(folder)


def test_buffers_of_integers_are_no_weights(tmp_path: Path) -> None:
    buffers = {
        "bert.embeddings.position_ids": np.arange(4)[None],
        "transformer.h.0.attn.bias": np.ones((1, 1, 4, 4), dtype=np.uint8),
        "gpt_neox.layers.0.attention.masked_bias": np.array(-1e4, dtype=np.float32),
        "norm.num_batches_tracked": np.array(3),
    }
    assert resolve_model(str(with_tensors(write_model(tmp_path / "model"), **buffers))).classes == 2


def test_names_like_a_buffer_are_not_one() -> None:
    assert not BUFFERS.search("transformer.h.0.attn.c_attn.bias")
    assert not BUFFERS.search("bert.encoder.layer.0.attention.self.query.bias")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"problem_type": "multi_label_classification"}, "a multi-label classifier"),
        ({"problem_type": "regression"}, "a regression model (problem_type"),
        ({"id2label": {"0": "score"}}, "a regression model (it has one output)"),
        ({"id2label": None, "num_labels": 1}, "a regression model (it has one output)"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type to relative_key"),
        ({"position_embedding_type": "relative_key_query"}, "relative_key_query"),
        ({"model_type": "bert", "is_decoder": True}, "sets is_decoder"),
    ],
)
def test_a_config_of_another_computation_is_refused(
    tmp_path: Path, config: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(write_model(tmp_path / "model", **config))


@pytest.mark.parametrize(
    "config",
    [
        {"problem_type": "single_label_classification"},
        {"position_embedding_type": "absolute"},
        {"quantization_config": None},
        {"quantization_config": {}},
        {"model_type": "bert", "is_decoder": False},
    ],
)
def test_settings_without_effect_are_accepted(tmp_path: Path, config: dict[str, Any]) -> None:
    assert resolve_model(str(write_model(tmp_path / "model", **config))).classes == 2


@pytest.mark.parametrize(
    "name",
    [
        "bert.encoder.layer.0.attention.self.query.lora_A.default.weight",
        "encoder.layer.1.output.dense.lora_B.weight",
        "embeddings.word_embeddings.lora_embedding_A",
        "model.layers.0.self_attn.q_proj.base_layer.weight",
        "model.layers.0.self_attn.k_proj.lora_magnitude_vector",
        "model.layers.0.mlp.down_proj.ia3_l.default",
        "base_model.model.classifier.weight",
        "classifier.modules_to_save.default.weight",
        "bert.encoder.layer.0.output.adapters.x.adapter_down.0.weight",
    ],
)
def test_adapter_weights_must_be_merged(tmp_path: Path, name: str) -> None:
    assert ADAPTER_PARTS.search(name)
    folder = with_tensors(write_model(tmp_path / "model"), **{name: np.zeros(4, dtype=np.float32)})
    found = refusal(folder)
    assert name in found
    assert "merge" in found


def test_several_problems_are_all_said(tmp_path: Path) -> None:
    folder = write_model(
        tmp_path / "model",
        problem_type="regression",
        position_embedding_type="relative_key",
        quantization_config={"quant_method": "awq"},
    )
    found = refusal(with_tensors(folder, **{"a.lora_A.weight": np.zeros(4, dtype=np.float32)}))
    for part in ("awq", "regression", "relative_key", "lora_A"):
        assert part in found


@pytest.mark.parametrize(("dtype", "notes"), [(np.float16, 1), (np.float64, 1), (np.float32, 0)])
def test_weights_of_another_precision_get_a_note(tmp_path: Path, dtype: Any, notes: int) -> None:
    folder = write_model(tmp_path / "model")
    save_file({"classifier.weight": np.ones((2, 4), dtype=dtype)}, folder / "model.safetensors")
    ref = resolve_model(str(folder))
    assert len(ref.notes) == notes
    for note in ref.notes:
        assert np.dtype(dtype).name in note
        assert np.dtype(dtype).name in ref.about


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    tensor = {"classifier.weight": np.zeros((2, 4), dtype=np.float32)}
    (folder / "model.safetensors").unlink()
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for name in names:
        save_file(tensor, folder / name)
    index = {"weight_map": {"classifier.weight": names[0], "other": names[1]}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "classifier.weight again" in refusal(folder)


@pytest.mark.parametrize("family", ["roberta", "camembert", "mpnet"])
@pytest.mark.parametrize("padding", [None, "1", 1.0, -1, [1], 129, 99_999])
def test_positions_need_a_padding_id_below_them(tmp_path: Path, family: str, padding: Any) -> None:
    settings = {"model_type": family, "max_position_embeddings": 130, "pad_token_id": padding}
    assert "pad_token_id" in refusal(write_model(tmp_path, **settings))


@pytest.mark.parametrize("padding", [0, 1, 5, 128])
def test_any_other_padding_id_shortens_the_texts(tmp_path: Path, padding: int) -> None:
    settings = {"model_type": "roberta", "max_position_embeddings": 130, "pad_token_id": padding}
    found = resolve_model(str(write_model(tmp_path, **settings)))
    assert found.max_tokens == 129 - padding


def test_another_file_of_weights_is_refused(tmp_path: Path) -> None:
    """transformers would load it, but the key of the model is that of model.safetensors."""
    assert "other.safetensors" in refusal(
        write_model(tmp_path, transformers_weights="other.safetensors")
    )
    resolve_model(str(write_model(tmp_path, transformers_weights="model.safetensors")))


@pytest.mark.parametrize(
    "index", [{"weight_map": ["a"]}, {"weight_map": None}, {"weight_map": {"a": ["x"]}}, {}]
)
def test_an_index_without_files_is_refused(tmp_path: Path, index: dict[str, Any]) -> None:
    folder = write_model(tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model.safetensors.index.json" in refusal(folder)


def test_a_name_that_is_too_long_is_no_model() -> None:
    with pytest.raises(ModelError):
        resolve_model("x" * 5_000)
