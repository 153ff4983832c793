"""Removing what killed workers left half-made, so that nobody finds or pays for it.

Everything in a workspace is made under a temporary name that begins with a dot, then moved into
place.
"""

from __future__ import annotations

import shutil

from paretoscope.engine.cache import StageCache
from paretoscope.workspace import Workspace


def drop_unfinished(workspace: Workspace, trial_id: str | None = None) -> None:
    """Remove half-made files: those named after `trial_id`, or all of them while no worker is at
    work.
    """
    StageCache(workspace.cache).drop_unfinished()
    for folder in (workspace.artifacts, workspace.samples):
        for left in folder.glob(f".{trial_id}*" if trial_id else ".*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
