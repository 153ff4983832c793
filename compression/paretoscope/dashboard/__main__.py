"""Serve the page: `python -m paretoscope.dashboard [options of streamlit run]`.

What the first visitor's page needs is imported before the server answers, so that nobody waits for
it in front of an empty page.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import pkgutil
import socket
import sys
from collections.abc import Sequence

from streamlit.web import cli

from paretoscope import dashboard
from paretoscope.errors import ParetoscopeError
from paretoscope.trials.study import shipped_study
from paretoscope.workspace import PROJECT


def main() -> None:
    _check_port(sys.argv[1:])
    _warm()
    sys.argv = ["streamlit", "run", str(PROJECT / "app.py"), *sys.argv[1:]]
    sys.exit(cli.main(prog_name="streamlit"))


def _check_port(arguments: Sequence[str]) -> None:
    """End with a way out where the port that was asked for is taken; without one streamlit looks
    for a free one.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--server.port", dest="port", type=int)
    parser.add_argument("--server.address", dest="address", default="127.0.0.1")
    given = parser.parse_known_args(arguments)[0]
    if given.port is None:
        return
    try:
        socket.create_server(
            (given.address, given.port),
            family=socket.AF_INET6 if ":" in given.address else socket.AF_INET,
        ).close()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        sys.exit(
            f"paretoscope: The page cannot be served at {given.address}:{given.port} ({reason}). It"
            f" may be open there already; for another port: make run PORT={given.port + 1}"
        )


def _warm() -> None:
    """Every part of the page and what it draws with; a study that cannot be read is for the page to
    say.
    """
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
