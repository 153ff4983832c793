"""Bytes of language models counted beforehand, against the graphs that are made; what suits them,
size before work starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from paretoscope.errors import ModelError
from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.external_data import save_decoder
from paretoscope.graphs.graph import payload_bytes
from paretoscope.inference.graph_io import DATA, MODEL, SCORE
from paretoscope.models.decoder.anatomy import decoder_anatomy, heads_of
from paretoscope.models.modules.access import is_tied
from paretoscope.pruning.structure import apply as prune
from paretoscope.quantization.quantize import apply as quantize
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, PruneStructure, Quantize
from paretoscope.shape.apply_recipe import apply_recipe, expected_bytes
from paretoscope.shape.bytes import OTHER_FILES_BYTES
from paretoscope.shape.decoder import DecoderShape
from paretoscope.shape.read import read_shape
from paretoscope.shape.read_decoder import decoder_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.trials.request import Conditions
from paretoscope.whatif.advice import advice
from paretoscope.whatif.features import features
from tests.tiny.decoders import FAMILIES, VOCABULARY, calibration_context, tiny_decoder
from tests.tiny.factory import make_tiny

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((family, {}) for family in FAMILIES),
    ("llama", {"tie_word_embeddings": True}),
    ("llama", {"attention_bias": True, "mlp_bias": True}),
    ("gpt2", {"tie_word_embeddings": False}),
    ("qwen3", {"tie_word_embeddings": True, "attention_bias": True}),
    ("mistral", {"num_key_value_heads": 4}),
    ("qwen2", {"head_dim": 16, "hidden_size": 80, "intermediate_size": 136}),
]
ROUNDED = [
    Quantize.model_validate(
        {"scheme": "weight-only", "bits": 4, "parts": {"layer.0": 2, "layer.0.ffn.in": 32}}
    ),
    Quantize(scheme="weight-only", bits=8),
    Quantize(scheme="weight-only", bits=4, embedding_bits=4, head_bits=2, group_size=64),
    Quantize(scheme="weight-only", bits=2, embedding_bits=32, head_bits=32, cache_bits=8),
    Quantize(scheme="weight-only", bits=4, rounding="awq", group_size=16),
    Quantize(
        scheme="weight-only",
        bits=4,
        zero_point="real",
        head_bits=2,
        embedding_bits=4,
        group_size=64,
    ),
    Quantize(
        scheme="weight-only",
        bits=2,
        zero_point="real",
        head_bits=4,
        embedding_bits=4,
        frequent_words=30,
    ),
    Quantize(scheme="weight-only", bits=4, head_bits=4, embedding_bits=2, frequent_words=100),
    Quantize(),
    Quantize(head_bits=32),
    Quantize(scheme="int8-static", smooth=0.5, embedding_bits=4),
]
CUTS = [
    PruneStructure(target="heads", ratio=0.5),
    PruneStructure(target="ffn", ratio=0.6),
    PruneStructure(target="layers", ratio=0.5),
]


def folder_of(family: str, changes: dict[str, Any], root: Path) -> Path:
    return make_tiny(family, root / family, **changes)


def loaded(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder).eval()


@pytest.mark.parametrize(
    ("family", "changes"),
    VARIANTS,
    ids=lambda value: value if isinstance(value, str) else "+".join(value) or "plain",
)
def test_bytes_are_those_of_the_graph_after_every_cut_and_rounding(
    family: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    folder = folder_of(family, changes, tmp_path)
    known = read_shape(folder)
    for cut in (None, *CUTS):
        model = loaded(folder)
        stages: tuple[AnyStage, ...] = () if cut is None else (cut,)
        graph = assemble_decoder(model if cut is None else prune(cut, model, calibration_context()))
        size = expected_bytes(known, Recipe(stages=stages))
        assert size.exact
        assert size.weights_bytes == payload_bytes(graph), cut
        for stage in ROUNDED if cut is None or cut.target == "heads" else ROUNDED[:1]:
            size = expected_bytes(known, Recipe(stages=(*stages, stage)))
            assert size.exact
            assert size.weights_bytes == payload_bytes(
                quantize(stage, graph, calibration_context(4))
            ), (cut, stage)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize(
    "stage",
    [None, Quantize(scheme="weight-only", bits=4), Quantize()],
    ids=["fp32", "weights", "int8"],
)
def test_the_files_of_a_graph_are_counted_to_within_a_few_thousand_bytes(
    family: str, stage: Quantize | None, tmp_path: Path
) -> None:
    known = read_shape(folder_of(family, {}, tmp_path))
    graph = assemble_decoder(loaded(tmp_path / family))
    save_decoder(
        graph if stage is None else quantize(stage, graph, calibration_context()), tmp_path
    )
    taken = sum((tmp_path / name).stat().st_size for name in (MODEL, DATA, SCORE))
    assert known.tokenizer_bytes is not None
    size = (
        expected_bytes(known, Recipe(stages=() if stage is None else (stage,))).total_bytes
        - known.tokenizer_bytes
        - OTHER_FILES_BYTES["decoder"]
    )
    assert size == pytest.approx(taken, abs=6_000)


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_are_those_of_the_model(family: str, tmp_path: Path) -> None:
    known = decoder_shape(folder_of(family, {}, tmp_path))
    model = loaded(tmp_path / family)
    parts = decoder_anatomy(model)
    assert (known.heads, known.key_heads) == heads_of(model, parts.layers[0])
    assert (known.layers, known.hidden, known.ffn, known.head_size) == (
        2,
        64,
        96,
        parts.layers[0].head_size,
    )
    assert (known.vocabulary, known.tied) == (model.config.vocab_size, is_tied(model))
    assert known.encoder_parameters == sum(
        model.get_parameter(name).numel() for name in parts.matrices
    )
    assert known.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_uneven_layers_have_their_bytes_together(tmp_path: Path) -> None:
    folder = folder_of("llama", {}, tmp_path)
    cut = PruneStructure(target="ffn", ratio=0.5, allocation="global", criterion="activation")
    graph = assemble_decoder(prune(cut, loaded(folder), calibration_context()))
    size = expected_bytes(read_shape(folder), Recipe(stages=(cut,)))
    assert size.exact
    assert size.weights_bytes == payload_bytes(graph)
    for bits in (4, 3):
        stage = Quantize(scheme="weight-only", bits=bits)
        size = expected_bytes(read_shape(folder), Recipe(stages=(cut, stage)))
        assert size.low <= payload_bytes(quantize(stage, graph, calibration_context())) <= size.high


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("bits", [3, 4.5, 7])
def test_an_average_of_bits_is_between_its_bounds(bits: float, tied: bool) -> None:
    graph, known = _graph_and_shape(tied)
    stage = Quantize(scheme="weight-only", bits=bits)
    size = expected_bytes(known, Recipe(stages=(stage,)))
    assert size.low <= payload_bytes(quantize(stage, graph, calibration_context())) <= size.high


def _graph_and_shape(tied: bool) -> tuple[onnx.ModelProto, DecoderShape]:
    model = tiny_decoder("llama", VOCABULARY, tie_word_embeddings=tied)
    context, size = model.config.max_position_embeddings, decoder_anatomy(model).layers[0].head_size
    known = DecoderShape(
        name="tiny",
        family="llama",
        layers=2,
        hidden=64,
        heads=4,
        head_size=size,
        ffn=96,
        vocabulary=VOCABULARY,
        embedding=64,
        positions=0,
        tokenizer_bytes=None,
        tensors={name: tuple(tensor.shape) for name, tensor in model.state_dict().items()},
        key_heads=2,
        tied=tied,
        rotations=context * size,
        biases=frozenset(),
    )
    return assemble_decoder(model), known


def test_a_gguf_file_says_as_much_as_the_folder_that_is_made_of_it(tmp_path: Path) -> None:
    """The built-in model: its header alone, against the config that transformers makes of it."""
    ref = resolve_model("smollm2-135m")
    known = decoder_shape(ref)
    assert (
        known.layers,
        known.hidden,
        known.heads,
        known.key_heads,
        known.head_size,
        known.ffn,
    ) == (30, 576, 9, 3, 64, 1536)
    assert (known.vocabulary, known.tied, known.rotations, known.biases) == (
        49152,
        True,
        8192 * 64,
        frozenset(),
    )
    assert known.encoder_parameters + 49152 * 576 + 61 * 576 == 134_515_008  # as its makers count
    whole, less = (
        expected_bytes(known, Recipe(stages=stages))
        for stages in ((), (PruneStructure(target="layers", ratio=0.2),))
    )
    layer = 576 * (960 + 576 + 3 * 1536) + 2 * 576
    assert whole.weights_bytes - less.weights_bytes == 6 * (4 * layer + 16)


def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path) -> None:
    folder = folder_of("llama", {}, tmp_path)
    with pytest.raises(ModelError, match=r'"t5" model cannot be computed'):
        (folder / "config.json").write_text('{"model_type": "t5"}')
        decoder_shape(folder)
    with pytest.raises(ModelError, match="missing or have different widths"):
        (folder / "config.json").write_text('{"model_type": "llama"}')
        decoder_shape(folder)


def test_an_estimate_knows_the_shape_of_a_language_model(tmp_path: Path) -> None:
    known = read_shape(folder_of("llama", {}, tmp_path))
    whole, cut = (
        features(apply_recipe(known, Recipe(stages=stages)))
        for stages in ((), (PruneStructure(target="heads", ratio=0.5),))
    )
    assert [name for name in whole if whole[name] != cut[name]] == [
        "heads",
        "encoder_parameters",
        "untrained",
    ]


@pytest.mark.parametrize("changes", [{"bits": 4}, {"max_mb": 90}])
def test_advice_tells_a_token_from_a_prompt(changes: dict[str, Any]) -> None:
    """A prompt of 128 rows is not faster in few bits, generation of one row at a time is."""
    stage = Quantize(scheme="weight-only", **changes)
    recipe = Recipe(stages=(stage,))
    applied = apply_recipe(_graph_and_shape(tied=True)[1], recipe)
    (size,) = advice(recipe, ("avx2",), Conditions(sequence=128), applied)
    assert (size.size, size.speed) == (True, True)
    assert "generation is faster" in str(size)
    assert "prompt (128 rows per call) is not" in str(size)
