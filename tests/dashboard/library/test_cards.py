"""Cards of models and data: what they show, use, delete and undo; and the space that is used."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.library import deleting, model_cards, space_panel
from paretoscope.dashboard.shell import data, permissions
from paretoscope.library import entries, trash
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, enqueue, own, words


def test_every_built_in_model_has_a_card_with_its_licence(open_page: Open) -> None:
    app = open_page("library")
    for ref in data.builtin_models():
        assert f"**{ref.name}**" in words(app)
        assert ref.source in words(app)
        assert app.button(key=f"drop_model_{ref.name}").help == model_cards.BUILT_IN


def test_use_makes_a_model_the_scope(open_page: Open) -> None:
    app = open_page("library")
    app.button(key="use_model_minilm-sms").click().run()
    assert not app.exception
    scope = app.session_state["scope"]
    assert (scope.model, scope.task) == ("minilm-sms", "sms")


def test_a_model_that_is_gone_says_so_and_can_be_removed(open_page: Open) -> None:
    own("model", "/gone/model")
    app = open_page("library")
    assert 'There is no folder "/gone/model"' in words(app)
    assert app.button(key="use_model_/gone/model").disabled
    app.button(key="drop_model_/gone/model").click().run()
    assert entries(data.workspace()) == ()
    app.button(key="undo_delete").click().run()
    assert [entry.name for entry in entries(data.workspace())] == ["/gone/model"]
    assert deleting.LAST not in app.session_state


def test_own_files_stay_where_they_are(open_page: Open, named: Path) -> None:
    own("model", str(named))
    app = open_page("library")
    app.button(key=f"drop_model_{named}").click().run()
    assert (named / "config.json").is_file()


def artefact(store: Store, measured: TrialDocument) -> Path:
    folder = store.root / "artifacts" / measured.trial_id
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    return folder


def test_artefacts_are_deleted_with_undo(
    open_page: Open, store: Store, full: list[TrialDocument]
) -> None:
    measured = next(each for each in full if each.artifact)
    folder = artefact(store, measured)
    app = open_page("library")
    app.button(key=f"drop_artifacts_{measured.model}").click().run()
    assert not folder.exists()
    assert app.button(key=f"drop_artifacts_{measured.model}").help == model_cards.NO_ARTIFACTS
    app.button(key="undo_delete").click().run()
    assert folder.is_dir()


def test_the_trash_is_emptied_on_a_click(
    open_page: Open, store: Store, full: list[TrialDocument]
) -> None:
    measured = next(each for each in full if each.artifact)
    folder = artefact(store, measured)
    app = open_page("library")
    app.button(key=f"drop_artifacts_{measured.model}").click().run()
    app.button(key="empty_trash").click().run()
    assert not app.exception
    assert trash.deleted(data.workspace()) == ()
    assert not folder.exists()


def test_what_a_job_needs_cannot_be_deleted(
    open_page: Open, store: Store, named: Path, levels: Path
) -> None:
    own("model", str(named))
    own("data", str(levels))
    enqueue(store, Quantize(), model=str(named), task=str(levels))
    app = open_page("library")
    assert app.button(key=f"drop_model_{named}").help == "1 queued or running job needs it."
    (removal,) = [each for each in app.button if str(each.key).startswith("drop_data_")]
    assert removal.disabled


def test_a_data_card_counts_texts_and_labels_and_is_used_again(
    open_page: Open, named: Path, levels: Path
) -> None:
    own("model", str(named))
    own("data", str(levels), group_column="film")
    app = open_page("library")
    assert "120 different texts · 3 labels" in words(app)
    (button,) = [each for each in app.button if str(each.key).startswith("use_data_")]
    button.click().run()
    assert not app.exception
    assert "levels.csv" in words(app)


def cache(store: Store) -> Path:
    path = store.root / "cache" / "key" / "array.npy"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * 2_000_000)
    return path


def with_space(open_page: Open) -> AppTest:
    app = open_page("library")
    app.session_state["space"] = True
    return app.run()


def test_the_cache_is_deleted_only_while_nothing_runs(open_page: Open, store: Store) -> None:
    path = cache(store)
    trial_id = enqueue(store, Quantize())
    app = with_space(open_page)
    assert app.button(key="clear_cache").help == space_panel.BUSY
    store.request_cancel(trial_id)
    app.run()
    app.button(key="clear_cache").click().run()
    assert not path.exists()
    assert "2 MB freed" in words(app)


def test_a_read_only_page_deletes_nothing(
    open_page: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache(store)
    own("model", "/gone/model")
    monkeypatch.setenv("PARETOSCOPE_READ_ONLY", "1")
    app = with_space(open_page)
    for key in ("clear_cache", "drop_model_/gone/model", "use_model_minilm-sms"):
        assert app.button(key=key).help == permissions.READ_ONLY
