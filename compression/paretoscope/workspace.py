"""Where everything a person makes is kept on disk, and how files get there whole or not at all.

This file knows paths; what is in the database is `store/store.py`'s, what is in the cache
`engine/`'s.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
PROJECT = PACKAGE if (PACKAGE / "app.py").is_file() else PACKAGE.parents[1]
"""Where app.py, pages/ and data/ are: inside the package once it is installed from a wheel, at the
top of the clone otherwise.
"""
SHIPPED = PROJECT / "data"
"""What comes with the repository: recipes, adapters, the demo study."""


@dataclass(frozen=True)
class Workspace:
    """A folder with the store, the artefacts, the cache and the logs of one engine."""

    root: Path

    @classmethod
    def at(cls, root: str | Path | None = None) -> Workspace:
        """The workspace at `root`, else at `PARETOSCOPE_HOME`, else `data/workspace` of the
        project.
        """
        chosen = root or os.environ.get("PARETOSCOPE_HOME") or SHIPPED / "workspace"
        return cls(Path(chosen).expanduser().resolve())

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the store; `PARETOSCOPE_DATABASE_URL` names another database."""
        return os.environ.get("PARETOSCOPE_DATABASE_URL") or f"sqlite:///{self.root / 'store.db'}"

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
        """Raw latency samples and per-example predictions, one file a trial."""
        return self.root / "samples"

    @property
    def uploads(self) -> Path:
        """Data files that came through the page, each under a hash of its content."""
        return self.root / "uploads"

    def log(self, trial_id: str) -> Path:
        return self.logs / f"{trial_id}.log"


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file under a temporary name in the same folder, then move it into place."""
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
    """A new empty folder that becomes `target` when the block ends well, and vanishes when it does
    not.

    When `target` appeared in the meantime (two workers made the same thing), the first one stays.
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
