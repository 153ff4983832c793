"""The language-model benchmark on a tiny model: every section runs, checks its targets, and writes
its file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.decoders import cost, four_bits, llama, low_bits, pruning
from benchmarks.decoders.__main__ import SECTIONS, main
from benchmarks.decoders.evaluation import Options, Report, Row, beats, scored
from paretoscope.measure import generation
from paretoscope.trials.request import Conditions
from paretoscope.trials.samples import TokenAnswers
from paretoscope.trials.trial import Interval
from paretoscope.workspace import Workspace
from tests.tiny.factory import make_tiny

SENTENCES = (
    "The film was good and many liked it. Who won the game in the city? What a bad plot it was for"
    " a name. When is the call for the free win?"
)
FOUR = [{"kind": "quantize", "scheme": "weight-only", "bits": 4}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tiny model, a text and a workspace shared by all sections, with the shortest timing."""
    root = tmp_path_factory.mktemp("decoders")
    make_tiny("llama", root / "model", tie_word_embeddings=True)
    (root / "own.txt").write_text(
        "\n\n".join(
            f"Story {number}. {SENTENCES} Part {number * 7} of the film ends."
            for number in range(40)
        )
    )
    plan = replace(generation.PLANS["quick"], turns=1, new_tokens=4, warm_up_s=0.0, requests=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(generation.PLANS, "quick", plan)
        yield root


def ran(
    place: Path, section: str, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any], str]:
    """The JSON file of a section, and its printed output."""
    at = [
        "--workspace",
        str(place / "workspace"),
        "--to",
        str(place / "found"),
        "--prompt",
        "16",
        "--threads",
        "1",
        "--protocol",
        "quick",
    ]
    main([section, "--model", str(place / "model"), "--task", str(place / "own.txt"), *at])
    return json.loads((place / "found" / f"{section}.json").read_text()), capsys.readouterr().out


def options(place: Path) -> Options:
    at = Conditions(sequence=16, threads=1)
    return Options(
        str(place / "model"),
        str(place / "own.txt"),
        "quick",
        at,
        Workspace.at(place / "workspace"),
        place / "found",
    )


def test_four_bits_are_timed_with_their_baseline(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = [{"kind": "quantize", "scheme": "weight-only", "bits": 4, "from_tomorrow": True}]
    monkeypatch.setattr(four_bits, "RECIPES", {"4 bits": FOUR, "tomorrow": unknown})
    found, printed = ran(place, "four-bits", capsys)
    baseline, four, tomorrow = found["rows"]
    assert four["bytes"] < baseline["bytes"]
    assert four["change"]["value"] == pytest.approx(
        four["perplexity"]["value"] / baseline["perplexity"]["value"] - 1, abs=1e-4
    )
    assert four["generation"]["tokens_per_s"] > 0
    assert "speedup" in four and "speedup" not in baseline
    assert "from_tomorrow" in tomorrow["error"]
    assert "not made: " in printed
    (verdict,) = found["verdicts"]
    assert verdict["target"].startswith("at most 2% more perplexity, 6 times smaller")
    assert found["machine"]["cores"] > 0


def test_low_bits_are_compared_at_the_same_bytes(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_bits, "AVERAGES", (3,))
    monkeypatch.setattr(low_bits, "ROUNDINGS", ("gptq",))
    found, _ = ran(place, "low-bits", capsys)
    rows = {row["name"]: row for row in found["rows"]}
    plain = rows["3 bits rtn by error"]
    assert {"fp32", "3 bits gptq by error", "3 bits gptq by sensitivity"} <= rows.keys()
    assert rows["3 bits gptq by sensitivity"]["bytes"] <= plain["bytes"] * 1.01
    assert all("15% better" in verdict["target"] for verdict in found["verdicts"])
    assert found["verdicts"]


def test_pruning_says_which_method_keeps_more(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PATTERNS", {"50 %": {"sparsity": 0.5}})
    monkeypatch.setattr(pruning, "METHODS", ("magnitude", "wanda"))
    monkeypatch.setattr(pruning, "WIDTHS", {})
    monkeypatch.setattr(pruning, "DEPTH", {**pruning.DEPTH, "ratio": 0.5})
    monkeypatch.setattr(
        pruning, "RECOVERIES", {"recovered": [pruning.DEPTH | {"retrain_epochs": 0.02}]}
    )
    found, _ = ran(place, "pruning", capsys)
    assert [row["name"] for row in found["rows"]] == [
        "fp32",
        "50 % magnitude",
        "50 % wanda",
        "20 % of the layers",
        "recovered",
    ]
    assert [verdict["target"].split(":")[0] for verdict in found["verdicts"]] == [
        "50 % wanda better than 50 % magnitude",
        "recovered",
    ]


def test_a_sweep_makes_base_export_and_hessians_once(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "_new_process", _here)
    found, _ = ran(place, "time", capsys)
    assert found["gptq"]["peak_bytes"] > found["gptq"]["empty_bytes"] / 2
    assert len(found["sweep"]) == 12
    assert found["sweep"][0]["exports"] == found["sweep"][0]["checkpoints"] == 1
    assert found["sweep"][0]["passes"] >= 1
    assert all(verdict["met"] for verdict in found["verdicts"])


class _here:  # noqa: N801  a a new process would spend seconds on importing torch
    def __enter__(self) -> _here:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, call: Any, *arguments: Any) -> _here:
        self.found = call(*arguments)
        return self

    def result(self) -> Any:
        return self.found


def test_long_texts_are_read_to_their_end(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = ran(place, "long-texts", capsys)
    assert len(found["verdicts"]) == 2 * 5
    failed = [verdict for verdict in found["verdicts"] if not verdict["met"]]
    assert not failed


def test_without_llama_cpp_the_section_says_so(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, printed = ran(place, "llama", capsys)
    assert "llama.cpp reads GGUF files" in found["missing"]
    assert "not measured: " in printed
    monkeypatch.setattr(llama, "PACKAGE", "a_package_that_nobody_has")
    assert "benchmarks.peers.llama_install" in llama._missing(Path("model.gguf"))


def test_a_verdict_is_about_the_same_tokens(place: Path) -> None:
    bench = options(place).bench()
    baseline, four = scored(bench, "fp32", []), scored(bench, "4 bits", FOUR)
    report = Report("four-bits", options(place))
    beats(report, baseline, four, "fp32 better than 4 bits", at_most=1.0)
    beats(report, four, baseline, "4 bits better by half", at_most=0.5)
    assert baseline.perplexity and four.perplexity
    assert [verdict["met"] for verdict in report.verdicts] == [
        baseline.perplexity.value <= four.perplexity.value,
        False,
    ]
    beats(report, Row("gone", error="no such method"), baseline, "gone better")
    assert report.verdicts[-1] == {
        "target": "gone better",
        "result": "not made: no such method",
        "met": False,
    }


def test_one_model_has_to_meet_every_demand(place: Path) -> None:
    """A small slow model and a large fast one do not meet the target together."""

    def at(name: str, size: int, speedup: float, change: float = 0.0) -> Row:
        exactly = {
            value: Interval(value=value, low=value, high=value) for value in (speedup, change)
        }
        return Row(
            name,
            bytes=size,
            perplexity=Interval(value=20, low=19, high=21),
            change=exactly[change],
            speedup=exactly[speedup],
        )

    baseline, small, fast, both = (
        at("fp32", 600, 1.0),
        at("small", 90, 2.0),
        at("fast", 200, 4.0),
        at("both", 95, 3.1),
    )
    report = Report("four-bits", options(place))
    four_bits._check(report, baseline, [small, fast])
    four_bits._check(report, baseline, [small, fast, both, at("worse", 50, 5.0, change=0.03)])
    assert [verdict["met"] for verdict in report.verdicts] == [False, True]
    assert report.verdicts[1]["result"].startswith("both: ")


def test_an_unknown_section_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["five-bits"])
    assert 'unknown section "five-bits"' in capsys.readouterr().err
    assert set(SECTIONS) == {"four-bits", "llama", "low-bits", "pruning", "time", "long-texts"}


def test_answers_stay_out_of_the_file() -> None:
    tokens = np.zeros(3, dtype=np.int32)
    row = Row(
        "x", bytes=3, answers=TokenAnswers(tokens.astype(np.float32), tokens, tokens, np.array([3]))
    )
    assert row.to_json() == {"name": "x", "bytes": 3}


def test_every_section_has_an_expected_duration(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--model", str(place / "model"), "--workspace", str(place / "none"), "--estimate"])
    last_line = capsys.readouterr().out.splitlines()[-1]
    assert all(f"{name} " in last_line for name in SECTIONS)
    assert not (place / "none").exists()
