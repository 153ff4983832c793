"""The study that ships with the repository: trials measured on another machine, without models.

`make demo-study` writes the file and this module reads it. Its trials are never added to a store.
"""

from __future__ import annotations

import gzip
import json
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from paretoscope.errors import StoreError
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import SHIPPED

STUDY = SHIPPED / "demo" / "study.json.gz"


def shipped_study(path: Path | None = None) -> list[TrialDocument]:
    """Every trial of the shipped study, or of another file like it, oldest first; an empty list
    when the file is missing.

    Raises `StoreError` when the file is there but is not a study.
    """
    path = path or STUDY
    return list(_read(path, path.stat().st_mtime_ns)) if path.is_file() else []


@lru_cache(maxsize=2)
def _read(path: Path, changed_ns: int) -> tuple[TrialDocument, ...]:
    """The file's documents; `changed_ns` makes a rewritten file another cache entry."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            content = json.load(file)
        documents = [TrialDocument.model_validate(trial) for trial in content["trials"]]
    except (OSError, EOFError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise StoreError(
            f'The shipped study "{path}" cannot be read ({type(error).__name__}); make it again'
            ' with "make demo-study".'
        ) from error
    return tuple(
        sorted(
            documents,
            key=lambda document: (
                document.measured_at is None,
                document.measured_at,
                document.trial_id,
            ),
        )
    )
