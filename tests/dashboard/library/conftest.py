"""A tiny model and a data file of a person, and the page that they are given to."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from paretoscope import catalog
from tests.tiny.factory import make_tiny

LABELS = ("low", "medium", "high")


@pytest.fixture(autouse=True)
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of a model starts a process for seconds; it is tested in tests/sources."""
    monkeypatch.setattr(catalog, "check", lambda *_: None)


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A tiny model with names of outputs."""
    return make_tiny("bert", tmp_path / "named", labels=LABELS)


@pytest.fixture
def unnamed(tmp_path: Path) -> Path:
    """A tiny model without names of outputs."""
    return make_tiny("bert", tmp_path / "unnamed", labels=[f"LABEL_{n}" for n in range(3)])


@pytest.fixture
def levels(tmp_path: Path) -> Path:
    """120 texts of three levels, one without a label."""
    path = tmp_path / "levels.csv"
    path.write_text(levels_csv())
    return path


def levels_csv(text: str = "text", label: str = "label", delimiter: str = ",") -> str:
    lines = [delimiter.join((f"what a film {n}", LABELS[n % 3], str(n // 2))) for n in range(120)]
    return "\n".join([delimiter.join((text, label, "film")), *lines])


def zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"{folder.name}/{path.name}")
    return content.getvalue()
