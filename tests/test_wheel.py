"""The wheel works outside the clone, in an environment of its own.

The libraries come from the environment that runs the tests, so nothing is downloaded.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.page_server import free_port, healthy
from paretoscope.sources.resolve import BUILTIN_DECODERS, BUILTIN_MODELS
from paretoscope.store.store import Store
from paretoscope.workspace import Workspace
from tests.engine.processes import until

pytestmark = pytest.mark.engine


def _build(project: Path, target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(project, "wheel", tmp_path_factory.mktemp("wheel"))


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_every_file_of_the_product(project: Path, wheel: Path) -> None:
    found = set(_contents(wheel))
    listed = subprocess.run(
        ["git", "ls-files", "compression", "app.py", "pages", "data", ".streamlit"],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    expected = {
        f"paretoscope/{path.removeprefix('compression/paretoscope/')}"
        if path.startswith("compression/")
        else f"paretoscope/project/{path}"
        for path in listed
    }
    assert len(expected) > 250
    assert {name for name in found if ".dist-info/" not in name} == expected
    assert "paretoscope/py.typed" in found


def test_the_sdist_builds_the_same_wheel(project: Path, wheel: Path, tmp_path: Path) -> None:
    sdist = _build(project, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert _contents(_build(source, "wheel", tmp_path / "wheel")) == _contents(wheel)


@dataclass(frozen=True)
class Installation:
    """A virtual environment with the wheel, and a home folder."""

    root: Path

    @property
    def packages(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.root / "venv" / "lib" / version / "site-packages"

    @property
    def workspace(self) -> Workspace:
        """Where an installed package keeps its workspace on this system."""
        code = "from paretoscope.workspace import default_root; print(default_root())"
        return Workspace(Path(self.run("python", "-c", code).strip()))

    def start(self, program: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PARETOSCOPE_", "PYTHON", "XDG_"))
        }
        for name in ("elsewhere", "tmp"):
            (self.root / name).mkdir(exist_ok=True)
        return subprocess.Popen(
            [str(self.root / "venv" / "bin" / program), *arguments],
            cwd=self.root / "elsewhere",
            env=variables | {"HOME": str(self.root / "home"), "TMPDIR": str(self.root / "tmp")},
            text=True,
            **options,
        )

    def run(self, program: str, *arguments: str) -> str:
        started = self.start(program, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = started.communicate(timeout=900)
        assert started.returncode == 0, err[-2000:]
        return out

    def files(self) -> set[Path]:
        """Files in site-packages, apart from compiled modules."""
        found = self.packages.rglob("*")
        return {path for path in found if path.is_file() and path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("installed"))
    python = found.root / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python.parents[1]], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)
    # the .pth files there, with the editable installation of this clone, are not read from here
    libraries = sysconfig.get_path("purelib")
    (found.packages / "libraries.pth").write_text(f"{libraries}\n", encoding="utf-8")
    before = found.files()
    yield found
    assert found.files() == before, "something was written to site-packages"


def test_it_is_the_installed_package_that_runs(installed: Installation) -> None:
    code = "import paretoscope, statistics; print(paretoscope.__file__, statistics.__file__)"
    package, standard = installed.run("python", "-c", code).split()
    assert Path(package).parent == installed.packages / "paretoscope"
    assert not Path(standard).is_relative_to(installed.root / "venv" / "lib")


def test_every_built_in_model_is_listed(installed: Installation) -> None:
    models = json.loads(installed.run("paretoscope", "models", "--json"))["models"]
    assert [each["name"] for each in models] == [*BUILTIN_MODELS, *BUILTIN_DECODERS]


def test_the_demo_study_is_read(installed: Installation) -> None:
    front = json.loads(installed.run("paretoscope", "frontier", "minilm-trec", "--json"))
    assert len(front["trials"]) > 10


def test_a_model_is_compressed_and_measured(installed: Installation) -> None:
    arguments = ("run", "minilm-trec", "--recipe", "int8", "--json")
    trial = json.loads(installed.run("paretoscope", *arguments))
    assert trial["status"] == "done"
    assert Path(trial["artifact"]["path"]).is_relative_to(installed.workspace.root)
    installed.run("paretoscope", "engine", "stop")


def test_the_workspace_is_in_the_home_folder(installed: Installation) -> None:
    installed.run("paretoscope", "jobs")
    assert installed.workspace.root.is_relative_to(installed.root / "home")
    assert (installed.workspace.root / "store.db").is_file()
    assert list((installed.root / "elsewhere").iterdir()) == []


def test_the_page_has_its_theme(installed: Installation) -> None:
    code = (
        "from streamlit import config\n"
        "from paretoscope.workspace import PROJECT\n"
        "config._main_script_path = str(PROJECT / 'app.py')\n"
        "config.get_config_options(force_reparse=True)\n"
        "print(config.get_option('theme.light.primaryColor'))\n"
    )
    assert installed.run("python", "-c", code).strip() == "#0072B2"


def test_the_dashboard_opens_and_runs_its_page(installed: Installation) -> None:
    port = free_port()
    server = installed.start("paretoscope", "ui", "--port", str(port), "--headless")
    store = None
    try:
        until(lambda: healthy(f"http://127.0.0.1:{port}"), 90)
        store = Store.open(installed.workspace)
        until(lambda: store and (engine := store.engine()) and engine.alive, 60)
        server.send_signal(signal.SIGINT)
        assert server.wait(40) == 0
        engine = store.engine()
        assert engine is None or not engine.alive
    finally:
        server.kill()
        if store:
            store.close()


def test_every_page_runs(installed: Installation) -> None:
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        "from paretoscope.workspace import PROJECT\n"
        "for name in ('explore', 'compare', 'compress', 'jobs'):\n"
        "    app = AppTest.from_file(str(PROJECT / 'app.py'), default_timeout=120)\n"
        "    app.switch_page(f'pages/{name}.py').run()\n"
        "    assert not app.exception, app.exception\n"
    )
    installed.run("python", "-c", code)
