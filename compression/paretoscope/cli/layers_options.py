"""The options of `profile` and `sensitivity`."""

from __future__ import annotations

from paretoscope.cli.data_options import add_data_file, positive
from paretoscope.cli.sending_options import TRIAL, Add
from paretoscope.layers.sensitivity import TEXTS

TO = "also write the result to this file (of one model)"


def add_layers(add: Add, model: str) -> None:
    """Both commands; `model` is the help of the argument MODEL."""
    profile = add("profile", "time every layer and operator of measured models")
    profile.add_argument("trials", nargs="+", metavar="TRIAL", help=TRIAL)
    about = {"batch": "batch size", "sequence": "sequence length", "threads": "threads"}
    for name, words in about.items():
        profile.add_argument(
            f"--{name}", type=positive, metavar="N", help=f"{words} (default: that of the trial)"
        )
    scan = add(
        "sensitivity", "measure what each layer and projection loses at each width and sparsity"
    )
    scan.add_argument("model", metavar="MODEL", help=model)
    scan.add_argument(
        "--task", metavar="TASK", help="a built-in task or a data file (default: the model's task)"
    )
    scan.add_argument(
        "--texts",
        type=positive,
        default=TEXTS,
        metavar="N",
        help=f"calibration texts (default: {TEXTS})",
    )
    add_data_file(scan)
    for command in (profile, scan):
        command.add_argument("--to", metavar="FILE.json", help=TO)
