"""Jobs: what runs, what waits in which order, what failed and why, what is done."""

from __future__ import annotations

from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, ask, button, words


def test_no_jobs_yet(open_page: Open) -> None:
    assert "No jobs yet" in words(open_page("jobs"))


def test_the_queue_is_in_order_and_can_be_changed(open_page: Open, store: Store) -> None:
    first, second, third = (ask(store, stage) for stage in (Quantize(), PruneWeights(), Distill()))
    app = open_page("jobs")
    assert "#### Queue (3)" in words(app)
    app.button(key=f"up_{third}").click().run()
    assert [row.trial_id for row in store.trials()] == [third, first, second]
    app.button(key=f"down_{third}").click().run()
    assert [row.trial_id for row in store.trials()] == [first, second, third]
    app.button(key=f"drop_{second}").click().run()
    assert store.trial(second).status == "cancelled"
    assert "#### Queue (2)" in words(app)


def test_a_failure_has_its_sentence_and_another_try(open_page: Open, store: Store) -> None:
    id = ask(store, Quantize())
    (row,) = store.claim()
    store.give_up(id, row.attempts, "failed", "The worker was killed; use a smaller model.")
    app = open_page("jobs")
    assert "The worker was killed; use a smaller model." in words(app)
    button(app, "Try again").click().run()
    assert store.trial(id).status == "queued"


def test_the_log_is_read_on_demand(open_page: Open, store: Store) -> None:
    id = ask(store, Quantize())
    store.claim()
    log = store.root / "logs" / f"{id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("export 1.4 s\n")
    app = open_page("jobs")
    assert not app.code
    app.toggle(key=f"log_jobs_{id}").set_value(True).run()
    assert app.code[0].value == "export 1.4 s"


def test_finished_ones_lead_to_their_point(open_page: Open, full: list[TrialDocument]) -> None:
    app = open_page("jobs")
    assert "#### Finished (7)" in words(app)
    assert "**int8 dynamic**" in words(app)
