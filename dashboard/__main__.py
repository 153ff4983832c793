"""Serve the page: `python -m dashboard [options of streamlit run]`.

What the first visitor's page needs is imported before the server answers, so that nobody waits for it in front of an empty page.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys

from streamlit.web import cli

import dashboard
from compression.errors import ParetoscopeError
from compression.study import shipped_study
from compression.workspace import PROJECT


def main() -> None:
    _warm()
    sys.argv = ["streamlit", "run", str(PROJECT / "app.py"), *sys.argv[1:]]
    sys.exit(cli.main(prog_name="streamlit"))


def _warm() -> None:
    """Every part of the page and what it draws with; a study that cannot be read is for the page to say."""
    caching = logging.getLogger("streamlit.runtime.caching.cache_data_api")
    caching.addFilter(_is_news)
    try:
        for part in pkgutil.iter_modules(dashboard.__path__, "dashboard."):
            if part.name != __spec__.name:
                importlib.import_module(part.name)
    finally:
        caching.removeFilter(_is_news)
    try:
        shipped_study()
    except ParetoscopeError:
        return


def _is_news(record: logging.LogRecord) -> bool:
    """That streamlit's runtime is not there yet is meant: functions that are cached ask for it again at their first call."""
    return "No runtime found" not in record.getMessage()


if __name__ == "__main__":
    main()
