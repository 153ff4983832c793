"""One self-contained HTML file about measured trials: plots, table, machine and method.

It opens without a server or network; plotly's script is embedded once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs  # pyright: ignore[reportMissingTypeStubs]

from paretoscope import __version__
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.front import front
from paretoscope.frontier.limits import MaxDrop
from paretoscope.frontier.points import objectives
from paretoscope.frontier.recommend import answer, recommend
from paretoscope.report.figures.chain_figure import stages_figure
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.figures.tradeoff import tradeoff
from paretoscope.report.figures.tradeoff_figure import tradeoff_figure
from paretoscope.report.tables.chain import is_chain, steps
from paretoscope.report.tables.table import Row, newest, rows
from paretoscope.trials import axes as defaults
from paretoscope.trials.format import conditions_in_words, machine_in_words, short, when
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import write_whole

METHOD = (
    "Accuracy is measured on the artefact with ONNX Runtime, on the validation split, with a 95 %"
    " Wilson interval; p is McNemar's exact test against the baseline on the same examples."
    " Perplexity has a bootstrap interval over documents.",
    "Latency is measured in fresh processes, interleaved with the baseline, without tokenization"
    " and without other load; the speed-up is the ratio within one measurement session, with a"
    " bootstrap interval.",
    "Size on disk counts every file that is needed for deployment.",
    "A model is on the Pareto front when no other model dominates it in accuracy or perplexity,"
    " size and median latency.",
)
NOTHING_MEASURED = (
    "There is nothing to report: none of these trials has been measured; run one first."
)

STYLE = """
:root { color-scheme: light; }
body {
  font: 15px/1.5 "Source Sans 3", system-ui, sans-serif; color: #17212B;
  max-width: 1180px; margin: 2rem auto; padding: 0 1rem;
}
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: .5rem 0; }
p.under { color: #5F6B76; margin: .2rem 0 1.2rem; }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
.plots > div { min-width: 0; }
@media (max-width: 760px) { .plots { grid-template-columns: 1fr; } }
.answer { border: 1px solid #DDE3E9; border-radius: 8px; padding: .9rem 1.1rem; }
.scroll { overflow-x: auto; }
table {
  border-collapse: collapse; width: 100%; font-size: .93rem; font-variant-numeric: tabular-nums;
}
th, td { text-align: left; padding: .35rem .5rem; border-bottom: 1px solid #E6EAEE; }
th { color: #5F6B76; font-weight: 600; }
li { margin: .2rem 0; }
"""


def write_report(documents: Sequence[TrialDocument], path: str | Path) -> Path:
    """Write the report of `documents` to `path`, whole or not at all; returns the path.

    Raises `ParetoscopeError` when nothing was measured or the file cannot be written.
    """
    content = report_html(documents)
    try:
        write_whole(Path(path), content)
    except OSError as error:
        raise ParetoscopeError(
            f'The report "{path}" cannot be written ({error.strerror}); name a file in a folder'
            " that you may write to."
        ) from error
    return Path(path)


def report_html(documents: Sequence[TrialDocument]) -> str:
    """The report as a string, a chapter for each model, task, machine and set of conditions.

    Raises `ParetoscopeError` when nothing was measured.
    """
    measured = [document for document in documents if document.latency and document.quality]
    if not measured:
        raise ParetoscopeError(NOTHING_MEASURED)
    chapters: dict[tuple[str, ...], list[TrialDocument]] = {}
    for document in measured:
        machine = document.machine.id if document.machine else ""
        key = (document.model, document.task, machine, conditions_in_words(document))
        chapters.setdefault(key, []).append(document)
    title = " and ".join(dict.fromkeys(short(model) for model, *_ in chapters))
    method = "".join(f"<li>{html.escape(line)}</li>" for line in METHOD)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Compression of {html.escape(title)}</title>"
        f"<style>{STYLE}</style><script>{get_plotlyjs()}</script></head><body>"
        f"{''.join(_chapter(found) for found in chapters.values())}"
        f"<h2>Method</h2><ul>{method}</ul>"
        f'<p class="under">Paretoscope {__version__}, {datetime.now(UTC):%d %b %Y}</p>'
        "</body></html>"
    )


def _chapter(documents: Sequence[TrialDocument]) -> str:
    table = rows(documents)
    first = table[0].document
    runtime = first.machine.versions.get("onnxruntime", "") if first.machine else ""
    facts = (
        f"{len(table)} models",
        conditions_in_words(first),
        machine_in_words(first),
        f"ONNX Runtime {runtime}" if runtime else "",
        when(newest(table).summary),
    )
    heading = html.escape(f"{short(first.model)} on {short(first.task)}")
    under = html.escape(" · ".join(fact for fact in facts if fact))
    return (
        f'<h1>{heading}</h1><p class="under">{under}</p>'
        f"{_answer(table)}{_plots(table)}{_chains(table)}{_table(table)}"
    )


def _answer(table: Sequence[Row]) -> str:
    """The recommendation under the default limits."""
    baseline = next((row.named_point for row in table if row.is_baseline), None)
    axes = table[0].summary.axes
    limits = (MaxDrop(defaults.DROP_POINTS / 100, axes.quality),) if baseline else ()
    chosen = objectives(*axes.objectives)
    advice = recommend([row.named_point for row in table], limits, chosen, baseline)
    return f'<p class="answer">{html.escape(answer(advice, chosen, limits))}</p>'


def _plots(table: Sequence[Row]) -> str:
    axes = table[0].summary.axes
    figures = (tradeoff_figure(tradeoff(table, x, axes.quality)) for x in (axes.size, axes.time))
    plots = "".join(f"<div>{_plot(figure, displaylogo=False)}</div>" for figure in figures)
    return f'<div class="plots">{plots}</div>'


def _plot(figure: Any, **config: bool) -> str:  # plotly has no types
    return figure.to_html(
        full_html=False, include_plotlyjs=False, config={"responsive": True, **config}
    )


def _chains(table: Sequence[Row]) -> str:
    """The chains on the front after each of their stages, on equal axes; empty without a chain."""
    on_front = _on_front(table)
    chains = [(row, steps(row, table)) for row in table if row.id in on_front and is_chain(row)]
    if not chains:
        return ""
    every = [step for _, found in chains for step in found]
    parts = (
        f"<div><h3>{_named(row)}</h3>"
        f"{_plot(stages_figure(found, on_axes_of=every), displayModeBar=False)}</div>"
        for row, found in chains
    )
    return (
        "<h2>Chains on the Pareto front, after each stage</h2>"
        f'<div class="plots">{"".join(parts)}</div>'
    )


def _named(row: Row) -> str:
    """The short name, with the whole recipe on hover."""
    return f'<span title="{html.escape(row.name)}">{html.escape(row.short_name)}</span>'


def _on_front(table: Sequence[Row]) -> set[str]:
    chosen = objectives(*table[0].summary.axes.objectives)
    return set(front([row.point for row in table], chosen).on_front)


def _table(table: Sequence[Row]) -> str:
    """All models, best quality first, with those on the front marked."""
    axes = table[0].summary.axes
    on_front = _on_front(table)
    names = (
        "Model",
        "Strategy",
        *(METRICS[key].label for key in axes.objectives),
        "Speed-up",
        *(() if METRICS[axes.quality].relative else ("p",)),
        "Front",
        "Date",
    )
    heads = "".join(f"<th>{name}</th>" for name in names)
    best_first = sorted(table, key=lambda row: row.point.cost(axes.quality))
    body = "".join(_line(row, row.id in on_front) for row in best_first)
    return (
        '<h2>Models</h2><div class="scroll"><table>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _line(row: Row, on_front: bool) -> str:
    style, paired, axes = STYLES[row.family], row.document.paired, row.summary.axes
    p = f"{paired.mcnemar_p:.3f}" if paired and not row.is_baseline else ""
    cells = (
        f"{style.glyph} {style.label}",
        row.number_and_change(axes.quality),
        row.number_and_change(axes.size),
        row.number(axes.time),  # its change is the next column
        row.number_and_change("speedup"),
        *(() if METRICS[axes.quality].relative else (p,)),
        "yes" if on_front else "",
        when(row.summary),
    )
    others = "".join(f"<td>{html.escape(_unbroken(cell))}</td>" for cell in cells)
    return f"<tr><td>{_named(row)}</td>{others}</tr>"


def _unbroken(cell: str) -> str:
    r"""Allow line breaks only before an interval, a change or a remark.

    >>> _unbroken("1.90 ms [1.85, 1.96] (3.9x faster), noisy").split(" ")
    ['1.90\xa0ms', '[1.85,\xa01.96]', '(3.9x\xa0faster),', 'noisy']
    """
    return re.sub(r" (?!\[|\(|noisy)", "\u00a0", cell)
