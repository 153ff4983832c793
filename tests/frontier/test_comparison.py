"""Dominance, paired tests on stored samples and disagreements, against counts by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from paretoscope.errors import StoreError
from paretoscope.frontier.comparison import (
    NO_EXAMPLES,
    NO_SAMPLES,
    OTHER_EXAMPLES,
    headline,
    judged_by,
    pair,
    pairs,
    standings,
    verdict,
)
from paretoscope.frontier.disagreements import disagreements, disagreements_csv
from paretoscope.frontier.points import point
from paretoscope.recipes.diff import recipe_differences
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name
from paretoscope.recipes.stages import Distill, PruneStructure, PruneWeights, Quantize
from paretoscope.trials.request import Conditions
from paretoscope.trials.samples import Samples, TokenAnswers, read_samples
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.documents import MACHINE, decoder_document, document

BASE, INT8, SPARSE = (
    document(),
    document(Quantize(), quality=0.955),
    document(PruneWeights(), quality=0.95, speedup=1.0, size=91_000_000),
)
LABELS = np.array([0, 1, 2, 0, 1])


def names(documents: Sequence[TrialDocument]) -> dict[str, str]:
    """Short names by trial id."""
    return {each.trial_id: short_name(each.recipe) for each in documents}


def samples(*answers: int, sure: float = 4.0, labels: np.ndarray = LABELS) -> Samples:
    """A model that gives these answers, each with the logit `sure` and 0 for the rest."""
    return Samples(labels, sure * np.eye(3, dtype=np.float32)[list(answers)], ())


# --- dominance ------------------------------------------------------------------------------------


def test_dominance_is_among_those_that_are_compared() -> None:
    points = [point(each) for each in (BASE, INT8, SPARSE)]
    found, dominated = standings(points, judged_by([BASE, INT8, SPARSE]))
    assert dominated == {
        BASE.trial_id: (SPARSE.trial_id,),
        INT8.trial_id: (SPARSE.trial_id,),
        SPARSE.trial_id: (),
    }
    beats, best = headline(found, dominated, names([BASE, INT8, SPARSE]))
    assert beats.startswith("Baseline dominates 50 % sparse.")
    assert best == "Baseline is the most accurate; int8 the smallest and the fastest."


def test_times_of_two_places_are_not_judged() -> None:
    elsewhere = document(Quantize(), machine=MACHINE.model_copy(update={"id": "beef"}))
    batched = document(Quantize(), conditions=Conditions(batch=8))
    assert [each.key for each in judged_by([BASE, INT8])] == [
        "quality",
        "size_bytes",
        "latency_p50_ms",
    ]
    assert (
        [each.key for each in judged_by([BASE, elsewhere])]
        == [each.key for each in judged_by([BASE, batched])]
        == ["quality", "size_bytes"]
    )


# --- pairs ----------------------------------------------------------------------------------------


def test_a_pair_counts_what_the_second_lost_and_gained() -> None:
    found = pair(INT8, SPARSE, samples(0, 1, 0, 0, 1), samples(0, 1, 2, 1, 2))
    assert found.paired is not None
    assert (found.n, found.paired.lost, found.paired.gained, found.paired.agreement) == (
        5,
        2,
        1,
        0.4,
    )
    assert found.paired.mcnemar_p == pytest.approx(binomtest(1, 3).pvalue)


def test_why_two_cannot_be_paired_is_said() -> None:
    kept, other = samples(0, 1, 2, 0, 1), samples(0, 1, 2, 0, 1, labels=np.array([0, 1, 2, 0, 2]))
    assert pair(INT8, SPARSE, None, None).reason == NO_SAMPLES.format("both")
    assert pair(INT8, SPARSE, kept, None).reason == NO_SAMPLES.format("the second")
    assert pair(INT8, SPARSE, kept, other).reason == OTHER_EXAMPLES
    assert pair(INT8, SPARSE, kept, Samples(None, None, ())).reason == NO_EXAMPLES


def test_beside_the_baseline_what_was_found_then_is_enough_and_baselines_come_first() -> None:
    found = pairs(
        [INT8, BASE, SPARSE], {INT8.trial_id: None, BASE.trial_id: None, SPARSE.trial_id: None}
    )
    assert [(each.first, each.second) for each in found] == [
        (BASE.trial_id, INT8.trial_id),
        (BASE.trial_id, SPARSE.trial_id),
        (INT8.trial_id, SPARSE.trial_id),
    ]
    assert [each.paired is None for each in found] == [False, False, True]
    assert found[0].paired == INT8.paired


def test_disagreements_are_sorted_by_the_change_of_the_labels_probability() -> None:
    first, second = samples(0, 1, 0, 0, 1), samples(0, 1, 2, 1, 2)
    first.logits[3] /= 4  # type: ignore[index]
    second.logits[4] *= 3  # type: ignore[index]
    found = disagreements(first, second)
    assert [(each.place, each.label, each.answers, each.outcome) for each in found] == [
        (4, 1, (1, 2), "lost"),
        (2, 2, (0, 2), "gained"),
        (3, 0, (0, 1), "lost"),
    ]
    sure, other = np.exp(4) / (np.exp(4) + 2), 1 / (np.exp(4) + 2)
    assert found[1].probabilities == pytest.approx((sure, sure))
    assert found[1].difference == pytest.approx(sure - other)
    assert found[2].difference == pytest.approx(other - np.exp(1) / (np.exp(1) + 2))


def test_disagreements_as_csv() -> None:
    found = disagreements(samples(0, 1, 0, 0, 1), samples(0, 1, 2, 0, 1))
    text = disagreements_csv(
        found,
        list("vwxyz"),
        ["", "", 'a "quoted", text', "", ""],
        ["no", "yes", "maybe"],
        ("int8", "int4"),
    )
    (row,) = csv.DictReader(io.StringIO(text))
    assert row == {
        "id": "x",
        "text": 'a "quoted", text',
        "label": "maybe",
        "int8": "no",
        "int8 probability": "0.9647",
        "int4": "maybe",
        "int4 probability": "0.9647",
        "difference": "+0.9470",
        "outcome": "gained",
    }


# --- language models ------------------------------------------------------------------------------

WHOLE, FOUR, TWO = (
    decoder_document(),
    decoder_document(
        Quantize(scheme="weight-only", bits=4),
        perplexity=20.3,
        change=(0.01, 0.02),
        speedup=3.0,
        size=90_000_000,
    ),
    decoder_document(
        Quantize(scheme="weight-only", bits=2),
        perplexity=40.0,
        change=(0.9, 1.1),
        speedup=2.0,
        size=60_000_000,
    ),
)


def prose(worse: float, *, documents: int = 12, seed: int = 0, tokenizer: int = 1) -> Samples:
    """A model whose every log-probability lies `worse` below those of one model, on documents of
    10, 11, 12, ... tokens.
    """
    lengths = np.arange(10, 10 + documents)
    targets = np.random.default_rng(3).integers(1, 90, lengths.sum()) * tokenizer
    logs = -np.random.default_rng(4).gamma(2, 1.5, lengths.sum())
    top = np.where(np.random.default_rng(seed).random(len(targets)) < 0.5, targets, targets + 1)
    return Samples(
        None,
        None,
        (),
        TokenAnswers(
            (logs - worse).astype(np.float32),
            top.astype(np.int32),
            targets.astype(np.int32),
            lengths,
        ),
    )


def test_two_compressed_language_models_are_paired_token_by_token() -> None:
    first, second = prose(0.1, seed=1), prose(0.15, seed=2)
    found = pair(FOUR, TWO, first, second)
    assert first.tokens is not None and second.tokens is not None
    assert found.paired is not None and found.paired.change is not None
    assert found.n == len(first.tokens.targets)
    assert found.paired.change.value == pytest.approx(
        np.exp(0.05) - 1, rel=1e-4
    )  # every token by as much, so there is no spread
    assert found.paired.change.low == pytest.approx(found.paired.change.high, abs=1e-4)
    right = [tokens.top == tokens.targets for tokens in (first.tokens, second.tokens)]
    assert (found.paired.lost, found.paired.gained) == (
        (right[0] & ~right[1]).sum(),
        (right[1] & ~right[0]).sum(),
    )
    assert found.paired.kl is None
    assert verdict(found.paired, found.n).startswith(
        "perplexity +5.13 % [+5.13, +5.13]: a clear loss; the same top token for "
    )


def test_a_quick_look_is_paired_with_a_longer_one_on_the_documents_that_both_read() -> None:
    quick, standard = prose(0.0, documents=5), prose(0.02)
    found = pair(FOUR, TWO, quick, standard)
    assert found.paired is not None and found.paired.change is not None
    assert found.n == sum(range(10, 15))
    assert found.paired.change.value == pytest.approx(np.exp(0.02) - 1, rel=1e-3)


def test_tokens_of_another_tokenizer_are_not_paired() -> None:
    found = pair(FOUR, TWO, prose(0.0), prose(0.0, tokenizer=2))
    assert found.paired is None
    assert "another tokenizer" in found.reason


def test_beside_the_baseline_a_language_model_keeps_its_divergence() -> None:
    found = pair(WHOLE, FOUR, prose(0.0), prose(0.3))
    assert found.paired == FOUR.paired


def test_the_answer_speaks_of_perplexity_and_tokens() -> None:
    documents = [WHOLE, FOUR, TWO]
    judged = judged_by(documents)
    assert [each.key for each in judged] == ["perplexity", "size_bytes", "tpot_ms"]
    found = standings([point(each) for each in documents], judged)
    _, best = headline(*found, names(documents))
    assert best == "Baseline is the lowest in perplexity; int2 the smallest; int4 the fastest."


# --- samples --------------------------------------------------------------------------------------


def test_samples_are_read_for_a_trial_and_for_the_baseline_beside_it(workspace: Workspace) -> None:
    workspace.samples.mkdir(parents=True)
    turns: dict[str, Any] = {
        f"{side}_turn{turn}": np.full(2, at + turn)
        for side, at in (("candidate", 0.0), ("baseline", 100.0))
        for turn in range(1, 12)
    }
    kept: dict[str, Any] = {
        "logits": np.zeros((5, 3)),
        "baseline_logits": np.ones((5, 3)),
        "labels": LABELS,
    }
    np.savez(workspace.samples / "abc.npz", **kept, **turns)
    own, base = read_samples(workspace, "abc"), read_samples(workspace, "abc-baseline")
    assert (
        own is not None and own.logits is not None and base is not None and base.logits is not None
    )
    assert (own.logits.mean(), base.logits.mean()) == (0, 1)
    assert own.latencies_ms[::2].tolist() == list(range(1, 12))
    assert base.latencies_ms[0] == 101
    assert own.tokens is None
    assert read_samples(workspace, "unknown") is None


def test_samples_of_prose_are_read_for_both_sides(workspace: Workspace) -> None:
    workspace.samples.mkdir(parents=True)
    tokens = prose(0.1).tokens
    assert tokens is not None
    kept: dict[str, Any] = {
        "log_probability": tokens.log_probability,
        "top": tokens.top,
        "targets": tokens.targets,
        "lengths": tokens.lengths,
    }
    np.savez(
        workspace.samples / "abc.npz",
        **kept,
        baseline_log_probability=tokens.log_probability + 0.1,
        baseline_top=tokens.top + 1,
    )
    own, base = read_samples(workspace, "abc"), read_samples(workspace, "abc-baseline")
    assert (
        own is not None and own.tokens is not None and base is not None and base.tokens is not None
    )
    np.testing.assert_array_equal(own.tokens.log_probability, tokens.log_probability)
    np.testing.assert_array_equal(base.tokens.top, tokens.top + 1)
    assert base.tokens.lengths.tolist() == own.tokens.lengths.tolist()


def test_damaged_samples_are_a_sentence(workspace: Workspace) -> None:
    workspace.samples.mkdir(parents=True)
    (workspace.samples / "abc.npz").write_bytes(b"PK nonsense")
    with pytest.raises(
        StoreError, match=r'The samples ".*abc\.npz" cannot be read .* measure the trial again'
    ):
        read_samples(workspace, "abc")


# --- recipes --------------------------------------------------------------------------------------


def told(*recipes: Recipe) -> list[tuple[str, tuple[str, ...]]]:
    return [(row.in_words(), row.values) for row in recipe_differences(recipes)]


def test_equal_recipes_have_no_difference_and_seeds_count() -> None:
    assert told(Recipe(stages=(Quantize(),)), Recipe(stages=(Quantize(),))) == []
    assert told(Recipe(stages=(Quantize(),)), Recipe(seed=3, stages=(Quantize(),))) == [
        ("Seed", ("0", "3"))
    ]


def test_stages_are_matched_whatever_lies_between() -> None:
    one = Recipe(stages=(PruneStructure(target="heads", ratio=0.25), Quantize()))
    two = Recipe(
        stages=(
            Distill(),
            PruneStructure(target="heads", ratio=0.5),
            PruneStructure(target="ffn"),
            Quantize(),
        )
    )
    assert told(one, two, Recipe()) == [
        ("Distil a student", ("–", "student-3", "–")),
        ("Prune structure (heads)", ("heads -25 %", "heads -50 %", "–")),
        ("Prune structure (heads): ratio", ("0.25", "0.5", "–")),
        ("Prune structure (ffn)", ("–", "ffn -50 %", "–")),
        ("Quantize", ("int8 dynamic", "int8 dynamic", "–")),
    ]


def test_the_same_stages_in_another_order_are_a_difference() -> None:
    heads, ffn = PruneStructure(target="heads"), PruneStructure(target="ffn")
    ((words, values),) = told(Recipe(stages=(heads, ffn)), Recipe(stages=(ffn, heads)))
    assert words == "Order of the stages"
    assert values == (
        "Prune structure (heads), then Prune structure (ffn)",
        "Prune structure (ffn), then Prune structure (heads)",
    )


def test_two_stages_of_one_kind_are_told_apart_by_number() -> None:
    once, twice = (
        Recipe(stages=(PruneWeights(sparsity=0.3),)),
        Recipe(stages=(PruneWeights(sparsity=0.3), PruneWeights(sparsity=0.6))),
    )
    assert told(once, twice) == [("Prune weights, number 2", ("–", "magnitude 60 %"))]
