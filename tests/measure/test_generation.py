"""Generation measured in turns: what is counted, what it is divided by, and what a short context is
told.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paretoscope.errors import ArtifactError
from paretoscope.graphs.export import export
from paretoscope.graphs.external_data import save_decoder
from paretoscope.graphs.genai import genai_config
from paretoscope.inference.graph_io import GENAI
from paretoscope.measure import cloze, generation, perplexity
from paretoscope.trials.request import Conditions
from tests.tiny.decoders import tiny_decoder
from tests.tiny.graph_decoder import toy_decoder


def _artefact(folder: Path) -> Path:
    folder.mkdir()
    model = tiny_decoder("llama", 300)
    graph, _ = export(model)
    save_decoder(graph, folder)
    (folder / GENAI).write_text(genai_config(graph, model))
    model.config.save_pretrained(folder)
    return folder


def test_a_decoder_is_timed_beside_its_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(generation.PLANS["quick"], turns=2, new_tokens=5, warm_up_s=0.0, requests=3)
    monkeypatch.setitem(generation.PLANS, "quick", plan)
    folders = _artefact(tmp_path / "one"), _artefact(tmp_path / "other")
    told: list[tuple[int, int]] = []
    session = generation.generate_interleaved(
        *folders, Conditions(batch=2, sequence=16, threads=1), "quick", lambda *at: told.append(at)
    )
    found = session.candidate.generation
    assert found is not None
    assert (found.prompt_tokens, found.new_tokens, found.n) == (16, 5, 2 * 3)
    assert session.candidate.latency.n == 2 * 3 * 4
    assert (
        found.tpot_ms
        == session.candidate.latency.p50_ms
        == pytest.approx(np.median(np.concatenate(session.candidate.turns_ms)))
    )
    assert found.tokens_per_s == pytest.approx(2 * 1000 / found.tpot_ms)
    assert found.ttft_low_ms is not None
    assert found.ttft_low_ms <= found.ttft_ms
    assert session.speedup is not None
    assert found.ttft_speedup is not None
    assert session.baseline is not None
    ratio = np.median(np.concatenate(session.baseline.first_ms)) / np.median(
        np.concatenate(session.candidate.first_ms)
    )
    assert found.ttft_speedup.value == pytest.approx(ratio)
    assert told[5] == (6, 6)
    assert {"candidate_turn1", "candidate_first_turn2", "baseline_turn2"} <= session.arrays().keys()


def test_the_context_has_to_hold_prompt_and_answer(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="accepts at most 2048 tokens"):
        generation.generate_interleaved(
            toy_decoder(tmp_path / "m"), None, Conditions(sequence=2040), "quick"
        )


def test_a_continuation_scores_as_it_does_in_a_whole_text(tmp_path: Path) -> None:
    """Through the runtime's own attention, which takes a cache in fewer ways than the toy model
    does.
    """
    folder = _artefact(tmp_path / "model")
    random = np.random.default_rng(1)
    question = cloze.EncodedQuestion(
        random.integers(5, 300, 9),
        tuple(random.integers(5, 300, length) for length in (3, 1, 6, 4)),
    )
    (scores,) = cloze.score_choices(folder, [question], threads=1)
    for score, choice in zip(scores, question.choices, strict=True):
        whole = perplexity.score_tokens(
            folder, [np.concatenate([question.context, choice])], None, threads=1, context=128
        )
        assert score == pytest.approx(whole["log_probability"][-len(choice) :].mean(), abs=1e-4)
