"""A chapter of a report as HTML: what can be read without scripts, and places for the plots.

Every text that comes from a user is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import stage_words
from paretoscope.report.alternatives import Alternative
from paretoscope.report.chapter import Chapter
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.plain_answer import quality_line, size, speed
from paretoscope.report.points_data import ESTIMATE
from paretoscope.report.tables.chain import Step, is_chain, steps
from paretoscope.report.tables.change import delta
from paretoscope.report.tables.strategy import family
from paretoscope.report.tables.table import Row
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.trials.format import (
    conditions_in_words,
    duration,
    listed,
    machine_in_words,
    short,
)
from paretoscope.trials.metrics import METRICS, metric

MOST_CHAINS = 12
"""Chains that are shown after each of their stages; all models are in the table."""


def chapter_html(chapter: Chapter, number: int) -> str:
    """The section of a chapter; `number` tells its ids from those of other chapters."""
    return (
        f'<section class="chapter" aria-labelledby="heading-{number}" data-chapter="{number}">'
        f'<h1 id="heading-{number}">{escape(heading(chapter))}</h1>'
        f'<p class="facts">{escape(" · ".join(facts(chapter)))}</p>'
        f'<p class="answer">{escape(chapter.answer)}</p>'
        f'<div class="cards">{"".join(_card(each) for each in chapter.cards)}</div>'
        f'<div class="front"><noscript>Plots and tables need JavaScript.</noscript></div>'
        f'<p class="method">{escape(provenance(chapter))}</p>'
        f"{_chains(chapter)}"
        '<details class="all"><summary>All models '
        f'({len(chapter.table):,})</summary><div class="scroll"></div></details></section>'
    )


def heading(chapter: Chapter) -> str:
    """What the models are: "Question classifier", or the name of a user's model."""
    first = chapter.table[0].document
    task = BUILTIN_TASKS.get(first.task)
    return task.title if task else short(first.model)


def facts(chapter: Chapter) -> list[str]:
    """Model, task, number of models, machine, conditions, runtime and days."""
    first = chapter.table[0].document
    runtime = first.machine.versions.get("onnxruntime", "") if first.machine else ""
    found = (
        f"{short(first.model)} on {short(first.task)}",
        f"{len(chapter.table):,} model{'' if len(chapter.table) == 1 else 's'}",
        machine_in_words(first),
        conditions_in_words(first),
        f"ONNX Runtime {runtime}" if runtime else "",
        _days(chapter.table),
    )
    return [each for each in found if each]


def _days(table: Sequence[Row]) -> str:
    """ "02 Mar 2026", or the first and the last day."""
    found = sorted(row.document.measured_at for row in table if row.document.measured_at)
    days = dict.fromkeys(f"{each:%d %b %Y}" for each in (*found[:1], *found[-1:]))
    return " to ".join(days)


def provenance(chapter: Chapter) -> str:
    """What is measured, normalized and estimated."""
    table = chapter.table
    lines = [f"Measured: all {len(table):,} points, on the machine above, with 95 % intervals."]
    if reference := table[0].reference.normalized_to:
        lines.append(f"Normalized: latencies, {reference}.")
    energy = [row.document.energy for row in table if row.document.energy]
    guessed = {
        re.sub(r" \(PARETOSCOPE_\w+\)", "", each.source.removeprefix(f"{ESTIMATE}: "))
        for each in energy
        if each.source.startswith(ESTIMATE)
    }
    if guessed:
        lines.append(f"Estimate, not measured: energy ({listed(sorted(guessed)[:2])}).")
    return " ".join(lines)


def _card(shown: Alternative) -> str:
    """Words and numbers of one model; its time as it was measured, before normalization."""
    row, axes = shown.row, shown.row.document.axes
    time, space = metric(axes.time), metric(axes.size)
    original = row.is_baseline
    numbers = _figure(
        time.format(row.timed_ms), "" if original else speed(row), row.noisy
    ) + _figure(space.format(row.point.value(space.key)), "" if original else size(row))
    return (
        f'<article class="card" data-id="{escape(row.id)}"><p class="title">'
        f"<span>{escape(shown.title)}</span></p><h2>{escape(row.short_name)}</h2>"
        f'<p>{escape(quality_line(row))}</p><p class="numbers">{numbers}</p>'
        f"{chips(row.document.recipe)}</article>"
    )


def _figure(value: str, words: str, noisy: bool = False) -> str:
    badge = ' <span class="noisy">noisy session</span>' if noisy else ""
    return f"<span><b>{escape(value)}</b> {escape(words)}{badge}</span>"


def chips(recipe: Recipe) -> str:
    """The stages in their order, each with the shape of its strategy."""
    if not recipe.stages:
        return '<p class="chips"><span>fp32, not compressed</span></p>'
    found = "".join(
        f'<span class="{name}"><i>{STYLES[name].glyph}</i> {escape(stage_words(stage))}</span>'
        for stage in recipe.stages
        for name in (family(Recipe(stages=(stage,))),)
    )
    return f'<p class="chips">{found}</p>'


def _chains(chapter: Chapter) -> str:
    """Chains among the cards and on the front after each stage; empty without a chain."""
    first = [each.row for each in chapter.cards]
    on_front = [chapter.by_id[each] for each in chapter.found.on_front]
    chosen = {row.id: row for row in (*first, *on_front) if is_chain(row)}
    if not chosen:
        return ""
    shown = list(chosen.values())[:MOST_CHAINS]
    several = f"{len(shown)} of {len(chosen)}" if len(shown) < len(chosen) else f"{len(shown)}"
    tables = "".join(_chain(row, steps(row, chapter.table)) for row in shown)
    return (
        f"<details><summary>After each stage ({several} "
        f'chain{"" if len(chosen) == 1 else "s"})</summary><div class="chains">{tables}</div>'
        "</details>"
    )


def _chain(row: Row, found: Sequence[Step]) -> str:
    heads = "".join(f'<th scope="col">{escape(METRICS[key].label)}</th>' for key in found[0].shown)
    body = "".join(_step(step, found[at - 1] if at else None) for at, step in enumerate(found))
    return (
        f'<div class="scroll"><table><caption>{escape(row.short_name)}</caption><thead><tr>'
        f'<th scope="col">After</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _step(step: Step, before: Step | None) -> str:
    took = f" <small>{duration(step.seconds)}</small>" if step.seconds is not None else ""
    name = f'<th scope="row">{STYLES[step.family].glyph} {escape(step.stage)}{took}</th>'
    if step.row is None:
        return f'<tr>{name}<td colspan="{len(step.shown)}">not measured</td></tr>'
    past = before.row if before else None
    cells = "".join(f"<td>{escape(_cell(step.row, past, key))}</td>" for key in step.shown)
    return f"<tr>{name}{cells}</tr>"


def _cell(row: Row, before: Row | None, key: str) -> str:
    """A number, and its change from the stage before: "17.2 MB (5.3x smaller)"."""
    of, value = metric(key), row.point.value(key)
    past = before.point.value(key) if before else None
    change = "" if value is None or key == "speedup" else delta(key, value, past)
    return of.format(value) + (f" ({change})" if change else "")
