"""The shipped study: read once, empty when missing, refused in a sentence when broken."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from paretoscope.errors import StoreError
from paretoscope.recipes.stages import Quantize
from paretoscope.trials import study
from paretoscope.trials.study import shipped_study
from tests.documents import document


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(study, "STUDY", tmp_path / "study.json.gz")
    return tmp_path / "study.json.gz"


def write(path: Path, content: object) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump(content, file)


def test_missing_is_empty(path: Path) -> None:
    assert shipped_study() == []


def test_it_comes_back_oldest_first(path: Path) -> None:
    new, old = document(Quantize(), age=1), document(age=9)
    write(path, {"about": "test", "trials": [new.to_json(), old.to_json()]})
    assert shipped_study() == [old, new]


@pytest.mark.parametrize("content", [{"about": "no trials"}, {"trials": [{"trial_id": 1}]}, []])
def test_another_content_is_refused(path: Path, content: object) -> None:
    write(path, content)
    with pytest.raises(StoreError, match='make it again with "make demo-study"'):
        shipped_study()


def test_a_file_that_is_cut_short_is_refused(path: Path) -> None:
    write(path, {"about": "test", "trials": [document().to_json()] * 50})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(StoreError, match="cannot be read"):
        shipped_study()
