"""Packs an artefact's folder: model, tokenizer, config, recipe, manifest, card and run script.

A classifier's tokenizer.json truncates texts as in the measurement.

Large files are hard links into the cache where the file system supports them, so the artefacts of a
sweep share equal files. The model itself is made in `engine/build.py`.
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
from paretoscope.tasks.tokens import truncating
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import ArtifactRecord
from paretoscope.workspace import whole_folder

MODEL, TOKENIZER, CONFIG = "model.onnx", "tokenizer.json", "config.json"
OF_DECODERS = (DATA, GENAI, "tokenizer_config.json")
CARD_BYTES, MANIFEST_BYTES, STAGE_BYTES, RECOVERY_BYTES, TRUNCATION_BYTES = (
    4_000,
    3_000,
    200,
    1_500,
    100,
)
"""Upper bounds of generated text: card, manifest, text per stage besides its YAML, the note about
a stage that `recover` replaced, and the truncation in tokenizer.json.
"""
RUN, RUN_DECODER = (Path(__file__).with_name(name) for name in ("run.py", "run_decoder.py"))


def written_bytes(request: TrialRequest, *, decoder: bool) -> int:
    """Upper bound for the bytes of script, recipe, manifest and card.

    A size budget must cover them before anything is measured, when the text of manifest and card is
    not known yet; the bound is a few kB above their size.
    """
    recipe = request.recipe
    yaml = len(recipe.to_yaml().encode())
    names = sum(len(name.encode()) for name in (request.model, request.task))
    stages = len(recipe.stages) * (STAGE_BYTES + (RECOVERY_BYTES if recipe.recover else 0))
    script = (RUN_DECODER if decoder else RUN).stat().st_size
    # the card contains recipe and names, too
    return script + 2 * yaml + 6 * names + stages + CARD_BYTES + MANIFEST_BYTES + TRUNCATION_BYTES


def pack(
    made: Path, target: Path, recipe: Recipe, card: str, facts: dict[str, Any]
) -> ArtifactRecord:
    """Make the folder `target` from the graph's folder `made`, and return its record.

    manifest.json has the sha256 of every other file and the `facts`: the origin of the model, the
    measuring conditions, the difference from torch. A classifier's tokenizer truncates to the
    `max_length` in the facts, on its own side.
    """
    if target.is_dir():
        shutil.rmtree(target)
    with whole_folder(target) as folder:
        decoder = (made / GENAI).is_file()
        for name in (MODEL, CONFIG, *((TOKENIZER, *OF_DECODERS) if decoder else ())):
            _link(made / name, folder / name)
        if not decoder:
            content = truncating(made / TOKENIZER, facts.get("max_length"))
            (folder / TOKENIZER).write_text(content, encoding="utf-8")
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
    """Make a hard link, or a copy on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
