"""An artefact as a model repository on the Hugging Face Hub.

The token is that of huggingface_hub's own login or HF_TOKEN; it is not read here. Absolute paths in
the manifest are shortened to their last part before anything is uploaded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from paretoscope.errors import ArtifactError, ParetoscopeError
from paretoscope.trials.format import short
from paretoscope.workspace import link_or_copy

LOGIN = "log in with `hf auth login`, or set HF_TOKEN"
CARD, MANIFEST = "README.md", "manifest.json"
PATHS = {"model", "task", "unlabelled"}
"""Entries of the manifest, and of the data options in it, that may be paths."""


class Hub(Protocol):
    """The part of `huggingface_hub.HfApi` that is used."""

    def whoami(self) -> Any: ...

    def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> Any: ...

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool) -> Any: ...

    def upload_folder(
        self,
        *,
        repo_id: str,
        folder_path: str,
        commit_message: str,
        revision: str | None,
        create_pr: bool,
    ) -> Any: ...


@dataclass(frozen=True)
class Upload:
    """What is to be uploaded where; `files` are bytes by name.

    `private` is the visibility of a repository that does not exist yet. A `pull_request` leaves the
    branches of the repository unchanged, which must exist.
    """

    folder: Path
    repository: str
    files: dict[str, int]
    private: bool = False
    pull_request: bool = False
    revision: str | None = None

    @property
    def size_bytes(self) -> int:
        return sum(self.files.values())

    def in_words(self) -> str:
        """The upload for a confirmation: the destination, then a line for each file."""
        how = " as a pull request" if self.pull_request else ""
        branch = f", branch {self.revision}" if self.revision else ""
        visible = "" if self.pull_request else f", {'private' if self.private else 'public'} if new"
        size = f"{self.size_bytes / 1e6:,.1f} MB"
        lines = [f"  {bytes_:>13,}  {name}" for name, bytes_ in self.files.items()]
        to = f"{len(lines)} files, {size} to https://huggingface.co/{self.repository}{branch}{visible}"
        return "\n".join([f"Upload{how}: {to}", *lines])


def plan_upload(
    folder: Path,
    repository: str,
    *,
    private: bool = False,
    pull_request: bool = False,
    revision: str | None = None,
) -> Upload:
    """The upload of an artefact's folder; nothing is sent.

    Raises `ParetoscopeError` for a name that the Hub does not accept or a folder without a card.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        reason = str(error).partition(":")[0].rstrip(".")
        raise ParetoscopeError(
            f'"{repository}" is not the name of a repository ({reason}); give org/name.'
        ) from error
    if "/" not in repository:
        raise ParetoscopeError(
            f'"{repository}" has no organization or user; give org/name, such as'
            f" my-team/{repository}."
        )
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    if missing := [name for name in (CARD, MANIFEST) if name not in files]:
        raise ArtifactError(
            f'The artefact "{folder}" has no {" and no ".join(missing)}; make it again with'
            " `paretoscope run ... --again`."
        )
    return Upload(folder, repository, files, private, pull_request, revision)


def push(upload: Upload, hub: Hub | None = None) -> str:
    """Upload, and return the URL of the commit or the pull request.

    `hub` is by default the client of huggingface_hub. Raises `ParetoscopeError` without a login or
    when the Hub refuses.
    """
    try:
        client: Any = hub or _client()
        client.whoami()
        if not upload.pull_request:
            client.create_repo(upload.repository, private=upload.private or None, exist_ok=True)
            if upload.revision:
                client.create_branch(upload.repository, branch=upload.revision, exist_ok=True)
        with _without_paths(upload.folder) as folder:
            made = client.upload_folder(
                repo_id=upload.repository,
                folder_path=str(folder),
                commit_message=_message(upload.folder),
                revision=upload.revision,
                create_pr=upload.pull_request,
            )
    except Exception as error:  # the client raises many unrelated classes, also of its HTTP library
        raise ParetoscopeError(_reason(upload.repository, error)) from error
    return str(made.pr_url if upload.pull_request else made.commit_url)


def _client() -> Any:
    import huggingface_hub

    return huggingface_hub.HfApi(library_name="paretoscope")


def _message(folder: Path) -> str:
    recipe = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("recipe_id", "")
    return f"Upload the model of recipe {recipe} from Paretoscope"


@contextmanager
def _without_paths(folder: Path) -> Generator[Path]:
    """A copy of the folder, made of hard links, whose manifest has no absolute paths."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        for path in folder.rglob("*"):
            target = Path(made) / path.relative_to(folder)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif path.name != MANIFEST:
                target.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(path, target)
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        text = json.dumps(_shortened(content), indent=1, ensure_ascii=False)
        (Path(made) / MANIFEST).write_text(text, encoding="utf-8")
        yield Path(made)


def _shortened(manifest: dict[str, Any]) -> dict[str, Any]:
    """
    >>> _shortened({"task": "/home/me/mine.csv", "model": "org/name", "splits": {}})
    {'task': 'mine.csv', 'model': 'org/name', 'splits': {}}
    """
    return {
        name: _shortened(value) if name == "data" else short(value) if name in PATHS else value
        for name, value in manifest.items()
    }


def _reason(repository: str, error: Exception) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.LocalTokenNotFoundError):
        return f"There is no login for the Hugging Face Hub; {LOGIN}."
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "Nothing can be uploaded while HF_HUB_OFFLINE is set; unset it."
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f'There is no repository "{repository}" that you can change; check the name and the'
            " rights of your token, or leave out --pull-request to create it."
        )
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f'The Hub refuses your token for "{repository}" (status {status}); {LOGIN}.'
    reason = (str(error).splitlines() or [""])[0].rstrip(".")
    return (
        f'"{repository}" was not uploaded ({type(error).__name__}: {reason}); check the network and'
        " try again."
    )
