"""The components of pages that are plain functions."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paretoscope.dashboard.explore import answer, selection_tray
from paretoscope.dashboard.parts import downloads, plain_answer, runs, test_summary
from paretoscope.dashboard.shell import durations, engine_status, selection
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import Constraint, MaxDrop
from paretoscope.frontier.points import objectives
from paretoscope.frontier.recommend import recommend
from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.plain_answer import KEEP, sentence
from paretoscope.report.tables.table import rows
from paretoscope.report.verdict import chance
from paretoscope.store.store import TrialRow
from paretoscope.trials.metrics import metric
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import Interval, Status
from tests.documents import document

TABLE = rows(
    [
        document(),
        document(Quantize(), quality=0.955, speedup=2.0, size=23_000_000),
        document(Distill(layers=3), Quantize(), quality=0.94, speedup=4.0, size=17_000_000),
        document(PruneWeights(sparsity=0.5), quality=0.95, speedup=1.0, size=91_000_000),
    ]
)
BY_ID = {row.id: row for row in TABLE}
POINTS = [row.named_point for row in TABLE]
AXES = objectives("size_bytes", "quality", "latency_p50_ms")


def trial(
    status: Status,
    *,
    queued: int = 0,
    started: int | None = None,
    finished: int | None = None,
    progress: Progress | None = None,
) -> TrialRow:
    """A row with times in seconds before now."""
    now = datetime.now(UTC)
    at = [
        None if seconds is None else now - timedelta(seconds=seconds)
        for seconds in (queued, started, finished)
    ]
    assert at[0]
    return TrialRow(
        trial_id=f"{status}{queued}",
        request_json=TrialRequest(model="m", task="t").model_dump_json(),
        status=status,
        priority=0,
        queued_at=at[0],
        started_at=at[1],
        finished_at=at[2],
        progress=progress,
        error=None,
        attempts=1,
        lost=0,
        cancel_requested=False,
        document_json=None,
    )


# --- the recommendation in words


def test_the_reasons_name_the_runner_up_and_the_nearest_limit() -> None:
    advice = recommend(POINTS, [MaxDrop(0.03), Constraint("size_bytes", 30e6)], AXES, POINTS[0])
    second = BY_ID[advice.runner_up or ""].short_name
    reasons = test_summary.why(advice, BY_ID)
    assert advice.why in reasons
    assert f"**{second}**" in reasons
    assert advice.nearest_limit
    assert metric(advice.nearest_limit.metric).label.lower() in reasons


def test_the_smallest_within_the_limits_is_named_unless_it_is_the_one_to_take() -> None:
    student = next(row for row in TABLE if row.document.recipe.strategies[:1] == ("distillation",))
    for wanted in ("quality", "size_bytes"):
        advice = recommend(POINTS, [MaxDrop(0.03)], objectives(wanted), POINTS[0])
        named = student.short_name in test_summary.why(advice, BY_ID)
        assert named == (advice.best != student.id)
    by_quality = recommend(POINTS, [MaxDrop(0.03)], objectives("quality"), POINTS[0])
    assert f"**{student.short_name}**, 17.0 MB, -2.0 points" in test_summary.why(by_quality, BY_ID)
    assert student.short_name not in test_summary.why(
        recommend(POINTS, [MaxDrop(0.01)], objectives("quality"), POINTS[0]), BY_ID
    )


def test_a_wide_interval_of_a_speed_up_is_shown() -> None:
    row = TABLE[1]
    wide = row.document.model_copy(update={"speedup": Interval(value=2.0, low=1.6, high=2.4)})
    assert sentence(rows([wide])[-1]).startswith("2x faster [1.6x, 2.4x], ")
    narrow = row.document.model_copy(update={"speedup": Interval(value=2.0, low=1.95, high=2.05)})
    assert sentence(rows([narrow])[-1]).startswith("2x faster, ")
    slow = row.document.model_copy(update={"speedup": Interval(value=0.5, low=0.4, high=0.8)})
    assert sentence(rows([slow])[-1]).startswith("2x slower [1.2x, 2.5x], ")


def test_without_a_model_within_the_limits_the_tight_one_is_named() -> None:
    advice = recommend(POINTS, [Constraint("size_bytes", 10e6)], AXES, POINTS[0])
    assert advice.best is None
    assert test_summary.why(advice, BY_ID) == advice.why


def test_without_an_improvement_the_original_model_is_kept() -> None:
    advice = recommend(POINTS[:1], [], AXES, POINTS[0])
    assert answer.headline(BY_ID[advice.best or ""]) == KEEP


def test_a_change_is_shown_with_the_paired_test() -> None:
    row = TABLE[1]
    paired = row.document.paired
    assert paired
    n = row.document.quality.n if row.document.quality else 0
    assert test_summary.quality_change(row) == f"-0.5 points, {chance(paired, n)}"
    assert "p = .08" in chance(paired, n), "borderline"
    clear = row.document.model_copy(
        update={"paired": paired.model_copy(update={"mcnemar_p": 0.0004})}
    )
    assert "p < .001" in test_summary.quality_change(rows([clear])[-1])


def test_an_unclear_or_noisy_speed_up_is_marked() -> None:
    document = TABLE[1].document
    assert document.latency
    unclear = document.model_copy(update={"speedup": Interval(value=1.02, low=0.98, high=1.05)})
    assert sentence(rows([unclear])[-1]).startswith("Same speed, 4x smaller, ")
    noisy = document.model_copy(
        update={"latency": document.latency.model_copy(update={"noisy": True})}
    )
    assert "noisy" in plain_answer.time_line(rows([noisy])[-1])
    assert "noisy" not in plain_answer.time_line(rows([document])[-1])


def test_negligible_differences_from_the_runner_up_are_left_out() -> None:
    twins = [
        document(),
        document(Quantize(), size=23_000_000),
        document(Quantize(scheme="int8-static"), size=23_000_100, speedup=2.02),
    ]
    table = rows(twins)
    advice = recommend([row.point for row in table], [], AXES, table[0].point)
    reasons = test_summary.why(advice, {row.id: row for row in table})
    other = next(row.short_name for row in table if row.id == advice.runner_up)
    assert re.search(rf"\*\*{re.escape(other)}\*\*, equal", reasons)


def test_a_dominated_point_has_the_changes_that_it_needs() -> None:
    found = front(POINTS, AXES)
    text = selection_tray.standing(found, TABLE[3].id)
    assert BY_ID[found.dominators(TABLE[3].id)[0]].short_name in text
    assert all(change.in_words() in text for change in found.needed(TABLE[3].id))
    assert selection_tray.standing(found, TABLE[1].id) == selection_tray.ON_FRONT


# --- progress


def test_the_engine_line_counts_the_present_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        durations,
        "expected_run",
        lambda *_: durations.Expected(Interval(value=20, low=10, high=30), measured_here=True),
    )
    running, waiting = trial("running", queued=99, started=10), trial("queued", queued=98)
    since: list[datetime] = []

    def finished_since(time: datetime) -> int:
        since.append(time)
        return 1

    monkeypatch.setattr(engine_status.data, "finished_since", finished_since)
    assert engine_status.in_words([running, waiting]) == "1 of 3 measured, 10 to 50 s left"
    assert since == [running.queued_at], (
        "what finished before the batch was queued is no part of it"
    )


def test_without_a_similar_run_no_time_is_shown() -> None:
    assert (
        engine_status.in_words([trial("queued", queued=5), trial("queued", queued=4)])
        == "0 of 2 measured"
    )


def test_progress_in_words_and_as_a_share() -> None:
    at = Progress(
        stage="quantize",
        stage_number=2,
        stage_count=4,
        step=5,
        steps=10,
        epoch=2,
        epochs=3,
        seconds_left_low=42,
        seconds_left_high=300,
    )
    row = trial("running", started=3, progress=at)
    assert runs.progress_in_words(row) == (
        "Stage 2 of 4: quantize, epoch 2 of 3, step 5 of 10, 42 s to 5 min left"
    )
    assert durations.seconds_left([row]) == (42, 300)
    assert runs.share_done(row) == pytest.approx(0.375)
    assert runs.progress_in_words(trial("queued")) == runs.QUEUED
    assert runs.share_done(trial("queued")) == 0


# --- downloads


def test_a_folder_is_packed_whole(tmp_path: Path) -> None:
    folder = tmp_path / "artifact"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"\x00" * 1000)
    (folder / "sub" / "x.txt").write_text("y")
    with zipfile.ZipFile(io.BytesIO(downloads.zipped(folder, "name")())) as archive:
        assert sorted(archive.namelist()) == ["name/model.onnx", "name/sub/x.txt"]
        assert archive.read("name/model.onnx") == b"\x00" * 1000


def test_files_are_named_by_the_id_that_tray_link_and_export_know() -> None:
    row = rows([document(Quantize(), model="/home/me/my-bert/")])[-1]
    assert downloads.file_name(row) == f"my-bert-{row.id}"


def test_at_most_six_are_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, list[str]] = {}
    monkeypatch.setattr(selection.st, "session_state", state)
    monkeypatch.setattr(selection.st, "query_params", {})
    for number in range(8):
        selection.toggle(f"id{number}")
    selection.toggle("id5")
    assert state["picks"] == ["id2", "id3", "id4", "id6", "id7"]
