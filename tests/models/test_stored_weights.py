"""A model is read only if every stored tensor is used, or is known to change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from paretoscope.models import check
from paretoscope.models.check import check_model
from paretoscope.models.pretrained import trained
from paretoscope.sources.resolve import resolve_model
from tests.tiny.factory import make_tiny

Tensors = dict[str, torch.Tensor]
SMALL = torch.ones(4, 4)


def changed(folder: Path, change: Callable[[Tensors], Any], **config: Any) -> Path:
    """The folder with other tensors and settings."""
    tensors = load_file(folder / "model.safetensors")
    tensors = change(tensors) or tensors
    contiguous = {name: tensor.clone() for name, tensor in tensors.items()}
    save_file(contiguous, folder / "model.safetensors", metadata={"format": "pt"})
    content = json.loads((folder / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def problems(folder: Path) -> list[str]:
    return check_model(resolve_model(str(folder)))


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "electra"])
def test_a_complete_model_has_no_problem(tmp_path: Path, family: str) -> None:
    assert problems(make_tiny(family, tmp_path)) == []


def _third_layer(tensors: Tensors) -> Tensors:
    extra = {name.replace(".1.", ".2."): tensor for name, tensor in tensors.items()}
    return tensors | extra


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (_third_layer, "bert.encoder.layer.2.attention.output.LayerNorm.bias"),
        (lambda tensors: tensors | {"bert.embeddings.extra.weight": SMALL}, "embeddings.extra"),
        (lambda tensors: tensors | {"bert.pooler.dense_2.weight": SMALL}, "bert.pooler.dense_2"),
        (lambda tensors: tensors | {"classifier.out_proj.weight": SMALL}, "classifier.out_proj"),
        (
            lambda tensors: (
                tensors | {"bert.encoder.layer.0.attention.self.distance_embedding.weight": SMALL}
            ),
            "distance_embedding",
        ),
    ],
)
@pytest.mark.parametrize("shards", [False, True])
def test_a_tensor_that_is_not_used_is_named(
    tmp_path: Path, change: Callable[[Tensors], Tensors], name: str, shards: bool
) -> None:
    folder = changed(make_tiny("bert", tmp_path), change)
    if shards:
        _in_shards(folder)
    [problem] = problems(folder)
    assert name in problem


def _in_shards(folder: Path) -> None:
    tensors = sorted(load_file(folder / "model.safetensors").items())
    (folder / "model.safetensors").unlink()
    where: dict[str, str] = {}
    for number, part in enumerate((tensors[::2], tensors[1::2]), 1):
        name = f"model-0000{number}-of-00002.safetensors"
        save_file(dict(part), folder / name, metadata={"format": "pt"})
        where |= dict.fromkeys(dict(part), name)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": where})
    )


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("bert", ["cls.predictions.bias", "cls.seq_relationship.weight", "loss_fct.weight"]),
        ("bert", ["bert.embeddings.position_ids"]),
        ("distilbert", ["distilbert.pooler.dense.weight", "vocab_transform.weight"]),
        ("roberta", ["roberta.pooler.dense.weight", "lm_head.dense.weight"]),
        ("electra", ["discriminator_predictions.dense.weight", "generator_lm_head.weight"]),
    ],
)
def test_what_training_left_behind_is_no_problem(
    tmp_path: Path, family: str, names: list[str]
) -> None:
    left = dict.fromkeys(names, SMALL)
    assert problems(changed(make_tiny(family, tmp_path), lambda found: found | left)) == []


def test_names_without_the_base_model_are_read(tmp_path: Path) -> None:
    folder = make_tiny("bert", tmp_path / "usual")
    before = trained(resolve_model(str(folder))).state_dict()

    def shorten(tensors: Tensors) -> Tensors:
        return {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}

    after = trained(resolve_model(str(changed(folder, shorten)))).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_two_versions_of_a_tensor_are_refused_unless_equal(tmp_path: Path) -> None:
    def again(tensors: Tensors, shift: float) -> Tensors:
        return tensors | {
            name.removeprefix("bert."): tensor + shift
            for name, tensor in tensors.items()
            if "layer.0.output" in name
        }

    same = changed(make_tiny("bert", tmp_path / "same"), lambda found: again(found, 0.0))
    assert problems(same) == []
    other = changed(make_tiny("bert", tmp_path / "other"), lambda found: again(found, 0.5))
    [problem] = problems(other)
    assert "encoder.layer.0.output" in problem


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_not_finite_are_named(
    tmp_path: Path, value: float, dtype: torch.dtype
) -> None:
    spoilt = "bert.embeddings.word_embeddings.weight"

    def spoil(tensors: Tensors) -> Tensors:
        tensors[spoilt][-1, 0] = value
        return {name: tensor.to(dtype) for name, tensor in tensors.items()}

    [problem] = problems(changed(make_tiny("bert", tmp_path), spoil))
    assert spoilt in problem


def test_heads_that_were_pruned_by_an_older_version_are_explained(tmp_path: Path) -> None:
    def cut(tensors: Tensors) -> None:
        for name, tensor in tensors.items():
            if ".layer.0.attention.self." in name:
                tensors[name] = tensor[8:]
            if name.endswith(".layer.0.attention.output.dense.weight"):
                tensors[name] = tensor[:, 8:]

    whole = changed(make_tiny("bert", tmp_path / "whole"), lambda _: None, pruned_heads={"0": [0]})
    assert problems(whole) == []
    folder = changed(make_tiny("bert", tmp_path / "cut"), cut, pruned_heads={"0": [0]})
    assert any("pruned_heads" in problem for problem in problems(folder))


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"model_type": "nosuch"}, "nosuch"),
        ({"model_type": "own", "auto_map": {"AutoConfig": "code.Own"}}, "not executed"),
        (
            {
                "architectures": ["OwnForSequenceClassification"],
                "auto_map": {"AutoModelForSequenceClassification": "code.Own"},
            },
            "OwnForSequenceClassification",
        ),
        ({"num_labels": 3}, "classifier"),
        ({"hidden_act": "nosuch"}, "nosuch"),
    ],
)
def test_a_config_that_cannot_be_built_is_one_sentence(
    tmp_path: Path, config: dict[str, Any], what: str
) -> None:
    [problem] = problems(changed(make_tiny("bert", tmp_path), lambda _: None, **config))
    assert what in problem
    assert "\n" not in problem


def test_code_in_a_folder_does_not_matter_if_transformers_has_the_class(tmp_path: Path) -> None:
    own = {"AutoModelForSequenceClassification": "code.BertForSequenceClassification"}
    assert problems(changed(make_tiny("bert", tmp_path), lambda _: None, auto_map=own)) == []


def test_several_problems_are_all_found(tmp_path: Path) -> None:
    def spoil(tensors: Tensors) -> Tensors:
        tensors["classifier.weight"][0, 0] = float("nan")
        del tensors["bert.pooler.dense.bias"]
        return tensors | {"bert.extra": SMALL}

    [problem] = problems(changed(make_tiny("bert", tmp_path), spoil))
    for part in ("classifier.weight", "bert.pooler.dense.bias", "bert.extra"):
        assert part in problem


def test_further_checks_get_the_loaded_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "further_check.py").write_text(
        "def problems(ref, model):\n    return [f'{ref.kind} {model.config.model_type}']\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(check, "CHECKS", ("further_check",))
    assert problems(make_tiny("bert", tmp_path / "model")) == ["folder bert"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("num_hidden_layers", "2"),
        ("hidden_size", None),
        ("num_attention_heads", 0),
        ("max_position_embeddings", 128.0),
        ("pad_token_id", 99_999),
        ("hidden_act", ["gelu"]),
    ],
)
def test_a_config_that_transformers_cannot_read_is_one_problem(
    tmp_path: Path, setting: str, value: Any
) -> None:
    (problem,) = problems(changed(make_tiny("bert", tmp_path), lambda _: None, **{setting: value}))
    assert "cannot be loaded" in problem
    assert not problem.endswith(":")


def test_finite_weights_without_finite_logits_are_refused(tmp_path: Path) -> None:
    def larger(tensors: Tensors) -> Tensors:
        return {name: each * 1e30 if each.dim() == 2 else each for name, each in tensors.items()}

    (problem,) = problems(changed(make_tiny("bert", tmp_path), larger))
    assert "NaN or infinite logits" in problem
