"""Record the golden files of trials and expected bytes anew, after a deliberate change.

    python -m tests.contract.record

It prints what differs from the files before; each difference belongs into the commit message.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from paretoscope.errors import ParetoscopeError
from paretoscope.machine import fingerprint
from paretoscope.measure import generation, latency
from paretoscope.recipes.file import parse_recipe
from paretoscope.shape.apply_recipe import expected_bytes
from paretoscope.shape.compatibility import check_fit
from paretoscope.shape.read import read_shape
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import resolve_model
from paretoscope.workspace import Workspace
from tests.contract.golden_files import GOLDEN, golden
from tests.contract.test_contract_artifacts import (
    FACTORIES,
    TRIALS,
    asked,
    holding,
    run,
    sha256,
)


def main() -> None:
    short = replace(latency.PLANS["quick"], turns=1, warm_up_s=0.0, least_s=0.01, most_s=0.05)
    few = replace(generation.PLANS["quick"], turns=1, new_tokens=4, warm_up_s=0.0, requests=2)
    latency.PLANS["quick"], generation.PLANS["quick"] = short, few
    with tempfile.TemporaryDirectory(prefix="paretoscope-contract-") as folder:
        _artifacts(Path(folder))
        _expected_bytes(Path(folder))


def _artifacts(place: Path) -> None:
    content = golden("artifacts.json")
    made_with = content["made_with"]
    made_with["packages"] = {name: metadata.version(name) for name in made_with["packages"]}
    here = fingerprint()
    made_with |= {"cpu": here.cpu, "flags": list(here.flags), "cores": here.cores}
    for name in ("own.csv", "own.txt"):
        shutil.copyfile(GOLDEN / name, place / name)
    for family, how in content["models"].items():
        made = FACTORIES[how["factory"]](family, place / "models" / family, **how["options"])
        how["model_key"] = resolve_model(str(made)).key
    workspace = Workspace.at(place / "workspace")
    for name, row in TRIALS.items():
        wanted = asked(place, name)
        document, used = run(wanted, workspace)
        folder = workspace.artifacts / document.trial_id
        found = {
            "trial_id": wanted.trial_id,
            "task_key": wanted.task_key,
            "sha256": {file: sha256(folder / file) for file in row["sha256"]},
            "stage_keys": holding(workspace, used, "seconds.txt"),
            "array_keys": holding(workspace, used, "array.npy"),
        }
        _print_changes(name, row, found)
        row |= found
    (GOLDEN / "artifacts.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _expected_bytes(place: Path) -> None:
    content = golden("expected_bytes.json")
    for model, each in content.items():
        name = model
        if each["factory"] != "builtin":
            name = str(
                FACTORIES[each["factory"]](model, place / "sizes" / model, **each["options"])
            )
        ref = resolve_model(name)
        found = {row["name"]: _size(ref, row["input"]) for row in golden("recipes.json.gz")}
        _print_changes(model, each["recipes"], found)
        each |= {"model_key": ref.key, "recipes": found}
    (GOLDEN / "expected_bytes.json").write_text(json.dumps(content) + "\n", encoding="utf-8")


def _size(ref: ModelRef, recipe: Any) -> list[Any] | str:
    """The fields of the expected bytes in order, or the name of the error."""
    try:
        parsed = parse_recipe(recipe)
        check_fit(ref, parsed)
        return list(asdict(expected_bytes(read_shape(ref), parsed)).values())
    except ParetoscopeError as error:
        return type(error).__name__


def _print_changes(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    changed = [key for key in after if before.get(key) != after[key]]
    files = [
        file for file in after.get("sha256", ()) if before["sha256"][file] != after["sha256"][file]
    ]
    print(f"{name}: {len(changed)} of {len(after)} changed {files or changed[:3]}", flush=True)


if __name__ == "__main__":
    main()
