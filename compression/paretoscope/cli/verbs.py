"""The commands: for each its request and the function that answers it.

A function's module is imported when its command is called, so a mistyped option is refused at once
and an answer from the store does not wait for libraries that it does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from paretoscope.cli import requests
from paretoscope.cli.requests import Request
from paretoscope.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """What a command prints: `content` with --json, else `text`; only that one is computed where
    they are functions.

    With a `failure` the command fails after it has printed; else `status` is its exit status.
    """

    content: dict[str, Any] | Callable[[], dict[str, Any]]
    text: str | Callable[[], str]
    failure: str = ""
    status: int = 0

    def json(self) -> dict[str, Any]:
        """The content, computed now where it is a function."""
        return self.content() if callable(self.content) else self.content

    def words(self) -> str:
        """The text, computed now where it is a function."""
        return self.text() if callable(self.text) else self.text


class JsonText(str):
    """A part of a content that is JSON already, such as a document as it is stored."""

    __slots__ = ()


@dataclass(frozen=True)
class Verb:
    """A command: the type of its request, and where the function that answers it is."""

    request: type[Request]
    module: str

    def load(self, name: str) -> Callable[[Request, Workspace], Answer | None]:
        """The function called `name` in the module; without an answer nothing is printed."""
        return getattr(import_module(f"paretoscope.cli.{self.module}"), name)


VERBS: dict[str, Verb] = {
    "models": Verb(requests.ModelsRequest, "listing"),
    "tasks": Verb(requests.TasksRequest, "listing"),
    "run": Verb(requests.RunRequest, "making"),
    "sweep": Verb(requests.SweepRequest, "making"),
    "estimate": Verb(requests.EstimateRequest, "estimating"),
    "references": Verb(requests.MeasureRequest, "making"),
    "jobs": Verb(requests.JobsRequest, "queue"),
    "cancel": Verb(requests.CancelRequest, "queue"),
    "data": Verb(requests.DataRequest, "data"),
    "ui": Verb(requests.UiRequest, "ui"),
    "engine": Verb(requests.EngineRequest, "queue"),
    "frontier": Verb(requests.FrontierRequest, "reading"),
    "compare": Verb(requests.CompareRequest, "reading"),
    "report": Verb(requests.ReportRequest, "reading"),
    "share": Verb(requests.ShareRequest, "reading"),
    "impact": Verb(requests.ImpactRequest, "impact"),
    "profile": Verb(requests.ProfileRequest, "profiling"),
    "sensitivity": Verb(requests.SensitivityRequest, "scanning"),
    "keep": Verb(requests.KeepRequest, "artifacts"),
    "check": Verb(requests.CheckRequest, "gate"),
    "export": Verb(requests.ExportRequest, "artifacts"),
    "operators": Verb(requests.OperatorsRequest, "sending"),
    "log": Verb(requests.LogRequest, "sending"),
    "push": Verb(requests.PushRequest, "sending"),
    "mcp": Verb(requests.McpRequest, "mcp.server"),
}
