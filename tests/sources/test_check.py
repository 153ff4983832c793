"""A user's model is checked once, by another process, and one sentence says how that ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope.errors import ModelError
from paretoscope.sources import check
from paretoscope.sources.check import check_model
from paretoscope.sources.ref import ModelRef

PASSES = 'print("a warning"); print(json.dumps({"problems": []}))'


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a program that stands in for the check; tests write its last lines."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(check, "PROGRAM", "stand_in")
    monkeypatch.setattr(check, "_passed", set())
    return tmp_path / "stand_in.py"


def write(program: Path, lines: str) -> None:
    counting = f'open({str(program.with_suffix(".count"))!r}, "a").write("x")'
    program.write_text(f"import json, os, sys, time\nmodel = sys.stdin.read()\n{counting}\n{lines}")


def runs(program: Path) -> int:
    return len(program.with_suffix(".count").read_text())


def model(key: str = "0" * 16) -> ModelRef:
    return ModelRef(name="/mine", kind="folder", path="/mine", key=key)


def test_a_model_is_checked_once_in_a_workspace(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(program, PASSES)
    announced: list[int] = []
    for _ in range(2):
        check_model(model(), tmp_path / "checks", lambda: announced.append(1))
    monkeypatch.setattr(check, "_passed", set())  # as in another process
    check_model(model(), tmp_path / "checks", lambda: announced.append(1))
    assert (runs(program), len(announced)) == (1, 1)
    check_model(model("1" * 16), tmp_path / "checks")
    assert runs(program) == 2


def test_problems_are_all_said_and_kept(program: Path, tmp_path: Path) -> None:
    write(program, 'print(json.dumps({"problems": ["One.", "Two."]}))')
    for _ in range(2):
        with pytest.raises(ModelError, match=r"^One\. Two\.$"):
            check_model(model(), tmp_path / "checks")
    assert runs(program) == 1


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("os.kill(os.getpid(), 9)", "ended by SIGKILL; free some memory"),
        ("os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
        ('sys.exit("boom.")', r"status 1 \(boom\)"),
        ("os._exit(3)", r"status 3 \(no output\)"),
        ('print("[1]")', "status 0"),
    ],
)
def test_a_check_that_breaks_off_is_one_sentence(
    program: Path, tmp_path: Path, lines: str, reason: str
) -> None:
    write(program, lines)
    for _ in range(2):
        with pytest.raises(ModelError, match=reason) as caught:
            check_model(model(), tmp_path / "checks")
        assert "\n" not in str(caught.value)
    assert runs(program) == 2  # it may pass when there is memory


def test_a_check_that_hangs_is_ended(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "FEWEST_SECONDS", 0.5)
    write(program, "time.sleep(60)")
    with pytest.raises(ModelError, match="did not end within"):
        check_model(model(), tmp_path / "checks")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"problems": "abc"}', '{"problems": null}'])
def test_a_damaged_result_is_made_again(program: Path, tmp_path: Path, content: str) -> None:
    write(program, PASSES)
    check_model(model(), tmp_path / "checks")
    [stored] = (tmp_path / "checks").iterdir()
    stored.write_text(content)
    check._passed.clear()
    check_model(model(), tmp_path / "checks")
    assert runs(program) == 2


def test_a_builtin_model_is_not_checked(tmp_path: Path) -> None:
    check_model(model().model_copy(update={"kind": "builtin"}), tmp_path / "checks")
    assert not (tmp_path / "checks").exists()
