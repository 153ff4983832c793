"""The command line: parse the arguments, call the command, print its answer.

The options are `cli/options.py`'s, what a command does is `cli/verbs.py`'s. Nothing heavy is
imported here: an answer from the store comes within two seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, cast

from paretoscope import __version__
from paretoscope.cli.options import add_commands, add_common
from paretoscope.cli.verbs import VERBS, Answer, JsonText
from paretoscope.errors import ParetoscopeError, did_you_mean
from paretoscope.workspace import Workspace

MARK = "\0"
"""Stands for a part that is JSON already; no text of a content has it."""
INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, or 2 after one sentence on stderr.

    `check` ends with 1 when a limit is exceeded.
    """
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except ParetoscopeError as error:
        print(f"paretoscope: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"\n{interrupt or 'Interrupted.'}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # as with `| head`; Python must not write at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _run(arguments: Sequence[str] | None) -> int:
    given = _parser().parse_args(arguments, argparse.Namespace(workspace=None, json=False))
    verb = VERBS[given.verb]
    answer = verb.load(given.verb)(verb.request.read(given), Workspace.at(given.workspace))
    if answer is None:
        return 0
    if given.json:
        sys.stdout.writelines(_json(answer))
        print()
    else:
        print(answer.text() if callable(answer.text) else answer.text)
    if answer.failure:
        raise ParetoscopeError(answer.failure)
    return answer.status


def _json(answer: Answer) -> Iterator[str]:
    """Indented at a terminal, one line elsewhere; in parts, because documents may be many."""
    content = answer.content() if callable(answer.content) else answer.content
    texts: list[JsonText] = []

    def marked(value: Any) -> Any:
        """The value with a mark in place of each part that is JSON already."""
        if isinstance(value, JsonText):
            texts.append(value)
            return MARK
        return (
            [marked(each) for each in cast(list[Any], value)] if isinstance(value, list) else value
        )

    kept = {name: marked(value) for name, value in content.items()}
    if not texts:
        yield json.dumps(content, indent=2 if os.isatty(1) else None, ensure_ascii=False)
        return
    first, *others = json.dumps(kept, ensure_ascii=False).split(json.dumps(MARK))
    yield first
    for text, after in zip(texts, others, strict=True):
        yield text
        yield after


class _Parser(argparse.ArgumentParser):
    """Raises errors as one sentence, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        if choice := re.fullmatch(
            r"argument (.+): invalid choice: '?(.*?)'? \(choose from (.*)\)", message
        ):
            known = [word.strip(" '") for word in choice[3].split(",")]
            raise ParetoscopeError(
                f'{choice[1]} cannot be "{choice[2]}"; {did_you_mean(choice[2], known)}'
            )
        raise ParetoscopeError(
            f"{message[0].upper()}{message[1:].rstrip('.')}; `{self.prog} --help` lists the"
            " options."
        )


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    add_common(common)
    parser = _Parser(
        prog="paretoscope",
        parents=[common],
        description="Compress transformer models and measure accuracy, size and speed.",
        epilog=(
            "Progress is written to stderr. The exit status is 0, or 2 after one sentence on"
            " stderr that says what is wrong and what to do; `check` ends with 1 outside its"
            " budget."
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

    add_commands(add)
    return parser
