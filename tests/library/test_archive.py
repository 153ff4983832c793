"""Zips from a browser: what is unpacked, and what is refused before anything is written."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from paretoscope.errors import ModelError
from paretoscope.library.archive import Limits, unpack, unpacked_bytes

Fill = Callable[[zipfile.ZipFile], object]


def packed(fill: Fill) -> io.BytesIO:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return content


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("config.json")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def encrypted(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("config.json")
    archive.writestr(entry, "{}")
    entry.flag_bits |= 1


def files(content: dict[str, bytes]) -> Fill:
    def fill(archive: zipfile.ZipFile) -> None:
        for name, text in content.items():
            archive.writestr(name, text)

    return fill


@pytest.mark.parametrize("around", ["", "my-model/", "a/b/"])
def test_the_folder_of_the_config_is_unpacked(around: str, tmp_path: Path) -> None:
    content = {
        f"{around}config.json": b"{}",
        f"{around}1_Pooling/config.json": b"[]",
        "__MACOSX/._config.json": b"x",
        f"{around}.DS_Store": b"x",
    }
    source = packed(files(content))
    assert unpacked_bytes(source, "m.zip") == 4
    unpack(source, tmp_path, "m.zip")
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"config.json", "1_Pooling/config.json"}
    assert (tmp_path / "config.json").read_bytes() == b"{}"


@pytest.mark.parametrize(
    "name", ["../config.json", "/etc/config.json", "a/../../b", "c:/x", "a\\b"]
)
def test_a_path_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(ModelError, match="leads out of the folder"):
        unpack(packed(files({name: b"{}"})), folder, "m.zip")
    assert list(tmp_path.rglob("*")) == [folder]


@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        (link, "it is a link"),
        (encrypted, "encrypted"),
        (files({}), "has no files"),
        (files({f"{n}.json": b"" for n in range(4)}), "4 files, at most 3"),
        (files({"model.safetensors": b"\0" * 12_000_000}), "times its size"),
        (files({"a": b"1" * 4_000_000, "b": b"2" * 9_000_000}), "unpacks to 0.013 GB"),
    ],
)
def test_a_refused_zip_writes_nothing(fill: Fill, reason: str, tmp_path: Path) -> None:
    limits = Limits(files=3, total_bytes=12_500_000, ratio=200)
    with pytest.raises(ModelError, match=reason):
        unpack(packed(fill), tmp_path, "m.zip", limits)
    assert list(tmp_path.iterdir()) == []


def test_all_reasons_are_named_at_once() -> None:
    source = packed(files({"../a": b"", "/b": b"", **{f"{n}": b"" for n in range(3)}}))
    with pytest.raises(ModelError) as error:
        unpacked_bytes(source, "m.zip", Limits(files=3))
    assert "3 problems" in str(error.value)
    assert '"../a", "/b"' in str(error.value)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be unpacked"):
        unpack(io.BytesIO(b"no zip"), tmp_path, "m.zip")
    content = packed(files({"config.json": b"abcdefgh" * 1000})).getvalue()
    broken = io.BytesIO(content[:60] + b"\xff\xff\xff" + content[63:])
    with pytest.raises(ModelError, match="cannot be unpacked"):
        unpack(broken, tmp_path, "m.zip")
