"""Checkpoints: prepared, written and read back; pruned shapes; everything that can be wrong with a
folder.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from paretoscope.errors import ModelError
from paretoscope.models.adapters import Adapter, write_adapter
from paretoscope.models.checkpoint import load_model, prepare, save_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.modules.access import layer_list, linear
from paretoscope.sources.ref import ModelRef
from paretoscope.tasks.splits import Task
from tests.tiny.encoders import FAMILIES
from tests.tiny.factory import make_tiny

TASK = Task(name="own", labels=("no", "yes"), max_length=32, splits={}, key="0" * 16)
TEXT = "what is the name of the city?"


def reference(folder: Path) -> ModelRef:
    return ModelRef(name=str(folder), kind="folder", path=str(folder), key="0" * 16)


def outputs(model: PreTrainedModel, folder: Path, text: str = TEXT) -> np.ndarray:
    ids = torch.tensor([Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids])
    with torch.inference_mode():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.numpy()


def keep_heads(model: PreTrainedModel, layer: int, heads: list[int], width: int) -> None:
    """Keep some heads and the first `width` of the FFN in one layer, as pruning does."""
    part = anatomy(model).layers[layer]
    rows = torch.cat(
        [torch.arange(head * part.head_size, (head + 1) * part.head_size) for head in heads]
    )
    slices = dict.fromkeys((part.query, part.key, part.value), (rows, None)) | {
        part.output: (None, rows)
    }
    slices |= {part.ffn_in: (torch.arange(width), None), part.ffn_out: (None, torch.arange(width))}
    for name, (kept_rows, kept_columns) in slices.items():
        module = linear(model, name)
        weight = module.weight if kept_rows is None else module.weight[kept_rows]
        module.weight = torch.nn.Parameter(
            weight if kept_columns is None else weight[:, kept_columns]
        )
        if kept_rows is not None:
            module.bias = torch.nn.Parameter(module.bias[kept_rows])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_pruned_shapes_are_read_back_and_compute_the_same_as_zeroed_heads(
    family: str, attention: str, tmp_path: Path
) -> None:
    source = make_tiny(family, tmp_path / "model")
    model = load_model(source)
    zeroed = load_model(source)
    keep_heads(model, 0, [2], 8)
    keep_heads(model, 1, [0, 3], 40)
    save_model(model, tmp_path / "pruned", source / "tokenizer.json")
    with torch.no_grad():  # the same model with the pruned parts switched off instead of cut out
        for layer, heads, width in ((0, [2], 8), (1, [0, 3], 40)):
            part = anatomy(zeroed).layers[layer]
            for head in set(range(4)) - set(heads):
                linear(zeroed, part.output).weight[
                    :, head * part.head_size : (head + 1) * part.head_size
                ] = 0
            linear(zeroed, part.ffn_out).weight[:, width:] = 0

    small = load_model(tmp_path / "pruned", attention)

    assert small.get_submodule(anatomy(small).layers[0].query).weight.shape == (8, 32)
    assert small.get_submodule(anatomy(small).layers[1].ffn_out).in_features == 40
    np.testing.assert_allclose(outputs(small, source), outputs(zeroed, source), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_prepare_keeps_what_transformers_computes_and_names_the_labels(
    family: str, tmp_path: Path
) -> None:
    source = make_tiny(family, tmp_path / "model")
    expected = outputs(AutoModelForSequenceClassification.from_pretrained(source), source)

    prepare(reference(source), TASK, tmp_path / "checkpoint")

    assert sorted(path.name for path in (tmp_path / "checkpoint").iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    model = load_model(tmp_path / "checkpoint")
    np.testing.assert_allclose(outputs(model, tmp_path / "checkpoint"), expected, atol=1e-6)
    config = json.loads((tmp_path / "checkpoint" / "config.json").read_text())
    assert config["label2id"] == {"no": 0, "yes": 1}
    assert not model.training


def test_fewer_layers_are_read_from_the_config(tmp_path: Path) -> None:
    source = make_tiny("distilbert", tmp_path / "model")
    model = load_model(source)
    del layer_list(model, anatomy(model).layer_list)[1]
    model.config.num_hidden_layers = 1
    save_model(model, tmp_path / "short", source / "tokenizer.json")
    short = load_model(tmp_path / "short")
    assert len(anatomy(short).layers) == 1
    np.testing.assert_allclose(outputs(short, source), outputs(model, source), atol=1e-6)


def test_half_precision_weights_become_fp32(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")
    save_file(
        {name: tensor.half() for name, tensor in load_file(source / "model.safetensors").items()},
        source / "model.safetensors",
    )
    prepare(reference(source), TASK, tmp_path / "checkpoint")
    assert {
        tensor.dtype for tensor in load_file(tmp_path / "checkpoint" / "model.safetensors").values()
    } == {torch.float32}


def test_slow_tokenizer_is_converted(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")
    fast = Tokenizer.from_file(str(source / "tokenizer.json"))
    entries = sorted(fast.get_vocab(), key=lambda entry: fast.get_vocab()[entry])
    (source / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    (source / "tokenizer.json").unlink()
    (source / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "do_lower_case": true}', encoding="utf-8"
    )

    prepare(reference(source), TASK, tmp_path / "checkpoint")

    made = Tokenizer.from_file(str(tmp_path / "checkpoint" / "tokenizer.json"))
    assert made.encode(TEXT).ids == fast.encode(TEXT).ids


def test_padding_and_truncation_do_not_travel_with_the_tokenizer(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.enable_padding(length=64)
    tokenizer.enable_truncation(4)
    tokenizer.save(str(source / "tokenizer.json"))
    prepare(reference(source), TASK, tmp_path / "checkpoint")
    assert (
        len(Tokenizer.from_file(str(tmp_path / "checkpoint" / "tokenizer.json")).encode(TEXT).ids)
        == 10
    )


def test_adapter_makes_a_classifier_of_an_encoder(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")
    tensors = load_file(source / "model.safetensors")
    encoder = {
        name.removeprefix("bert."): tensor
        for name, tensor in tensors.items()
        if name.startswith("bert.")
    }
    save_file(encoder, source / "model.safetensors", metadata={"format": "pt"})
    head = {name: tensor for name, tensor in tensors.items() if name.startswith("classifier")}
    query = "bert.encoder.layer.1.attention.self.query"
    low_rank = {f"{query}.lora_a": torch.ones(2, 32), f"{query}.lora_b": torch.full((32, 2), 0.5)}
    write_adapter(tmp_path / "a.safetensors", Adapter(head | low_rank, {"labels": '["no", "yes"]'}))
    builtin = ModelRef(
        name="tiny",
        kind="builtin",
        path=str(source),
        adapter=str(tmp_path / "a.safetensors"),
        key="0" * 16,
    )

    prepare(builtin, TASK, tmp_path / "checkpoint")

    merged = load_file(tmp_path / "checkpoint" / "model.safetensors")
    torch.testing.assert_close(merged[f"{query}.weight"], tensors[f"{query}.weight"] + 1)
    torch.testing.assert_close(
        merged["classifier.weight"], tensors["classifier.weight"], atol=1e-3, rtol=1e-3
    )


def test_another_number_of_labels_is_refused(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model", labels=("a", "b", "c"))
    with pytest.raises(ModelError, match=r'has 3 output labels, but the task "own" has 2'):
        prepare(reference(source), TASK, tmp_path / "checkpoint")
    prepare(reference(source), replace(TASK, labels=("a", "b", "c")), tmp_path / "checkpoint")


@pytest.mark.parametrize("count", [2, 3])
def test_outputs_without_names_are_named_in_the_config(tmp_path: Path, count: int) -> None:
    labels = tuple(f"LABEL_{index}" for index in range(count))
    source = make_tiny("bert", tmp_path / "model", labels=labels)
    prepare(reference(source), replace(TASK, labels=labels), tmp_path / "checkpoint")
    config = json.loads((tmp_path / "checkpoint" / "config.json").read_text())
    assert config["id2label"] == {str(index): label for index, label in enumerate(labels)}
    assert load_model(tmp_path / "checkpoint").config.num_labels == count


def test_an_encoder_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    source = make_tiny("electra", tmp_path / "model")
    tensors = {
        name: tensor
        for name, tensor in load_file(source / "model.safetensors").items()
        if not name.startswith("classifier")
    }
    save_file(tensors, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ModelError, match=r"no trained weights for classifier\.dense\.bias and 3 more"
    ):
        prepare(reference(source), TASK, tmp_path / "checkpoint")


def test_truncated_weights_are_called_damaged(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")
    content = (source / "model.safetensors").read_bytes()
    (source / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="damaged"):
        load_model(source)
    with pytest.raises(ModelError, match="cannot be loaded"):
        prepare(reference(source), TASK, tmp_path / "checkpoint")


def test_missing_weights_are_named(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")
    (source / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"There is no file .*model\.safetensors"):
        load_model(source)


@pytest.mark.parametrize(
    ("tensor", "shape"),
    [("attention.self.query.weight", (12, 32)), ("output.dense.weight", (32, 8))],
)
def test_tensors_that_do_not_fit_together_are_refused(
    tensor: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    source = make_tiny("bert", tmp_path / "model")
    tensors = load_file(source / "model.safetensors")
    tensors[f"bert.encoder.layer.0.{tensor}"] = torch.zeros(shape)
    save_file(tensors, source / "model.safetensors")
    with pytest.raises(ModelError, match="inconsistent shapes"):
        load_model(source)


def test_unreadable_tokenizer_is_named(tmp_path: Path) -> None:
    source = make_tiny("bert", tmp_path / "model")
    (source / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer of .* cannot be read"):
        prepare(reference(source), TASK, tmp_path / "checkpoint")


@pytest.mark.parametrize("labels", [("LABEL_0", "LABEL_1"), ("no", "yes"), ("LABEL_1", "LABEL_0")])
def test_the_names_of_the_outputs_are_always_written(
    tmp_path: Path, labels: tuple[str, ...]
) -> None:
    """Also the default names, which transformers leaves out: artefacts read them."""
    source = reference(make_tiny("bert", tmp_path / "source", labels=labels))
    prepare(source, replace(TASK, labels=labels), tmp_path / "prepared")
    config = json.loads((tmp_path / "prepared" / "config.json").read_text(encoding="utf-8"))
    assert config["id2label"] == {str(index): name for index, name in enumerate(labels)}
