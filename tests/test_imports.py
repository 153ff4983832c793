"""Imports go one way (see docs/index.md): the tables below are the whole rule, and the code is read to check it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from paretoscope.workspace import PROJECT

GROUPS = {
    "app": "app",
    "pages": "pages",
    "paretoscope.dashboard": "dashboard",
    "paretoscope": "values",
    "paretoscope.inference.graph_io": "values",
    "paretoscope.trials.axes": "values",
    "paretoscope.errors": "values",
    "paretoscope.trials.metrics": "values",
    "paretoscope.recipes.stages.methods": "values",
    "paretoscope.recipes.recipe": "values",
    "paretoscope.recipes.file": "values",
    "paretoscope.recipes.stages": "values",
    "paretoscope.trials.trial": "values",
    "paretoscope.sources.tokenizer_file": "values",
    "paretoscope.recipes.recovery": "values",
    "paretoscope.trials.format": "values",
    "paretoscope.workspace": "values",
    "paretoscope.tasks.builtin": "catalog",
    "paretoscope.catalog": "catalog",
    "paretoscope.tasks.labels": "catalog",
    "paretoscope.tasks.prose": "catalog",
    "paretoscope.tasks.files": "catalog",
    "paretoscope.sources.folder": "catalog",
    "paretoscope.tasks.splits": "catalog",
    "paretoscope.sources.gguf": "catalog",
    "paretoscope.tasks.load": "catalog",
    "paretoscope.store.store": "store",
    "paretoscope.store.rows": "store",
    "paretoscope.store.tables": "store",
    "paretoscope.frontier.points": "answers",
    "paretoscope.frontier.pareto": "answers",
    "paretoscope.frontier.limits": "answers",
    "paretoscope.frontier.front": "answers",
    "paretoscope.shape.encoder": "catalog",
    "paretoscope.shape.decoder": "catalog",
    "paretoscope.shape.compatibility": "catalog",
    "paretoscope.shape.decoder_bytes": "catalog",
    "paretoscope.shape.bytes": "catalog",
    "paretoscope.whatif.durations": "values",
    "paretoscope.whatif.estimate": "answers",
    "paretoscope.whatif.advice": "answers",
    "paretoscope.frontier.comparison": "answers",
    "paretoscope.recipes.diff": "answers",
    "paretoscope.trials.samples": "answers",
    "paretoscope.inference.side_by_side": "answers",
    "paretoscope.frontier.normalize": "answers",
    "paretoscope.whatif.regression": "answers",
    "paretoscope.trials.study": "values",
    "paretoscope.report": "report",
    "paretoscope.measure": "measure",
    "paretoscope.statistics.paired": "statistics",
    "paretoscope.statistics.intervals": "statistics",
    "paretoscope.machine": "machine",
    "paretoscope.inference.classify": "runtime",
    "paretoscope.inference.generate": "runtime",
    "paretoscope.artifact": "artifact",
    "paretoscope.models": "models",
    "paretoscope.pruning": "methods",
    "paretoscope.quantization": "methods",
    "paretoscope.distillation": "methods",
    "paretoscope.engine": "engine",
    "paretoscope.engine.client": "client",
    "paretoscope.engine.held_out": "supervisor",
    "paretoscope.engine.supervisor": "supervisor",
    "paretoscope.cli.parser": "cli",
    "paretoscope.cli.compare": "cli",
    "paretoscope.cli.export": "cli",
    "paretoscope.cli.frontier": "cli",
    "paretoscope.cli.progress": "cli",
    "paretoscope.cli.source": "cli",
    "paretoscope.cli.text": "cli",
    "paretoscope.cli.verbs": "cli",
    "paretoscope.__main__": "cli",
}
"""Which group a module belongs to; the longest name that fits decides."""

MAY_IMPORT: dict[str, set[str]] = {
    "values": set(),
    "catalog": {"values"},
    "store": {"values"},
    "statistics": {"values"},
    "runtime": {"values"},
    "answers": {"values", "catalog", "statistics"},
    "report": {"values", "catalog", "answers"},
    "machine": {"values"},
    "measure": {"values", "catalog", "machine", "statistics", "runtime"},
    "artifact": {"values", "measure"},
    "models": {"values", "catalog"},
    "methods": {"values", "models"},
    "client": {"values", "catalog", "store"},
    "engine": {"values", "catalog", "store", "client", "models", "methods", "machine", "statistics", "measure", "artifact", "report"},
    "supervisor": {"values", "catalog", "store", "engine", "measure"},
    "cli": {"values", "machine", "catalog", "store", "answers", "report", "client", "supervisor"},
    "dashboard": {"values", "machine", "catalog", "store", "answers", "report", "client", "runtime"},
    "pages": {"values", "machine", "catalog", "store", "answers", "report", "client", "dashboard"},
    "app": {"values", "dashboard"},
}
"""What each group may import besides itself."""

ONLY_IN = {
    "streamlit": {"app", "pages", "dashboard"},
    "torch": {"models", "methods", "engine"},
    "transformers": {"models", "methods", "engine"},
    "dask": {"engine"},
    "distributed": {"engine"},
    "sqlalchemy": {"store"},
    "plotly": {"report", "dashboard", "pages"},
}
"""Libraries that stay where they are needed."""

REQUIREMENT_OF = {"yaml": "pyyaml", "dask": "distributed", "sklearn": "scikit_learn", "google": "protobuf"}
"""Import names whose requirement is called otherwise."""
BEHIND_THE_SCENES = {"pandas", "pyarrow", "accelerate", "gguf"}
"""Requirements that no import statement names: streamlit shows tables through pandas, Parquet is read by pyarrow only when asked for,
and transformers reads GGUF files with gguf and accelerate."""


def _sources() -> list[Path]:
    folders = (PROJECT / "compression", PROJECT / "pages")
    return [PROJECT / "app.py", *(path for folder in folders for path in sorted(folder.rglob("*.py")))]


def _module(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "compression" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _known_modules() -> frozenset[str]:
    return frozenset(_module(path) for path in _sources())


def _group(module: str) -> str:
    name = module
    while name:
        if name in GROUPS and (name == module or name != "paretoscope"):
            return GROUPS[name]
        name = name.rpartition(".")[0]
    raise LookupError(f"{module} belongs to no group yet; give it a row in GROUPS of {Path(__file__).name}")


@cache
def _imports(path: Path) -> frozenset[str]:
    """Every module that a file imports anywhere, inside functions too.

    `from paretoscope import recipe` counts as `paretoscope.recipes.recipe`, `from paretoscope.recipes.recipe import Recipe` too.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} has a relative import; write the whole name"
            base = node.module or ""
            for alias in node.names:
                longer = f"{base}.{alias.name}"
                found.add(longer if longer in _known_modules() else base)
    return frozenset(found)


def _own(path: Path) -> Iterator[str]:
    return (name for name in _imports(path) if name.split(".")[0] in {"app", "pages", "paretoscope"})


def _foreign(path: Path) -> set[str]:
    tops = {name.split(".")[0] for name in _imports(path)}
    return {top for top in tops if top not in sys.stdlib_module_names and top not in {"app", "pages", "paretoscope"}}


def _ids(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@pytest.mark.parametrize("path", _sources(), ids=_ids)
def test_imports_go_one_way(path: Path) -> None:
    group = _group(_module(path))
    allowed = MAY_IMPORT[group] | {group}
    wrong = {name: _group(name) for name in _own(path) if _group(name) not in allowed}
    assert not wrong, f"{_ids(path)} is in group {group}, which may import {sorted(allowed)}, but imports {wrong}"


@pytest.mark.parametrize("path", _sources(), ids=_ids)
def test_libraries_stay_where_they_are_needed(path: Path) -> None:
    group = _group(_module(path))
    wrong = {name for name in _foreign(path) if name in ONLY_IN and group not in ONLY_IN[name]}
    assert not wrong, f"{_ids(path)} is in group {group}, which must not import {sorted(wrong)}"


def test_the_rules_have_no_circle() -> None:
    done: set[str] = set()
    while len(done) < len(MAY_IMPORT):
        ready = {group for group, allowed in MAY_IMPORT.items() if group not in done and allowed <= done}
        assert ready, f"these groups import each other in a circle: {sorted(set(MAY_IMPORT) - done)}"
        done |= ready


def test_requirements_are_what_is_imported() -> None:
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", pin) for pin in pins), "every requirement is pinned with =="
    pinned = {pin.split("==")[0].lower().replace("-", "_") for pin in pins}
    imported = {name for path in _sources() for name in _foreign(path)}
    needed = {REQUIREMENT_OF.get(name, name) for name in imported}
    assert needed - pinned == set(), "imported but not in requirements.txt"
    assert pinned - needed - BEHIND_THE_SCENES == set(), "in requirements.txt but never imported"


def _modules_after(statement: str) -> set[str]:
    """Names in sys.modules of a fresh interpreter after `statement`."""
    code = f"{statement}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["paretoscope.cli.parser", "paretoscope.engine.client", "paretoscope.report"])
def test_what_pages_and_commands_import_is_light(module: str) -> None:
    heavy = _modules_after(f"import {module}") & {"torch", "transformers", "onnxruntime", "streamlit"}
    assert not heavy, f"importing {module} loads {sorted(heavy)}"


def test_pages_run_without_torch() -> None:
    """app.py and every page, run as the page server runs them, in one interpreter."""
    pages = ["app.py", *sorted(f"pages/{path.name}" for path in (PROJECT / "pages").glob("*.py"))]
    statement = f"from streamlit.testing.v1 import AppTest\nfor page in {pages!r}:\n    AppTest.from_file(page, default_timeout=60).run()\n"
    loaded = _modules_after(statement)
    assert "streamlit" in loaded
    assert not loaded & {"torch", "transformers"}, "a page process loads torch or transformers"


def test_the_measuring_process_imports_only_the_runtime() -> None:
    """What shares memory and caches with a measurement stays as small as what a deployer would run."""
    allowed = {"numpy", "onnxruntime", "psutil"}
    workers = sorted((PROJECT / "compression" / "paretoscope" / "measure").glob("*worker*.py"))
    assert workers, "compression/paretoscope/measure has a worker"
    for path in workers:
        assert _foreign(path) <= allowed, f"{_ids(path)} imports {sorted(_foreign(path) - allowed)}"
        loaded = _modules_after(f"import {_module(path)}") & {"torch", "transformers", "pandas", "streamlit", "sqlalchemy", "distributed"}
        assert not loaded, f"importing {_ids(path)} loads {sorted(loaded)}"
