"""`paretoscope ui` serves the page over an engine and stops both."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from benchmarks.page_server import free_port, healthy
from paretoscope.cli.parser import main
from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace
from tests.engine.processes import TOY, gone, until


def _serve(workspace: Workspace, port: int, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "paretoscope", "--workspace", str(workspace.root)]
    command += ["ui", "--port", str(port), "--headless", *options]
    return subprocess.Popen(
        command, env={**os.environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _engine_pid(workspace: Workspace) -> int | None:
    store = Store.open(workspace)
    state = store.engine()
    store.close()
    return state.pid if state and state.alive else None


@pytest.mark.engine
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_page_and_engine_end_together(workspace: Workspace, number: signal.Signals) -> None:
    port = free_port()
    server = _serve(workspace, port)
    try:
        until(lambda: healthy(f"http://127.0.0.1:{port}") and _engine_pid(workspace), 60)
        engine = _engine_pid(workspace)
        server.send_signal(number)
        assert server.wait(30) == 0
    finally:
        server.kill()
        stop_engine(workspace)
    assert engine is not None
    assert gone(engine)
    assert not healthy(f"http://127.0.0.1:{port}")


@pytest.mark.engine
def test_an_engine_that_was_running_keeps_running(workspace: Workspace) -> None:
    engine = ensure_engine(workspace, function=TOY).pid
    port = free_port()
    server = _serve(workspace, port)
    try:
        until(lambda: healthy(f"http://127.0.0.1:{port}"), 60)
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
        assert _engine_pid(workspace) == engine
    finally:
        server.kill()
        stop_engine(workspace)


@pytest.mark.engine
def test_a_read_only_page_starts_no_engine_and_takes_no_upload(workspace: Workspace) -> None:
    port = free_port()
    server = _serve(workspace, port, "--read-only")
    try:
        until(lambda: healthy(f"http://127.0.0.1:{port}"), 60)
        upload = urllib.request.Request(
            f"http://127.0.0.1:{port}/_stcore/upload_file/a/b", data=b"text", method="PUT"
        )
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(upload, timeout=30)
        assert _engine_pid(workspace) is None
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    finally:
        server.kill()
    assert _engine_pid(workspace) is None


def test_a_port_in_use_is_refused_with_another(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--workspace", str(workspace.root), "ui", "--port", str(port)]) == 2
    message = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in message
    assert f"--port {port + 1}" in message
    assert not workspace.root.exists()


def test_a_port_out_of_range_is_refused(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--workspace", str(workspace.root), "ui", "--port", "70000"]) == 2
    assert "127.0.0.1:70000" in capsys.readouterr().err
