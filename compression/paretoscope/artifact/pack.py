"""Packs an artefact's folder: model, tokenizer, config, recipe, manifest, card and run script.

A classifier's tokenizer.json truncates texts as in the measurement.

Large files are hard links into the cache where the file system supports them, so the artefacts of a
sweep share equal files. The model itself is made in `engine/build.py`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paretoscope import __version__
from paretoscope.inference.graph_io import DATA, GENAI
from paretoscope.measure.size import artifact_record
from paretoscope.recipes.recipe import Recipe
from paretoscope.tasks import label_matching
from paretoscope.tasks.tokens import truncating
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import ArtifactRecord
from paretoscope.workspace import link_or_copy, whole_folder

MODEL, TOKENIZER, CONFIG = "model.onnx", "tokenizer.json", "config.json"
CARD, MANIFEST = "README.md", "manifest.json"
OF_DECODERS = (DATA, GENAI, "tokenizer_config.json")
CARD_BYTES, MANIFEST_BYTES, STAGE_BYTES, RECOVERY_BYTES, TRUNCATION_BYTES = (
    6_500,
    14_000,
    200,
    1_500,
    100,
)
"""Upper bounds of generated text: card, manifest, text per stage besides its YAML, the note about
a stage that `recover` replaced, and the truncation in tokenizer.json.
"""
RUN, RUN_DECODER, SELF_CHECK = (
    Path(__file__).with_name(name) for name in ("run.py", "run_decoder.py", "self_check.py")
)
LABELS = Path(label_matching.__file__)
"""The rule for labels, which `run.py` of a classifier imports as `labels`."""


def written_bytes(request: TrialRequest, *, decoder: bool, notes: Sequence[str] = ()) -> int:
    """Upper bound for the bytes of scripts, recipe, manifest and card, which has the `notes`.

    A size budget must cover them before anything is measured, when the text of manifest and card is
    not known yet; the bound is a few kB above their size.
    """
    recipe = request.recipe
    yaml = len(recipe.to_yaml().encode())
    names = sum(len(name.encode()) for name in (request.model, request.task))
    stages = len(recipe.stages) * (STAGE_BYTES + (RECOVERY_BYTES if recipe.recover else 0))
    scripts = (RUN_DECODER, SELF_CHECK) if decoder else (RUN, SELF_CHECK, LABELS)
    code = sum(script.stat().st_size for script in scripts)
    options = len(json.dumps(request.data_options))
    more = sum(len(note.encode()) for note in notes) + 4 * options
    # the card contains recipe and names, too
    text = 2 * yaml + 6 * names + stages + more
    return code + text + CARD_BYTES + MANIFEST_BYTES + TRUNCATION_BYTES


def pack(
    made: Path, target: Path, recipe: Recipe, card: Callable[[int], str], facts: dict[str, Any]
) -> ArtifactRecord:
    """Make the folder `target` from the graph's folder `made`, and return its record.

    manifest.json has the sha256 of every other file and the `facts`: the origin of the model, the
    measuring conditions, the difference from torch. `card` is given the bytes of the whole folder,
    which its own text may change by a few. A classifier's tokenizer truncates to the `max_length`
    in the facts, on its own side.
    """
    if target.is_dir():
        shutil.rmtree(target)
    with whole_folder(target) as folder:
        decoder = (made / GENAI).is_file()
        for name in (MODEL, CONFIG, *((TOKENIZER, *OF_DECODERS) if decoder else ())):
            link_or_copy(made / name, folder / name)
        if not decoder:
            content = truncating(made / TOKENIZER, facts.get("max_length"))
            (folder / TOKENIZER).write_text(content, encoding="utf-8")
        shutil.copyfile(RUN_DECODER if decoder else RUN, folder / "run.py")
        shutil.copyfile(SELF_CHECK, folder / SELF_CHECK.name)
        if not decoder:
            shutil.copyfile(LABELS, folder / "labels.py")
        (folder / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
        _describe(folder, card, {"recipe_id": recipe.id, **facts})
    return artifact_record(target).model_copy(update={"weights_bytes": facts.get("weights_bytes")})


def _describe(folder: Path, card: Callable[[int], str], facts: dict[str, Any]) -> None:
    """Write card and manifest of the other files."""
    record = artifact_record(folder)

    def manifest(text: str) -> str:
        hashes = record.sha256 | {CARD: hashlib.sha256(text.encode()).hexdigest()}
        content = {"paretoscope": __version__, **facts, "sha256": dict(sorted(hashes.items()))}
        return json.dumps(content, indent=1, ensure_ascii=False)

    draft = card(record.size_bytes)
    final = card(record.size_bytes + len(draft.encode()) + len(manifest(draft).encode()))
    (folder / CARD).write_bytes(final.encode())
    (folder / MANIFEST).write_bytes(manifest(final).encode())
