"""The MCP server through the SDK's own client: in memory, and as a process on stdin and stdout."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, TextContent, Tool

from paretoscope import catalog
from paretoscope.api import measured
from paretoscope.cli.mcp.answers import EXPORTS
from paretoscope.cli.mcp.inputs import DataFile
from paretoscope.cli.mcp.tools import make_server
from paretoscope.cli.parser import main
from paretoscope.recipes.stages import Quantize
from paretoscope.store.store import Store
from paretoscope.tasks.ref import DataOptions
from paretoscope.workspace import Workspace
from tests import documents
from tests.cli.test_verbs import Say
from tests.cli.trials import HALF, INT8, done
from tests.engine.processes import toy

VERBS = ["models", "tasks", "estimate", "run", "status", "frontier", "compare", "export"]
Call = Callable[..., CallToolResult]


def run(session: Callable[[], Awaitable[Any]]) -> Any:
    """The result of a coroutine, in a thread: a browser of other tests may hold this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, session).result()


def asked(workspace: Workspace, ask: Callable[[Client], Awaitable[Any]]) -> Any:
    async def session() -> Any:
        async with Client(make_server(workspace)) as client:
            return await ask(client)

    return run(session)


@pytest.fixture
def call(workspace: Workspace) -> Call:
    """Calls a tool in a session of its own."""

    def called(name: str, **given: Any) -> CallToolResult:
        return asked(workspace, lambda client: client.call_tool(name, given))

    return called


def sentence(result: CallToolResult) -> str:
    """The text of a result."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def content(result: CallToolResult) -> dict[str, Any]:
    """The document of a result without an error."""
    assert not result.is_error, sentence(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def test_the_tools_describe_themselves(workspace: Workspace) -> None:
    tools: list[Tool] = asked(workspace, lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == VERBS
    for tool in tools:
        assert tool.description
        assert tool.output_schema
        for name, schema in tool.input_schema.get("properties", {}).items():
            assert schema.get("description"), f"{tool.name}: {name}"
    read_only = [
        tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint
    ]
    assert read_only == ["models", "tasks", "estimate", "status", "frontier", "compare"]


def test_models_and_tasks_are_those_of_the_commands(call: Call, say: Say) -> None:
    assert content(call("models")) == say("models")
    assert content(call("tasks")) == say("tasks")
    found = call("tasks", task="nothing")
    assert found.is_error
    assert "nothing" in sentence(found)


def test_run_returns_at_once_and_status_has_the_measurements(
    engine: None, call: Call, store: Store, say: Say
) -> None:
    queued = content(call("run", model="plain", recipe=INT8))
    trial = queued["trial_id"]
    assert queued["status"] in ("queued", "running", "done")
    for _ in range(200):
        (job,) = content(call("status", trials=[trial[:6]]))["trials"]
        if job["status"] == "done":
            break
        time.sleep(0.1)
    assert job["document"]["quality"]["value"] == 0.9
    assert job["document"]["recipe"]["stages"][0]["kind"] == "quantize"
    again = content(call("run", model="plain", recipe=INT8))
    assert (again["trial_id"], again["status"]) == (trial, "done")
    everything = content(call("status"))
    assert everything["engine_alive"] is True
    assert everything["trials"] == say("jobs")["trials"]


def test_what_cannot_run_is_one_sentence_and_is_not_queued(
    toys: None, call: Call, store: Store
) -> None:
    for given, words in (
        ({"model": "unknown"}, 'There is no model "unknown"'),
        ({"model": "plain", "recipe": {"stages": [{"kind": "quantise"}]}}, '"quantize"?'),
        ({"model": "plain", "recipe": "no-such-recipe"}, "no recipe file"),
    ):
        found = call("run", **given)
        assert found.is_error
        assert words in sentence(found)
        assert "\n" not in sentence(found)
    assert call("run", model="plain", protocol="forever").is_error
    assert store.trials() == []
    assert "There is no trial" in sentence(call("status", trials=["nothing"]))


def test_the_front_of_the_shipped_study_and_of_everything(
    call: Call, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "minilm-trec" not in [ref.name for ref in catalog.models()]:
        pytest.skip("the built-in models are not installed")
    shipped = [
        documents.document(model="minilm-trec"),
        documents.document(Quantize(), speedup=4.0),
        documents.document(Quantize(embedding_bits=4), quality=0.9, speedup=2.0),
    ]
    monkeypatch.setattr(measured, "shipped_study", lambda: shipped)
    whole = say("frontier", "minilm-trec", "--max-size-mb", "30")
    brief = content(call("frontier", model="minilm-trec", limits={"max_size_mb": 30}))
    assert brief["source"] == "shipped study"
    assert brief["omitted"] == 1
    assert [trial["trial_id"] for trial in brief["trials"]] == [
        document.trial_id for document in shipped[:2]
    ]
    assert brief["recommendation"] == whole["recommendation"]
    full = content(
        call("frontier", model="minilm-trec", limits={"max_size_mb": 30}, everything=True)
    )
    assert full == whole | {"omitted": 0}
    unknown = call("frontier", model="minilm-trec", objectives=["quality", "sizes"])
    assert "sizes" in sentence(unknown)


def test_an_estimate_is_that_of_the_command(call: Call, say: Say) -> None:
    if "minilm-trec" not in [ref.name for ref in catalog.models()]:
        pytest.skip("the built-in models are not installed")
    found = content(call("estimate", model="minilm-trec", recipe="int8"))
    assert found == say("estimate", "minilm-trec", "--recipe", "int8")
    assert 20e6 < found["size_bytes"] < 30e6 < found["baseline_size_bytes"]


def test_compare_is_that_of_the_command(call: Call, store: Store, say: Say) -> None:
    trials = [done(store, INT8).trial_id, done(store, HALF).trial_id]
    assert content(call("compare", trials=trials)) == say("compare", *trials)
    assert call("compare", trials=trials[:1]).is_error


def test_export_writes_only_into_permitted_folders(
    call: Call, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, here = done(store, INT8).trial_id, tmp_path / "project"
    here.mkdir()
    monkeypatch.chdir(here)
    exports = store.root / EXPORTS
    assert content(call("export", trial=trial)) == {"path": str(exports / trial)}
    assert content(call("export", trial=trial, to="small.zip"))["path"].endswith("small.zip")
    assert content(call("export", trial=trial, to=str(here / "out")))["path"] == str(here / "out")
    (here / "link").symlink_to(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for to in (
        str(tmp_path / "elsewhere"),
        str(here / "link" / "elsewhere"),
        "../../elsewhere",
        str(store.root / "artifacts" / "another"),
        str(exports),
        str(here),
        "",
    ):
        assert call("export", trial=trial, to=to).is_error, to
    assert sorted(tmp_path.rglob("*")) == before
    assert "exists already" in sentence(call("export", trial=trial))
    queued = store.queue(toy("plain")).trial_id
    assert "has no model" in sentence(call("export", trial=queued))


def test_the_file_system_as_current_folder_permits_nothing(
    call: Call, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = done(store, INT8).trial_id
    monkeypatch.chdir("/")
    assert "are permitted" in sentence(call("export", trial=trial, to=str(tmp_path / "out")))
    assert not (tmp_path / "out").exists()


def test_a_process_answers_on_stdin_and_stdout(workspace: Workspace) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "paretoscope", "mcp", "--workspace", str(workspace.root)],
        env={**os.environ},
    )

    async def session() -> tuple[list[str], CallToolResult]:
        async with Client(stdio_client(server)) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            return tools, await client.call_tool("status", {})

    tools, found = run(session)
    assert tools == VERBS
    assert content(found) == {"trials": [], "engine_alive": False}


def test_without_the_sdk_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    assert main(["mcp"]) == 2
    assert "pip install 'paretoscope[mcp]'" in capsys.readouterr().err


def test_a_data_file_is_described_by_every_option_of_the_commands() -> None:
    assert set(DataFile.model_fields) == set(DataOptions.model_fields)
