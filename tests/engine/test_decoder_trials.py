"""A trial of a tiny language model from request to document, on a person's own prose and on
questions of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paretoscope.artifact.pack import TOKENIZER
from paretoscope.catalog import request
from paretoscope.engine.build import Bench
from paretoscope.engine.evaluators import EVALUATORS, SPLIT, ClozeEvaluator
from paretoscope.engine.pipeline import run_trial
from paretoscope.engine.progress import Steps
from paretoscope.errors import RecipeError, TaskError
from paretoscope.measure import generation
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.recovery import remedies
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.shape.apply_recipe import expected_bytes
from paretoscope.shape.read import read_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.prose import ClozeSplit, question
from paretoscope.tasks.splits import Split, Task
from paretoscope.trials.request import Conditions, TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny
from tests.tiny.graph_decoder import toy_decoder

SENTENCES = (
    "The film was good and many liked it. Who won the game in the city? What a bad plot it was for"
    " a name. When is the call for the free win?"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("decoder-trial")
    make_tiny("llama", root / "model", tie_word_embeddings=True)
    (root / "own.txt").write_text(
        "\n\n".join(
            f"Story {number}. {SENTENCES} Part {number * 7} of the film ends."
            for number in range(40)
        )
    )
    return root


def _asked(place: Path, *stages: AnyStage) -> TrialRequest:
    at = Conditions(sequence=16, threads=1)
    return request(
        str(place / "model"), Recipe(stages=stages), task=str(place / "own.txt"), conditions=at
    )


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Iterator[None]:
    plan = replace(generation.PLANS["quick"], turns=1, new_tokens=4, warm_up_s=0.0, requests=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(generation.PLANS, "quick", plan)
        yield


@pytest.fixture(scope="module")
def done(place: Path) -> TrialDocument:
    return run_trial(
        _asked(place, Quantize(scheme="weight-only", bits=4)),
        Workspace(place / "workspace"),
        lambda _: None,
    )


def test_an_artefact_without_the_graph_for_scoring_can_be_scored(
    place: Path, done: TrialDocument
) -> None:
    asked = _asked(place, Quantize(scheme="weight-only", bits=4))
    bench = Bench(asked, Workspace(place / "workspace"), Steps(asked.recipe, lambda _: None))
    folder = Path(done.artifact.path) if done.artifact else Path()
    assert not (folder / "score.onnx").exists()
    reference = bench.evaluator.scores(bench.make(Recipe()).folder, None)
    again = bench.evaluator.quality(folder, bench.evaluator.scores(folder, reference))
    assert done.quality is not None
    assert again.value == pytest.approx(done.quality.value, rel=1e-6)


def test_figures_come_with_the_differences_that_no_change_makes(done: TrialDocument) -> None:
    assert done.paired is not None
    assert done.paired.kl is not None
    assert done.paired.kl_floor is not None
    assert 0 <= done.paired.kl_floor < 1e-6 < done.paired.kl
    assert done.placebo is not None
    assert done.placebo.low <= done.placebo.value <= done.placebo.high
    assert done.generation is not None
    assert done.generation.ttft_placebo is not None


def test_the_document_has_perplexity_and_generation(done: TrialDocument) -> None:
    assert done.quality is not None
    assert done.quality.metric == "perplexity"
    assert done.quality.low <= done.quality.value <= done.quality.high
    assert done.generation is not None
    assert (done.generation.prompt_tokens, done.generation.new_tokens) == (16, 4)
    assert done.generation.ttft_speedup is not None
    assert done.paired is not None
    assert done.paired.change is not None
    assert done.baseline is not None
    ratio = done.quality.value / done.baseline.quality.value
    assert done.paired.change.value == pytest.approx(ratio - 1, abs=1e-4)
    assert done.paired.kl is not None and done.paired.kl > 0
    assert done.artifact is not None
    assert {"model.onnx", "model.onnx.data", "run.py"} <= done.artifact.files.keys()


def test_answers_are_kept_token_by_token(done: TrialDocument, place: Path) -> None:
    with np.load(Workspace(place / "workspace").samples / f"{done.trial_id}.npz") as kept:
        assert {
            "log_probability",
            "top",
            "targets",
            "lengths",
            "candidate_turn1",
            "candidate_first_turn1",
        } <= set(kept)
        assert {"baseline_log_probability", "baseline_top"} <= set(kept)
        assert done.quality is not None
        assert len(kept["top"]) == len(kept["targets"]) == kept["lengths"].sum() == done.quality.n


def test_a_graph_is_read_though_an_artefact_shares_its_files(
    done: TrialDocument, place: Path
) -> None:
    """The baseline was packed with hard links; the next recipe starts from the same graph in the
    cache.
    """
    other = run_trial(
        _asked(place, Quantize(scheme="weight-only", bits=8)),
        Workspace(place / "workspace"),
        lambda _: None,
    )
    assert other.quality is not None
    assert done.paired is not None
    assert other.paired is not None
    assert other.paired.kl is not None and done.paired.kl is not None
    assert other.paired.kl < done.paired.kl


def test_a_stage_that_does_not_fit_is_refused_before_work_starts(place: Path) -> None:
    with pytest.raises(
        RecipeError,
        match=(
            r"Stage 1 .* cannot be applied to .*, a language model:"
            r" .*set target to one of layers, ffn, heads"
        ),
    ):
        request(
            str(place / "model"),
            Recipe(stages=(PruneStructure(target="hidden"),)),
            task=str(place / "own.txt"),
        )
    with pytest.raises(RecipeError, match="its teacher has only 2"):
        request(
            str(place / "model"), Recipe(stages=(Distill(layers=3),)), task=str(place / "own.txt")
        )


def test_a_chain_of_strategies_is_one_recipe(place: Path) -> None:
    """Every prefix is made, is as large as was said beforehand, and is smaller or as large as what
    it starts from.
    """
    stages = (
        PruneStructure(
            target="layers",
            ratio=0.5,
            criterion="activation",
            retrain_epochs=0.5,
            distill_weight=0.7,
        ),
        PruneStructure(target="heads", ratio=0.5),
        PruneStructure(target="ffn", ratio=0.5),
        PruneWeights(method="wanda", pattern="2:4"),
        Quantize(scheme="weight-only", bits=4),
    )
    known = read_shape(resolve_model(str(place / "model")))
    asked = _asked(place, *stages)
    bench = Bench(asked, Workspace(place / "workspace"), Steps(asked.recipe, lambda _: None))
    sizes = []
    for count in range(len(stages) + 1):
        prefix = asked.recipe.prefix(count)
        made = bench.make(prefix)
        assert made.facts["weights_bytes"] == expected_bytes(known, prefix).weights_bytes
        sizes.append(made.facts["weights_bytes"])
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes) - 1  # zeros alone make no file smaller
    layer = 64 * 64 + 32 * 64 + 3 * 48 * 64  # query, key and value; output; gate, up and down
    zeros = sizes[-1] - made.facts["theoretical_bytes"]
    assert (
        layer / 2 * 4 / 8 <= zeros < 1.1 * layer / 2 * 4 / 8
    )  # in codes of 4 bits, every zero is one still


def test_what_recover_tries_is_what_a_language_model_takes(place: Path) -> None:
    asked = _asked(place)
    bench = Bench(asked, Workspace(place / "workspace"), Steps(asked.recipe, lambda _: None))

    def tried(stage: AnyStage) -> list[str]:
        return [remedy.in_words() for remedy in remedies(stage, 1) if bench.fits(remedy)]

    assert tried(PruneStructure(target="heads")) == ["heads -50 % + 1 epoch with teacher"]
    assert tried(Quantize(scheme="weight-only", bits=3)) == [
        "weights 3 bit gptq",
        "weights 3 bit gptq by sensitivity",
    ]


def test_questions_are_judged_by_their_likeliest_continuation(tmp_path: Path) -> None:
    folder = toy_decoder(tmp_path / "model")
    text = (
        "the a of in to and. He said is was it for. The on that with by at. As be from the a of. It"
        " was in to and said. Of the a for on that."
    )
    asked = question(text, seed=3)
    assert asked is not None
    plain = Split(SPLIT, ("0",), (text,), np.zeros(1, dtype=np.int64))
    split = ClozeSplit(plain.name, plain.ids, plain.texts, plain.labels, questions=(asked,))
    judge = EVALUATORS["cloze"](
        Task("prose-cloze", (), 64, {SPLIT: split}, "key", kind="cloze"),
        64,
        TrialRequest(model="model", task="prose-cloze"),
        SPLIT,
    )
    assert isinstance(judge, ClozeEvaluator)
    scores = judge.scores(folder, None)
    assert scores["logits"].shape == (1, 4)
    quality = judge.quality(folder, scores)
    assert (quality.metric, quality.n) == ("accuracy", 1)
    assert quality.value == float(scores["logits"].argmax() == asked.answer)
    assert judge.paired(folder, scores, scores).kl == pytest.approx(0, abs=1e-6)
    assert set(judge.samples(scores, scores)) == {"logits", "baseline_logits", "labels"}
    assert (folder / TOKENIZER).is_file()
    judge.max_length = 8
    with pytest.raises(TaskError, match="8"):
        judge.scores(folder, None)
