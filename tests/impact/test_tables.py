"""The shipped tables have a source and a date in every row, and survive export and import."""

from __future__ import annotations

import re

import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.impact.assumptions import from_tables
from paretoscope.impact.tables import ROWS, columns, parse, records, shipped, to_csv, with_table


@pytest.mark.parametrize("table", ROWS)
def test_every_row_has_a_source_and_a_date(table: str) -> None:
    for row in getattr(shipped(), table):
        assert re.fullmatch(r"20\d\d(-\d\d)?", row.as_of), row.name
        assert "http" in row.source or row.name == "own server", row.name


@pytest.mark.parametrize("table", ROWS)
def test_export_and_import_are_inverse(table: str) -> None:
    rows = getattr(shipped(), table)
    assert parse(table, to_csv(rows, table)) == rows
    assert parse(table, "\ufeff" + to_csv(rows, table)) == rows


def test_every_provider_has_its_watts() -> None:
    providers = {row.name for row in shipped().power}
    assert {row.provider for row in shipped().instances} <= providers


def test_rows_are_chosen_by_name() -> None:
    at = from_tables(instance="own server", grid="France", device="iPad (10th generation)")
    assert (at.vcpus, at.usd_per_hour, at.pays_electricity, at.pue) == (8, 0, True, 1.58)
    assert (at.g_per_kwh, at.battery_wh) == (56, 28.6)
    assert from_tables(instance="nothing like it") == from_tables()


def test_an_edited_table_counts() -> None:
    edited: list[dict[str, object]] = [
        {**record, "usd_per_hour": 7} for record in records(shipped().instances, "instances")
    ]
    tables = with_table(shipped(), "instances", parse("instances", _csv(edited)))
    assert from_tables(tables).usd_per_hour == 7


def _csv(found: list[dict[str, object]]) -> str:
    lines = [",".join(columns("instances"))]
    lines += [",".join(str(value) for value in record.values()) for record in found]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("name,g_per_kwh\n", "no rows"),
        ("name,g_per_kwh\nFrance,-1\n", "row 1, g_per_kwh"),
        ("name,g_per_kwh\nFrance,many\n", "row 1, g_per_kwh"),
        ("name,g_per_kwh\n,5\n", "row 1, name"),
        ("name,grams\nFrance,5\n", "row 1"),
        ("name,g_per_kwh\nFrance,5\nFrance,6\n", '"France" is listed twice'),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(text: str, found: str) -> None:
    with pytest.raises(ParetoscopeError, match=found):
        parse("grid", text)
