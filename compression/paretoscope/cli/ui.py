"""`paretoscope ui`: an engine and the page server, started and stopped together.

The page is in `dashboard/` and runs in a process of its own, so nothing here imports Streamlit.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading

from paretoscope.cli.requests import UiRequest
from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.errors import EngineError, ParetoscopeError
from paretoscope.settings import Settings, variable
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace, subprocess_python_path

PAGE_STOP_SECONDS = 10.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def ui(request: UiRequest, workspace: Workspace) -> None:
    """Serve the page until Ctrl-C."""
    read_only = request.read_only or Settings.from_environment().read_only
    serve(workspace, request, read_only=read_only)


def serve(workspace: Workspace, request: UiRequest, *, read_only: bool = False) -> None:
    """Serve the page until Ctrl-C, then stop the page and the engine.

    An engine that is already running is used and keeps running; with `read_only` none is started.
    Raises `ParetoscopeError` when the port is in use or the page server fails.
    """
    host, port = request.host, request.port
    _check_port(host, port)
    starter = threading.Thread(target=_start_engine, args=(workspace,))
    starts_engine = not read_only and not _engine_is_alive(workspace)
    about = ", read-only" if read_only else ""
    print(f"Paretoscope: http://{host}:{port}{about} (Ctrl-C stops it)", file=sys.stderr)
    page = _start_page(workspace, request, read_only=read_only)
    status = 0
    try:
        for number in STOP_SIGNALS:
            signal.signal(number, _interrupt)
        if starts_engine:
            starter.start()
        status = page.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for number in STOP_SIGNALS:  # a second Ctrl-C must not leave the engine running
            signal.signal(number, signal.SIG_IGN)
        _stop_page(page)
        if starts_engine:
            if starter.ident is not None:
                starter.join()
            stop_engine(workspace)
    if status > 0:
        raise ParetoscopeError(f"The page server failed (exit status {status}); see its messages.")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _check_port(host: str, port: int) -> None:
    """Raise `ParetoscopeError` when the page cannot listen; Streamlit would use another port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except (OSError, OverflowError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ParetoscopeError(
            f"The page cannot be served at {host}:{port} ({reason}); choose another port with"
            f" --port {port + 1}, or make run PORT={port + 1}."
        ) from error


def _engine_is_alive(workspace: Workspace) -> bool:
    store = Store.open(workspace)
    try:
        state = store.engine()
        return state is not None and state.alive
    finally:
        store.close()


def _start_engine(workspace: Workspace) -> None:
    """Start the engine; if that fails, the page still shows stored results."""
    try:
        ensure_engine(workspace, stays=True)
    except EngineError as error:
        print(f"paretoscope: {error}", file=sys.stderr)


def _start_page(
    workspace: Workspace, request: UiRequest, *, read_only: bool
) -> subprocess.Popen[bytes]:
    # -P: a module in the current folder must not shadow one of the page's imports
    command = [sys.executable, "-P", "-m", "paretoscope.dashboard"]
    options = {
        "server.address": request.host,
        "server.port": request.port,
        "server.headless": request.headless or not _has_display(),
        "server.showEmailPrompt": False,
    }
    command += [f"--{name}={str(value).lower()}" for name, value in options.items()]
    environment = {
        **os.environ,
        "PYTHONPATH": subprocess_python_path(),
        "PARETOSCOPE_HOME": str(workspace.root),
        variable("read_only"): "1" if read_only else "0",
    }
    # a session of its own: Ctrl-C reaches only this process, which then stops page and engine
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )


def _has_display() -> bool:
    """Whether a browser can be opened here."""
    on_desktop = sys.platform in ("darwin", "win32")
    return on_desktop or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _stop_page(page: subprocess.Popen[bytes]) -> None:
    page.terminate()
    try:
        page.wait(PAGE_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        page.kill()
        page.wait()
