"""Serve the page: `python -m paretoscope.dashboard [--server.port 8501 ...]`.

Every part of the page is imported before the server answers, so the first visit is not slow.
`paretoscope ui` starts this module together with an engine.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from paretoscope import dashboard
from paretoscope.dashboard import server
from paretoscope.errors import ParetoscopeError
from paretoscope.trials.study import shipped_study

WORDS: dict[str, Any] = {"true": True, "false": False}


def main() -> None:
    _warm()
    server.run(options(sys.argv[1:]))


def options(arguments: Sequence[str]) -> dict[str, Any]:
    """Streamlit's options by dotted name.

    >>> options(["--server.port", "8502", "--server.headless=true"])
    {'server.port': 8502, 'server.headless': True}
    """
    words = [part for each in arguments for part in each.split("=", 1)]
    return {name.removeprefix("--"): _value(text) for name, text in _pairs(words)}


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(words[::2], words[1::2], strict=True)


def _value(text: str) -> Any:
    return WORDS.get(text, int(text) if text.isdecimal() else text)


def _warm() -> None:
    """Import every part of the page and read the demo study; the page reports a broken study."""
    caching = logging.getLogger("streamlit.runtime.caching.cache_data_api")
    caching.addFilter(_is_news)
    try:
        for part in pkgutil.walk_packages(dashboard.__path__, "paretoscope.dashboard."):
            if part.name != __spec__.name:
                importlib.import_module(part.name)
    finally:
        caching.removeFilter(_is_news)
    try:
        shipped_study()
    except ParetoscopeError:
        return


def _is_news(record: logging.LogRecord) -> bool:
    """That streamlit's runtime is not there yet is meant: functions that are cached ask for it
    again at their first call.
    """
    return "No runtime found" not in record.getMessage()


if __name__ == "__main__":
    main()
