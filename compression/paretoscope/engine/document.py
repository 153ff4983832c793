"""The finished document of a trial, with its artefact packed.

It puts together what `build.py` made and `measuring.py` measured; the document's fields are defined
in `trials/trial.py`, the artefact's folder in `artifact/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from paretoscope.artifact.card import model_card
from paretoscope.artifact.golden import golden_inputs
from paretoscope.artifact.operators import read_operators
from paretoscope.artifact.pack import pack
from paretoscope.engine.build import Bench, Made
from paretoscope.engine.data_notes import data_notes
from paretoscope.engine.evaluators import SPLIT, tokenizer_of
from paretoscope.engine.measuring import Evaluated
from paretoscope.graphs.export import TOLERANCE
from paretoscope.machine import fingerprint
from paretoscope.measure import locks
from paretoscope.measure.coverage import Coverage, coverage
from paretoscope.measure.session import MeasurementSession, Side
from paretoscope.measure.size import artifact_record
from paretoscope.recipes.recipe import Recipe
from paretoscope.tasks.labels import GUESS
from paretoscope.tasks.splits import Split
from paretoscope.trials.format import truncated_in_words
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import ArtifactRecord, Measured, TrialDocument


def finished(
    bench: Bench,
    model: Evaluated,
    baseline: Evaluated,
    session: MeasurementSession,
    *,
    notes: Sequence[str] = (),
    kl_floor: float | None = None,
) -> TrialDocument:
    """The document of a trial, its artefact and that of its baseline packed.

    `kl_floor` is that of `Paired`. `notes` are those from making the model; they follow those about
    the data, truncated texts and the model. The session's are last.
    """
    about_data = data_notes(
        bench.task_ref,
        bench.task,
        bench.evaluator.quality(baseline.made.folder, baseline.scores),
    )
    document = _measured(bench, bench.request, model, session.candidate)
    truncated = truncated_in_words(document.quality) if document.quality else ""
    if session.baseline is not None:
        document = document.model_copy(
            update={
                "baseline": _baseline(bench, baseline, session.baseline, about_data),
                "paired": bench.evaluator.paired(
                    model.made.folder, model.scores, baseline.scores
                ).model_copy(update={"kl_floor": kl_floor}),
                "speedup": session.speedup,
            }
        )
    covered = _coverage(bench, model.made)
    vocabulary = [covered.in_words(SPLIT)] if covered else []
    document = document.model_copy(
        update={
            "timings_s": bench.steps.seconds,
            "stage_seconds": model.made.stage_seconds,
            "placebo": session.placebo,
            "notes": (
                *about_data,
                *([truncated] if truncated else ()),
                *bench.model_ref.notes,
                *notes,
                *session.notes,
                *vocabulary,
            ),
        }
    )
    return _packed(bench, document, model.made, covered)


def _measured(bench: Bench, request: TrialRequest, model: Evaluated, side: Side) -> TrialDocument:
    return TrialDocument(
        trial_id=request.trial_id,
        recipe_id=request.recipe.id,
        model=request.model,
        task=request.task,
        status="done",
        recipe=request.recipe,
        protocol=request.protocol,
        quality=bench.evaluator.quality(model.made.folder, model.scores),
        latency=side.latency,
        memory=side.memory,
        energy=side.energy,
        generation=side.generation,
        theoretical_bytes=model.made.facts["theoretical_bytes"],
        machine=fingerprint(),
        measured_at=datetime.now(UTC),
        data_options=request.data_options,
    )


def _baseline(bench: Bench, baseline: Evaluated, side: Side, notes: tuple[str, ...]) -> Measured:
    """The baseline's numbers; an artefact of it that exists already is kept."""
    request = bench.request.model_copy(update={"recipe": Recipe()})
    document = _measured(bench, request, baseline, side).model_copy(update={"notes": notes})
    target = bench.workspace.artifacts / document.trial_id
    if target.is_dir():
        weights = {"weights_bytes": baseline.made.facts["weights_bytes"]}
        record = artifact_record(target).model_copy(update=weights)
        document = document.model_copy(update={"artifact": record})
    else:
        document = _packed(bench, document, baseline.made)
    return Measured.model_validate(
        {name: getattr(document, name) for name in Measured.model_fields}
    )


def _packed(
    bench: Bench, document: TrialDocument, made: Made, covered: Coverage | None = None
) -> TrialDocument:
    """The document with the record of its artefact, which replaces an earlier one."""
    target = bench.workspace.artifacts / document.trial_id
    table = read_operators(made.folder)

    def card(size: int) -> str:
        record = ArtifactRecord(path="", size_bytes=size, files={}, sha256={})
        ref = bench.model_ref
        return model_card(
            document.model_copy(update={"artifact": record}),
            base=ref.about,
            source=ref.source,
            licence=ref.licence,
            base_model=ref.base_model,
            operators=table,
        )

    record = pack(made.folder, target, document.recipe, card, _facts(bench, made, covered))
    return document.model_copy(update={"artifact": record})


def _coverage(bench: Bench, made: Made) -> Coverage | None:
    """How a pruned vocabulary covers the validation split; None for an unchanged tokenizer."""
    before, after = tokenizer_of(bench.base()[1]), tokenizer_of(made.folder)
    return None if after == before else coverage(before, after, bench.task.splits[SPLIT].texts)


def _facts(bench: Bench, made: Made, covered: Coverage | None) -> dict[str, Any]:
    """Where the artefact comes from, for manifest.json."""
    request, task = bench.request, bench.task
    facts: dict[str, Any] = {
        "model": request.model,
        "model_key": bench.model_ref.key,
        "task": request.task,
        "task_key": task.key,
        "splits": {name: _split(split) for name, split in task.splits.items()},
    }
    if request.data_options:
        facts["data"] = request.data_options
    if task.kind == "classes":
        facts["labels_by"] = "name" if task.label_rule == GUESS else task.label_rule
    if request.recipe.learns_from_unlabelled:
        facts["unlabelled"] = _split(task.unlabelled)
    facts |= {
        "max_length": bench.evaluator.max_length,
        "conditions": request.conditions.model_dump(),
    }
    if covered:
        facts["vocabulary"] = covered.to_json()
    with locks.compute():
        facts["check"] = golden_inputs(made.folder, request.conditions.threads)
    return facts | {
        "torch_tolerance": TOLERANCE,
        "machine": fingerprint().model_dump(mode="json"),
        **made.facts,
    }


def _split(split: Split) -> dict[str, Any]:
    return {"examples": len(split), "sha256": split.sha256}
