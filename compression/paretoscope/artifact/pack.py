"""Putting an artefact's folder together: model, tokenizer, config, recipe, manifest, card and the
script that runs it.

Large files are hard links to the cache where the file system allows, so that many artefacts of one
sweep share what they share. What the model is and how it was made is decided elsewhere.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from paretoscope import __version__
from paretoscope.inference.graph_io import DATA, GENAI
from paretoscope.measure.size import artifact_record
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.trial import ArtifactRecord, TrialRequest
from paretoscope.workspace import whole_folder

MODEL, TOKENIZER, CONFIG = "model.onnx", "tokenizer.json", "config.json"
OF_DECODERS = (DATA, GENAI, "tokenizer_config.json")
CARD_BYTES, MANIFEST_BYTES, STAGE_BYTES, RECOVERY_BYTES = 4_000, 3_000, 200, 1_500
"""Bounds of what is written in words: the card and the manifest of a measured model, what both say
of a stage besides its YAML, and what is told of a stage that was tried in other ways."""
RUN, RUN_DECODER = (Path(__file__).with_name(name) for name in ("run.py", "run_decoder.py"))


def written_bytes(request: TrialRequest, *, decoder: bool) -> int:
    """Bytes that script, recipe, manifest and card take at most: the first two are known, the
    others have numbers that are yet to be measured.

    A budget of megabytes has to cover them before anything is measured, so it is a bound, a few kB
    above what they come to.
    """
    recipe = request.recipe
    yaml = len(recipe.to_yaml().encode())
    names = sum(len(name.encode()) for name in (request.model, request.task))
    stages = len(recipe.stages) * (STAGE_BYTES + (RECOVERY_BYTES if recipe.recover else 0))
    script = (RUN_DECODER if decoder else RUN).stat().st_size
    return (
        script + 2 * yaml + 6 * names + stages + CARD_BYTES + MANIFEST_BYTES
    )  # recipe and names are in the card too


def pack(
    made: Path, target: Path, recipe: Recipe, card: str, facts: dict[str, Any]
) -> ArtifactRecord:
    """Make the folder `target` from `made` (model.onnx, tokenizer.json, config.json and what a
    decoder has besides), and return what is in it.

    `facts` go into manifest.json beside the sha256 of every other file: where the model comes from,
    the conditions it was measured under, the check against torch.
    """
    if target.is_dir():
        shutil.rmtree(target)
    with whole_folder(target) as folder:
        decoder = (made / GENAI).is_file()
        for name in (MODEL, TOKENIZER, CONFIG, *(OF_DECODERS if decoder else ())):
            _link(made / name, folder / name)
        shutil.copyfile(RUN_DECODER if decoder else RUN, folder / "run.py")
        (folder / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
        (folder / "README.md").write_text(card, encoding="utf-8")
        record = artifact_record(folder)
        manifest = {
            "paretoscope": __version__,
            "recipe_id": recipe.id,
            **facts,
            "sha256": record.sha256,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return artifact_record(target).model_copy(update={"weights_bytes": facts.get("weights_bytes")})


def _link(source: Path, target: Path) -> None:
    """A hard link, or a copy where links cannot be made (another file system)."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
