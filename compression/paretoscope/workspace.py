"""Paths of the package and of the workspace, and atomic writes.

The database is read and written in `store/`, the cache in `engine/`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from paretoscope.settings import Settings

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / "project").is_dir()
"""Whether this is an installed wheel rather than a clone."""
PROJECT = PACKAGE / "project" if INSTALLED else PACKAGE.parents[1]
"""The folder with app.py, pages/ and data/: the clone, or `project` in the installed package."""
SHIPPED = PROJECT / "data"
"""Files distributed with the package: recipes, adapters, the demo study."""


def default_root() -> Path:
    """The workspace folder used when none is given.

    A clone keeps it in `data/workspace`. An installed package uses the user's data folder, such as
    `~/.local/share/paretoscope` on Linux, because site-packages may be read-only or replaced.
    """
    return user_data_path("paretoscope", appauthor=False) if INSTALLED else SHIPPED / "workspace"


def subprocess_python_path() -> str:
    """`PYTHONPATH` of a Python subprocess that imports this package, from any current folder."""
    source_root = None if INSTALLED else str(PACKAGE.parent)
    return os.pathsep.join(filter(None, (source_root, os.environ.get("PYTHONPATH"))))


@dataclass(frozen=True)
class Workspace:
    """A folder with the store, artefacts, cache and logs of one engine."""

    root: Path

    @classmethod
    def at(cls, root: str | Path | None = None) -> Workspace:
        """The workspace at `root`, else at `PARETOSCOPE_HOME`, else at `default_root()`."""
        chosen = root or Settings.from_environment().home or default_root()
        return cls(Path(chosen).expanduser().resolve())

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the store; `PARETOSCOPE_DATABASE_URL` names another database."""
        return Settings.from_environment().database_url or f"sqlite:///{self.root / 'store.db'}"

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def samples(self) -> Path:
        """Raw latency samples and per-example predictions, one file per trial."""
        return self.root / "samples"

    @property
    def checks(self) -> Path:
        """Results of the checks of users' models, one file per model."""
        return self.root / "checks"

    @property
    def uploads(self) -> Path:
        """Data files uploaded through the page, named by a hash of their content."""
        return self.root / "uploads"

    def log(self, trial_id: str) -> Path:
        return self.logs / f"{trial_id}.log"


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file atomically: under a temporary name in the same folder, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(name).chmod(0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(target: Path) -> Generator[Path]:
    """A new empty folder that is renamed to `target` when the block succeeds, else deleted.

    If `target` exists by then, because two workers built the same content, the first one is kept.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        yield making
        making.chmod(0o755)
        try:
            os.replace(making, target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
