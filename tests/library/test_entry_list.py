"""The list of a person's models and data in a workspace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from paretoscope.errors import StoreError
from paretoscope.library import entry_list as library
from paretoscope.library.entry_list import Entry
from paretoscope.tasks.ref import DataOptions
from paretoscope.workspace import Workspace

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def entry(name: str, **more: Any) -> Entry:
    return Entry(kind="data", name=name, added_at=DAY, **more)


def test_entries_are_kept_in_order_and_replaced_by_name_and_model(workspace: Workspace) -> None:
    assert library.entries(workspace) == ()
    first, second = entry("a.csv"), entry("b.csv", model="m")
    changed = entry("a.csv", options=DataOptions(text_column="body"))
    for each in (first, second, changed):
        library.add(workspace, each)
    assert library.entries(workspace) == (second, changed)
    library.remove(workspace, "data", "b.csv")
    assert library.entries(workspace) == (changed,)


@pytest.mark.parametrize("text", ["{", "[]", '{"entries": [{"kind": "other"}]}'])
def test_a_damaged_list_is_an_error_and_stays(text: str, workspace: Workspace) -> None:
    path = workspace.root / library.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with pytest.raises(StoreError, match="cannot be read"):
        library.add(workspace, entry("a.csv"))
    assert path.read_text() == text
