"""Makes the graphs of a trial: checkpoints after each training stage, export, quantization.

Every result is a folder in the stage cache under a key of everything that it depends on, so a trial
makes only what no earlier trial has made. Measuring a graph is `measuring.py`'s task, packing it
`document.py`'s, and what a stage computes is in the stage's own module.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

import onnx
from google.protobuf.message import DecodeError

from paretoscope.artifact.pack import CONFIG, MODEL, TOKENIZER, written_bytes
from paretoscope.catalog import resolve_request
from paretoscope.engine.cache import StageCache, stage_key
from paretoscope.engine.evaluators import evaluator_for, tokenizer_of
from paretoscope.engine.progress import Steps
from paretoscope.errors import ArtifactError
from paretoscope.graphs.export import TOLERANCE, code_version, export
from paretoscope.graphs.external_data import load_decoder, save_decoder
from paretoscope.graphs.genai import genai_config
from paretoscope.graphs.graph import payload_bytes, save
from paretoscope.graphs.theoretical import theoretical_bytes
from paretoscope.inference.graph_io import GENAI
from paretoscope.keys import content_key
from paretoscope.measure import locks
from paretoscope.models.checkpoint import load_model, prepare, save_model
from paretoscope.models.decoder.checkpoint import TOKENIZER_CONFIG
from paretoscope.models.modules.access import is_decoder
from paretoscope.recipes.context import StageContext
from paretoscope.recipes.contracts import StageModule, load_module
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import Quantize, Stage
from paretoscope.shape.compatibility import suits
from paretoscope.shape.config import read_config
from paretoscope.tasks.load import load_task
from paretoscope.tasks.splits import Task
from paretoscope.trials.request import TrialRequest
from paretoscope.workspace import Workspace

FACTS = "facts.json"
SECONDS = "seconds.txt"
"""In every cache entry: the seconds it took to make, without waiting for the machine lock."""
COMPANIONS = (TOKENIZER, CONFIG, TOKENIZER_CONFIG, GENAI)
"""Files of a graph's folder besides the graph itself; a classifier has only the first two."""

log = logging.getLogger("paretoscope")


class GraphFacts(TypedDict):
    """What facts.json holds about a graph.

    `torch_difference` is the largest one at export, for a reference point that from scikit-learn.
    """

    weights_bytes: int
    theoretical_bytes: int
    torch_difference: float


@dataclass(frozen=True)
class Made:
    """A graph in the cache: `folder` holds model.onnx, tokenizer.json, config.json and facts.json.

    `stage_seconds` is the cost of each stage of its recipe, measured when the stage was first made.
    """

    key: str
    folder: Path
    stage_seconds: tuple[float, ...] = ()

    @cached_property
    def facts(self) -> GraphFacts:
        return json.loads((self.folder / FACTS).read_text())


class Bench:
    """The model, task, evaluator and cache of one trial, and the graphs made from them."""

    def __init__(
        self, request: TrialRequest, workspace: Workspace, steps: Steps, task: Task | None = None
    ) -> None:
        """`task` replaces the task of the request; benchmarks use it for other splits."""
        self.request = request
        self.workspace = workspace
        self.steps = steps
        self.cache = StageCache(workspace.cache)
        self.model_ref, self.task_ref = resolve_request(request)
        self.task = task or load_task(self.task_ref, self.model_ref.outputs)
        self.evaluator = evaluator_for(self.model_ref, self.task, request)
        self._loaded: tuple[str, Any] = ("", None)

    def make(self, recipe: Recipe) -> Made:
        """The graph of a recipe: stages that train, then the export, then quantization.

        A reference point is fitted and written as a graph in one step.
        """
        with self.steps.step("prepare"):
            key, folder = self.base()
        if recipe.is_reference:
            return self._fitted(recipe, key, folder)
        costs = [0.0] * len(recipe.stages)
        for number, stage in enumerate(recipe.stages):
            if isinstance(stage, Quantize) and not stage.training_epochs:
                continue
            with self.steps.step(stage.in_words()):
                key, folder = self._trained(stage, key, folder, recipe.seed)
            costs[number] += _cost(folder)
        with self.steps.step("export"):
            made = self._exported(key, folder)
        for number, stage in enumerate(recipe.stages):
            if isinstance(stage, Quantize):
                with self.steps.step(stage.in_words()):
                    made = self._quantized(stage, made, recipe.seed)
                costs[number] += _cost(made.folder)
        return replace(made, stage_seconds=tuple(costs))

    def fits(self, stage: Stage) -> bool:
        """Whether the stage applies to this model."""
        return suits(self.model_ref, stage)

    def base(self) -> tuple[str, Path]:
        """Key and folder of the uncompressed checkpoint, prepared for the task's labels."""
        key = content_key("base", self.model_ref.key, self.task.labels)
        length = self.evaluator.max_length
        return key, self._folder(
            key, lambda folder: prepare(self.model_ref, self.task, folder, length)
        )

    def _trained(self, stage: Stage, parent: str, source: Path, seed: int) -> tuple[str, Path]:
        """The checkpoint after a stage that works on the torch model; its key includes the task."""
        key = content_key(stage_key(parent, stage, seed), self.task.key)

        def make(folder: Path) -> None:
            module = stage.trained_by if isinstance(stage, Quantize) else stage.module
            context = self._context(seed, source)
            model = apply(module)(stage, self._load(parent, source), context)
            (folder / TOKENIZER).write_text(context.tokenizer, encoding="utf-8")
            save_model(model, folder, folder / TOKENIZER)
            _copy(source, folder, (TOKENIZER_CONFIG,))
            self._loaded = (key, model)

        return key, self._folder(key, make)

    def _fitted(self, recipe: Recipe, parent: str, source: Path) -> Made:
        """The graph of a reference point, the only stage; its key includes the task."""
        [stage] = recipe.stages

        def make(folder: Path) -> None:
            context = self._context(recipe.seed, source)
            graph, difference = apply(stage.module)(stage, self._load(parent, source), context)
            _copy(source, folder, COMPANIONS)
            _write_graph(graph, folder, theoretical_bytes(graph, graph), difference)

        with self.steps.step(stage.in_words()):
            key = content_key(stage_key(parent, stage, recipe.seed), self.task.key)
            made = Made(key, self._folder(key, make))
        return replace(made, stage_seconds=(_cost(made.folder),))

    def _exported(self, parent: str, source: Path) -> Made:
        key = content_key("export", parent, code_version(str(read_config(source)["model_type"])))

        def make(folder: Path) -> None:
            model = self._load(parent, source)
            graph, difference = export(model)
            log.info("largest difference from torch: %.2g (tolerance %g)", difference, TOLERANCE)
            _copy(source, folder, COMPANIONS)
            if is_decoder(model.config):
                (folder / GENAI).write_text(genai_config(graph, model), encoding="utf-8")
            _write_graph(graph, folder, theoretical_bytes(graph, graph), difference)

        return Made(key, self._folder(key, make))

    def _quantized(self, stage: Quantize, parent: Made, seed: int) -> Made:
        decoder = (parent.folder / GENAI).is_file()
        text_bytes = written_bytes(
            self.request, decoder=decoder, notes=(*self.model_ref.notes, *self.task.notes)
        )
        key = content_key(
            stage_key(parent.key, stage, seed),
            self.task.key if stage.uses_data else None,
            *(() if stage.max_mb is None else (text_bytes,)),
        )

        def make(folder: Path) -> None:
            source = _read_graph(parent.folder)
            companions = sum(path.stat().st_size for path in _companions(parent.folder))
            context = replace(
                self._context(seed, parent.folder), companion_bytes=companions + text_bytes
            )
            graph = apply(stage.module)(stage, source, context)
            _copy(parent.folder, folder, COMPANIONS)
            theoretical = theoretical_bytes(source, graph)
            _write_graph(graph, folder, theoretical, parent.facts["torch_difference"])

        return Made(key, self._folder(key, make))

    def _folder(self, key: str, make: Callable[[Path], None]) -> Path:
        """A cache entry; the compute lock is held only while the entry is made."""

        def timed(folder: Path) -> None:
            with locks.compute():
                start = time.perf_counter()
                make(folder)
                seconds = time.perf_counter() - start
                (folder / SECONDS).write_text(f"{seconds:.3f}", encoding="utf-8")

        return self.cache.folder(key, timed)

    def _load(self, key: str, folder: Path) -> Any:
        """The torch model of a checkpoint; the model that was just made is passed on once.

        Only once, because the next stage changes it in place.
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


def apply(module: str) -> Callable[..., Any]:
    """The function `apply(stage, model or graph, context)` of a stage's module."""
    return load_module(module, StageModule).apply


def _cost(entry: Path) -> float:
    """Seconds that it took to make a cache entry."""
    return float((entry / SECONDS).read_text())


def _read_graph(folder: Path) -> onnx.ModelProto:
    path = folder / MODEL
    try:
        if (folder / GENAI).is_file():
            return load_decoder(path)
        return onnx.load(path)  # pyright: ignore[reportUnknownMemberType]
    except DecodeError as error:
        raise ArtifactError(
            f'The graph "{path}" is damaged; delete the folder "{folder}", then try again.'
        ) from error


def _write_graph(graph: onnx.ModelProto, folder: Path, theoretical: int, difference: float) -> None:
    """Write the graph and its facts; the folder has its companion files already."""
    if (folder / GENAI).is_file():
        save_decoder(graph, folder)
    else:
        save(graph, folder / MODEL)
    facts: GraphFacts = {
        "weights_bytes": payload_bytes(graph),
        "theoretical_bytes": theoretical,
        "torch_difference": difference,
    }
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _companions(folder: Path) -> list[Path]:
    return [folder / name for name in COMPANIONS if (folder / name).is_file()]


def _copy(source: Path, folder: Path, names: Iterable[str]) -> None:
    """Copy the named files that `source` has."""
    for name in names:
        if (source / name).is_file():
            (folder / name).write_bytes((source / name).read_bytes())
