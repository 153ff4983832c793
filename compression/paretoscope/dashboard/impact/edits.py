"""What was edited in a table on the page, applied to its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paretoscope.impact.tables import columns, records, validated


def edited(table: str, rows: Sequence[Any], changes: Mapping[str, Any]) -> tuple[Any, ...]:
    """The rows after the changes of a Streamlit data editor; raises `ParetoscopeError`.

    `changes` has `edited_rows` (position -> column -> value), `added_rows` and `deleted_rows`. An
    added row without a name is not finished and is left out.
    """
    found = records(rows, table)
    for position, cells in changes.get("edited_rows", {}).items():
        found[int(position)] |= cells
    deleted = set(changes.get("deleted_rows", ()))
    kept = [record for position, record in enumerate(found) if position not in deleted]
    known = columns(table)
    for added in changes.get("added_rows", ()):
        record = {key: value for key, value in added.items() if key in known and value is not None}
        if record.get("name"):
            kept.append(record)
    return validated(table, kept)
