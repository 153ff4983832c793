"""The comparison of a classifier with torch sees what a graph may get wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from transformers import (
    NystromformerConfig,
    NystromformerForSequenceClassification,
    PreTrainedModel,
)

from benchmarks.families.configs import Sizes, tiny_classifier
from paretoscope.errors import ModelError
from paretoscope.graphs import check, sessions
from paretoscope.graphs.encoder import assemble
from paretoscope.graphs.export import TOLERANCE, export
from paretoscope.graphs.export_classifier import answered, difference, difference_from_torch
from paretoscope.graphs.graph import initializers
from paretoscope.models.checkpoint import load_model
from paretoscope.sources.ref import ModelRef
from tests.tiny.factory import make_tiny

OWN = ModelRef(name="own", kind="folder", path="own", key="k")


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "camembert"])
@pytest.mark.parametrize("padding", [0, 1, 2, 7])
def test_positions_skip_padding_inside_texts(family: str, padding: int) -> None:
    model = tiny_classifier(family, Sizes(padding=padding, positions=60))
    graph, worst = export(model)
    assert worst < 1e-5
    texts = [
        [5, padding, 9, 11, padding, padding, 12],
        [padding] * 7,
        [padding, 8, 8, 8, 8, 8, padding],
    ]
    for ids in np.array(texts)[:, None]:
        with torch.inference_mode():
            tokens = torch.from_numpy(ids)
            wanted = model(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits.numpy()
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        got = sessions.run(sessions.session(graph), ["logits"], given)[0]
        assert np.allclose(got, wanted, atol=1e-5)


def test_probes_hold_special_tokens_padding_and_the_longest_text() -> None:
    model = tiny_classifier("roberta", Sizes(padding=2, positions=160))
    probes = answered(model)
    assert {probe.ids.shape[1] for probe in probes} == {3, 17, 128, 157}
    assert {len(probe.ids) for probe in probes} == {1, 5}
    inside = [probe for probe in probes if ((probe.ids == 2) & (probe.mask == 1)).any()]
    assert {probe.ids.shape[1] for probe in inside} == {3, 17, 128, 157}
    assert any((probe.mask == 0).any() for probe in probes)


def test_positions_that_count_padding_are_seen(tmp_path: Path) -> None:
    """The graph with every token counted, which is right for texts without padding."""
    model = load_model(make_tiny("roberta", tmp_path / "roberta"))
    graph = assemble(model)
    counted = next(node for node in graph.graph.node if node.name == "counted.ones")
    ones = helper.make_node("Equal", ["input_ids", "input_ids"], ["all"], name="all")
    place = list(graph.graph.node).index(counted)
    graph.graph.node.insert(place, ones)
    counted.input[0] = "all"
    assert difference_from_torch(graph, model) > TOLERANCE


def test_small_logits_hide_no_difference() -> None:
    model = tiny_classifier("bert", Sizes())
    last = model.get_submodule("classifier")
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.mul_(1e-3)
    graph = assemble(model)
    probes = answered(model)
    assert difference(graph, probes) < 1e-4
    tensor = initializers(graph)["layer.0.ffn.in"]
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * 2, tensor.name))
    assert difference(graph, probes) > TOLERANCE


def test_nan_is_a_difference() -> None:
    model = tiny_classifier("bert", Sizes(positions=20))
    graph = assemble(model)
    bias = next(each for each in graph.graph.initializer if each.name == "head.1.bias")
    bias.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), bias.name))
    assert np.isnan(difference_from_torch(graph, model))


def test_a_graph_of_one_batch_size_is_refused() -> None:
    model = tiny_classifier("bert", Sizes(positions=20))
    graph = assemble(model)
    last = graph.graph.node[-1]
    last.output[0] = "all.logits"
    first = numpy_helper.from_array(np.zeros(1, np.int64), "first.row")
    graph.graph.initializer.append(first)
    graph.graph.node.append(helper.make_node("Gather", ["all.logits", "first.row"], ["logits"]))
    with pytest.raises(ModelError, match="shape"):
        difference_from_torch(graph, model)


def own_problem(model: PreTrainedModel) -> str:
    (problem,) = check.problems(OWN, model)
    return problem


def test_a_last_token_classifier_needs_a_padding_token() -> None:
    model = tiny_classifier("gpt2", Sizes(positions=20))
    assert check.problems(OWN, model) == []
    model.config.pad_token_id = None
    assert "pad_token_id" in own_problem(model)


def test_a_setting_that_breaks_some_lengths_is_a_problem() -> None:
    model = tiny_classifier("bert", Sizes(positions=20), chunk_size_feed_forward=2)
    assert "chunk size 2" in own_problem(model)


def test_a_graph_that_cannot_be_made_is_a_problem() -> None:
    """Nystromformer reads texts of one length only."""
    config = NystromformerConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=1, num_attention_heads=4, num_landmarks=8
    )
    model = NystromformerForSequenceClassification(config).eval()
    assert "nystromformer" in own_problem(model)


def test_the_model_that_is_checked_stays_as_it_is() -> None:
    model = tiny_classifier("big_bird", Sizes())
    assert check.problems(OWN, model) == []
    assert model.config.attention_type == "block_sparse"
    onnx.checker.check_model(export(model)[0])


@pytest.mark.parametrize(
    "fields",
    [
        {"hidden_act": "silu"},
        {"hidden_act": "quick_gelu"},
        {"hidden_act": "gelu_10"},
        {"is_decoder": True},
        {"type_vocab_size": 1},
        {"layer_norm_eps": 0.3},
        {"position_embedding_type": "relative_key"},
        {"problem_type": None, "use_cache": True},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_settings_of_a_config_are_computed_as_torch_does(fields: dict[str, Any]) -> None:
    assert export(tiny_classifier("bert", Sizes(positions=40), **fields))[1] < 1e-4
