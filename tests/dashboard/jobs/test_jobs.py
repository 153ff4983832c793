"""Jobs: running, waiting, failed and finished trials, and which of them are shown."""

from __future__ import annotations

import pytest

from paretoscope.dashboard.jobs import failed, finished, job_list, running, waiting
from paretoscope.dashboard.jobs.described import heading
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.dashboard.shell import permissions
from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.tables.table import rows
from paretoscope.store.store import Store
from paretoscope.trials.progress import WAITING, Progress
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, enqueue, words


def three(store: Store) -> list[str]:
    return [enqueue(store, stage) for stage in (Quantize(), PruneWeights(), Distill())]


def order(store: Store) -> list[str]:
    return [row.trial_id for row in store.trials()]


def test_no_jobs_yet(open_page: Open) -> None:
    assert job_list.NO_JOBS in words(open_page("jobs"))


def test_the_queue_is_in_order_and_can_be_changed(open_page: Open, store: Store) -> None:
    first, second, third = three(store)
    app = open_page("jobs")
    assert heading("Waiting", 3) in words(app)
    app.button(key=f"first_{third}").click().run()
    assert order(store) == [third, first, second]
    app.button(key=f"down_{third}").click().run()
    assert order(store) == [first, third, second]
    app.button(key=f"up_{second}").click().run()
    assert order(store) == [first, second, third]
    app.button(key=f"drop_{second}").click().run()
    assert store.trial(second).status == "cancelled"
    assert heading("Waiting", 2) in words(app)
    assert app.button(key=f"up_{first}").disabled
    assert app.button(key=f"down_{third}").disabled


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("priorities", [(0, 0, 0, 0, 0), (3, 3, 1, 1, 0), (4, 3, 2, 1, 0)])
def test_a_trial_moves_to_any_place(
    place: int, priorities: tuple[int, ...], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paretoscope.dashboard.shell import data

    monkeypatch.setattr(data, "store", lambda: store)
    sparsities = (0.1, 0.2, 0.3, 0.4, 0.5)
    ids = [enqueue(store, PruneWeights(sparsity=each)) for each in sparsities]
    for trial_id, priority in zip(ids, priorities, strict=True):
        store.prioritize(trial_id, priority)
    for moved in ids:
        expected = [each for each in order(store) if each != moved]
        expected.insert(place, moved)
        waiting.move(moved, place)
        assert order(store) == expected


def test_a_waiting_trial_says_what_it_waits_for(open_page: Open, store: Store) -> None:
    three(store)
    store.claim()
    text = words(open_page("jobs"))
    assert waiting.waits_for(store.trials()[:1]) in text
    assert waiting.waits_for(store.trials()[:2]) in text
    assert waiting.NO_ENGINE in text


def test_a_running_trial_shows_its_steps(open_page: Open, store: Store) -> None:
    trial_id = enqueue(store, Quantize())
    (row,) = store.claim()
    at = Progress(stage="int8 dynamic", stage_number=3, stage_count=5, step=1, steps=4)
    store.record_progress(trial_id, row.attempts, at)
    app = open_page("jobs")
    assert "✓ prepare · ✓ export · **int8 dynamic** · accuracy · latency" in words(app)
    app.button(key=f"cancel_jobs_{trial_id}").click().run()
    assert store.trial(trial_id).cancel_requested
    waits = at.model_copy(update={"stage": WAITING, "stage_number": 5})
    store.record_progress(trial_id, row.attempts, waits)
    assert running.BUSY in words(app.run())


def fail(store: Store, error: str) -> str:
    trial_id = enqueue(store, Quantize())
    (row,) = store.claim()
    store.give_up(trial_id, row.attempts, "failed", error)
    return trial_id


def test_a_failed_trial_shows_its_error_the_fix_and_a_retry(open_page: Open, store: Store) -> None:
    error = "The worker was killed; use a smaller model."
    trial_id = fail(store, error)
    app = open_page("jobs")
    assert error in words(app)
    assert failed.advice(error) in words(app)
    assert failed.advice(error) != failed.OTHERWISE
    app.button(key=f"again_jobs_{trial_id}").click().run()
    assert store.trial(trial_id).status == "queued"


def test_the_log_is_read_only_when_it_is_open(open_page: Open, store: Store) -> None:
    trial_id = enqueue(store, Quantize())
    store.claim()
    log = store.root / "logs" / f"{trial_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("export 1.4 s\n")
    app = open_page("jobs")
    assert not app.code
    app.toggle(key=f"log_jobs_{trial_id}").set_value(True).run()
    assert app.code[0].value == "export 1.4 s"


def test_finished_trials_are_listed_with_their_comparison(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("jobs")
    assert heading("Finished", 7) in words(app)
    assert all(f"**{title(row)}**" in words(app) for row in rows(full))
    baseline, int8 = full[:2]
    assert finished.baseline_of(int8) == baseline


def test_jobs_are_filtered_by_status_and_the_filter_is_in_the_address(
    open_page: Open, store: Store
) -> None:
    fail(store, "The disk is full; free some space.")
    enqueue(store, Distill())
    app = open_page("jobs")
    app.button_group(key="status").set_value(["failed"]).run()
    assert heading("Failed or cancelled", 1) in words(app)
    assert heading("Waiting", 1) not in words(app)
    assert app.query_params["status"] == "failed"
    linked = open_page("jobs", status=["queued"])
    assert heading("Waiting", 1) in words(linked)
    assert heading("Failed or cancelled", 1) not in words(linked)
    app.button_group(key="status").set_value(["done"]).run()
    assert job_list.NONE_SHOWN in words(app)


def test_a_read_only_page_changes_no_job(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = fail(store, "The disk is full; free some space.")
    waits = enqueue(store, Distill())
    monkeypatch.setenv("PARETOSCOPE_READ_ONLY", "1")
    app = open_page("jobs")
    for key in (f"again_jobs_{gone}", f"drop_{waits}", f"first_{waits}"):
        assert app.button(key=key).help == permissions.READ_ONLY
