"""Serve the page: `python -m dashboard [options of streamlit run]`.

What the first visitor's page needs is imported before the server answers, so that nobody waits for it in front of an empty page.
"""

from __future__ import annotations

import importlib
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
    for part in pkgutil.iter_modules(dashboard.__path__, "dashboard."):
        if part.name != __spec__.name:
            importlib.import_module(part.name)
    try:
        shipped_study()
    except ParetoscopeError:
        return


if __name__ == "__main__":
    main()
