"""Environment variables are parsed once, and a bad value is refused with its name."""

from __future__ import annotations

import pytest

from paretoscope.errors import ParetoscopeError
from paretoscope.settings import Settings, documented


def test_unset_and_empty_variables_give_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment(dict.fromkeys(documented(), "")) == Settings()


def test_every_documented_variable_is_read() -> None:
    found = Settings.from_environment(dict.fromkeys(documented(), "7"))
    assert all(value in ("7", 7.0) for value in vars(found).values())
    assert len(vars(found)) == len(documented())


@pytest.mark.parametrize("name", ["PARETOSCOPE_WATTS_PER_CORE", "PARETOSCOPE_CACHE_GB"])
@pytest.mark.parametrize("value", ["much", "-1", "nan", "1e9"])
def test_a_number_out_of_range_is_refused(name: str, value: str) -> None:
    with pytest.raises(ParetoscopeError, match=f'{name} is "{value}"'):
        Settings.from_environment({name: value})
