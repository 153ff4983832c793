"""The store: requests are idempotent, final states stay, disk failures are one sentence."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from paretoscope.errors import StoreError
from paretoscope.machine import Machine
from paretoscope.recipes.file import parse_recipe
from paretoscope.store.store import Store
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import (
    ArtifactRecord,
    Energy,
    Interval,
    Latency,
    Measured,
    Memory,
    Quality,
    TrialDocument,
)
from paretoscope.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.at(tmp_path / "ws")


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    opened = Store.open(workspace)
    yield opened
    opened.close()


def a_request(sparsity: float = 0.5, model: str = "m") -> TrialRequest:
    recipe = parse_recipe({"stages": [{"kind": "prune-weights", "sparsity": sparsity}]})
    return TrialRequest(
        model=model, task="t", recipe=recipe, model_key=f"key-{model}", task_key="key-t"
    )


def a_document(request: TrialRequest) -> TrialDocument:
    latency = Latency(
        batch=1,
        sequence=32,
        threads=2,
        n=60,
        p50_ms=2.0,
        p50_low_ms=1.9,
        p50_high_ms=2.1,
        p90_ms=2.5,
    )
    common = {
        "artifact": ArtifactRecord(
            path="a", size_bytes=10, files={"model.onnx": 10}, sha256={"model.onnx": "00"}
        ),
        "quality": Quality(value=0.9, low=0.88, high=0.92, n=500),
        "latency": latency,
        "memory": Memory(peak_bytes=100, steady_bytes=90),
        "energy": Energy(joules_per_request=0.1, source="estimate"),
    }
    return TrialDocument(
        trial_id=request.trial_id,
        recipe_id=request.recipe.id,
        model=request.model,
        task=request.task,
        status="done",
        recipe=request.recipe,
        protocol=request.protocol,
        speedup=Interval(value=2, low=1.9, high=2.1),
        baseline=Measured(**common),
        machine=Machine(
            id="m1",
            cpu="c",
            cores=2,
            memory_bytes=1,
            system="linux",
            versions={"onnxruntime": "1.31.1"},
        ),
        measured_at=datetime(2026, 1, 2, tzinfo=UTC),
        **common,
    )


def rows(store: Store, query: str) -> list[tuple]:
    with store._engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_equal_requests_are_one_trial(store: Store) -> None:
    first, again = store.queue(a_request()), store.queue(a_request())
    assert first == again
    assert first.status == "queued"
    assert len(store.trials()) == 1


def test_claims_follow_priority_then_time(store: Store) -> None:
    plain, later, urgent = (store.queue(a_request(s)) for s in (0.1, 0.2, 0.3))
    store.prioritize(urgent.trial_id, 1)
    assert [row.trial_id for row in store.claim(5)] == [
        urgent.trial_id,
        plain.trial_id,
        later.trial_id,
    ]
    assert store.claim(5) == []


def test_a_trial_is_claimed_once_by_many(workspace: Workspace, store: Store) -> None:
    for tenth in range(1, 10):
        store.queue(a_request(tenth / 10))
    taken: list[str] = []

    def take() -> None:
        mine = Store.open(workspace)
        while claimed := mine.claim(1):
            taken.extend(row.trial_id for row in claimed)
        mine.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 9 == len(set(taken))


def test_a_finish_counts_once_and_writes_measurements(store: Store) -> None:
    store.queue(a_request())
    [claimed] = store.claim()
    document = a_document(claimed.request)
    assert not store.finish(claimed.trial_id, claimed.attempts + 1, document), (
        "an attempt that was never claimed"
    )
    assert store.finish(claimed.trial_id, claimed.attempts, document)
    assert not store.finish(claimed.trial_id, claimed.attempts, document)
    assert not store.give_up(claimed.trial_id, claimed.attempts, "failed", "late")
    assert (
        store.documents(model="key-m", task="t") == [document] == [store.document(claimed.trial_id)]
    )
    found = rows(
        store,
        "select role, metric, value, low, n, runtime, machine_id, conditions from measurements",
    )
    assert (
        "candidate",
        "quality",
        0.9,
        0.88,
        500,
        "onnxruntime 1.31.1",
        "m1",
        "batch 1, 32 tokens, 2 threads",
    ) in found
    assert (
        "baseline",
        "latency_p50_ms",
        2.0,
        1.9,
        60,
        "onnxruntime 1.31.1",
        "m1",
        "batch 1, 32 tokens, 2 threads",
    ) in found
    assert [row[0] for row in found if row[1] == "speedup"] == ["candidate"]
    assert rows(store, "select id from machines") == [("m1",)]


def test_a_late_answer_of_a_lost_attempt_is_dropped(store: Store) -> None:
    store.queue(a_request())
    [first] = store.claim()
    assert store.requeue(first.trial_id, first.attempts, lost=True)
    [second] = store.claim()
    assert (second.attempts, second.lost) == (2, 1)
    assert not store.finish(first.trial_id, first.attempts, a_document(first.request))
    assert store.finish(second.trial_id, second.attempts, a_document(second.request))


def test_cancel_and_try_again(store: Store) -> None:
    trial = store.queue(a_request()).trial_id
    assert store.request_cancel(trial).status == "cancelled"
    assert store.retry(trial).status == "queued"
    [claimed] = store.claim()
    assert store.request_cancel(trial).status == "running"
    assert store.cancelling() == {trial}
    assert store.give_up(trial, claimed.attempts, "cancelled", "Cancelled.")
    again = store.queue(a_request())
    assert again.status == "queued"
    assert not again.cancel_requested
    assert again.error is None


def test_what_a_dead_engine_ran_goes_back(store: Store) -> None:
    keep, drop = store.queue(a_request(0.1)).trial_id, store.queue(a_request(0.2)).trial_id
    store.claim(2)
    store.record_progress(keep, 1, Progress(stage="quantize", stage_number=1, stage_count=2))
    store.request_cancel(drop)
    assert store.requeue_running() == 1
    assert store.trial(keep).status == "queued"
    assert store.trial(keep).progress is None
    assert store.trial(drop).status == "cancelled"


def test_the_version_rises_with_what_can_be_seen_only(store: Store) -> None:
    store.engine_started(1, stays=False)
    before = store.version()
    store.engine_beat(1)
    store.request_engine()
    assert store.version() == before
    store.queue(a_request())
    assert store.version() > before


def test_an_engine_whose_process_is_gone_is_not_alive(store: Store) -> None:
    assert store.engine() is None
    store.engine_started(2**22 + 1, stays=False)  # above the highest process id there is
    state = store.engine()
    assert state is not None
    assert not state.alive


def test_an_unknown_trial_is_a_sentence(store: Store) -> None:
    with pytest.raises(StoreError, match='no trial "nope"'):
        store.request_cancel("nope")


def test_a_newer_workspace_is_refused(workspace: Workspace, store: Store) -> None:
    with store._engine.begin() as connection:
        connection.execute(text("update schema_version set version = 99"))
    with pytest.raises(StoreError, match="newer version of Paretoscope"):
        Store.open(workspace)


def test_a_corrupt_database_is_a_sentence(workspace: Workspace) -> None:
    workspace.root.mkdir()
    (workspace.root / "store.db").write_bytes(b"not a database at all" * 200)
    with pytest.raises(StoreError, match="not a readable database"):
        Store.open(workspace)


def test_a_workspace_inside_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be used"):
        Store.open(Workspace.at(tmp_path / "file" / "ws"))


def test_a_bad_database_url_is_a_sentence(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARETOSCOPE_DATABASE_URL", "nonsense")
    with pytest.raises(StoreError, match="PARETOSCOPE_DATABASE_URL"):
        Store.open(workspace)


def test_a_full_disk_is_a_sentence_and_changes_nothing(store: Store) -> None:
    store.queue(a_request(0.1))
    pages = rows(store, "pragma page_count")[0][0]
    with store._engine.connect() as connection:  # the pool hands this one connection out again
        connection.execute(text(f"pragma max_page_count = {pages}"))

    def fill() -> None:
        for step in range(200):
            store.queue(a_request(step / 1000))

    with pytest.raises(StoreError, match="is full"):
        fill()
    kept = store.trials()
    assert all(row.status == "queued" for row in kept)
    assert rows(store, "pragma integrity_check") == [("ok",)]


def test_a_trial_is_found_by_the_start_of_its_id(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = iter(("abcd00000001", "abcd00000002", "abcd", "ab_d00000004"))
    for _ in range(4):
        monkeypatch.setattr(TrialRequest, "trial_id", next(ids))
        store.queue(a_request())
    assert store.find("ab_d").trial_id == "ab_d00000004", "no wildcard"
    assert store.find("abcd").trial_id == "abcd", "a whole id is no prefix"
    assert store.find("abcd00000002").trial_id == "abcd00000002"
    with pytest.raises(
        StoreError,
        match=r'2 trials begin with "abcd0": abcd00000001 \(magnitude 50 %, queued\), abcd00000002',
    ):
        store.find("abcd0")
    for missing in ("abc", "abce", ""):
        with pytest.raises(StoreError, match=f'There is no trial "{missing}"'):
            store.find(missing)


def test_a_new_workspace_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    for number in range(10):
        workspace = Workspace.at(tmp_path / f"ws{number}")
        start = threading.Barrier(6)

        def opened(workspace: Workspace = workspace, start: threading.Barrier = start) -> str:
            start.wait()
            store = Store.open(workspace)
            try:
                return store.queue(a_request()).status
            finally:
                store.close()

        with ThreadPoolExecutor(6) as threads:
            assert [one.result() for one in [threads.submit(opened) for _ in range(6)]] == [
                "queued"
            ] * 6
