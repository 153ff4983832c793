"""Summaries in the store: written with the end of a trial, read anew only where they changed."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.store.store import ScopeKey, Store
from paretoscope.store.tables import SummaryRow
from paretoscope.trials.request import Conditions, TrialRequest
from paretoscope.trials.summary import summary
from paretoscope.trials.trial import HeldOut, TrialDocument
from paretoscope.workspace import Workspace
from tests.contract.golden_files import GOLDEN, golden
from tests.documents import MACHINE, decoder_document, document

BASELINE, INT8, PRUNED = document(), document(Quantize()), document(PruneWeights(sparsity=0.5))
SCOPE = ScopeKey("minilm-trec", "trec", MACHINE.id, Conditions())


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    opened = Store.open(workspace)
    yield opened
    opened.close()


def finish(store: Store, *documents: TrialDocument) -> None:
    for each in documents:
        request = TrialRequest(model=each.model, task=each.task, recipe=each.recipe)
        store.queue(request, again=True)
        (row,) = store.claim()
        assert store.finish(row.trial_id, row.attempts, each)


def test_a_finished_trial_has_the_summary_of_its_document(store: Store) -> None:
    finish(store, BASELINE, INT8)
    found = store.summaries(SCOPE)
    assert [each for _, each in sorted(found.found, key=lambda each: each[0])] == [
        summary(BASELINE),
        summary(INT8),
    ]
    assert found.removed == ()
    assert store.summaries_of("minilm-trec", task="trec") == [summary(BASELINE), summary(INT8)]
    assert store.summaries_of("minilm-trec", task="movies") == []


def test_only_what_is_new_is_read_again(store: Store) -> None:
    finish(store, BASELINE, INT8)
    last = store.summaries(SCOPE).last
    assert store.summaries(SCOPE, after=last).found == ()
    finish(store, PRUNED, decoder_document())
    later = store.summaries(SCOPE, after=last)
    assert [each for _, each in later.found] == [summary(PRUNED)], "that of another scope is not"
    assert store.summaries(SCOPE, after=later.last).found == ()


def test_a_trial_that_is_queued_again_loses_its_summary(store: Store) -> None:
    finish(store, BASELINE, INT8)
    last = store.summaries(SCOPE).last
    request = TrialRequest(model="minilm-trec", task="trec", recipe=INT8.recipe)
    store.queue(request, again=True)
    later = store.summaries(SCOPE, after=last)
    assert (later.found, later.removed) == ((), (request.trial_id,))
    assert [each for _, each in store.summaries(SCOPE).found] == [summary(BASELINE)]
    finish(store, INT8)
    again = store.summaries(SCOPE, after=later.last)
    assert [each for _, each in again.found] == [summary(INT8)]
    assert again.removed == ()


def test_a_held_out_result_tells_readers_to_read_again(store: Store) -> None:
    finish(store, INT8)
    last = store.summaries(SCOPE).last
    assert INT8.quality
    opened = HeldOut(quality=INT8.quality, opened_at=datetime(2026, 1, 2, tzinfo=UTC))
    store.record_held_out(INT8.trial_id, opened)
    assert [each for _, each in store.summaries(SCOPE, after=last).found] == [summary(INT8)]


def test_scopes_are_counted(store: Store) -> None:
    assert store.scopes() == []
    finish(store, decoder_document(), INT8, PRUNED)
    classifier, decoder = sorted(store.scopes(), key=lambda each: each.example.model)
    assert (classifier.trials, classifier.models) == (2, 3), "the baseline was measured with both"
    assert (decoder.trials, decoder.models) == (1, 1)
    assert classifier.newest == INT8.measured_at
    assert classifier.example.measured_under == (MACHINE.id, Conditions())


def test_newest_documents_come_last(store: Store) -> None:
    finish(store, BASELINE, INT8, PRUNED, decoder_document())
    assert store.newest_documents(2, model="minilm-trec") == [INT8, PRUNED]
    assert store.newest_documents(9, machine_id="another") == []


def test_jobs_and_counts_need_no_document(store: Store) -> None:
    finish(store, INT8)
    waiting = store.queue(TrialRequest(model="m", task="t", recipe=PRUNED.recipe))
    assert store.statuses() == {"done": 1, "queued": 1}
    done, queued = store.jobs()
    assert (done.trial_id, done.status, done.recipe_id) == (INT8.trial_id, "done", INT8.recipe_id)
    assert (queued.trial_id, queued.model, queued.recipe_id) == (waiting.trial_id, "m", None)
    assert [row.trial_id for row in store.ended("done", "failed", newest=5)] == [INT8.trial_id]


def test_the_last_request_of_a_model(store: Store) -> None:
    finish(store, INT8, BASELINE)
    last, compressed = (
        store.last_request("minilm-trec", compressed=each) for each in (False, True)
    )
    assert last is not None
    assert compressed is not None
    assert (last.recipe, compressed.recipe) == (Recipe(), INT8.recipe)
    assert store.last_request("another") is None


def test_an_old_workspace_gets_its_summaries_when_it_is_opened(tmp_path: Path) -> None:
    with tarfile.open(GOLDEN / "workspace.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    store = Store.open(Workspace.at(tmp_path / "workspace"))
    documents = store.documents()
    assert len(documents) == sum(
        row["status"] == "done" for row in golden("workspace.json")["trials"]
    )
    models = dict.fromkeys(each.model for each in documents)
    found = [each for model in models for each in store.summaries_of(model)]
    assert {each.trial_id: each for each in found} == {
        each.trial_id: summary(each) for each in documents
    }
    assert store.version() == golden("workspace.json")["version"]
    assert store.add_missing_summaries() == 0
    store.close()


def test_summaries_of_an_earlier_version_are_made_anew(workspace: Workspace, store: Store) -> None:
    finish(store, BASELINE, INT8)
    with Session(store._engine) as session, session.begin():
        session.execute(text("update summaries set version = 0, content = 'old'"))
        session.execute(delete(SummaryRow).where(SummaryRow.trial_id == BASELINE.trial_id))
    again = Store.open(workspace)
    assert again.summaries_of("minilm-trec") == [summary(BASELINE), summary(INT8)]
    again.close()
