"""Uploads to a stand-in of the Hub's client: what is sent, what is made, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import errors

from paretoscope.errors import ArtifactError, ParetoscopeError
from paretoscope.integrations.hub import plan_upload, push

MANIFEST = {
    "recipe_id": "abc",
    "model": "/home/someone/models/mine",
    "task": "/home/someone/mine.csv",
    "data": {"text_column": "text", "unlabelled": "/home/someone/more.txt"},
    "check": {"texts": ["/slashes stay in texts"]},
}


class FakeHub:
    """Keeps the calls and the files; `refuses` is raised by the upload."""

    def __init__(self, refuses: Exception | None = None, login: Exception | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.files: dict[str, bytes] = {}
        self._refuses, self._login = refuses, login

    def whoami(self) -> dict[str, str]:
        if self._login:
            raise self._login
        return {"name": "someone"}

    def create_repo(self, repo_id: str, *, private: bool | None, exist_ok: bool) -> None:
        self.calls.append(
            ("create_repo", {"repo_id": repo_id, "private": private, "exist_ok": exist_ok})
        )

    def create_branch(self, repo_id: str, *, branch: str, exist_ok: bool) -> None:
        self.calls.append(("create_branch", {"branch": branch, "exist_ok": exist_ok}))

    def upload_folder(self, *, folder_path: str, **given: Any) -> Any:
        if self._refuses:
            raise self._refuses
        self.calls.append(("upload_folder", given))
        self.files = {
            path.relative_to(folder_path).as_posix(): path.read_bytes()
            for path in Path(folder_path).rglob("*")
            if path.is_file()
        }
        pull = "https://huggingface.co/org/name/discussions/1" if given["create_pr"] else None
        return SimpleNamespace(commit_url="https://huggingface.co/org/name/commit/1", pr_url=pull)


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    folder = tmp_path / "artefact"
    folder.mkdir()
    (folder / "README.md").write_text("---\nlibrary_name: onnx\n---\n\n# card\n")
    (folder / "model.onnx").write_bytes(b"0" * 2_000_000)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    return folder


def test_the_plan_names_files_size_and_destination(artifact: Path) -> None:
    plan = plan_upload(artifact, "org/name", private=True, revision="v2")
    assert plan.files["model.onnx"] == 2_000_000
    assert plan.size_bytes == sum(path.stat().st_size for path in artifact.iterdir())
    words = plan.in_words()
    assert "3 files, 2.0 MB to https://huggingface.co/org/name, branch v2, private if new" in words
    assert words.count("\n") == 3
    assert "pull request" in plan_upload(artifact, "org/name", pull_request=True).in_words()


def test_the_folder_is_uploaded_without_paths_of_this_machine(artifact: Path) -> None:
    hub = FakeHub()
    before = (artifact / "manifest.json").read_bytes()
    url = push(plan_upload(artifact, "org/name", private=True), hub)
    assert url.endswith("/commit/1")
    (repo, made), (upload, given) = hub.calls
    assert (repo, made) == (
        "create_repo",
        {"repo_id": "org/name", "private": True, "exist_ok": True},
    )
    assert (upload, given["create_pr"], given["revision"]) == ("upload_folder", False, None)
    assert "abc" in given["commit_message"]
    assert set(hub.files) == {"README.md", "model.onnx", "manifest.json"}
    assert hub.files["README.md"] == (artifact / "README.md").read_bytes()
    sent = json.loads(hub.files["manifest.json"])
    assert (sent["model"], sent["task"]) == ("mine", "mine.csv")
    assert sent["data"] == {"text_column": "text", "unlabelled": "more.txt"}
    assert sent["check"] == MANIFEST["check"]
    assert (artifact / "manifest.json").read_bytes() == before
    assert [path.name for path in artifact.parent.iterdir()] == ["artefact"]


def test_a_branch_is_made_and_a_pull_request_makes_nothing(artifact: Path) -> None:
    hub = FakeHub()
    push(plan_upload(artifact, "org/name", revision="v2"), hub)
    assert [name for name, _ in hub.calls] == ["create_repo", "create_branch", "upload_folder"]
    assert hub.calls[0][1]["private"] is None
    assert hub.calls[-1][1]["revision"] == "v2"
    hub = FakeHub()
    url = push(plan_upload(artifact, "org/name", pull_request=True), hub)
    assert url.endswith("/discussions/1")
    assert [name for name, _ in hub.calls] == ["upload_folder"]
    assert hub.calls[0][1]["create_pr"] is True


@pytest.mark.parametrize(
    "name", ["name", "org/na me", "org/name/more", "org/a--b", "", "org/x.git"]
)
def test_a_name_that_the_hub_refuses_is_refused_before_anything_is_sent(
    artifact: Path, name: str
) -> None:
    with pytest.raises(ParetoscopeError, match="org/name"):
        plan_upload(artifact, name)


def test_an_artefact_without_card_is_refused(artifact: Path) -> None:
    (artifact / "README.md").unlink()
    with pytest.raises(ArtifactError, match=r"has no README\.md"):
        plan_upload(artifact, "org/name")


def _response(status: int) -> Any:
    return SimpleNamespace(status_code=status, headers={}, request=None)


@pytest.mark.parametrize(
    ("hub", "sentence"),
    [
        (FakeHub(login=errors.LocalTokenNotFoundError("no token")), "hf auth login"),
        (FakeHub(login=errors.OfflineModeIsEnabled("offline")), "HF_HUB_OFFLINE"),
        (FakeHub(errors.RepositoryNotFoundError("404", response=_response(404))), "no repository"),
        (FakeHub(errors.HfHubHTTPError("403", response=_response(403))), r"\(status 403\)"),
        (FakeHub(OSError("reset by peer.\nmore")), r"OSError: reset by peer\); check the network"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(artifact: Path, hub: FakeHub, sentence: str) -> None:
    with pytest.raises(ParetoscopeError, match=sentence) as raised:
        push(plan_upload(artifact, "org/name"), hub)
    assert "\n" not in str(raised.value)
    assert [path.name for path in artifact.parent.iterdir()] == ["artefact"]


def test_without_a_stand_in_the_client_of_the_hub_is_used_and_offline_it_refuses(
    artifact: Path,
) -> None:
    with pytest.raises(ParetoscopeError, match=r"HF_HUB_OFFLINE|hf auth login"):
        push(plan_upload(artifact, "org/name"))
