"""Prices, carbon intensities and power coefficients: dated examples with their sources.

The shipped rows are in `data/impact/*.csv`. A table can be edited and written as CSV, and read back
in the same form.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field, ValidationError

from paretoscope.errors import ParetoscopeError, Problems
from paretoscope.values import Value
from paretoscope.workspace import SHIPPED

FOLDER = SHIPPED / "impact"
Text = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False, le=1e9)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, le=1e9)]


class _Row(Value):
    """A row with a name; `as_of` is the year or month of the figure, `source` where it is from."""

    name: Text
    as_of: str = ""
    source: str = ""


class Instance(_Row):
    """A machine for rent, or one's own, for which electricity is paid separately."""

    provider: str = "Own"
    region: str = ""
    vcpus: Positive
    memory_gib: Amount = 0
    usd_per_hour: Amount
    electricity_included: bool = True


class Grid(_Row):
    """Carbon intensity of a country's or region's electricity, gCO2e/kWh."""

    g_per_kwh: Amount


class Electricity(_Row):
    """Retail price of electricity, USD/kWh."""

    usd_per_kwh: Amount


class Power(_Row):
    """A provider: watts per vCPU when idle and busy, and PUE (facility energy / IT energy)."""

    idle_w_per_vcpu: Amount
    busy_w_per_vcpu: Amount
    pue: Annotated[float, Field(ge=1, le=10)]


class Device(_Row):
    """A device that runs on a battery of `battery_wh` watt-hours."""

    battery_wh: Positive


@dataclass(frozen=True)
class Tables:
    """The five tables; the first row of each is the default."""

    instances: tuple[Instance, ...]
    grid: tuple[Grid, ...]
    electricity: tuple[Electricity, ...]
    power: tuple[Power, ...]
    devices: tuple[Device, ...]

    def named(self, table: str, name: str) -> _Row:
        """The row called `name` of a table, else its first row."""
        rows: tuple[_Row, ...] = getattr(self, table)
        return next((row for row in rows if row.name == name), rows[0])

    def provider_of(self, instance: Instance) -> Power:
        """The power coefficients of an instance's provider, else the first ones."""
        return next((row for row in self.power if row.name == instance.provider), self.power[0])


ROWS: dict[str, type[_Row]] = {
    "instances": Instance,
    "grid": Grid,
    "electricity": Electricity,
    "power": Power,
    "devices": Device,
}
"""The row of each table; the file of a table is `<name>.csv`."""


@lru_cache(maxsize=1)
def shipped() -> Tables:
    """The tables in `data/impact`; raises `ParetoscopeError` for a damaged file."""
    return Tables(
        **{name: parse(name, (FOLDER / f"{name}.csv").read_text(encoding="utf-8")) for name in ROWS}
    )


def parse(table: str, text: str) -> tuple[Any, ...]:
    """The rows in a CSV text; raises `ParetoscopeError` that names every wrong line."""
    records = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    if not records:
        raise ParetoscopeError(f'The table "{table}" has no rows; keep at least one.')
    return validated(table, records)


def validated(table: str, records: Sequence[dict[Any, Any]]) -> tuple[Any, ...]:
    """The rows of records, each a column -> value; raises `ParetoscopeError`."""
    problems, found = Problems(f'The table "{table}"', ParetoscopeError), list[_Row]()
    if not records:
        problems.add("", "there are no rows; keep at least one.")
    for number, record in enumerate(records, start=1):
        given = {
            key: value
            for key, value in record.items()
            if key is not None and value not in ("", None)
        }
        try:
            found.append(ROWS[table].model_validate(given))
        except ValidationError as error:
            for each in error.errors():
                column = str(each["loc"][0]) if each["loc"] else ""
                problems.add(f"row {number}, {column}", f"{_plain(each['msg'])}.")
    names = [row.name for row in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add("", f'"{name}" is listed twice; give each row its own name.')
    problems.check()
    return tuple(found)


def _plain(message: str) -> str:
    return message[0].lower() + message[1:]


def columns(table: str) -> list[str]:
    """The columns of a table: the name, its own, then date and source."""
    own = [name for name in ROWS[table].model_fields if name not in _Row.model_fields]
    return ["name", *own, "as_of", "source"]


def records(rows: Sequence[Value], table: str) -> list[dict[str, Any]]:
    """The rows as column -> value."""
    return [{name: getattr(row, name) for name in columns(table)} for row in rows]


def to_csv(rows: Sequence[Value], table: str) -> str:
    """The rows as CSV, in the form that `parse` reads."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(table), lineterminator="\n")
    writer.writeheader()
    for record in records(rows, table):
        writer.writerow({key: _cell(value) for key, value in record.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    """
    >>> _cell(True), _cell(2.0), _cell(0.085)
    ('yes', '2', '0.085')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, float) else value


def with_table(tables: Tables, table: str, rows: tuple[Any, ...]) -> Tables:
    """The tables with one of them replaced."""
    return replace(tables, **{table: rows})
