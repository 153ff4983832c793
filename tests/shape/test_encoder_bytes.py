"""Expected bytes are those of real graphs."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import onnx
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from paretoscope.artifact.card import model_card
from paretoscope.artifact.golden import golden_inputs
from paretoscope.artifact.pack import pack
from paretoscope.errors import RecipeError
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import payload_bytes, save
from paretoscope.models.checkpoint import load_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.pruning import structure
from paretoscope.pruning.layers import keep_layers
from paretoscope.quantization import quantize
from paretoscope.quantization.packing.groups import GROUP_SIZE
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.shape.apply_recipe import expected_bytes
from paretoscope.shape.bytes import OTHER_FILES_BYTES
from paretoscope.shape.quantized_bytes import EMBEDDING_GROUP
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from tests.documents import MACHINE, document
from tests.tiny.context import Recorder
from tests.tiny.encoders import FAMILIES, wordpiece
from tests.tiny.shapes import recipe

EXACT = [
    None,
    Quantize(),
    Quantize(head_bits=32, embedding_bits=32),
    Quantize(scheme="int8-static", embedding_bits=4),
    Quantize(scheme="int8-static", head_bits=32),
    Quantize(smooth=0.5),
    Quantize(scheme="int8-static", smooth=0.5),
    Quantize(scheme="weight-only", bits=8, head_bits=32, group_size=16),
    Quantize(scheme="weight-only", bits=4, embedding_bits=2),
    Quantize(scheme="weight-only", bits=2, head_bits=4, group_size=64),
    Quantize(scheme="weight-only", bits=2, rounding="gptq", group_size=16, embedding_bits=4),
    Quantize(scheme="weight-only", bits=4, rounding="awq", head_bits=4),
    Quantize(scheme="weight-only", bits=4, rounding="hqq", embedding_bits=2),
    Quantize(scheme="weight-only", bits=4, zero_point="real", head_bits=2),
    Quantize(
        scheme="weight-only",
        bits=2,
        zero_point="real",
        group_size=16,
        embedding_bits=4,
        frequent_words=10,
    ),
    Quantize(scheme="weight-only", bits=8, allocation="sensitivity", rounding="awq", head_bits=32),
    Quantize.model_validate({"scheme": "weight-only", "parts": {"layer.0.ffn": 4, "layer.1": 32}}),
    Quantize.model_validate(
        {
            "scheme": "weight-only",
            "bits": 4,
            "zero_point": "real",
            "rounding": "awq",
            "parts": {"layer.0": 8, "layer.0.qkv": 2, "layer.1.output": 32},
        }
    ),
]


def quantized(graph: onnx.ModelProto, stage: Quantize | None) -> onnx.ModelProto:
    return graph if stage is None else quantize.apply(stage, graph, Recorder().context())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("hidden", [0.25, 0.5])
def test_bytes_of_a_narrower_hidden_state_are_exact(
    hidden: float, family: str, folders: dict[str, Path]
) -> None:
    cut = PruneStructure(target="hidden", ratio=hidden)
    graph = export(structure.apply(cut, load_model(folders[family]), Recorder().context()))[0]
    for stage in EXACT:
        size = expected_bytes(read_shape(folders[family]), recipe(cut, stage))
        assert size.exact
        assert size.weights_bytes == payload_bytes(quantized(graph, stage)), stage


@pytest.mark.parametrize("target", ["heads", "ffn"])
def test_bytes_of_uneven_layers_are_exact_where_only_their_sum_counts(
    target: str, folders: dict[str, Path]
) -> None:
    model = load_model(folders["bert"])
    with torch.no_grad():
        for layer in anatomy(model).layers[1:]:
            for name in (layer.output, layer.ffn_out):
                model.get_parameter(f"{name}.weight")[:, 8:] *= 0.01
    cut = PruneStructure.model_validate(
        {"target": target, "criterion": "activation", "allocation": "global"}
    )
    again = PruneStructure.model_validate({"target": target, "ratio": 0.3})
    pruned = structure.apply(cut, model, Recorder().context())
    graph = export(pruned)[0]
    for stage in [*EXACT, Quantize(scheme="weight-only", bits=3)]:
        size = expected_bytes(read_shape(folders["bert"]), recipe(cut, stage))
        assert size.low <= payload_bytes(quantized(graph, stage)) <= size.high, stage
        if stage is None or stage.scheme != "weight-only":
            assert size.exact
            assert size.weights_bytes == payload_bytes(quantized(graph, stage)), stage
    size = expected_bytes(read_shape(folders["bert"]), recipe(cut, again))
    assert (
        size.low
        <= payload_bytes(export(structure.apply(again, pruned, Recorder().context()))[0])
        <= size.high
    )
    assert not size.exact


def test_group_sizes_are_those_of_the_embedding() -> None:
    assert EMBEDDING_GROUP == GROUP_SIZE


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_of_the_weights_are_exact(
    family: str, folders: dict[str, Path], graphs: dict[str, onnx.ModelProto]
) -> None:
    known = read_shape(folders[family])
    for stage in EXACT:
        size = expected_bytes(known, recipe(stage))
        assert size.exact
        assert size.weights_bytes == payload_bytes(quantized(graphs[family], stage)), stage


@pytest.mark.parametrize("bits", [2.5, 3, 4.5, 6, 7.9])
def test_an_average_of_bits_lies_within_its_bounds(
    bits: float, folders: dict[str, Path], graphs: dict[str, onnx.ModelProto]
) -> None:
    for family, group_size in product(("bert", "electra"), (16, 32)):
        stage = Quantize(scheme="weight-only", bits=bits, group_size=group_size)
        size = expected_bytes(read_shape(folders[family]), recipe(stage))
        assert not size.exact
        assert size.low <= payload_bytes(quantized(graphs[family], stage)) <= size.high


@pytest.mark.parametrize(
    "stage",
    [
        {"bits": 4, "allocation": "sensitivity"},
        {"max_mb": 0.04},
        {"max_mb": 0.05, "rounding": "awq"},
    ],
)
def test_chosen_widths_lie_within_their_bounds(
    stage: dict[str, object], folders: dict[str, Path], graphs: dict[str, onnx.ModelProto]
) -> None:
    mixed = Quantize.model_validate({"scheme": "weight-only", "group_size": 16, **stage})
    size = expected_bytes(read_shape(folders["bert"]), recipe(mixed))
    assert not size.exact
    assert size.low <= payload_bytes(quantized(graphs["bert"], mixed)) <= size.high


def test_a_budget_of_megabytes_is_the_expected_size_where_it_can_be_met(bert: ModelShape) -> None:
    def total(max_mb: float) -> int:
        return expected_bytes(
            bert, recipe(Quantize(scheme="weight-only", max_mb=max_mb))
        ).total_bytes

    least, most = (
        expected_bytes(
            bert, recipe(Quantize(scheme="weight-only", bits=b, embedding_bits=b, head_bits=b))
        ).total_bytes
        for b in (2, 8)
    )
    middle = (least + most) // 2
    assert [total(size / 1e6) for size in (least, middle, 10 * most)] == [least, middle, most]
    with pytest.raises(RecipeError, match=r"artefact has about .* with every weight in 2 bits"):
        total(1e-6)


def test_bytes_fall_with_bits_and_never_with_zeros(bert: ModelShape) -> None:
    sizes = [
        expected_bytes(bert, recipe(Quantize(scheme="weight-only", bits=bits))).weights_bytes
        for bits in (2, 2.5, 3, 3.9, 4, 5, 6, 7.5, 8)
    ]
    assert sizes == sorted(sizes)
    assert expected_bytes(bert, recipe(PruneWeights(sparsity=0.9))) == expected_bytes(
        bert, recipe()
    )


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 3.6 million parameters: half a per cent of its artefact is some kilobytes."""
    folder = tmp_path_factory.mktemp("larger")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=2000,
            hidden_size=256,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=1000,
        )
        BertForSequenceClassification(config).save_pretrained(folder, safe_serialization=True)
    wordpiece().save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.parametrize(
    "stages",
    [
        (),
        (
            PruneStructure(target="ffn", ratio=0.3),
            PruneStructure(target="heads", ratio=0.25),
            Quantize(),
        ),
        (
            Distill(layers=2),
            PruneWeights(sparsity=0.5),
            Quantize(scheme="weight-only", bits=2, embedding_bits=2),
        ),
    ],
    ids=["fp32", "structure and int8", "student in 2 bits"],
)
def test_a_whole_artefact_is_within_half_a_per_cent(
    stages: tuple[AnyStage, ...], larger: Path, tmp_path: Path
) -> None:
    known = read_shape(larger)
    chain = recipe(*stages)
    model = load_model(larger)
    for stage in stages:
        if isinstance(stage, PruneStructure):
            structure.apply(stage, model, Recorder().context())
        elif isinstance(stage, Distill):
            keep_layers(model, range(stage.layers))
    graph, _ = export(model)
    quantize = next((stage for stage in stages if isinstance(stage, Quantize)), None)
    made = tmp_path / "made"
    made.mkdir()
    save(quantized(graph, quantize), made / "model.onnx")
    (made / "tokenizer.json").write_text(wordpiece().to_str(), encoding="utf-8")
    (made / "config.json").write_text(model.config.to_json_string(), encoding="utf-8")
    trial = document(*stages)
    about = {
        "machine": MACHINE.model_dump(mode="json"),
        "conditions": {"threads": 2},
        "splits": dict.fromkeys("abcd", "0" * 80),
        "max_length": 64,
        "check": golden_inputs(made, threads=2),
    }
    record = pack(made, tmp_path / "artefact", chain, lambda size: model_card(trial), about)
    size = expected_bytes(known, chain)
    assert size.weights_bytes == payload_bytes(onnx.load(made / "model.onnx"))
    assert abs(size.total_bytes / record.size_bytes - 1) < 0.005
    around = record.size_bytes - record.files["model.onnx"] - record.files["tokenizer.json"]
    assert abs(around - OTHER_FILES_BYTES["classifier"]) < 4_000
