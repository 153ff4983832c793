"""A family that `anatomy` does not know: loaded, traced, quantized and pruned weight by weight; its
structure is left alone.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from transformers import AlbertConfig, AlbertForSequenceClassification

from paretoscope import catalog
from paretoscope.distillation import student
from paretoscope.engine.build import Bench, Made
from paretoscope.engine.progress import Steps
from paretoscope.errors import ArtifactError, ModelError
from paretoscope.graphs.graph import Graph, matrices
from paretoscope.models.architecture import architecture_of
from paretoscope.models.checkpoint import load_model, save_model
from paretoscope.pruning import structure
from paretoscope.quantization import quantize
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize, Stage
from paretoscope.workspace import Workspace
from tests.tiny.context import Recorder
from tests.tiny.encoders import wordpiece


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ALBERT, whose two layers share their weights, and a data file."""
    folder = tmp_path_factory.mktemp("albert")
    tokenizer = wordpiece()
    config = AlbertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.2,
        id2label={0: "a", 1: "b"},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AlbertForSequenceClassification(config).eval().save_pretrained(folder / "model")
    tokenizer.save(str(folder / "model" / "tokenizer.json"))
    # without it transformers takes the class of the family, whose vocabulary is another kind
    (folder / "model" / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast"}'
    )
    rows = [f"what film number {number},{'ab'[number % 2]}" for number in range(60)]
    (folder / "own.csv").write_text("text,label\n" + "\n".join(rows))
    return folder


def made(place: Path, *stages: Stage) -> Made:
    recipe = Recipe.model_validate({"stages": stages})
    request = catalog.request(str(place / "model"), recipe, task=str(place / "own.csv"))
    return Bench(
        request, Workspace.at(place / "workspace"), Steps(recipe, lambda progress: None)
    ).make(recipe)


@pytest.mark.parametrize(
    "stage",
    [Quantize(), Quantize(scheme="int8-static"), Quantize(scheme="weight-only", bits=4)],
    ids=lambda stage: stage.in_words(),
)
def test_it_is_traced_and_quantized(stage: Quantize, place: Path) -> None:
    whole, small = made(place), made(place, stage)
    assert whole.facts["torch_difference"] < 1e-5
    assert small.facts["weights_bytes"] < whole.facts["weights_bytes"] / 2
    products = {node.op_type for node in onnx.load(small.folder / "model.onnx").graph.node}
    assert products & {"DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits"}


def test_its_weights_are_pruned_and_stay_zero_through_training(place: Path) -> None:
    pruned = made(place, PruneWeights(sparsity=0.75, retrain_epochs=0.5))
    found = {
        matrix.name: matrix.weight for matrix in matrices(onnx.load(pruned.folder / "model.onnx"))
    }
    sparse = [weight for weight in found.values() if (weight == 0).mean() >= 0.74]
    names = architecture_of(load_model(place / "model")).matrices()
    assert len(sparse) == len(names) == 7, (
        "six of the shared layer, and the widening of the embedding"
    )


def test_its_structure_is_refused_in_one_sentence(place: Path) -> None:
    sentence = 'distillation do not support the model family "albert", only bert,'
    with pytest.raises(ModelError, match=sentence):
        structure.apply(PruneStructure(), load_model(place / "model"), Recorder().context())
    with pytest.raises(ModelError, match=sentence):
        student.apply(Distill(layers=1), load_model(place / "model"), Recorder().context())


def test_tied_tensors_survive_being_written(place: Path, tmp_path: Path) -> None:
    model = load_model(place / "model")
    query = model.get_submodule(
        "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.query"
    )
    setattr(model.get_submodule("albert.pooler"), "weight", query.weight)  # noqa: B010 (a Module may hold anything, says its type)
    save_model(model, tmp_path / "tied", place / "model" / "tokenizer.json")
    again = load_model(tmp_path / "tied")
    assert torch.equal(
        again.get_parameter("albert.pooler.weight"), model.get_parameter("albert.pooler.weight")
    )


def test_a_graph_without_matrices_is_not_called_quantized() -> None:
    with pytest.raises(ArtifactError, match="no constant matrix"):
        quantize.apply(Quantize(), Graph().classifier(classes=2), Recorder().context())
