"""What the commands print, as text for a terminal. Numbers are formatted by the metric table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paretoscope.carriers import INSTALL
from paretoscope.recipes.short_name import short_names
from paretoscope.report.tables.chain import Step
from paretoscope.report.tables.table import Row
from paretoscope.store.store import JobRow, TrialRow
from paretoscope.trials.axes import Axes
from paretoscope.trials.format import (
    conditions_in_words,
    held_out_in_words,
    p_in_words,
    short,
    size_in_words,
    speed_with_interval,
)
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.progress import Progress
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import Measured, Quality, TrialDocument


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns, two spaces apart.

    >>> print(columns([("a", "bb"), ("ccc", "d")]))
    a    bb
    ccc  d
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def names(documents: Sequence[TrialDocument]) -> dict[str, str]:
    """The short name of each trial by id, with the start of the id where trials share a recipe."""
    found = short_names([document.recipe for document in documents])
    return {
        document.trial_id: f"{name} ({document.trial_id[:6]})" if found.count(name) > 1 else name
        for document, name in zip(documents, found, strict=True)
    }


def models(found: Sequence[Mapping[str, Any]]) -> str:
    """A line a model."""
    rows = [(each["name"], each["task"] or "", each["about"]) for each in found]
    return columns(rows) or f"No built-in model is installed; {INSTALL}."


def tasks(found: Sequence[Mapping[str, Any]]) -> str:
    """A line a task."""
    rows = [(each["name"], each["about"]) for each in found]
    return columns(rows) or f"No built-in task is installed; {INSTALL}."


def data(packages: Sequence[Mapping[str, str | None]]) -> str:
    """A table of the packages with models and data, and what to type when one is missing."""
    lines = columns(
        [
            (
                f"{each['package']} {each['required']}",
                f"installed: {each['installed'] or 'no'}",
                each["contents"] or "",
            )
            for each in packages
        ]
    )
    complete = all(each["installed"] for each in packages)
    return lines if complete else f"{lines}\nTo install them: paretoscope data install"


def task(described: Mapping[str, Any]) -> str:
    """A task with its labels and splits."""
    splits = [
        (name, f"{split['examples']} examples", f"sha256 {split['sha256'][:12]}")
        for name, split in described["splits"].items()
    ]
    labels = f"labels: {', '.join(described['labels'])}\n" if described["labels"] else ""
    noted = "".join(f"\n{note}" for note in described["notes"])
    return f"{described['name']}: {described['about']}\n{labels}{columns(splits)}{noted}"


def result(row: Row) -> str:
    """One trial compared with its baseline; times as in the tables."""
    document = row.document
    subject = f"{document.model} on {document.task}"
    lines = [f"{document.trial_id}  {subject}: {document.recipe.in_words()}"]
    if document.quality:
        lines.append(_line(METRICS[document.axes.quality].label.lower(), _quality(row)))
    if document.held_out:
        lines.append(_line("test split", held_out_in_words(document.held_out)))
    if document.artifact:
        lines.append(_line("size", _size(row)))
    lines += _times(row)
    if document.memory:
        peak = METRICS["peak_memory_bytes"].format(document.memory.peak_bytes)
        lines.append(_line("peak memory", peak))
    if document.artifact:
        lines.append(_line("files", document.artifact.path))
    return "\n".join([*lines, *(_line("note", note) for note in document.notes)])


def _line(label: str, value: str) -> str:
    """
    >>> _line("size", "22.9 MB")
    '  size         22.9 MB'
    """
    return f"  {label:<12} {value}"


def _quality(row: Row) -> str:
    """`94.1 % [92.0, 95.7] (-1.2 points, p = .08) of 538 examples (validation)`."""
    quality, metric = row.document.quality, METRICS[row.document.axes.quality]
    assert quality
    interval = metric.interval(quality.low, quality.high)
    lost = _lost(row.document, row.document.baseline)
    return f"{metric.format(quality.value)} {interval}{lost} of {_evaluated_on(quality)}"


def _evaluated_on(quality: Quality) -> str:
    """
    >>> _evaluated_on(Quality(value=1.0, low=0.871, high=1.0, n=26))
    '26 examples (validation)'
    """
    unit = "tokens" if quality.metric == "perplexity" else "examples"
    return f"{quality.n:,} {unit} ({quality.split})"


def _size(row: Row) -> str:
    document, base = row.document, row.document.baseline
    assert document.artifact
    shown = METRICS["size_bytes"].format(document.artifact.size_bytes)
    if base is None or document.is_baseline:
        return shown
    return f"{shown} ({size_in_words(base.artifact.size_bytes / document.artifact.size_bytes)})"


def _times(row: Row) -> list[str]:
    """Latency, for a language model also that of the first token and the throughput."""
    document, lines = row.document, list[str]()
    if document.latency:
        label = "per token" if document.generation else METRICS[document.axes.time].label.lower()
        noisy = ", noisy" if row.noisy else ""
        shown = f"{_shown(row, document.axes.time)}{_speedup(row)}{noisy}"
        lines.append(_line(label, f"{shown}, {conditions_in_words(document)}"))
    if document.generation:
        speedup = None if document.is_baseline else document.generation.ttft_speedup
        placebo = document.generation.ttft_placebo
        faster = f" ({speed_with_interval(speedup, placebo)})" if speedup else ""
        lines.append(_line("first token", f"{_shown(row, 'ttft_ms')}{faster}"))
        lines.append(_line("speed", _shown(row, "tokens_per_s")))
    if row.reference.normalized_to:
        lines.append(_line("normalized", row.reference.normalized_to))
    return lines


def _shown(row: Row, key: str) -> str:
    return METRICS[key].format(row.point.value(key))


def _speedup(row: Row) -> str:
    """The speed-up and, where times are normalized, what was timed in its own session."""
    document, parts = row.document, list[str]()
    if document.speedup and not document.is_baseline:
        parts.append(speed_with_interval(document.speedup, document.placebo))
    if row.reference.normalized_to and row.session():
        parts.append(f"in its session {row.session()}")
    return f" ({'; '.join(parts)})" if parts else ""


def _lost(document: TrialDocument, base: Measured | None) -> str:
    """The change of quality against the baseline, in brackets."""
    if not base or not document.quality or document.is_baseline:
        return ""
    if document.paired and (more := document.paired.change):
        return f" ({100 * more.value:+.2f} % [{100 * more.low:+.2f}, {100 * more.high:+.2f}])"
    p = f", {p_in_words(document.paired.mcnemar_p)}" if document.paired else ""
    return f" ({100 * (document.quality.value - base.quality.value):+.1f} points{p})"


def table(found: Sequence[Row], marks: Mapping[str, str] | None = None) -> str:
    """A line a trial: its status while it is not done, else its mark and whether it is noisy."""
    axes = next((row.summary.axes for row in found if row.summary.basis.n is not None), Axes())
    quality, time = (METRICS[key].label.lower() for key in (axes.quality, axes.time))
    lines: list[tuple[str, ...]] = [("trial", "model", quality, "size", time, "speed-up", "")]
    named = short_names([row.summary.recipe for row in found])
    for row, name in zip(found, named, strict=True):
        shown = (METRICS[key].format(row.point.value(key)) for key in (*axes.objectives, "speedup"))
        remarks = [(marks or {}).get(row.id, ""), "noisy" if row.noisy else ""]
        remark = ", ".join(filter(None, remarks)) if row.status == "done" else row.status
        lines.append((row.id, name, *shown, remark))
    return columns(lines)


def steps(found: Sequence[Step]) -> str:
    """The model after each stage, a line each."""
    labels = (METRICS[key].label.lower() for key in found[0].shown)
    lines: list[tuple[str, ...]] = [("after", *labels, "seconds")]
    for step in found:
        values = [step.row.point.value(key) if step.row else None for key in step.shown]
        shown = (METRICS[key].format(value) for key, value in zip(step.shown, values, strict=True))
        lines.append((step.stage, *shown, "–" if step.seconds is None else f"{step.seconds:.1f}"))
    missing = any(step.row is None for step in found)
    hint = "\n--each-stage also measures the steps in between." if missing else ""
    return columns(lines) + hint


def jobs(live: Sequence[TrialRow], ended: Sequence[TrialRow], further: int) -> str:
    """Running trials, then the queue, then the ended ones, newest first, without `further` ones."""
    if not live and not ended:
        return "No trials yet; `paretoscope run minilm-trec` queues the first."
    order = {"running": 0, "queued": 1}
    shown = [*sorted(live, key=lambda row: order[row.status]), *ended]
    named = short_names([row.request.recipe for row in shown])
    lines = columns(
        [
            (row.trial_id, row.status, _subject(row), name, _remark(row))
            for row, name in zip(shown, named, strict=True)
        ]
    )
    return lines + (f"\n{further:,} older trials are not shown; --json has all." if further else "")


def _subject(row: TrialRow) -> str:
    return f"{short(row.request.model)} on {short(row.request.task)}"


def _remark(row: TrialRow) -> str:
    if row.cancel_requested and row.status == "running":
        return "being cancelled"
    return row.error or (row.progress.in_words() if row.progress else "")


def job_json(row: JobRow) -> dict[str, Any]:
    """A trial as `jobs --json` has it."""
    progress = row.progress_json and Progress.model_validate_json(row.progress_json)
    recipe_id = row.recipe_id or TrialRequest.model_validate_json(row.request_json).recipe.id
    return {
        "trial_id": row.trial_id,
        "model": row.model,
        "task": row.task,
        "recipe_id": recipe_id,
        "status": row.status,
        "priority": row.priority,
        "queued_at": row.queued_at.isoformat(),
        "progress": progress.model_dump() if progress else None,
        "error": row.error,
    }


def cancelled(row: TrialRow) -> str:
    """What became of a trial that was to be cancelled."""
    if row.status == "running":
        return f"{row.trial_id} is being cancelled"
    return f"{row.trial_id} is {row.status}"


def engine(found: Mapping[str, Any]) -> str:
    """The status of the engine."""
    trials = f"{found['running']} running, {found['queued']} queued"
    if not found["alive"]:
        return f"No engine is running; {trials}."
    stays = ", stays when idle" if found["stays"] else ""
    return f"The engine is running (pid {found['pid']} on {found['host']}{stays}); {trials}."
