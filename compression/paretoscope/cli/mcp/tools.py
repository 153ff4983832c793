"""The tools of the MCP server. Each calls the function behind the command of the same name.

A result has the text that the command prints and, as structured content, the document that it
prints with --json. An error is the command's sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, ContentBlock, TextContent, ToolAnnotations
from pydantic import Field

from paretoscope import __version__, catalog
from paretoscope.api.estimate import forecast
from paretoscope.cli import listing, reading
from paretoscope.cli.estimating import in_words
from paretoscope.cli.mcp import outputs
from paretoscope.cli.mcp.answers import (
    export_answer,
    front_answer,
    queue_trial,
    recipe_of,
    status_answer,
)
from paretoscope.cli.mcp.inputs import (
    DataFile,
    GivenConditions,
    GivenData,
    GivenLimits,
    GivenProtocol,
    GivenRecipe,
    GivenTask,
    LatencyConditions,
    Limits,
    Model,
    Trial,
)
from paretoscope.cli.requests import CompareRequest, FrontierRequest, ModelsRequest, TasksRequest
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError
from paretoscope.tasks.ref import DEFAULT_OPTIONS
from paretoscope.trials.request import Protocol, TrialRequest
from paretoscope.workspace import Workspace

INSTRUCTIONS = (
    "Paretoscope compresses transformer models and measures accuracy, size and speed on this"
    " machine. Read `models` and `tasks`, look at `frontier` for what was measured, `estimate` a"
    " recipe before you `run` it, poll `status` until it is done, then `compare` and `export`. An"
    " estimate is not a measurement: report numbers of finished trials, with their intervals and"
    " conditions."
)


class Tools:
    """The tools of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def models(self) -> Annotated[CallToolResult, outputs.Models]:
        """List the built-in models."""
        return _result(lambda: listing.models(ModelsRequest(), self._workspace))

    def tasks(
        self,
        task: Annotated[
            str | None, Field(description="describe this task or data file; without one, list all")
        ] = None,
        data: GivenData = None,
    ) -> Annotated[CallToolResult, outputs.Tasks]:
        """List the built-in tasks, or describe one with its labels and splits."""
        options = (data or DataFile()).model_dump(exclude={"unlabelled"})
        request = TasksRequest(task=task, split=None, to=None, **options)
        return _result(lambda: listing.tasks(request, self._workspace))

    def estimate(
        self,
        model: Model,
        recipe: GivenRecipe = None,
        task: GivenTask = None,
        conditions: GivenConditions = None,
        data: GivenData = None,
    ) -> Annotated[CallToolResult, outputs.Estimate]:
        """Size, and estimates of quality and speed with intervals, in a second; runs nothing."""

        def answer() -> Answer:
            request = _request(model, recipe, task, conditions=conditions, data=data)
            found = forecast(request, self._workspace)
            return Answer(found.to_json(), in_words(found))

        return _result(answer)

    def run(
        self,
        model: Model,
        recipe: GivenRecipe = None,
        task: GivenTask = None,
        protocol: GivenProtocol = "quick",
        conditions: GivenConditions = None,
        data: GivenData = None,
    ) -> Annotated[CallToolResult, outputs.Queued]:
        """Queue a trial and return its id at once; read `status` until it is done."""
        return _result(
            lambda: queue_trial(
                _request(model, recipe, task, protocol, conditions=conditions, data=data),
                self._workspace,
            )
        )

    def status(
        self,
        trials: Annotated[
            list[str] | None, Field(description="ids of trials; without any, list all")
        ] = None,
    ) -> Annotated[CallToolResult, outputs.Status]:
        """Status and progress of trials, and the measurements of those that are named."""
        return _result(lambda: status_answer(trials, self._workspace))

    def frontier(
        self,
        model: Model,
        task: GivenTask = None,
        objectives: Annotated[
            list[str] | None,
            Field(description="metrics, such as quality, size_bytes, latency_p50_ms (the default)"),
        ] = None,
        limits: GivenLimits = None,
        study: Annotated[bool, Field(description="use the shipped study only")] = False,
        everything: Annotated[
            bool, Field(description="all trials, not only those on the front")
        ] = False,
    ) -> Annotated[CallToolResult, outputs.Front]:
        """The Pareto front of what was measured of a model, and a recommendation within limits."""
        by = ",".join(objectives) if objectives else None
        given = (limits or Limits()).model_dump()
        request = FrontierRequest(model, task, study, by=by, **given)
        return _result(lambda: front_answer(request, everything, self._workspace))

    def compare(
        self,
        trials: Annotated[list[Trial], Field(description="at least two trials of one task")],
    ) -> Annotated[CallToolResult, outputs.Comparison]:
        """Compare trials: which dominates which, how their recipes differ, paired tests."""
        request = CompareRequest(tuple(trials))
        return _result(lambda: reading.compare(request, self._workspace))

    def export(
        self,
        trial: Trial,
        to: Annotated[
            str | None,
            Field(
                description=(
                    "a new folder or .zip file: a name (made in the workspace's folder of"
                    " exports), or a path below the current folder"
                )
            ),
        ] = None,
    ) -> Annotated[CallToolResult, outputs.Exported]:
        """Copy a compressed model out of the workspace; nothing is overwritten."""
        return _result(lambda: export_answer(trial, to, self._workspace))


Writes = Literal["reads", "queues", "writes"]
EFFECTS: dict[Writes, ToolAnnotations] = {
    "reads": ToolAnnotations(read_only_hint=True, open_world_hint=False),
    "queues": ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
    "writes": ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False),
}


def make_server(workspace: Workspace) -> MCPServer:
    """The server of a workspace with its eight tools."""
    server = MCPServer(
        "paretoscope", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    tools = Tools(workspace)
    effects: dict[Callable[..., CallToolResult], Writes] = {
        tools.models: "reads",
        tools.tasks: "reads",
        tools.estimate: "reads",
        tools.run: "queues",
        tools.status: "reads",
        tools.frontier: "reads",
        tools.compare: "reads",
        tools.export: "writes",
    }
    for tool, effect in effects.items():
        server.add_tool(tool, annotations=EFFECTS[effect], structured_output=True)
    return server


def _request(
    model: str,
    recipe: dict[str, Any] | str | None,
    task: str | None,
    protocol: Protocol = "quick",
    *,
    conditions: LatencyConditions | None,
    data: DataFile | None,
) -> TrialRequest:
    return catalog.request(
        model,
        recipe_of(recipe),
        task=task,
        protocol=protocol,
        conditions=conditions.conditions() if conditions else None,
        options=data.options() if data else DEFAULT_OPTIONS,
    )


def _result(answer: Callable[[], Answer]) -> CallToolResult:
    """The answer as a result; a `ParetoscopeError` is its sentence."""
    try:
        found = answer()
    except ParetoscopeError as error:
        content: list[ContentBlock] = [TextContent(text=str(error))]
        return CallToolResult(content=content, is_error=True)
    words: list[ContentBlock] = [TextContent(text=found.words())]
    return CallToolResult(content=words, structured_content=found.json())
