"""Removes the partial files of killed workers.

All files of a workspace are written under a temporary name that starts with a dot, then renamed.
"""

from __future__ import annotations

import shutil

from paretoscope.engine.cache import StageCache
from paretoscope.workspace import Workspace


def drop_unfinished(workspace: Workspace, trial_id: str | None = None) -> None:
    """Remove the partial files of one trial; of all trials only while no worker runs."""
    StageCache(workspace.cache).drop_unfinished()
    for folder in (workspace.artifacts, workspace.samples):
        for left in folder.glob(f".{trial_id}*" if trial_id else ".*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
