"""What every test may count on: a workspace of its own, no network, few threads, and no state left
over.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paretoscope.workspace import PROJECT, Workspace

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(autouse=True)
def _never_the_real_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test calls, it cannot reach the trials of the person who runs it."""
    monkeypatch.setenv("PARETOSCOPE_HOME", str(tmp_path / "workspace"))
    for name in ("PARETOSCOPE_DATABASE_URL", "PARETOSCOPE_SCHEDULER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace that does not exist on disk yet."""
    return Workspace.at(tmp_path / "workspace")


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the clone."""
    return PROJECT
