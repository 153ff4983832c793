"""Environment variables are parsed once, and a bad value is refused with its name."""

from __future__ import annotations

import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.settings import Settings, documented


def test_unset_and_empty_variables_give_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment(dict.fromkeys(documented(), "")) == Settings()


def test_every_documented_variable_is_read() -> None:
    found = Settings.from_environment(dict.fromkeys(documented(), "1"))
    assert all(value in ("1", 1.0, True) for value in vars(found).values())
    assert len(vars(found)) == len(documented())


@pytest.mark.parametrize("name", ["PARETOSCOPE_WATTS_PER_CORE", "PARETOSCOPE_CACHE_GB"])
@pytest.mark.parametrize("value", ["much", "-1", "nan", "1e9"])
def test_a_number_out_of_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(ParetoscopeError, match=f'{name} is "{value}"'):
        Settings.from_environment({name: value})


@pytest.mark.parametrize(("text", "value"), [("1", True), ("on", True), ("0", False)])
def test_a_switch_is_on_or_off(text: str, value: bool) -> None:
    found = Settings.from_environment({"PARETOSCOPE_READ_ONLY": text})
    assert found.read_only is value
    with pytest.raises(ParetoscopeError, match='PARETOSCOPE_READ_ONLY is "maybe"'):
        Settings.from_environment({"PARETOSCOPE_READ_ONLY": "maybe"})
