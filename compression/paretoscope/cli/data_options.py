"""The options of a data file, which several commands have."""

from __future__ import annotations

import argparse
import csv


def add_data_file(command: argparse.ArgumentParser) -> None:
    command.add_argument("--text-column", metavar="NAME", help="text column of a data file")
    command.add_argument("--label-column", metavar="NAME", help="label column of a data file")
    command.add_argument(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        help="encoding of a data file (default: utf-8)",
    )
    command.add_argument(
        "--delimiter",
        type=_delimiter,
        metavar="CHARACTER",
        help="between the fields of a CSV file, or tab (default: the most frequent in the header)",
    )
    command.add_argument(
        "--max-length",
        type=positive,
        metavar="N",
        help="longest text in tokens; longer ones are truncated (default: the model's maximum)",
    )
    command.add_argument(
        "--labels",
        type=_names,
        metavar="A,B,...",
        help="labels of the data in the order of the model's outputs (default: matched by name)",
    )
    command.add_argument(
        "--split-column",
        metavar="NAME",
        help="column that names the split of each row (default: split by the hash of the text)",
    )
    command.add_argument(
        "--group-column",
        metavar="NAME",
        help="column of a group, such as a film, whose rows stay in one split",
    )
    command.add_argument(
        "--drop-missing",
        action="store_true",
        help="drop rows without a label (default: an error that names them)",
    )


def _names(text: str) -> list[str]:
    """Comma-separated names; quotes as in CSV protect a comma within a name."""
    (names,) = csv.reader([text], skipinitialspace=True)
    return names


def _delimiter(text: str) -> str:
    """
    >>> _delimiter(";"), _delimiter("tab")
    (';', '\\t')
    """
    found = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(found) != 1 or found in '"\r\n':
        raise argparse.ArgumentTypeError(f'must be one character or tab, but got "{text}"')
    return found


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'must be a whole number from 1, but got "{text}"')
    return int(text)
