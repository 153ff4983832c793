"""Dependencies, import names and the choice of a Python: what an installation relies on."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from paretoscope import __version__
from paretoscope.carriers import CARRIERS

NEW_IN_STANDARD_LIBRARY = {"annotationlib", "compression", "profiling"}
"""Top-level modules that Python 3.12 to 3.15 added; 3.11 to 3.13 do not list them."""


@pytest.fixture(scope="module")
def metadata(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _requirements(path: Path) -> dict[str, Requirement]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(each.name): each for each in found}


def _pinned_version(requirement: Requirement) -> str:
    (only,) = requirement.specifier
    assert only.operator == "=="
    return only.version


def test_every_range_has_a_pin_that_satisfies_it(project: Path, metadata: dict[str, Any]) -> None:
    ranges = {
        canonicalize_name(each.name): each for each in map(Requirement, metadata["dependencies"])
    }
    pins = _requirements(project / "requirements.txt")
    assert set(ranges) == set(pins)
    for name, each in ranges.items():
        assert all(specifier.operator == ">=" for specifier in each.specifier), name
        assert _pinned_version(pins[name]) in each.specifier, name


def test_every_extra_has_a_pin_that_satisfies_it(project: Path, metadata: dict[str, Any]) -> None:
    pins = _requirements(project / "requirements-dev.txt")
    for extra in metadata["optional-dependencies"].values():
        for each in map(Requirement, extra):
            assert _pinned_version(pins[canonicalize_name(each.name)]) in each.specifier


@pytest.mark.parametrize("name", ["dev", "docs", "benchmarks"])
def test_every_tool_is_pinned_once(project: Path, name: str) -> None:
    pins = _requirements(project / f"requirements-{name}.txt")
    assert all(_pinned_version(each) for each in pins.values())
    assert not set(pins) & set(_requirements(project / "requirements.txt"))


def test_the_carriers_are_those_of_the_requirements_file(project: Path) -> None:
    found = {str(each) for each in _requirements(project / "requirements-data.txt").values()}
    assert found == {carrier.requirement for carrier in CARRIERS}


def test_the_python_version_has_no_upper_limit(metadata: dict[str, Any]) -> None:
    assert metadata["requires-python"] == ">=3.11"


def test_the_import_name_is_no_standard_module(project: Path) -> None:
    standard = NEW_IN_STANDARD_LIBRARY | sys.stdlib_module_names
    packages = {path.parent.name for path in (project / "compression").glob("*/__init__.py")}
    assert packages == {"paretoscope"}
    assert not packages & standard
    # without __init__.py it cannot replace the `compression` package of Python 3.14
    assert not (project / "compression" / "__init__.py").exists()


def test_citation_and_package_have_the_same_version_and_licence(
    project: Path, metadata: dict[str, Any]
) -> None:
    citation = yaml.safe_load((project / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert citation["license"] == metadata["license"]


# --- the Python that make uses --------------------------------------------------------------------


def _find_python(project: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(project / "scripts" / "find-python")],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def _script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.parametrize(
    "name", ["python3.11", "python3.12", "python3.13", "python3.14", "python3"]
)
def test_any_python_from_3_11_is_found(project: Path, tmp_path: Path, name: str) -> None:
    python = _script(tmp_path / name, f'exec "{sys.executable}" "$@"')
    assert _find_python(project, tmp_path).stdout.strip() == str(python)


def test_a_shim_without_its_version_is_skipped(project: Path, tmp_path: Path) -> None:
    _script(tmp_path / "python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127")
    python = _script(tmp_path / "python3.13", f'exec "{sys.executable}" "$@"')
    assert _find_python(project, tmp_path).stdout.strip() == str(python)


def test_without_a_usable_python_the_message_says_what_to_do(project: Path, tmp_path: Path) -> None:
    _script(tmp_path / "python3", "exit 1")  # an older Python fails the comparison of versions
    found = _find_python(project, tmp_path)
    assert found.returncode == 1
    assert found.stdout == ""
    assert "3.11" in found.stderr
    assert "PYTHON=" in found.stderr


# --- continuous integration and hooks ------------------------------------------------------------


def test_workflows_and_ci_run_make_targets(project: Path) -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(), flags=re.MULTILINE)
    )
    for path in (".github/workflows/ci.yml", ".ci/run"):
        used = re.findall(r"^\s*(?:- run: )?make ([a-z-]+)", (project / path).read_text(), re.M)
        assert {"lint", "test", "build"} <= set(used) <= targets, path


def test_the_workflow_covers_every_supported_python(
    project: Path, metadata: dict[str, Any]
) -> None:
    workflow = (project / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(workflow)["jobs"]
    versions = {
        version
        for job in jobs.values()
        for version in job.get("strategy", {}).get("matrix", {}).get("python", [])
    }
    prefix = "Programming Language :: Python :: 3."
    supported = {
        f"3.{each.removeprefix(prefix)}"
        for each in metadata["classifiers"]
        if each.startswith(prefix)
    }
    assert versions == supported


def test_hooks_do_not_depend_on_the_virtual_environment(project: Path) -> None:
    hooks = yaml.safe_load((project / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert all(repo["repo"].startswith("https://") for repo in hooks["repos"])
    pins = _requirements(project / "requirements-dev.txt")
    (ruff,) = [repo["rev"] for repo in hooks["repos"] if repo["repo"].endswith("ruff-pre-commit")]
    assert ruff.removeprefix("v") == _pinned_version(pins["ruff"])


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_scripts_are_executable(project: Path) -> None:
    scripts = [*(project / "scripts").iterdir(), project / ".ci" / "run"]
    assert all(path.stat().st_mode & stat.S_IXUSR for path in scripts)
