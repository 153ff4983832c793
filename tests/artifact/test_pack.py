"""Packing: the card knows the size of the folder, and the manifest every other file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx

from paretoscope.artifact.pack import pack
from paretoscope.recipes.recipe import Recipe
from tests.artifact.test_operators import shared_table
from tests.tiny.encoders import wordpiece


def test_the_card_states_the_size_of_the_folder_and_the_manifest_its_hash(tmp_path: Path) -> None:
    made, target = tmp_path / "made", tmp_path / "artefact"
    made.mkdir()
    onnx.save(shared_table(), made / "model.onnx")
    (made / "tokenizer.json").write_text(wordpiece().to_str(), encoding="utf-8")
    (made / "config.json").write_text("{}")
    record = pack(made, target, Recipe(), lambda size: f"# card\n{size}\n", {"max_length": 8})
    stated = int((target / "README.md").read_text().split()[-1])
    assert record.size_bytes == sum(path.stat().st_size for path in target.iterdir())
    assert abs(stated - record.size_bytes) <= 2
    manifest = json.loads((target / "manifest.json").read_text())
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in target.iterdir()
        if path.name != "manifest.json"
    }
    assert manifest["sha256"] == hashes
    assert manifest["recipe_id"] == Recipe().id
