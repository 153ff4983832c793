"""The options of the commands that send results elsewhere: `operators`, `log`, `push` and `mcp`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Add = Callable[[str, str], argparse.ArgumentParser]
"""Adds a command by name and description."""
TRIAL = "id of a trial, or its first characters"
EXPERIMENT = "paretoscope"
"""Default experiment of MLflow."""


def add_sending(add: Add) -> None:
    """The commands, in the order of the help."""
    operators = add("operators", "list the operators of a model with their weights and precision")
    operators.add_argument(
        "artifact", metavar="TRIAL|FOLDER", help="id of a trial, or the folder of an exported model"
    )
    _add_log(add)
    _add_push(add)
    add("mcp", "serve models, trials and fronts to an agent over MCP, on stdin and stdout")


def _add_log(add: Add) -> None:
    log = add("log", "log trials to a tracking server, each measurement once")
    log.add_argument("trials", nargs="+", metavar="TRIAL", help=TRIAL)
    log.add_argument("--to", choices=("mlflow",), default="mlflow", help="default: mlflow")
    log.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="server or database, such as http://host:5000 or sqlite:///mlflow.db (default:"
        " MLflow's own setting, MLFLOW_TRACKING_URI)",
    )
    log.add_argument(
        "--experiment",
        default=EXPERIMENT,
        metavar="NAME",
        help=f"made if it does not exist (default: {EXPERIMENT})",
    )


def _add_push(add: Add) -> None:
    push = add("push", "upload a compressed model to the Hugging Face Hub")
    push.add_argument("trial", metavar="TRIAL", help=TRIAL)
    push.add_argument("--to", required=True, metavar="ORG/NAME", help="name of the repository")
    push.add_argument(
        "--private", action="store_true", help="make a new repository private (default: public)"
    )
    push.add_argument(
        "--pull-request",
        action="store_true",
        help="open a pull request on a repository that exists, and change no branch",
    )
    push.add_argument(
        "--revision", metavar="BRANCH", help="branch to commit to, made if new (default: main)"
    )
    push.add_argument("--yes", action="store_true", help="upload without a confirmation")
