"""Jobs: running, queued, failed and finished trials."""

from __future__ import annotations

from paretoscope.dashboard.jobs import job_list
from paretoscope.dashboard.parts.model_heading import title
from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.tables.table import rows
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, enqueue, words


def test_no_jobs_yet(open_page: Open) -> None:
    assert job_list.NO_JOBS in words(open_page("jobs"))


def test_the_queue_is_in_order_and_can_be_changed(open_page: Open, store: Store) -> None:
    first, second, third = (
        enqueue(store, stage) for stage in (Quantize(), PruneWeights(), Distill())
    )
    app = open_page("jobs")
    assert job_list.heading("Queue", 3) in words(app)
    app.button(key=f"up_{third}").click().run()
    assert [row.trial_id for row in store.trials()] == [third, first, second]
    app.button(key=f"down_{third}").click().run()
    assert [row.trial_id for row in store.trials()] == [first, second, third]
    app.button(key=f"drop_{second}").click().run()
    assert store.trial(second).status == "cancelled"
    assert job_list.heading("Queue", 2) in words(app)


def test_a_failed_trial_shows_its_error_and_can_be_retried(open_page: Open, store: Store) -> None:
    trial_id = enqueue(store, Quantize())
    (row,) = store.claim()
    store.give_up(trial_id, row.attempts, "failed", "The worker was killed; use a smaller model.")
    app = open_page("jobs")
    assert "The worker was killed; use a smaller model." in words(app)
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


def test_finished_trials_are_listed(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("jobs")
    assert job_list.heading("Finished", 7) in words(app)
    assert all(f"**{title(row)}**" in words(app) for row in rows(full))
