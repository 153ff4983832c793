"""One trial from request to document: stages, export, artefact, measurements. It runs inside a
worker process.

Each step asks the cache first, under a key that says everything its result depends on, so a trial
pays only for what no trial before it has made. What a stage does is the stage's own file; this one
only joins them.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from paretoscope.artifact.card import model_card
from paretoscope.artifact.pack import CONFIG, MODEL, TOKENIZER, pack, written_bytes
from paretoscope.catalog import resolve_request
from paretoscope.engine.cache import StageCache, stage_key
from paretoscope.engine.evaluators import SPLIT, Scores, evaluator_for, tokenizer_of
from paretoscope.engine.progress import Report, Steps
from paretoscope.engine.recover import recovered
from paretoscope.errors import ArtifactError
from paretoscope.graphs.export import CODE_VERSION as EXPORT_VERSION
from paretoscope.graphs.export import TOLERANCE, export
from paretoscope.graphs.external_data import load_decoder, save_decoder
from paretoscope.graphs.genai import genai_config
from paretoscope.graphs.graph import payload_bytes, save
from paretoscope.graphs.theoretical import theoretical_bytes
from paretoscope.inference.graph_io import GENAI
from paretoscope.keys import content_key
from paretoscope.machine import fingerprint
from paretoscope.measure import locks
from paretoscope.measure.coverage import Coverage, coverage
from paretoscope.measure.generation import generate_interleaved
from paretoscope.measure.latency import MeasurementSession, Side, measure_interleaved
from paretoscope.measure.size import artifact_record
from paretoscope.models.checkpoint import load_model, prepare, save_model
from paretoscope.models.decoder.checkpoint import TOKENIZER_CONFIG
from paretoscope.models.modules.access import is_decoder
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize, Stage
from paretoscope.shape.compatibility import suits
from paretoscope.tasks.load import load_task
from paretoscope.tasks.splits import Task
from paretoscope.trials.trial import Measured, Quality, TrialDocument, TrialRequest
from paretoscope.workspace import Workspace, write_whole

FACTS = "facts.json"
SECONDS = "seconds.txt"
"""In every cache entry: what it cost when it was made, the waiting for other work apart."""

TIMERS = {"classifier": measure_interleaved, "decoder": generate_interleaved}
"""How the artefacts of an architecture are timed."""

log = logging.getLogger("paretoscope")


def run_trial(request: TrialRequest, workspace: Workspace, report: Report) -> TrialDocument:
    """Make and measure what `request` asks for; raises `ParetoscopeError` in one sentence when that
    cannot be done.
    """
    bench = Bench(request, workspace, Steps(request.recipe, report))
    recipe, notes = recovered(request.recipe, bench.judged, bench.fits)
    made = bench.make(recipe)
    baseline = made if not recipe.stages else bench.make(Recipe())
    reference = bench.scores(baseline, baseline)
    scores = reference if made is baseline else bench.scores(made, baseline)
    session = bench.sit(made, baseline)
    bench.keep_samples(session, scores, reference)
    return bench.document(made, baseline, scores, reference, session, notes)


@dataclass(frozen=True)
class Made:
    """A graph in the cache: `folder` holds model.onnx, tokenizer.json, config.json and facts.json.

    `stage_seconds` is what each stage of its recipe cost when it was made, for whichever trial that
    was.
    """

    key: str
    folder: Path
    stage_seconds: tuple[float, ...] = ()

    @cached_property
    def facts(self) -> dict[str, Any]:
        """weights_bytes, theoretical_bytes and torch_difference of the graph."""
        return json.loads((self.folder / FACTS).read_text())


def apply(module: str) -> Callable[..., Any]:
    """The function that carries out a stage: `apply(stage, model or graph, context)` of the module
    of that name.
    """
    return importlib.import_module(module).apply


def _cost(entry: Path) -> float:
    """Seconds that a cache entry cost when it was made."""
    return float((entry / SECONDS).read_text())


def _graph(folder: Path) -> onnx.ModelProto:
    try:
        return (
            load_decoder(folder / MODEL)
            if (folder / GENAI).is_file()
            else onnx.load(folder / MODEL)
        )
    except DecodeError as error:
        raise ArtifactError(
            f'The graph "{folder / MODEL}" is damaged; delete the folder "{folder}", then try'
            " again."
        ) from error


def _carry(source: Path, folder: Path, names: Iterable[str]) -> None:
    """Copy those of the named files that `source` has: a classifier has fewer than a decoder."""
    for name in names:
        if (source / name).is_file():
            (folder / name).write_bytes((source / name).read_bytes())


class Bench:
    """The materials of one trial: model, task, cache. Methods make things from them, each at most
    once.
    """

    def __init__(
        self, request: TrialRequest, workspace: Workspace, steps: Steps, task: Task | None = None
    ) -> None:
        """`task` takes the place of the request's where a benchmark splits it otherwise."""
        self.request = request
        self.workspace = workspace
        self.steps = steps
        self.cache = StageCache(workspace.cache)
        self.model_ref, self.task_ref = resolve_request(request)
        self.task = task or load_task(self.task_ref, self.model_ref.outputs)
        self.evaluator = evaluator_for(self.model_ref, self.task, request.protocol)
        self._loaded: tuple[str, Any] = ("", None)

    # --- making -----------------------------------------------------------------------------------

    def make(self, recipe: Recipe) -> Made:
        """The graph of a recipe: torch stages, training for quantization among them, export, then
        quantization.
        """
        with self.steps.step("prepare"):
            key, folder = self._base()
        costs = [0.0] * len(recipe.stages)
        for place, stage in enumerate(recipe.stages):
            if isinstance(stage, Quantize) and stage.train_epochs == 0:
                continue
            with self.steps.step(stage.in_words()):
                key, folder = self._trained(stage, key, folder, recipe.seed)
            costs[place] += _cost(folder)
        with self.steps.step("export"):
            made = self._exported(key, folder)
        for place, stage in enumerate(recipe.stages):
            if isinstance(stage, Quantize):
                with self.steps.step(stage.in_words()):
                    made = self._quantized(stage, made, recipe.seed)
                costs[place] += _cost(made.folder)
        return replace(made, stage_seconds=tuple(costs))

    def _base(self) -> tuple[str, Path]:
        key = content_key("base", self.model_ref.key, self.task.labels)
        return key, self._folder(key, lambda folder: prepare(self.model_ref, self.task, folder))

    def _trained(self, stage: Stage, parent: str, source: Path, seed: int) -> tuple[str, Path]:
        """The checkpoint after a stage that works on the torch model. What it trained on is part of
        its key.
        """
        key = content_key(stage_key(parent, stage, seed), self.task.key)

        def make(folder: Path) -> None:
            by = stage.trained_by if isinstance(stage, Quantize) else stage.module
            context = self._context(seed, source)
            model = apply(by)(stage, self._load(parent, source), context)
            (folder / TOKENIZER).write_text(context.tokenizer, encoding="utf-8")
            save_model(model, folder, folder / TOKENIZER)
            _carry(source, folder, (TOKENIZER_CONFIG,))
            self._loaded = (key, model)

        return key, self._folder(key, make)

    def _exported(self, parent: str, source: Path) -> Made:
        key = content_key("export", parent, EXPORT_VERSION)

        def make(folder: Path) -> None:
            model = self._load(parent, source)
            graph, difference = export(model)
            log.info(
                "the graph differs from torch by %.2g, at most %g is accepted",
                difference,
                TOLERANCE,
            )
            if is_decoder(model.config):
                (folder / GENAI).write_text(genai_config(graph, model), encoding="utf-8")
            self._write(folder, source, graph, difference, theoretical_bytes(graph, graph))

        return Made(key, self._folder(key, make))

    def _quantized(self, stage: Quantize, parent: Made, seed: int) -> Made:
        written = written_bytes(self.request, decoder=(parent.folder / GENAI).is_file())
        budgeted = () if stage.max_mb is None else (written,)
        key = content_key(
            stage_key(parent.key, stage, seed),
            self.task.key if stage.uses_data else None,
            *budgeted,
        )

        def make(folder: Path) -> None:
            whole = _graph(parent.folder)
            names = (TOKENIZER, CONFIG, TOKENIZER_CONFIG, GENAI)
            beside = (
                sum(
                    (parent.folder / name).stat().st_size
                    for name in names
                    if (parent.folder / name).is_file()
                )
                + written
            )
            context = replace(self._context(seed, parent.folder), beside_bytes=beside)
            graph = apply(stage.module)(stage, whole, context)
            self._write(
                folder,
                parent.folder,
                graph,
                parent.facts["torch_difference"],
                theoretical_bytes(whole, graph),
            )

        return Made(key, self._folder(key, make))

    def _write(
        self,
        folder: Path,
        source: Path,
        graph: onnx.ModelProto,
        difference: float,
        theoretical: int,
    ) -> None:
        _carry(source, folder, (TOKENIZER, CONFIG, TOKENIZER_CONFIG, GENAI))
        if (folder / GENAI).is_file():
            save_decoder(graph, folder)
        else:
            save(graph, folder / MODEL)
        facts = {
            "weights_bytes": payload_bytes(graph),
            "theoretical_bytes": theoretical,
            "torch_difference": difference,
        }
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")

    def _folder(self, key: str, make: Callable[[Path], None]) -> Path:
        """A cache entry; only the making of one holds the machine as compute work."""

        def alone(folder: Path) -> None:
            with locks.compute():
                start = time.perf_counter()
                make(folder)
                (folder / SECONDS).write_text(
                    f"{time.perf_counter() - start:.3f}", encoding="utf-8"
                )

        return self.cache.folder(key, alone)

    def _load(self, key: str, folder: Path) -> Any:
        """The torch model of a checkpoint. The one just made is handed on, once, for its next stage
        changes it.
        """
        held, model = self._loaded
        self._loaded = ("", None)
        return model if held == key else load_model(folder)

    def _context(self, seed: int, source: Path) -> StageContext:
        context = StageContext(
            seed=seed,
            labels=self.task.labels,
            encoded=lambda name: self.evaluator.encoded(name, context.tokenizer),
            progress=self.steps.progress,
            part=self.steps.part,
            cached=lambda key, make: self.cache.array(content_key(key), make),
            tokenizer=tokenizer_of(source),
        )
        return context

    # --- measuring --------------------------------------------------------------------------------

    def scores(self, made: Made, baseline: Made) -> Scores:
        """What the judge needs to know of a graph beside the baseline, through ONNX Runtime."""
        with self.steps.step("accuracy"):
            return self._scores(made, baseline)

    def _scores(self, made: Made, baseline: Made) -> Scores:
        def run() -> Scores:
            reference = None if made.key == baseline.key else self._scores(baseline, baseline)
            with locks.compute():
                return self.evaluator.scores(made.folder, reference)

        return self.cache.arrays(
            content_key(
                "scores", made.key, self.evaluator.key(made.folder, baseline.key), fingerprint().id
            ),
            run,
        )

    def judged(self, recipe: Recipe) -> Quality:
        """The quality of a recipe on the validation split."""
        baseline = self.make(Recipe())
        made = self.make(recipe) if recipe.stages else baseline
        return self.evaluator.quality(made.folder, self.scores(made, baseline))

    def fits(self, stage: Stage) -> bool:
        """Whether the model can take a stage."""
        return suits(self.model_ref, stage)

    def sit(self, made: Made, baseline: Made) -> MeasurementSession:
        """Latency, memory and energy, in turns with the baseline and alone on the machine."""
        self.steps.waits("latency")
        with locks.measuring(), self.steps.step("latency"):
            reference = None if made is baseline else baseline.folder
            return TIMERS[self.model_ref.architecture](
                made.folder,
                reference,
                self.request.conditions,
                self.request.protocol,
                self.steps.progress,
            )

    def keep_samples(self, session: MeasurementSession, scores: Scores, reference: Scores) -> None:
        """Raw latency samples and the answer to every example, for whoever wants to look closer."""
        arrays: dict[str, Any] = {**self.evaluator.samples(scores, reference), **session.arrays()}
        packed = io.BytesIO()
        np.savez_compressed(packed, **arrays)
        write_whole(self.workspace.samples / f"{self.request.trial_id}.npz", packed.getvalue())

    # --- what came out ----------------------------------------------------------------------------

    def document(
        self,
        made: Made,
        baseline: Made,
        scores: Scores,
        reference: Scores,
        session: MeasurementSession,
        said: Sequence[str] = (),
    ) -> TrialDocument:
        """The finished trial with its artefact packed; `reference` are the scores of the baseline,
        `said` what making it has to say.
        """
        document = self._measured(self.request, made, scores, session.candidate)
        if session.baseline is not None:
            plain = self.request.model_copy(update={"recipe": Recipe()})
            theirs = self._packed(
                self._measured(plain, baseline, reference, session.baseline), baseline, keep=True
            )
            against = Measured.model_validate(
                {name: getattr(theirs, name) for name in Measured.model_fields}
            )
            comparison = self.evaluator.paired(made.folder, scores, reference)
            document = document.model_copy(
                update={"baseline": against, "paired": comparison, "speedup": session.speedup}
            )
        covered = self._coverage(made)
        notes = (*said, *session.notes, *([covered.in_words(SPLIT)] if covered else ()))
        document = document.model_copy(
            update={
                "timings_s": self.steps.seconds,
                "stage_seconds": made.stage_seconds,
                "notes": notes,
            }
        )
        return self._packed(document, made, covered)

    def _measured(
        self, request: TrialRequest, made: Made, scores: Scores, side: Side
    ) -> TrialDocument:
        return TrialDocument(
            trial_id=request.trial_id,
            recipe_id=request.recipe.id,
            model=request.model,
            task=request.task,
            status="done",
            recipe=request.recipe,
            protocol=request.protocol,
            quality=self.evaluator.quality(made.folder, scores),
            latency=side.latency,
            memory=side.memory,
            energy=side.energy,
            generation=side.generation,
            theoretical_bytes=made.facts["theoretical_bytes"],
            machine=fingerprint(),
            measured_at=datetime.now(UTC),
        )

    def _packed(
        self,
        document: TrialDocument,
        made: Made,
        covered: Coverage | None = None,
        *,
        keep: bool = False,
    ) -> TrialDocument:
        """The document with its artefact's record; with `keep`, an artefact that is there already
        stays.
        """
        target = self.workspace.artifacts / document.trial_id
        if keep and target.is_dir():
            record = artifact_record(target).model_copy(
                update={"weights_bytes": made.facts["weights_bytes"]}
            )
        else:
            card = model_card(document, base=self.model_ref.about, source=self.model_ref.source)
            record = pack(made.folder, target, document.recipe, card, self._facts(made, covered))
        return document.model_copy(update={"artifact": record})

    def _coverage(self, made: Made) -> Coverage | None:
        """What a smaller vocabulary does to held-out text; None when the tokenizer is the model's
        own.
        """
        before, now = tokenizer_of(self._base()[1]), tokenizer_of(made.folder)
        return None if now == before else coverage(before, now, self.task.splits[SPLIT].texts)

    def _facts(self, made: Made, covered: Coverage | None) -> dict[str, Any]:
        """What manifest.json says about where the artefact comes from."""
        extra = self.task.unlabelled
        return {
            "model": self.request.model,
            "model_key": self.model_ref.key,
            "task": self.request.task,
            "task_key": self.task.key,
            "splits": {
                name: {"examples": len(split), "sha256": split.sha256}
                for name, split in self.task.splits.items()
            },
            **(
                {"unlabelled": {"examples": len(extra), "sha256": extra.sha256}}
                if self.request.recipe.learns_from_unlabelled
                else {}
            ),
            "max_length": self.evaluator.max_length,
            "conditions": self.request.conditions.model_dump(),
            **({"vocabulary": covered.to_json()} if covered else {}),
            "torch_tolerance": TOLERANCE,
            "machine": fingerprint().model_dump(mode="json"),
            **made.facts,
        }
