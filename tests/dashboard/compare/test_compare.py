"""Compare: the comparison in words, cards, recipes, examples, the playground, missing samples."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paretoscope import catalog
from paretoscope.dashboard.compare import cards, chosen_models, disagreements, playground
from paretoscope.frontier.comparison import headline, judged_by, pair, standings
from paretoscope.recipes.diff import recipe_differences
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Distill
from paretoscope.report.tables.table import rows
from paretoscope.store.store import Store
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace
from tests.dashboard.conftest import Open, charts, fill, here, ship, words
from tests.documents import document

BASELINE, INT8, _, FOUR_BITS, *_ = here()


@pytest.fixture(scope="module")
def tiny(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[tuple[TrialRequest, TrialDocument]]]:
    """A folder with a tiny model, its data, and a workspace with two real trials of it: the
    baseline and its second layer alone.
    """
    from paretoscope.engine.pipeline import (
        run_trial,
    )  # torch, which the other tests here do without
    from tests.tiny.factory import make_tiny

    folder = tmp_path_factory.mktemp("compare")
    make_tiny("bert", folder / "model")
    generator = np.random.default_rng(0)
    rows = [
        f"{' '.join(generator.choice('what who where good bad film plot city'.split(), size=5))}"
        f" {number}"
        for number in range(240)
    ]
    (folder / "own.csv").write_text(
        "text,label\n" + "\n".join(f"{text},{'ab'[at % 2]}" for at, text in enumerate(rows)),
        encoding="utf-8",
    )
    recipes = Recipe(), Recipe(stages=(Distill(layers=1, teacher_layers=(1,), epochs=0),))
    requests = [
        catalog.request(str(folder / "model"), recipe, task=str(folder / "own.csv"))
        for recipe in recipes
    ]
    workspace = Workspace.at(folder / "workspace")
    return folder, [
        (request, run_trial(request, workspace, lambda progress: None)) for request in requests
    ]


@pytest.fixture
def measured(
    tiny: tuple[Path, list[tuple[TrialRequest, TrialDocument]]], store: Store
) -> dict[str, str | list[str]]:
    """The two trials in the store of this test, and the query that compares them."""
    folder, trials = tiny
    for part in ("samples", "artifacts"):
        shutil.copytree(folder / "workspace" / part, store.root / part)
    for request, made in trials:
        store.queue(request)
        (row,) = store.claim()
        record = made.artifact
        assert record
        here = made.model_copy(
            update={"artifact": record.model_copy(update={"path": f"artifacts/{made.trial_id}"})}
        )
        assert store.finish(row.trial_id, row.attempts, here)
    request = trials[0][0]
    return {
        "model": request.model,
        "task": request.task,
        "pick": [made.trial_id for _, made in trials],
    }


def keep(
    store: Store, kept: TrialDocument, logits: Sequence[Sequence[float]], labels: Sequence[int]
) -> None:
    """Samples of a trial made by hand."""
    folder = store.root / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    assert kept.latency
    turns: dict[str, Any] = {
        f"candidate_turn{turn}": np.full(30, kept.latency.p50_ms) for turn in (1, 2)
    }
    np.savez(
        folder / f"{kept.trial_id}.npz",
        logits=np.array(logits, dtype=np.float32),
        labels=np.array(labels),
        **turns,
    )


def test_without_picks_baseline_and_recommended_model_are_compared(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare")
    assert chosen_models.NOTHING_PICKED in words(app)
    first, second = app.multiselect(key=chosen_models.CHOICE).value
    assert first == BASELINE.trial_id
    assert second != first


def test_cards_have_values_with_intervals_changes_and_units(
    open_page: Open, full: list[TrialDocument]
) -> None:
    text = words(open_page("compare", pick=[BASELINE.trial_id, INT8.trial_id, FOUR_BITS.trial_id]))
    assert "Accuracy: 95.5 % [94.0, 96.7] (-0.5 points)" in text
    assert "Size on disk: 23.0 MB (4.0x smaller)" in text
    assert "Size on disk: 18.0 MB (5.1x smaller) :gray-badge[best]" in text


def test_dominance_is_the_heading(open_page: Open, full: list[TrialDocument]) -> None:
    pruned = next(each for each in full if each.recipe.in_words() == "magnitude 50 %")
    picked = [row for row in rows(full) if row.id in (INT8.trial_id, pruned.trial_id)]
    found = standings([row.point for row in picked], judged_by([INT8, pruned]))
    assert found[1][INT8.trial_id] == (pruned.trial_id,)
    text = words(open_page("compare", pick=[INT8.trial_id, pruned.trial_id]))
    assert f"### {headline(*found, cards.short_names(picked))[0]}" in text


def test_differing_settings_are_in_a_table(open_page: Open, full: list[TrialDocument]) -> None:
    table: Any = open_page("compare", pick=[INT8.trial_id, FOUR_BITS.trial_id]).table[0].value
    assert table.to_dict("list") == {
        "Setting": [
            each.in_words() for each in recipe_differences([INT8.recipe, FOUR_BITS.recipe])
        ],
        "int8": ["int8-dynamic", "8"],
        "int4": ["weight-only", "4"],
    }


def test_one_pick_is_compared_with_the_baseline_and_picks_are_in_the_link(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare", pick=[INT8.trial_id])
    assert app.multiselect(key="compared").value == [BASELINE.trial_id, INT8.trial_id]
    app.multiselect(key="compared").set_value([INT8.trial_id, FOUR_BITS.trial_id]).run()
    assert app.query_params["pick"] == [INT8.trial_id, FOUR_BITS.trial_id]
    assert not app.exception


def test_a_single_model_cannot_be_compared(open_page: Open, store: Store) -> None:
    fill(store, [here()[0]])
    assert chosen_models.TOO_FEW in words(open_page("compare"))


def test_the_demo_study_has_numbers_only(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = document().machine
    documents = [each.model_copy(update={"machine": machine}) for each in here()]
    ship(monkeypatch, tmp_path / "study.json.gz", documents)
    app = open_page("compare", pick=[documents[0].trial_id, documents[1].trial_id])
    assert len(app.table) == 1
    assert chosen_models.NUMBERS_ONLY in words(app)
    assert not app.text_input


def test_missing_samples_and_artefacts_are_reported(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare", pick=[INT8.trial_id, FOUR_BITS.trial_id])
    text = words(app)
    assert pair(INT8, FOUR_BITS, None, None).reason in text
    assert playground.removed(["int8", "int4"]) in text
    assert not charts(app)
    assert not app.text_input


def test_damaged_samples_are_a_card_and_the_rest_stays(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    (store.root / "samples").mkdir()
    (store.root / "samples" / f"{INT8.trial_id}.npz").write_bytes(b"nonsense")
    app = open_page("compare", pick=[BASELINE.trial_id, INT8.trial_id])
    assert "cannot be read" in app.error[0].value
    assert "Accuracy: 95.5 %" in words(app)


def test_examples_of_other_data_are_not_shown(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    keep(store, BASELINE, [[1, 0], [0, 1], [1, 0]], [0, 1, 1])
    keep(store, INT8, [[1, 0], [1, 0], [0, 1]], [0, 1, 1])
    app = open_page("compare", pick=[BASELINE.trial_id, INT8.trial_id])
    text = words(app)
    assert "1 of 3 lost, 1 gained" in text
    assert "33.3 %" in text
    assert disagreements.disagree(2) in text
    assert not app.dataframe


def test_two_real_trials_are_compared_by_example(
    open_page: Open, measured: dict[str, str | list[str]]
) -> None:
    app = open_page("compare", **measured)
    text = words(app)
    assert " of 36 lost, " in text
    (curves,) = charts(app)
    names = [trace["name"] for trace in curves["data"]][::2]  # type: ignore[index,union-attr]
    assert [name[0] for name in names] == ["★", "◆"]
    table: Any = app.dataframe[0].value
    count = len(table)
    assert set(table["Label"]) <= {"a", "b"}
    assert all(table["First"] != table["Second"])
    app.text_input(key="contains").set_value(table["Text"][0]).run()
    assert list(app.dataframe[0].value["Text"]) == [table["Text"][0]]
    assert count == len(set(table["Text"]))


def test_chains_are_read_stage_by_stage_on_equal_axes(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    chains = [each.trial_id for each in full if len(each.recipe.stages) > 1]
    app = open_page("compare", pick=chains)
    pictures = [chart["layout"] for chart in charts(app) if "xaxis3" in chart["layout"]]  # type: ignore[operator]
    assert len(pictures) == len(chains) == 2
    assert (
        len(
            {
                json.dumps([layout[axis]["range"] for axis in ("xaxis", "xaxis2", "xaxis3")])
                for layout in pictures
            }
        )
        == 1
    )  # type: ignore[index]
    assert words(app).count("not measured") == 2, "the student, and half of the neurons"
    app.button(key=f"steps_{chains[0]}").click().run()
    assert [row.request.recipe.stages for row in store.trials() if row.status == "queued"] == [
        full[5].recipe.stages[:1]
    ]


def test_both_models_classify_an_entered_text(
    open_page: Open, measured: dict[str, str | list[str]], store: Store
) -> None:
    app = open_page("compare", **measured)
    app.text_input(key="asked").set_value("who is `zz` good").run()
    assert not app.exception
    text = words(app)
    assert text.count(" ms") > 2
    assert "`[CLS]` `who` `is`" in text
    assert len(charts(app)) == 3
    assert "zz" not in json.dumps(dict(app.query_params))
    assert not any(
        b"who is `zz` good" in path.read_bytes() for path in store.root.rglob("*") if path.is_file()
    )


def test_an_artefact_that_was_deleted_leaves_the_others(
    open_page: Open, measured: dict[str, str | list[str]], store: Store
) -> None:
    shutil.rmtree(store.root / "artifacts" / measured["pick"][1])
    app = open_page("compare", **measured)
    second = app.multiselect(key=chosen_models.CHOICE).value[1]
    (gone,) = [row for row in rows(store.documents()) if row.id == second]
    assert playground.removed([gone.short_name]) in words(app)
    app.text_input(key="asked").set_value("who is good").run()
    assert len(charts(app)) == 2


def test_a_damaged_artefact_is_a_card(
    open_page: Open, measured: dict[str, str | list[str]], store: Store
) -> None:
    (store.root / "artifacts" / measured["pick"][1] / "model.onnx").write_bytes(b"nonsense")
    app = open_page("compare", **measured)
    app.text_input(key="asked").set_value("who is good").run()
    assert "cannot be opened" in app.error[0].value
    assert len(charts(app)) == 2
