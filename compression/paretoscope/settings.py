"""Settings from the environment: the PARETOSCOPE_* variables, parsed and checked in one place.

Command-line options take precedence where both exist; the variables of other libraries (HF_HOME,
OMP_NUM_THREADS) are read where those libraries are used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from paretoscope.errors import ParetoscopeError

PREFIX = "PARETOSCOPE_"
SWITCH = {"1": True, "true": True, "yes": True, "on": True} | {
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _setting(default: Any, about: str, *, within: tuple[float, float] | None = None) -> Any:
    """A field with its documentation; a number has the range of its valid values."""
    return field(default=default, metadata={"about": about, "within": within})


@dataclass(frozen=True)
class Settings:
    """Every environment variable that Paretoscope reads; an empty one counts as unset.

    >>> Settings.from_environment({"PARETOSCOPE_CACHE_GB": "5"}).cache_gb
    5.0
    >>> Settings.from_environment({}).watts_per_core
    5.0
    """

    home: str | None = _setting(
        None,
        "The workspace folder: store, artefacts, cache, logs. When unset: `data/workspace` in a"
        " clone, else the user's data folder (`~/.local/share/paretoscope` on Linux)."
        " `--workspace` takes precedence.",
    )
    database_url: str | None = _setting(
        None, "SQLAlchemy URL of the store. Default: SQLite in the workspace."
    )
    cache_gb: float = _setting(
        20.0,
        "Size of the stage cache in gigabytes, above which the least recently used entries are"
        " deleted. Default: 20.",
        within=(0, 100_000),
    )
    watts_per_core: float = _setting(
        # thermal design power over cores is 3.75 W for an AMD EPYC 9654 (360 W, 96 cores) and
        # 6.25 W for an Intel Xeon 8480+ (350 W, 56 cores)
        5.0,
        "Watts per busy core, for the energy estimate on machines without a counter. Default: 5.",
        within=(0.001, 1000),
    )
    scheduler: str | None = _setting(
        None,
        "Address of a Dask scheduler that runs the trials, such as `tcp://host:8786`. Default: a"
        " local cluster.",
    )
    read_only: bool = _setting(
        False,
        "`1`: the dashboard shows results, but starts, uploads, reads and deletes nothing. Default:"
        " `0`.",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings in `environment`; raises `ParetoscopeError` for an invalid value."""
        found: dict[str, Any] = {}
        for each in fields(cls):
            text = environment.get(variable(each.name))
            if text:
                within = each.metadata["within"]
                if isinstance(each.default, bool):
                    found[each.name] = _switch(text, each.name)
                else:
                    found[each.name] = _number(text, each.name, *within) if within else text
        return cls(**found)


def variable(name: str) -> str:
    """
    >>> variable("cache_gb")
    'PARETOSCOPE_CACHE_GB'
    """
    return PREFIX + name.upper()


def documented() -> dict[str, str]:
    """What each variable does, by its name, for docs/reference/environment.md."""
    return {variable(each.name): each.metadata["about"] for each in fields(Settings)}


def _switch(text: str, name: str) -> bool:
    word = text.strip().lower()
    if word not in SWITCH:
        raise ParetoscopeError(
            f'The environment variable {variable(name)} is "{text}"; set it to 1 or 0, or unset it.'
        )
    return SWITCH[word]


def _number(text: str, name: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ParetoscopeError(
            f'The environment variable {variable(name)} is "{text}"; set it to a number from'
            f" {low:g} to {high:,g}, or unset it."
        )
    return value
