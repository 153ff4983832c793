"""Pruning the hidden width, and global allocation over layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from paretoscope.graphs.export import export
from paretoscope.models.checkpoint import load_model, save_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.models.encoder.residual_stream import residual_stream
from paretoscope.pruning import weights
from paretoscope.pruning.allocation import highest, highest_over_layers
from paretoscope.pruning.criteria import activation, taylor
from paretoscope.pruning.structure import apply
from paretoscope.recipes.stages import PruneStructure, PruneWeights
from tests.pruning.criteria.test_structure_criteria import CRITERIA
from tests.pruning.test_structure import Target, weight
from tests.tiny.context import Recorder, logits_of, tensors_of, tiny_model
from tests.tiny.encoders import FAMILIES


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_hidden_width_is_cut_everywhere_and_survives_export_and_a_checkpoint(
    tmp_path: Path, family: str, criterion: str
) -> None:
    model = apply(
        PruneStructure(target="hidden", ratio=0.3, criterion=criterion),
        tiny_model(tmp_path / family, family),
        Recorder().context(),
    )
    layer = anatomy(model).layers[0]
    # 22.4 of 32 dimensions are to stay; the multiple of 8 nearest to that is 24. Heads keep their
    # size.
    assert residual_stream(model).width(model) == 24
    assert tuple(weight(model, layer.query).shape) == (32, 24)
    assert tuple(weight(model, layer.ffn_out).shape) == (24, 64)
    assert layer.head_size == 8
    assert export(model)[1] < 1e-5
    save_model(model, tmp_path / "cut", tmp_path / family / "tokenizer.json")
    assert torch.equal(logits_of(load_model(tmp_path / "cut")), logits_of(model))


def test_the_dimensions_with_the_least_weight_go(model: PreTrainedModel, tmp_path: Path) -> None:
    before = tensors_of(model)
    totals = np.zeros(32)
    for layer in anatomy(model).layers:
        for name in layer.readers:
            totals += np.abs(before[f"{name}.weight"].numpy()).sum(0)
        for name in layer.writers:
            totals += np.abs(before[f"{name}.weight"].numpy()).sum(1)
    stay = sorted(np.argsort(totals)[16:].tolist())
    apply(PruneStructure(target="hidden", ratio=0.5), model, Recorder().context())
    after = model.state_dict()
    assert torch.equal(
        after["bert.embeddings.word_embeddings.weight"],
        before["bert.embeddings.word_embeddings.weight"][:, stay],
    )
    assert torch.equal(
        after["bert.encoder.layer.1.output.LayerNorm.weight"],
        before["bert.encoder.layer.1.output.LayerNorm.weight"][stay],
    )
    name = anatomy(model).layers[1].ffn_out
    assert torch.equal(after[f"{name}.weight"], before[f"{name}.weight"][stay])


def test_a_hidden_dimension_that_nothing_reads_or_writes_is_missed_least(
    model: PreTrainedModel,
) -> None:
    dead = [3, 17, 18, 19, 20, 21, 22, 30]
    stream = residual_stream(model)
    with torch.no_grad():
        for name in stream.readers:
            weight(model, name)[:, dead] = 0
    for criterion in (activation, taylor):
        assert set(
            criterion.score_hidden(model, Recorder().context()).argsort()[:8].tolist()
        ) >= set(dead) - {30}


def test_cuts_of_every_kind_chain(model: PreTrainedModel, tmp_path: Path) -> None:
    chain: list[Target] = ["hidden", "heads", "ffn", "hidden", "layers"]
    for target in chain:
        apply(
            PruneStructure(target=target, ratio=0.4, criterion="activation"),
            model,
            Recorder().context(),
        )
    weights.apply(PruneWeights(method="sparsegpt", pattern="2:4"), model, Recorder().context())
    assert export(model)[1] < 1e-5
    save_model(model, tmp_path / "cut", tmp_path / "bert" / "tokenizer.json")
    assert torch.equal(logits_of(load_model(tmp_path / "cut")), logits_of(model))


@given(
    st.lists(st.lists(st.floats(0.01, 100), min_size=4, max_size=12), min_size=1, max_size=5),
    st.integers(1, 2),
    st.data(),
)
def test_units_over_layers_are_as_many_as_promised_and_every_layer_keeps_its_best(
    layers: list[list[float]], block: int, data: st.DataObject
) -> None:
    scores = [torch.tensor(layer) for layer in layers]
    blocks = sum(len(layer) // block for layer in layers)
    kept = data.draw(st.integers(len(layers), blocks)) * block
    chosen = highest_over_layers(scores, kept, block)
    assert sum(len(stay) for stay in chosen) == kept
    for score, stay in zip(scores, chosen, strict=True):
        assert len(stay) >= block
        assert len(stay) % block == 0
        assert torch.equal(stay, highest(score, len(stay)))


def test_a_layer_whose_units_matter_alike_keeps_more_than_one_that_lives_on_a_few() -> None:
    even, steep = torch.ones(8), torch.tensor([8.0, 4.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    assert [len(stay) for stay in highest_over_layers([even, steep], 10)] == [8, 2]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("target", ["heads", "ffn"])
def test_layers_of_different_widths_compute_and_travel(
    tmp_path: Path, family: str, target: Target
) -> None:
    model = tiny_model(tmp_path / family, family)
    uneven = anatomy(model).layers[1]
    with torch.no_grad():  # one head and eight neurons of the last layer are all that it lives on
        weight(model, uneven.output)[:, 8:] *= 0.01
        weight(model, uneven.ffn_out)[:, 8:] *= 0.01
    apply(
        PruneStructure(target=target, ratio=0.5, criterion="activation", allocation="global"),
        model,
        Recorder().context(),
    )
    first, last = (
        layer.query if target == "heads" else layer.ffn_in for layer in anatomy(model).layers
    )
    widths = [len(weight(model, name)) for name in (first, last)]
    assert sum(widths) == (32 if target == "heads" else 64)
    assert widths[0] > widths[1]
    assert export(model)[1] < 1e-5
    save_model(model, tmp_path / "cut", tmp_path / family / "tokenizer.json")
    assert torch.equal(logits_of(load_model(tmp_path / "cut")), logits_of(model))
