"""Serve the page: `python -m paretoscope.dashboard [options of streamlit run]`.

Every part of the page is imported before the server answers, so the first visit is not slow.
`paretoscope ui` starts this module together with an engine.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys

from streamlit.web import cli

from paretoscope import dashboard
from paretoscope.errors import ParetoscopeError
from paretoscope.trials.study import shipped_study
from paretoscope.workspace import PROJECT


def main() -> None:
    _warm()
    sys.argv = ["streamlit", "run", str(PROJECT / "app.py"), *sys.argv[1:]]
    sys.exit(cli.main(prog_name="streamlit"))


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
