"""Stored profiles and scans: JSON files by content key in the workspace, and shipped ones."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from paretoscope.errors import ParetoscopeError
from paretoscope.keys import content_key
from paretoscope.layers.profile import Profile
from paretoscope.layers.sensitivity import TEXTS, Sensitivity
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.request import Conditions
from paretoscope.workspace import SHIPPED, Workspace, write_whole

VERSION = 1
"""Increased when the same content gives other results."""
DEMO = SHIPPED / "demo"
Document = TypeVar("Document", Profile, Sensitivity)


def profile_path(workspace: Workspace, graph_sha256: str, at: Conditions, machine_id: str) -> Path:
    """The file of a profile of a graph."""
    key = content_key("profile", VERSION, graph_sha256, at.model_dump(), machine_id)
    return workspace.root / "layers" / f"profile-{key}.json"


def sensitivity_path(
    workspace: Workspace, model_key: str, task_key: str, texts: int = TEXTS
) -> Path:
    """The file of a scan of a model on a task."""
    key = content_key("sensitivity", VERSION, model_key, task_key, texts)
    return workspace.root / "layers" / f"sensitivity-{key}.json"


def shipped_profile(model: str, recipe_id: str) -> Path:
    """The file of the demo study's profile of a recipe; the baseline's has no id in its name."""
    suffix = "" if recipe_id == Recipe().id else f"-{recipe_id}"
    return DEMO / f"profile-{model}{suffix}.json"


def shipped_sensitivity(model: str) -> Path:
    """The file of the demo study's scan of a built-in model."""
    return DEMO / f"sensitivity-{model}.json"


def read(path: Path, kind: type[Document]) -> Document | None:
    """The document in a file; None when there is none or it is of another version."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write(document: Profile | Sensitivity, path: Path) -> None:
    """Write a document, whole or not at all; raises `ParetoscopeError` when it cannot be."""
    try:
        write_whole(path, document.model_dump_json())
    except OSError as error:
        raise ParetoscopeError(
            f'The result cannot be written to "{path}" ({error.strerror or error}); free some space'
            " or choose another file."
        ) from error
