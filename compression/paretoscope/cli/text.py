"""How the commands say what they found, for a person at a terminal. Numbers are formatted by the
metric table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paretoscope.carriers import INSTALL
from paretoscope.report.tables.chain import Step
from paretoscope.report.tables.table import Row
from paretoscope.store.store import TrialRow
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
from paretoscope.trials.trial import LIVE, Measured, Quality, TrialDocument


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns, two spaces apart.

    >>> print(columns([("a", "bb"), ("ccc", "d")]))
    a    bb
    ccc  d
    """
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def models(found: Sequence[Mapping[str, Any]]) -> str:
    return (
        columns([(each["name"], each["task"] or "", each["about"]) for each in found])
        or f"No built-in model is installed; {INSTALL}."
    )


def tasks(found: Sequence[Mapping[str, Any]]) -> str:
    return (
        columns([(each["name"], each["about"]) for each in found])
        or f"No built-in task is installed; {INSTALL}."
    )


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
    splits = [
        (name, f"{split['examples']} examples", f"sha256 {split['sha256'][:12]}")
        for name, split in described["splits"].items()
    ]
    labels = f"labels: {', '.join(described['labels'])}\n" if described["labels"] else ""
    return f"{described['name']}: {described['about']}\n{labels}{columns(splits)}"


def result(row: Row) -> str:
    """One trial beside its baseline, its times as the tables have them."""
    document = row.document
    lines = [
        f"{document.trial_id}  {document.model} on {document.task}: {document.recipe.in_words()}"
    ]
    base = document.baseline
    if document.quality:
        q = document.quality
        metric = METRICS[document.axes.quality]
        said = (
            f"{metric.format(q.value)} {metric.interval(q.low, q.high)}{_lost(document, base)} of"
            f" {_judged_on(q)}"
        )
        lines.append(f"  {metric.label.lower():<12} {said}")
    if document.held_out:
        lines.append(f"  test split   {held_out_in_words(document.held_out)}")
    if document.artifact:
        smaller = (
            f" ({size_in_words(base.artifact.size_bytes / document.artifact.size_bytes)})"
            if base and not document.is_baseline
            else ""
        )
        lines.append(
            f"  size         {METRICS['size_bytes'].format(document.artifact.size_bytes)}{smaller}"
        )
    if document.latency:
        noisy = ", noisy" if row.noisy else ""
        name = "per token" if document.generation else METRICS[document.axes.time].label.lower()
        lines.append(
            f"  {name:<12} {_said(row, document.axes.time)}{_timed(row)}{noisy},"
            f" {conditions_in_words(document)}"
        )
    if document.generation:
        at = document.generation
        faster = (
            f" ({speed_with_interval(at.ttft_speedup)})"
            if at.ttft_speedup and not document.is_baseline
            else ""
        )
        lines.append(f"  first token  {_said(row, 'ttft_ms')}{faster}")
        lines.append(f"  speed        {_said(row, 'tokens_per_s')}")
    if row.reference.normalized_to:
        lines.append(f"  footing      {row.reference.normalized_to}")
    if document.memory:
        lines.append(
            f"  peak memory  {METRICS['peak_memory_bytes'].format(document.memory.peak_bytes)}"
        )
    if document.artifact:
        lines.append(f"  files        {document.artifact.path}")
    return "\n".join([*lines, *(f"  note         {note}" for note in document.notes)])


def _judged_on(quality: Quality) -> str:
    """
    >>> _judged_on(Quality(value=1.0, low=0.871, high=1.0, n=26))
    '26 examples (validation)'
    """
    return (
        f"{quality.n:,} {'tokens' if quality.metric == 'perplexity' else 'examples'}"
        f" ({quality.split})"
    )


def _said(row: Row, key: str) -> str:
    return METRICS[key].format(row.point.value(key))


def _timed(row: Row) -> str:
    """The speed-up, and where there are other sittings what was timed in its own, in brackets."""
    faster = (
        speed_with_interval(row.document.speedup)
        if row.document.speedup and not row.document.is_baseline
        else ""
    )
    said = "; ".join(
        filter(
            None,
            (
                faster,
                (
                    f"in its sitting {row.session()}"
                    if row.reference.normalized_to and row.session()
                    else ""
                ),
            ),
        )
    )
    return f" ({said})" if said else ""


def _lost(document: TrialDocument, base: Measured | None) -> str:
    if not base or not document.quality or document.is_baseline:
        return ""
    if document.paired and (more := document.paired.change):
        return f" ({100 * more.value:+.2f} % [{100 * more.low:+.2f}, {100 * more.high:+.2f}])"
    p = f", {p_in_words(document.paired.mcnemar_p)}" if document.paired else ""
    return f" ({100 * (document.quality.value - base.quality.value):+.1f} points{p})"


def table(found: Sequence[Row], marks: Mapping[str, str] | None = None) -> str:
    """A line a trial, with its status while it is not done; `marks` says where some of them stand,
    and a noisy sitting is marked too.
    """
    axes = next((row.document.axes for row in found if row.document.quality), Axes())
    heads = (
        METRICS[axes.quality].label.lower(),
        "size",
        METRICS[axes.time].label.lower(),
        "speed-up",
    )
    lines: list[tuple[str, ...]] = [("trial", "recipe", *heads, "")]
    for row in found:
        document = row.document
        shown = (METRICS[key].format(row.point.value(key)) for key in (*axes.objectives, "speedup"))
        said = (
            [(marks or {}).get(document.trial_id, ""), "noisy" if row.noisy else ""]
            if document.status == "done"
            else [document.status]
        )
        lines.append((document.trial_id, row.name, *shown, ", ".join(filter(None, said))))
    return columns(lines)


def steps(found: Sequence[Step]) -> str:
    """The model after each stage, a line each."""
    lines: list[tuple[str, ...]] = [
        ("after", *(METRICS[key].label.lower() for key in found[0].shown), "took")
    ]
    for step in found:
        values = [
            METRICS[key].format(step.row.point.value(key) if step.row else None)
            for key in step.shown
        ]
        lines.append(
            (step.stage, *values, "–" if step.seconds is None else f"{step.seconds:.1f} s")
        )
    missing = any(step.row is None for step in found)
    return columns(lines) + (
        "\nThe steps in between are measured with --each-stage." if missing else ""
    )


def jobs(rows: Sequence[TrialRow]) -> str:
    """Running first, then the queue, then what ended, the newest first."""
    if not rows:
        return "Nothing was asked for yet; `paretoscope run minilm-trec` is a start."
    order = {"running": 0, "queued": 1}
    ended = sorted(
        (row for row in rows if row.status not in LIVE),
        key=lambda row: row.finished_at or row.queued_at,
        reverse=True,
    )
    live = sorted((row for row in rows if row.status in LIVE), key=lambda row: order[row.status])
    return columns(
        [
            (row.trial_id, row.status, _subject(row), row.request.recipe.in_words(), _remark(row))
            for row in [*live, *ended]
        ]
    )


def _subject(row: TrialRow) -> str:
    return f"{short(row.request.model)} on {short(row.request.task)}"


def _remark(row: TrialRow) -> str:
    if row.cancel_requested and row.status == "running":
        return "being cancelled"
    at = row.progress
    return row.error or (f"{at.stage} ({at.stage_number} of {at.stage_count})" if at else "")


def job_json(row: TrialRow) -> dict[str, Any]:
    return {
        "trial_id": row.trial_id,
        "model": row.request.model,
        "task": row.request.task,
        "recipe_id": row.request.recipe.id,
        "status": row.status,
        "priority": row.priority,
        "queued_at": row.queued_at.isoformat(),
        "progress": row.progress.model_dump() if row.progress else None,
        "error": row.error,
    }


def cancelled(row: TrialRow) -> str:
    if row.status == "running":
        return f"{row.trial_id} is being cancelled"
    return f"{row.trial_id} is {row.status}"


def engine(found: Mapping[str, Any]) -> str:
    waiting = f"{found['running']} running, {found['queued']} queued"
    if not found["alive"]:
        return f"No engine is running; {waiting}."
    return (
        f"The engine runs (pid {found['pid']} on"
        f" {found['host']}{', stays' if found['stays'] else ''}); {waiting}."
    )
