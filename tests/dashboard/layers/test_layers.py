"""Layers: bytes of every part, stored profiles and scans, and a mixed recipe from chosen cells."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.layers import jobs, mixed
from paretoscope.dashboard.layers.content import artifact_reason
from paretoscope.layers import results
from paretoscope.layers.profile import OperatorTime, PartTime, Profile
from paretoscope.layers.sensitivity import OPTIONS, Cell, Sensitivity
from paretoscope.machine import fingerprint
from paretoscope.recipes.recipe import Recipe
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.part_bytes import part_bytes
from paretoscope.shape.read import read_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import Interval, TrialDocument
from paretoscope.workspace import Workspace
from tests.dashboard.conftest import Open, charts, words

PARTS = ("embedding", "layer.0.qkv", "layer.0.ffn.in", "head")


@pytest.fixture(autouse=True)
def _no_shipped_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "DEMO", tmp_path / "no-demo")


def scanned(task: str = "trec") -> Sensitivity:
    """A scan whose most sensitive part at every option is `layer.0.ffn.in`."""
    cells = [
        Cell(
            part=part,
            option=option,
            kl=Interval(value=value, low=value / 2, high=2 * value),
            error=10 * value,
            changed=number,
        )
        for option in OPTIONS
        for number, part in enumerate(PARTS)
        if (value := 0.1 if part == "layer.0.ffn.in" else 0.001)
    ]
    return Sensitivity(
        model="minilm-trec",
        task=task,
        texts=64,
        cells=tuple(cells),
        machine=fingerprint(),
        seconds=30,
        measured_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


def profiled(noisy: bool = False) -> Profile:
    def ms(value: float) -> Interval:
        return Interval(value=value, low=0.9 * value, high=1.1 * value)

    times = {"embedding": 0.5, "layer.0.qkv": 1.0, "layer.0.ffn.in": 2.5}
    return Profile(
        model="minilm-trec",
        trial_id="0123456789ab",
        recipe_id=Recipe().id,
        graph_sha256="",
        machine=fingerprint(),
        conditions=Conditions(),
        processes=3,
        runs=240,
        plain_ms=ms(4.2),
        profiled_ms=ms(4.5),
        parts=tuple(PartTime(part=part, ms=ms(value)) for part, value in times.items()),
        operators=(OperatorTime(operator="MatMul", count=26, ms=ms(3.5)),),
        noisy=noisy,
        measured_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


def store_scan() -> None:
    model = resolve_model("minilm-trec")
    task = resolve_task("trec", architecture="classifier")
    results.write(scanned(), results.sensitivity_path(Workspace.at(), model.key, task.key))


def bars(page: AppTest, number: int = 0) -> dict[str, float]:
    """Per cent by label of a column of bars."""
    found = [trace for trace in charts(page)[0]["data"] if trace["type"] == "bar"][number]
    return dict(zip(found["y"], found["x"], strict=True))


@pytest.mark.usefixtures("full")
def test_bytes_are_those_of_the_shape_and_sum_to_all(open_page: Open) -> None:
    page = open_page("layers")
    expected = part_bytes(apply_recipe(read_shape(resolve_model("minilm-trec")), Recipe()))
    found = bars(page)
    assert found["Embedding"] == pytest.approx(100 * expected.share("embedding"))
    assert found["Layer 5 · FFN down"] == pytest.approx(100 * expected.share("layer.5.ffn.out"))
    assert sum(found.values()) == pytest.approx(100)
    assert f"{expected.total / 1e6:,.1f} MB" in words(page)


def test_a_picked_model_is_drawn_over_the_original(
    open_page: Open, full: list[TrialDocument]
) -> None:
    page = open_page("layers", pick=full[1].trial_id)
    assert page.selectbox(key="ly_model").value == full[1].trial_id
    before, after = bars(page), bars(page, 1)
    assert after["Embedding"] < before["Embedding"] / 3.5
    assert sum(after.values()) < sum(before.values()) / 3.5


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(("by", "rows"), [("kind", 8), ("layer", 9)])
def test_rows_are_summed(open_page: Open, by: str, rows: int) -> None:
    page = open_page("layers", ly_rows=by)
    found = bars(page)
    assert len(found) == rows
    assert sum(found.values()) == pytest.approx(100)


def test_without_measurements_bytes_are_shown_all_the_same(open_page: Open) -> None:
    page = open_page("layers")
    assert bars(page)["Embedding"] > 50
    assert page.selectbox(key="ly_model").disabled
    profile = page.button(key="ly_profile")
    assert profile.disabled
    assert profile.help


@pytest.mark.usefixtures("full")
def test_a_trial_without_artefact_cannot_be_profiled(open_page: Open) -> None:
    page = open_page("layers")
    assert page.button(key="ly_profile").disabled
    here = page.session_state["scope"]
    assert "not on this disk" in artifact_reason(here, here.rows()[0])


@pytest.mark.usefixtures("full")
def test_a_stored_scan_is_a_heat_map(open_page: Open) -> None:
    store_scan()
    page = open_page("layers")
    (heat,) = [trace for trace in charts(page)[0]["data"] if trace["type"] == "heatmap"]
    assert heat["x"] == [option.label for option in OPTIONS]
    assert "Layer 0 · FFN up" in page.markdown[1].value
    assert "64 calibration texts" in words(page)
    page.selectbox(key="ly_loss").set_value("changed").run()
    assert not page.exception
    assert page.query_params["ly_loss"] == "changed"


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("noisy", [False, True])
def test_a_shipped_profile_is_shown_as_not_confirmed(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, noisy: bool
) -> None:
    monkeypatch.setattr(results, "DEMO", tmp_path / "demo")
    results.write(profiled(noisy), results.shipped_profile("minilm-trec", Recipe().id))
    page = open_page("layers")
    times = bars(page, 1)
    assert times["Layer 0 · FFN up"] == pytest.approx(62.5)
    text = words(page)
    assert "not confirmed here" in text
    assert ("noisy" in text) == noisy


def test_a_compressed_profile_is_drawn_over_that_of_the_original(
    open_page: Open,
    full: list[TrialDocument],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(results, "DEMO", tmp_path / "demo")
    picked = full[1]
    results.write(profiled(), results.shipped_profile("minilm-trec", Recipe().id))
    page = open_page("layers", pick=picked.trial_id)
    assert "compressed: not profiled yet" in words(page)
    results.write(profiled(), results.shipped_profile("minilm-trec", picked.recipe_id))
    page.run()
    assert bars(page, 3) == bars(page, 2)


@pytest.mark.usefixtures("full")
def test_widths_of_the_link_are_a_recipe_with_exact_bytes(open_page: Open) -> None:
    page = open_page("layers", ly_w=["layer.0.ffn.in:4", "embedding:2", "layer.99.qkv:4", "x:4"])
    text = words(page)
    shape = read_shape(resolve_model("minilm-trec"))
    stage = {"bits": 8, "embedding_bits": 2, "parts": {"layer.0.ffn.in": 4}}
    recipe = Recipe.model_validate(
        {"stages": [{"kind": "quantize", "scheme": "weight-only", **stage}]}
    )
    size = apply_recipe(shape, recipe).size
    assert f"{size.weights_bytes:,} bytes of weights exactly" in text
    assert not page.button(key="ly_run").disabled


@pytest.mark.usefixtures("full")
def test_the_list_sets_widths_without_the_map(open_page: Open) -> None:
    page = open_page("layers")
    assert page.button(key="ly_set").disabled
    assert page.button(key="ly_run").disabled
    page.multiselect(key="ly_parts").set_value(["layer.0.qkv", "head"]).run()
    page.button(key="ly_set").click().run()
    assert page.query_params["ly_w"] == ["head:4", "layer.0.qkv:4"]
    page.button(key="ly_clear").click().run()
    assert "ly_w" not in page.query_params


@pytest.mark.usefixtures("full")
def test_a_link_starts_no_command(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Sequence[str]] = []
    monkeypatch.setattr(jobs, "start", lambda key, arguments: started.append(arguments))
    page = open_page("layers", ly_sensitivity="1", ly_profile="1")
    assert started == []
    page.button(key="ly_sensitivity").click().run()
    (arguments,) = started
    assert list(arguments[:4]) == ["sensitivity", "minilm-trec", "--task", "trec"]
    assert arguments[-1] == str(Workspace.at().root)


def fake(monkeypatch: pytest.MonkeyPatch, program: str) -> jobs.Job:
    """A job that runs a program instead of the command."""
    real = jobs.subprocess.Popen

    def popen(_: list[str], **more: Any) -> Any:
        return real([sys.executable, "-c", program], **more)

    monkeypatch.setattr(jobs.subprocess, "Popen", popen)
    jobs.start("a", ["x"])
    found = jobs.job("a")
    assert found is not None
    return found


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_job_shows_progress_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import time; print('part 3 of 12', flush=True); time.sleep(60)"
    found = fake(monkeypatch, program)
    wait_for(lambda: found.share)
    assert found.share == pytest.approx(0.25)
    jobs.start("a", ["x"])  # it runs already
    assert jobs.job("a") is found
    found.cancel()
    wait_for(lambda: not found.running)
    assert found.error == ""


def test_a_failed_job_has_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fake(monkeypatch, "import sys; sys.exit('paretoscope: The disk is full; free space.')")
    wait_for(lambda: not found.running)
    assert found.error == "The disk is full; free space."


def test_a_language_model_has_bytes_and_says_what_is_missing(open_page: Open) -> None:
    page = open_page("layers", model="smollm2-135m")
    assert "Embedding and head (tied)" in bars(page)
    assert page.selectbox(key="ly_rows").value == "kind"
    assert page.button(key="ly_sensitivity").disabled
    assert "classifiers only" in words(page)
    assert mixed.in_words({"head": 4}) == "4 bits: Head"
