"""Imports go one way (see docs/index.md): the table below is the whole rule, and the code is read
to check it.
"""

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

FLOORS: dict[str, tuple[str, ...]] = {
    "errors": (),
    "settings": ("errors",),
    "values": (),
    "keys": (),
    "carriers": (),
    "workspace": ("settings",),
    "machine": ("values",),
    "families": ("errors",),
    "recipes": ("errors", "workspace"),
    "trials": ("errors", "values", "workspace", "machine", "recipes"),
    "statistics": ("trials",),
    "tasks": ("errors", "values", "keys", "carriers", "workspace", "families"),
    "sources": ("errors", "values", "keys", "carriers", "workspace", "families", "tasks"),
    "shape": ("errors", "families", "recipes", "sources"),
    "catalog": ("errors", "workspace", "recipes", "trials", "tasks", "sources", "shape"),
    "library": ("errors", "values", "workspace", "tasks"),
    "store": ("errors", "workspace", "machine", "recipes", "trials"),
    "inference": ("errors", "workspace"),
    "measure": (
        "errors", "settings", "workspace", "machine", "trials", "statistics", "tasks", "sources",
        "inference",
    ),
    "frontier": ("errors", "trials", "statistics"),
    "whatif": ("errors", "machine", "recipes", "trials", "shape", "frontier"),
    "impact": ("errors", "values", "workspace", "trials"),
    "report": (
        "errors", "workspace", "recipes", "trials", "statistics", "tasks", "frontier", "impact",
    ),
    "models": ("errors", "workspace", "families", "tasks", "sources"),
    "graphs": ("errors", "workspace", "families", "sources", "inference", "models"),
    "training": ("errors", "recipes", "tasks", "models"),
    "pruning": ("errors", "recipes", "sources", "models", "training"),
    "references": ("errors", "recipes", "graphs"),
    "quantization": ("errors", "recipes", "inference", "models", "graphs", "training"),
    "distillation": ("errors", "recipes", "sources", "models", "training", "pruning"),
    "artifact": (
        "errors", "workspace", "recipes", "trials", "tasks", "inference", "measure", "report",
    ),
    "layers": (
        "errors", "values", "keys", "workspace", "machine", "recipes", "trials", "statistics",
        "shape", "measure", "graphs", "quantization",
    ),
    "integrations": ("errors", "workspace", "trials"),
    "engine": (
        "errors", "settings", "values", "keys", "workspace", "machine", "recipes", "trials",
        "statistics", "tasks", "sources", "shape", "catalog", "store", "inference", "measure",
        "whatif", "models", "graphs", "artifact", "layers",
    ),
    "api": (
        "errors", "workspace", "machine", "recipes", "trials", "tasks", "sources", "shape",
        "catalog", "store", "frontier", "whatif", "report", "engine",
    ),
    "cli": (
        "errors", "settings", "carriers", "workspace", "machine", "recipes", "trials", "tasks",
        "sources", "catalog", "store", "frontier", "impact", "report", "artifact", "layers",
        "integrations", "engine", "api", "measure",
    ),
    "dashboard": (
        "errors", "settings", "keys", "workspace", "machine", "families", "recipes", "trials",
        "tasks", "sources", "statistics", "shape", "catalog", "library", "store", "inference",
        "frontier", "whatif", "impact", "report", "layers", "engine",
    ),
    "pages": ("dashboard",),
    "app": ("errors", "dashboard"),
}  # fmt: skip
"""Every folder of the package, from the ground floor up, and the folders that it may import.

A folder may name only rows above its own, so there is no circle. Every folder may import the
package itself, for its version.
"""

OURS = {"app", "pages", "paretoscope"}

ONLY_IN = {
    "streamlit": {"app", "pages", "dashboard"},
    "torch": {"models", "graphs", "training", "pruning", "quantization", "distillation"},
    "transformers": {"models", "graphs", "training", "pruning", "quantization", "distillation"},
    "dask": {"engine"},
    "distributed": {"engine"},
    "sklearn": {"references"},
    "threadpoolctl": {"references"},
    "sqlalchemy": {"store"},
    "plotly": {"report", "api", "dashboard", "pages"},
    "mcp": {"cli"},
    "huggingface_hub": {"sources", "integrations"},
}
"""Libraries that stay where they are needed."""

SCRIPTS = {"labels", "self_check"}
"""What the script of an artefact imports from its own folder."""
REQUIREMENT_OF = {
    "yaml": "pyyaml",
    "dask": "distributed",
    "sklearn": "scikit_learn",
    "google": "protobuf",
}
"""Import names whose requirement is called otherwise."""
EXTRAS = {"mcp"}
"""Imported where an optional extra is installed, and pinned in requirements-dev.txt."""
BEHIND_THE_SCENES = {"pandas", "pyarrow", "accelerate", "gguf"}
"""Requirements that no import statement names: streamlit shows tables through pandas, Parquet is
read by pyarrow only when asked for, and transformers reads GGUF files with gguf and accelerate."""


def _sources() -> list[Path]:
    folders = (PROJECT / "compression", PROJECT / "pages")
    return [
        PROJECT / "app.py",
        *(path for folder in folders for path in sorted(folder.rglob("*.py"))),
    ]


def _module(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "compression" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _known_modules() -> frozenset[str]:
    return frozenset(_module(path) for path in _sources())


def _floor(module: str) -> str:
    """The row of a module: its folder within the package, or the file where it lies in none."""
    parts = module.removeprefix("paretoscope.").split(".")
    return {"__main__": "cli", "paretoscope": ""}.get(parts[0], parts[0])


@cache
def _imports(path: Path) -> frozenset[str]:
    """Every module that a file imports anywhere, inside functions too.

    `from paretoscope import keys` counts as `paretoscope.keys`.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the whole name"
            base = node.module or ""
            for alias in node.names:
                longer = f"{base}.{alias.name}"
                found.add(longer if longer in _known_modules() else base)
    return frozenset(found)


def _own(path: Path) -> Iterator[str]:
    return (name for name in _imports(path) if name.split(".")[0] in OURS)


def _foreign(path: Path) -> set[str]:
    tops = {name.split(".")[0] for name in _imports(path)}
    return {top for top in tops if top not in sys.stdlib_module_names | OURS | SCRIPTS}


def _ids(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def _rooms() -> dict[str, set[str]]:
    """By innermost folder (or file at the top) the folders that its files import."""
    found: dict[str, set[str]] = {}
    for path in _sources():
        room = _room(_module(path))
        found.setdefault(room, set()).update(_room(name) for name in _own(path))
    return {room: others - {room} for room, others in found.items()}


def _room(module: str) -> str:
    """The folder of a module; a package's own `__init__` is in it, as its files are."""
    is_folder = any(name.startswith(module + ".") for name in _known_modules())
    return module if is_folder or module.count(".") == 1 else module.rpartition(".")[0]


@pytest.mark.parametrize("path", _sources(), ids=_ids)
def test_imports_go_one_way(path: Path) -> None:
    floor = _floor(_module(path))
    wrong = {
        name
        for name in _own(path)
        if (to := _floor(name)) not in {floor, ""} and to not in FLOORS.get(floor, ())
    }
    assert not wrong, f"{_ids(path)}: {floor} may import {FLOORS.get(floor)}, but imports {wrong}"


def test_every_folder_has_one_row_and_every_row_a_folder() -> None:
    folders = {_floor(_module(path)) for path in _sources()} - {""}
    assert folders == set(FLOORS)


def test_no_row_names_a_higher_one() -> None:
    floors = list(FLOORS)
    upward = {
        (floor, to) for floor, allowed in FLOORS.items() for to in allowed
        if floors.index(to) >= floors.index(floor)
    }  # fmt: skip
    assert upward == set()


def test_no_row_allows_what_nobody_uses() -> None:
    used = {(_floor(_module(path)), _floor(name)) for path in _sources() for name in _own(path)}
    assert {(floor, to) for floor, allowed in FLOORS.items() for to in allowed} - used == set()


def test_folders_within_folders_have_no_circle() -> None:
    waiting = _rooms()
    while waiting:
        ready = {room for room, others in waiting.items() if not others & set(waiting)}
        assert ready, f"these folders import each other in a circle: {sorted(waiting)}"
        waiting = {room: others for room, others in waiting.items() if room not in ready}


@pytest.mark.parametrize("floor", ["dashboard", "pages"])
def test_pages_reach_the_engine_through_its_client(floor: str) -> None:
    reached = {
        name
        for path in _sources()
        if _floor(_module(path)) == floor
        for name in _own(path)
        if _floor(name) == "engine"
    }
    assert reached <= {"paretoscope.engine.client"}


@pytest.mark.parametrize("path", _sources(), ids=_ids)
def test_libraries_stay_where_they_are_needed(path: Path) -> None:
    floor = _floor(_module(path))
    wrong = {name for name in _foreign(path) if name in ONLY_IN and floor not in ONLY_IN[name]}
    assert not wrong, f"{_ids(path)} is in {floor}, which must not import {sorted(wrong)}"


def test_requirements_are_what_is_imported() -> None:
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", pin) for pin in pins), (
        "every requirement is pinned with =="
    )
    pinned = {pin.split("==")[0].lower().replace("-", "_") for pin in pins}
    imported = {name for path in _sources() for name in _foreign(path)} - EXTRAS
    needed = {REQUIREMENT_OF.get(name, name) for name in imported}
    assert needed - pinned == set(), "imported but not in requirements.txt"
    assert pinned - needed - BEHIND_THE_SCENES == set(), "in requirements.txt but never imported"


def _modules_after(statement: str) -> set[str]:
    """Names in sys.modules of a fresh interpreter after `statement`."""
    code = f"{statement}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "paretoscope.cli.parser",
        "paretoscope.engine.client",
        "paretoscope.impact",
        "paretoscope.report",
    ],
)
def test_what_pages_and_commands_import_is_light(module: str) -> None:
    heavy = _modules_after(f"import {module}") & {
        "torch",
        "transformers",
        "onnxruntime",
        "streamlit",
    }
    assert not heavy, f"importing {module} loads {sorted(heavy)}"


@pytest.mark.page
def test_pages_run_without_torch() -> None:
    """app.py and every page, run as the page server runs them, in one interpreter."""
    pages = ["app.py", *sorted(f"pages/{path.name}" for path in (PROJECT / "pages").glob("*.py"))]
    statement = (
        f"from streamlit.testing.v1 import AppTest\nfor page in {pages!r}:\n   "
        " AppTest.from_file(page, default_timeout=60).run()\n"
    )
    loaded = _modules_after(statement)
    assert "streamlit" in loaded
    assert not loaded & {"torch", "transformers"}, "a page process loads torch or transformers"


def test_the_measuring_process_imports_only_the_runtime() -> None:
    """The measuring process imports no more than a deployer would run."""
    allowed = {"numpy", "onnxruntime", "psutil"}
    workers = sorted((PROJECT / "compression/paretoscope/measure/worker").glob("*.py"))
    assert len(workers) > 3
    for path in workers:
        assert _foreign(path) <= allowed, f"{_ids(path)} imports {sorted(_foreign(path) - allowed)}"
        loaded = _modules_after(f"import {_module(path)}") & {
            "torch",
            "transformers",
            "pandas",
            "streamlit",
            "sqlalchemy",
            "distributed",
        }
        assert not loaded, f"importing {_ids(path)} loads {sorted(loaded)}"
