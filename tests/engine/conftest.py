"""Engines of real processes on toy trials; whatever a test leaves running is ended after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from paretoscope.engine.client import ensure_engine, stop_engine
from paretoscope.store.store import EngineState, Store
from paretoscope.workspace import Workspace
from tests.engine.processes import TOY


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    opened = Store.open(workspace)
    yield opened
    opened.close()


@pytest.fixture
def start(workspace: Workspace) -> Iterator[Callable[[], EngineState]]:
    """Starts the engine of this test's workspace."""
    yield lambda: ensure_engine(workspace, function=TOY)
    stop_engine(workspace)
