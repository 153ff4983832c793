"""What-if against what really comes out: bytes of real graphs, shapes of real pruned models,
coverage of left-out trials.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

from paretoscope.artifact.card import model_card
from paretoscope.artifact.pack import pack
from paretoscope.errors import ModelError, RecipeError
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import payload_bytes, save
from paretoscope.machine import Machine
from paretoscope.models.checkpoint import load_model
from paretoscope.models.encoder.anatomy import anatomy
from paretoscope.pruning import structure
from paretoscope.pruning.layers import keep_layers
from paretoscope.quantization import quantize
from paretoscope.quantization.packing.groups import GROUP_SIZE
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.shape.apply_recipe import after
from paretoscope.shape.bytes import EMBEDDING_GROUP, OTHER_FILES_BYTES, expected_bytes
from paretoscope.shape.compatibility import check_fit
from paretoscope.shape.read import read_shape
from paretoscope.shape.shape import ModelShape
from paretoscope.sources.ref import ModelRef
from paretoscope.trials.trial import Conditions, TrialDocument
from paretoscope.whatif import regression
from paretoscope.whatif.advice import advice
from paretoscope.whatif.estimate import FEWEST, expected, features
from paretoscope.whatif.regression import predict
from tests.documents import BASE_P50, BASE_QUALITY, MACHINE, document
from tests.tiny.context import Recorder
from tests.tiny.encoders import FAMILIES, make_tiny, wordpiece

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
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {family: make_tiny(family, root / family, labels=("a", "b", "c")) for family in FAMILIES}


@pytest.fixture(scope="module")
def graphs(folders: dict[str, Path]) -> dict[str, onnx.ModelProto]:
    return {family: export(load_model(folder))[0] for family, folder in folders.items()}


@pytest.fixture
def bert(folders: dict[str, Path]) -> ModelShape:
    """Facts under the name of the documents that tests make, with layers and widths of a small real
    model.
    """
    return replace(
        read_shape(folders["bert"]),
        name="minilm-trec",
        layers=6,
        heads=12,
        ffn=1536,
        hidden=384,
        head_size=32,
    )


def quantized(graph: onnx.ModelProto, stage: Quantize | None) -> onnx.ModelProto:
    return graph if stage is None else quantize.apply(stage, graph, Recorder().context())


def recipe(*stages: AnyStage | None) -> Recipe:
    return Recipe(stages=tuple(stage for stage in stages if stage))


# --- facts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_facts_are_those_of_the_model(family: str, folders: dict[str, Path]) -> None:
    found = read_shape(folders[family])
    assert (
        found.layers,
        found.hidden,
        found.heads,
        found.head_size,
        found.ffn,
        found.positions,
        found.classes,
    ) == (2, 32, 4, 8, 64, 128, 3)
    model = load_model(folders[family])
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.vocabulary == model.config.vocab_size


def test_facts_need_no_weights_only_headers(folders: dict[str, Path], tmp_path: Path) -> None:
    source = (folders["bert"] / "model.safetensors").read_bytes()
    length = int.from_bytes(source[:8], "little")
    (tmp_path / "model.safetensors").write_bytes(source[: 8 + length])
    (tmp_path / "config.json").write_bytes((folders["bert"] / "config.json").read_bytes())
    assert read_shape(tmp_path).layers == 2
    assert read_shape(tmp_path).tokenizer_bytes is None
    assert read_shape(tmp_path, classes=7).classes == 7


def test_facts_that_cannot_be_had_are_refused_in_a_sentence(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"no readable config\.json"):
        read_shape(tmp_path)
    config = json.loads((folders["bert"] / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "t5"}))
    with pytest.raises(ModelError, match='"t5" model cannot be computed'):
        read_shape(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    for damaged in (b"", b"\xff" * 4, b"\xff" * 16, (5).to_bytes(8, "little") + b"[1,2]"):
        (tmp_path / "model.safetensors").write_bytes(damaged)
        with pytest.raises(ModelError, match="header"):
            read_shape(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("target", ["heads", "ffn", "layers", "hidden"])
def test_the_shape_is_what_pruning_really_leaves(
    target: str, family: str, folders: dict[str, Path]
) -> None:
    context = Recorder().context()
    for ratio in (0.1, 0.4, 0.9):
        stage = PruneStructure.model_validate({"target": target, "ratio": ratio})
        pruned = structure.apply(stage, load_model(folders[family]), context)
        said = expected_bytes(read_shape(folders[family]), recipe(stage))
        assert said.weights_bytes == payload_bytes(export(pruned)[0]), ratio


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("hidden", [0.25, 0.5])
def test_bytes_of_a_narrower_hidden_state_are_exact(
    hidden: float, family: str, folders: dict[str, Path]
) -> None:
    cut = PruneStructure(target="hidden", ratio=hidden)
    graph = export(structure.apply(cut, load_model(folders[family]), Recorder().context()))[0]
    for stage in EXACT:
        said = expected_bytes(read_shape(folders[family]), recipe(cut, stage))
        assert said.exact
        assert said.weights_bytes == payload_bytes(quantized(graph, stage)), stage


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
        said = expected_bytes(read_shape(folders["bert"]), recipe(cut, stage))
        assert said.low <= payload_bytes(quantized(graph, stage)) <= said.high, stage
        if stage is None or stage.scheme != "weight-only":
            assert said.exact
            assert said.weights_bytes == payload_bytes(quantized(graph, stage)), stage
    said = expected_bytes(read_shape(folders["bert"]), recipe(cut, again))
    assert (
        said.low
        <= payload_bytes(export(structure.apply(again, pruned, Recorder().context()))[0])
        <= said.high
    )
    assert not said.exact


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_of_a_smaller_vocabulary_are_exact_but_for_the_tokenizer(
    family: str, folders: dict[str, Path]
) -> None:
    known = read_shape(folders[family])
    context = Recorder().context()
    context.tokenizer = (folders[family] / "tokenizer.json").read_text(encoding="utf-8")
    stage = PruneStructure(target="vocabulary", ratio=0.01)
    said = expected_bytes(known, recipe(stage, Quantize()))
    assert said.exact
    pruned = structure.apply(stage, load_model(folders[family]), context)
    assert said.weights_bytes == payload_bytes(quantized(export(pruned)[0], Quantize()))
    left = after(known, recipe(stage))
    assert left.vocabulary == stage.kept(known.vocabulary) < known.vocabulary
    assert left.tokenizer_bounds is not None
    assert (
        left.tokenizer_bounds[0] - 8
        <= len(context.tokenizer.encode())
        <= left.tokenizer_bounds[1] + 8
    )
    assert "by which entries the training texts use" in said.note
    assert expected_bytes(
        known, recipe(PruneStructure(target="vocabulary", ratio=0))
    ) == expected_bytes(known, recipe())


def test_a_vocabulary_without_room_for_single_characters_is_refused_before_work_starts(
    folders: dict[str, Path],
) -> None:
    model = ModelRef(name="tiny", kind="folder", path=str(folders["bert"]), key="k")
    check_fit(model, recipe(PruneStructure(target="vocabulary", ratio=0.1)))
    for stages in ((0.5,), (0.1, 0.1)):
        with pytest.raises(
            RecipeError, match="single characters alone are 141; set ratio to at most"
        ):
            check_fit(
                model,
                recipe(*(PruneStructure(target="vocabulary", ratio=ratio) for ratio in stages)),
            )


def test_stages_shape_one_after_the_other(bert: ModelShape) -> None:
    chain = recipe(
        Distill(layers=4),
        PruneStructure(target="layers", ratio=0.5),
        PruneWeights(sparsity=0.9),
        Quantize(),
    )
    assert after(bert, chain).layers == 2
    with pytest.raises(RecipeError, match="its teacher has only 6"):
        after(bert, recipe(Distill(layers=7)))


# --- bytes ----------------------------------------------------------------------------------------


def test_group_sizes_are_those_of_the_embedding() -> None:
    assert EMBEDDING_GROUP == GROUP_SIZE


@pytest.mark.parametrize("family", FAMILIES)
def test_bytes_of_the_weights_are_exact(
    family: str, folders: dict[str, Path], graphs: dict[str, onnx.ModelProto]
) -> None:
    known = read_shape(folders[family])
    for stage in EXACT:
        said = expected_bytes(known, recipe(stage))
        assert said.exact
        assert said.weights_bytes == payload_bytes(quantized(graphs[family], stage)), stage


@pytest.mark.parametrize("bits", [2.5, 3, 4.5, 6, 7.9])
def test_an_average_of_bits_lies_within_its_bounds(
    bits: float, folders: dict[str, Path], graphs: dict[str, onnx.ModelProto]
) -> None:
    for family, group_size in product(("bert", "electra"), (16, 32)):
        stage = Quantize(scheme="weight-only", bits=bits, group_size=group_size)
        said = expected_bytes(read_shape(folders[family]), recipe(stage))
        assert not said.exact
        assert said.low <= payload_bytes(quantized(graphs[family], stage)) <= said.high


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
    said = expected_bytes(read_shape(folders["bert"]), recipe(mixed))
    assert not said.exact
    assert said.low <= payload_bytes(quantized(graphs["bert"], mixed)) <= said.high


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
    with pytest.raises(RecipeError, match="with every weight in 2 bits the artefact has about"):
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
    """A model of 3.6 million parameters, so that half a per cent of its artefact is some kilobytes."""
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
    }
    record = pack(made, tmp_path / "artefact", chain, model_card(trial), about)
    said = expected_bytes(known, chain)
    assert said.weights_bytes == payload_bytes(onnx.load(made / "model.onnx"))
    assert abs(said.total_bytes / record.size_bytes - 1) < 0.005
    around = record.size_bytes - record.files["model.onnx"] - record.files["tokenizer.json"]
    assert abs(around - OTHER_FILES_BYTES) < 3_000


# --- quality and speed ----------------------------------------------------------------------------


def truth(
    known: ModelShape, chain: Recipe, noise: np.random.Generator | None = None
) -> tuple[float, float]:
    """A made-up world: quality falls with zeros and few bits, speed goes with the work that is
    left.
    """
    left = after(known, chain)
    quality, speed = (
        BASE_QUALITY,
        1 / (0.1 + 0.9 * left.encoder_parameters / known.encoder_parameters),
    )
    for stage in chain.stages:
        if isinstance(stage, PruneWeights):
            quality *= 1 - max(0.0, stage.target_sparsity - 0.4)
        elif isinstance(stage, PruneStructure):
            quality *= 1 - 0.3 * stage.ratio**2
        elif isinstance(stage, Quantize):
            quality *= 1 - 0.3 * 4.0 ** (2 - stage.bits)
            speed *= 1.9 if stage.scheme != "weight-only" else 1.2
    if noise is not None:
        quality, speed = (
            quality * np.exp(noise.normal(0, 0.004)),
            speed * np.exp(noise.normal(0, 0.02)),
        )
    return float(quality), float(speed)


def grid() -> Iterator[tuple[AnyStage, ...]]:
    for sparsity, ratio, bits in product((0, 0.5, 0.7), (0, 0.25, 0.5), (32, 8, 4, 2)):
        stages: list[AnyStage] = []
        if sparsity:
            stages.append(PruneWeights(sparsity=sparsity))
        if ratio:
            stages.append(PruneStructure(target="ffn", ratio=ratio))
        if bits < 32:
            stages.append(Quantize() if bits == 8 else Quantize(scheme="weight-only", bits=bits))
        yield tuple(stages)


def study(known: ModelShape, model: str = "minilm-trec", task: str = "trec") -> list[TrialDocument]:
    noise = np.random.default_rng(0)
    found: list[TrialDocument] = []
    for stages in grid():
        quality, speed = truth(known, recipe(*stages), noise)
        found.append(document(*stages, quality=quality, speedup=speed, model=model, task=task))
    return found


def test_a_study_of_elsewhere_adds_ratios_but_no_measurement_and_no_baseline(
    bert: ModelShape,
) -> None:
    shipped, asked = study(bert), recipe(PruneStructure(target="ffn", ratio=0.5))
    alone = expected([], asked, bert, elsewhere=shipped)
    assert (alone.measured, alone.latency_p50_ms) == (None, None)
    assert alone.speedup is not None
    assert expected(shipped, asked, bert).measured is not None
    slow = document(speedup=1.0)
    assert slow.latency
    slow = slow.model_copy(update={"latency": slow.latency.model_copy(update={"p50_ms": 100.0})})
    beside = expected([slow], asked, bert, elsewhere=shipped)
    assert beside.measured is None
    assert beside.latency_p50_ms and beside.speedup
    assert beside.latency_p50_ms.value == pytest.approx(100.0 / beside.speedup.value)


def test_left_out_trials_fall_into_their_intervals(bert: ModelShape) -> None:
    trials = study(bert)
    inside = []
    for left_out in trials:
        if left_out.is_baseline:
            continue
        said = expected([other for other in trials if other is not left_out], left_out.recipe, bert)
        assert said.quality is not None
        assert said.speedup is not None
        assert left_out.quality is not None
        assert left_out.speedup is not None
        assert said.quality.low < said.quality.value <= said.quality.high <= 1
        inside.append(
            (
                said.quality.low <= left_out.quality.value <= said.quality.high,
                said.speedup.low <= left_out.speedup.value <= said.speedup.high,
            )
        )
    quality, speed = np.mean(inside, axis=0)
    assert quality > 0.8
    assert speed > 0.8


def test_an_estimate_is_near_the_truth_between_measured_recipes(bert: ModelShape) -> None:
    asked = recipe(PruneWeights(sparsity=0.6), PruneStructure(target="ffn", ratio=0.4), Quantize())
    quality, speed = truth(bert, asked)
    said = expected(study(bert), asked, bert)
    assert said.quality is not None
    assert said.speedup is not None
    assert said.latency_p50_ms is not None
    assert said.quality.value == pytest.approx(quality, rel=0.03)
    assert said.speedup.value == pytest.approx(speed, rel=0.10)
    assert said.latency_p50_ms.value == pytest.approx(BASE_P50 / said.speedup.value)
    assert said.latency_p50_ms.low == pytest.approx(BASE_P50 / said.speedup.high)
    assert (said.level, said.points, said.measured, said.reason) == (0.9, 35, None, "")


def test_far_from_what_was_measured_the_interval_is_wider(bert: ModelShape) -> None:
    trials = study(bert)
    near, far = (
        expected(trials, recipe(stage), bert).quality
        for stage in (PruneWeights(sparsity=0.6), PruneWeights(sparsity=0.99))
    )
    assert near is not None
    assert far is not None
    assert far.high - far.low > 2 * (near.high - near.low)


def test_too_few_points_give_a_reason_and_no_number(bert: ModelShape) -> None:
    said = expected(study(bert)[:FEWEST], recipe(PruneWeights(sparsity=0.6)), bert)
    assert (said.quality, said.speedup, said.latency_p50_ms) == (None, None, None)
    assert said.reason == "an estimate of quality and of speed needs 6 measured recipes and has 5"
    assert expected([], recipe(), bert).quality is None


@pytest.mark.parametrize(
    ("stage", "lacks"),
    [
        (Distill(layers=1), "fewer layers"),
        (PruneStructure(target="hidden", ratio=0.25), "a narrower hidden state"),
        (Quantize(scheme="int8-static"), "int8 static"),
    ],
)
def test_of_what_no_measured_recipe_did_nothing_is_said(
    stage: AnyStage, lacks: str, bert: ModelShape
) -> None:
    said = expected(study(bert), recipe(stage), bert)
    assert (said.quality, said.speedup, said.latency_p50_ms) == (None, None, None)
    assert (
        said.reason
        == f"an estimate of quality and of speed needs a measured recipe with {lacks} and has none"
    )


def test_zero_points_tell_four_bits_apart(bert: ModelShape) -> None:
    """Levels that may begin anywhere lose little where those with zero among them lose much."""
    bits = [
        (6, "integer", 0.90),
        (5, "integer", 0.85),
        (4.5, "integer", 0.8),
        (4, "integer", 0.75),
        (6, "real", 0.95),
        (5, "real", 0.95),
        (4, "real", 0.95),
    ]
    trials = [document(quality=0.96)]
    trials += [
        document(Quantize(scheme="weight-only", bits=bit, zero_point=zero), quality=quality)
        for bit, zero, quality in bits
    ]
    real, integer = (
        expected(
            trials, recipe(Quantize(scheme="weight-only", bits=4.25, zero_point=zero)), bert
        ).quality
        for zero in ("real", "integer")
    )
    assert real and integer
    assert real.value > integer.value + 0.05


def test_a_measured_recipe_is_answered_with_its_measurement(bert: ModelShape) -> None:
    trials = study(bert)
    said = expected(trials, trials[7].recipe, bert)
    assert trials[7].quality is not None
    assert said.measured == trials[7].trial_id
    assert said.quality is not None
    assert (said.quality.value, said.quality.low) == (
        trials[7].quality.value,
        trials[7].quality.low,
    )
    assert said.speedup == trials[7].speedup
    baseline = expected(trials, recipe(), bert)
    assert baseline.measured == trials[0].trial_id
    assert baseline.speedup is not None
    assert baseline.speedup.value == 1


def test_speed_comes_from_the_same_machine_and_conditions_only(bert: ModelShape) -> None:
    asked = recipe(PruneWeights(sparsity=0.6))
    other = Machine.model_validate({**MACHINE.model_dump(), "id": "beef"})
    for said in (
        expected(study(bert), asked, bert, machine=other),
        expected(study(bert), asked, bert, conditions=Conditions(batch=8)),
    ):
        assert said.speedup is None
        assert said.quality is not None
        assert "speed needs 6 measured recipes and has 0" in said.reason
    assert (
        expected(study(bert), asked, bert, machine=MACHINE, conditions=Conditions()).speedup
        is not None
    )


def test_other_models_join_as_ratios_when_own_trials_are_few(bert: ModelShape) -> None:
    asked = recipe(PruneWeights(sparsity=0.6))
    unseen = recipe(Distill(layers=11))  # does not fit this model: it is passed over
    others = [*study(bert, model="other", task="sms"), document(*unseen.stages, model="other")]
    said = expected([*others, document()], asked, bert, task="trec")
    assert "also counts other models" in said.reason
    assert said.quality is not None
    assert said.quality.value == pytest.approx(BASE_QUALITY * 0.8, rel=0.03)
    unknown = expected(others, asked, bert)
    assert unknown.quality is None
    assert unknown.speedup is not None
    assert "the baseline is not measured here yet" in unknown.reason
    with pytest.raises(RecipeError):
        expected(others, unseen, bert)


def test_what_differs_in_a_recipe_differs_in_its_features(bert: ModelShape) -> None:
    assert not any(features(bert, recipe()).values())
    different: list[AnyStage] = [
        Distill(layers=3),
        Distill(layers=3, soft_weight=0),
        Distill(layers=3, epochs=1),
        PruneStructure(target="heads"),
        PruneStructure(target="ffn"),
        PruneStructure(target="ffn", retrain_epochs=1),
        PruneStructure(target="layers"),
        PruneWeights(sparsity=0.5),
        PruneWeights(sparsity=0.5, scope="global"),
        PruneWeights(pattern="2:4"),
        Quantize(),
        Quantize(embedding_bits=4),
        Quantize(scheme="int8-static"),
        Quantize(scheme="weight-only"),
        Quantize(scheme="weight-only", bits=3.5),
        Quantize(scheme="weight-only", group_size=64),
        Quantize(scheme="weight-only", bits=4),
        Quantize(scheme="weight-only", bits=4, zero_point="real"),
    ]
    rows = {
        tuple(round(number, 6) for number in features(bert, recipe(stage)).values())
        for stage in different
    }
    assert len(rows) == len(different)


def test_the_closed_form_of_leaving_out_is_leaving_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernel ridge regression fitted again without each point gives the interval that one fit
    claims.
    """
    length, noise = 1.5, 0.03
    monkeypatch.setattr(regression, "LENGTHS", (length,))
    monkeypatch.setattr(regression, "NOISES", (noise,))
    generator = np.random.default_rng(1)
    x, at = generator.normal(size=(20, 3)), generator.normal(size=3)
    y = x[:, 0] + 0.3 * np.sin(3 * x[:, 1]) + generator.normal(0, 0.05, 20)

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / 3 + np.exp(-((a - b) ** 2).sum() / (2 * length**2)))

    def fitted(
        rows: list[np.ndarray], values: list[float], where: np.ndarray
    ) -> tuple[float, float]:
        gram = np.array([[kernel(a, b) for b in rows] for a in rows]) + noise * np.eye(len(rows))
        near = np.array([kernel(where, row) for row in rows])
        variance = kernel(where, where) + noise - near @ np.linalg.solve(gram, near)
        return float(near @ np.linalg.solve(gram, np.array(values))), float(np.sqrt(variance))

    scale = np.sqrt((y**2).mean())
    rows, values = [np.zeros(3), *x], [0.0, *(y / scale)]
    studentised = []
    for left_out in range(1, 21):
        guess, spread = fitted(
            [*rows[:left_out], *rows[left_out + 1 :]],
            [*values[:left_out], *values[left_out + 1 :]],
            rows[left_out],
        )
        studentised.append(abs(values[left_out] - guess) / spread)
    guess, spread = fitted(rows, values, at)
    found = predict(x, y, at)
    assert found.value == pytest.approx(guess * scale)
    assert found.half == pytest.approx(
        sorted(studentised)[18] * spread * scale
    )  # the 19th of 20 bounds nine tenths of 21


def test_smoothing_is_sure_where_points_are_dense_and_quiet() -> None:
    x = np.linspace(0.1, 2, 30)[:, None]
    y = np.sin(x[:, 0])
    found = predict(x, y, np.array([1.05]))
    assert found.value == pytest.approx(np.sin(1.05), abs=0.02)
    assert found.half < 0.05
    assert predict(x, y, np.array([9.0])).half > 10 * found.half
    noisy = predict(x, y + np.random.default_rng(0).normal(0, 0.2, 30), np.array([1.05]))
    assert noisy.half > 4 * found.half
    assert predict(x[:7], y[:7], np.array([0.3])).level == pytest.approx(7 / 8)
    assert predict(x, np.zeros(30), np.array([1.0])).value == 0


# --- advice ---------------------------------------------------------------------------------------

VNNI = ("avx2", "avx512_vnni")
PLAIN = ("avx2",)


@pytest.mark.parametrize(
    ("stage", "flags", "at", "size", "speed", "says"),
    [
        (PruneWeights(sparsity=0.5), VNNI, Conditions(), False, False, "stays dense"),
        (PruneWeights(pattern="2:4"), VNNI, Conditions(), False, False, "sparse tensor cores"),
        (PruneWeights(sparsity=0), VNNI, Conditions(), False, False, "changes nothing"),
        (
            PruneStructure(target="ffn", ratio=0.5),
            VNNI,
            Conditions(),
            True,
            True,
            "768 of 1536 feed-forward neurons",
        ),
        (
            PruneStructure(target="heads", ratio=0.01),
            VNNI,
            Conditions(),
            False,
            False,
            "rounds to none",
        ),
        (
            PruneStructure(target="layers", ratio=0),
            VNNI,
            Conditions(),
            False,
            False,
            "removes no layers",
        ),
        (Distill(layers=3), VNNI, Conditions(), True, True, "in proportion to the layers"),
        (Distill(layers=6), VNNI, Conditions(), False, False, "as slow as its teacher"),
        (Quantize(), VNNI, Conditions(), True, True, "faster than fp32"),
        (Quantize(), ("sse4_2",), Conditions(), True, False, "no int8 instructions"),
        (Quantize(), PLAIN, Conditions(), True, True, "not as fast as with int8 instructions"),
        (Quantize(), PLAIN, Conditions(), True, True, "sums can saturate here"),
        (Quantize(), (), Conditions(), True, True, "where the CPU has VNNI"),
        (
            Quantize(scheme="weight-only", bits=4),
            VNNI,
            Conditions(batch=1, sequence=1),
            True,
            True,
            "takes 4.62 bits",
        ),
        (
            Quantize(scheme="weight-only", bits=4, zero_point="real"),
            VNNI,
            Conditions(batch=1, sequence=1),
            True,
            True,
            "takes about 4.8 bits",
        ),
        (
            Quantize(scheme="weight-only", bits=4),
            VNNI,
            Conditions(batch=2, sequence=32),
            True,
            False,
            "64 rows at once) it is no faster than fp32",
        ),
        (
            Quantize(scheme="weight-only", bits=4),
            VNNI,
            Conditions(batch=1, sequence=32),
            True,
            True,
            "from about 64 on",
        ),
        (
            Quantize(scheme="weight-only", bits=4),
            PLAIN,
            Conditions(batch=1, sequence=32),
            True,
            False,
            "32 rows at once) it is no faster than fp32",
        ),
        (
            Quantize(scheme="weight-only"),
            PLAIN,
            Conditions(batch=1, sequence=8),
            True,
            True,
            "from about 32 on",
        ),
    ],
)
def test_each_setting_says_whether_size_and_speed_can_change(
    stage: AnyStage,
    flags: tuple[str, ...],
    at: Conditions,
    size: bool,
    speed: bool,
    says: str,
    bert: ModelShape,
) -> None:
    first = advice(recipe(stage), flags, at, bert)[0]
    assert (first.size, first.speed, first.stage) == (size, speed, 0)
    assert says in str(first)


def test_fewer_bits_embeddings_and_widths_have_their_own_sentence(bert: ModelShape) -> None:
    said = advice(
        recipe(Quantize(scheme="weight-only", bits=2, embedding_bits=32)), VNNI, Conditions(), bert
    )
    assert any("2 bits run slower than 4" in str(each) for each in said)
    assert any("word embedding" in str(each) and "stays in fp32" in str(each) for each in said)
    narrow = replace(bert, head_size=5)
    assert any(
        "no multiple of 8" in str(each)
        for each in advice(
            recipe(PruneStructure(target="heads", ratio=0.5)), VNNI, Conditions(), narrow
        )
    )
    assert any(
        "without retraining" in str(each) for each in advice(recipe(PruneWeights(sparsity=0.8)))
    )


def test_a_recipe_that_can_only_lose_is_called_that() -> None:
    said = advice(recipe(PruneWeights(sparsity=0.5)), VNNI)
    assert "neither smaller nor faster" in str(said[-1])
    assert said[-1].stage is None
    assert advice(recipe()) == []
    assert all(
        "neither smaller" not in str(each)
        for each in advice(recipe(PruneWeights(sparsity=0.5), Quantize()), VNNI)
    )
