"""What every test may count on: a workspace of its own, no network, few threads, and no state left
over.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paretoscope.workspace import PROJECT, Workspace

SPEEDS = {
    "browser": ("browser",),
    "page": ("dashboard",),
    "engine": (
        "api",
        "artifact/test_self_check.py",
        "benchmarks/test_adding_runtime.py",
        "cli/test_layers.py",
        "cli/test_mcp.py",
        "cli/test_reproduction.py",
        "cli/test_run.py",
        "contract/test_contract_artifacts.py",
        "engine",
        "integrations/test_mlflow.py",
        "layers/test_profiling.py",
        "measure/test_generation.py",
        "measure/test_latency.py",
        "measure/test_locks.py",
    ),
    "train": (
        "artifact/test_graph_files.py",
        "benchmarks/test_decoders.py",
        "distillation",
        "families",
        "graphs",
        "layers/test_scan.py",
        "models/decoder",
        "pruning",
        "quantization",
        "shape/test_decoder_bytes.py",
        "training",
    ),
}
"""Marker -> the folders and files under tests/ that have it; all others are unit tests."""

os.environ["HF_HUB_OFFLINE"] = "1"
# subprocesses import this clone's package and tests, such as the toy trials of an engine
os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (PROJECT / "compression", PROJECT)))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that is no unit test with its speed, by the table above."""
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue  # doctests of the package are unit tests
        place = item.path.relative_to(here)
        for marker, places in SPEEDS.items():
            if any(place.is_relative_to(name) for name in places):
                item.add_marker(marker)


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
