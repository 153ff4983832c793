"""One self-contained HTML file about measured trials: both curves, the table, machine, conditions
and method.

It opens without a server and without a network: plotly's script stands in it once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
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
from paretoscope.report.figures.palette import LOOKS
from paretoscope.report.figures.tradeoff import tradeoff
from paretoscope.report.figures.tradeoff_figure import tradeoff_figure
from paretoscope.report.tables.chain import is_chain, steps
from paretoscope.report.tables.table import Row, rows
from paretoscope.trials import axes as defaults
from paretoscope.trials.format import conditions_in_words, machine_in_words, short, when
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import write_whole

METHOD = (
    (
        "Accuracy is measured on the artefact through ONNX Runtime, on the validation split, with a"
        " 95 % Wilson interval; p is McNemar's exact test against the baseline on the same"
        " examples. Perplexity has a bootstrap interval over documents."
    ),
    (
        "Latency is taken in fresh processes in turns with the baseline, tokenization excluded,"
        " alone on the machine; the speed-up is the ratio within one sitting with its bootstrap"
        " interval."
    ),
    "Size on disk counts every file that a deployer ships.",
    (
        "A model is on the front when no other is at least as good in accuracy or perplexity, size"
        " and median latency and better in one of them."
    ),
)

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 "Source Sans 3", system-ui, sans-serif; color: #17212B; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; } h3 { font-size: 1rem; margin: .5rem 0; }
p.under { color: #5F6B76; margin: .2rem 0 1.2rem; }
.plots { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; } .plots > div { min-width: 0; }
@media (max-width: 760px) { .plots { grid-template-columns: 1fr; } }
.answer { border: 1px solid #DDE3E9; border-radius: 8px; padding: .9rem 1.1rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
table { font-size: .93rem; } th, td { text-align: left; padding: .35rem .5rem; border-bottom: 1px solid #E6EAEE; }
th { color: #5F6B76; font-weight: 600; }
.range { color: #5F6B76; } li { margin: .2rem 0; }
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
    """The report as a string. Models, tasks, machines and conditions that differ get a chapter
    each: they share no axis.
    """
    measured = [document for document in documents if document.latency and document.quality]
    if not measured:
        raise ParetoscopeError(
            "There is nothing to report: none of these trials has been measured; run one first."
        )
    chapters: dict[tuple[str, ...], list[TrialDocument]] = {}
    for document in measured:
        machine = document.machine.id if document.machine else ""
        chapters.setdefault(
            (document.model, document.task, machine, conditions_in_words(document)), []
        ).append(document)
    title = " and ".join(dict.fromkeys(short(model) for model, *_ in chapters))
    body = "".join(_chapter(found) for found in chapters.values())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport"'
        f' content="width=device-width, initial-scale=1">'
        "<title>Compression of"
        f" {html.escape(title)}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head><body>{body}"
        f"<h2>Method</h2><ul>{''.join(f'<li>{html.escape(line)}</li>' for line in METHOD)}</ul>"
        f'<p class="under">Paretoscope {__version__},'
        f" {datetime.now(UTC):%d %b %Y}</p></body></html>"
    )


def _chapter(documents: Sequence[TrialDocument]) -> str:
    table = rows(documents)
    first = table[0].document
    newest = max(
        table,
        key=lambda row: row.document.measured_at.isoformat() if row.document.measured_at else "",
    )
    runtime = first.machine.versions.get("onnxruntime", "") if first.machine else ""
    under = " · ".join(
        part
        for part in (
            f"{len(table)} models",
            conditions_in_words(first),
            machine_in_words(first),
            f"ONNX Runtime {runtime}" if runtime else "",
            when(newest.document),
        )
        if part
    )
    heading = f"{short(first.model)} on {short(first.task)}"
    return (
        f"<h1>{html.escape(heading)}</h1><p"
        f' class="under">{html.escape(under)}</p>{_answer(table)}{_plots(table)}{_chains(table)}{_table(table)}'
    )


def _answer(table: Sequence[Row]) -> str:
    baseline = next((row.point for row in table if row.document.is_baseline), None)
    first = table[0].document.axes
    limits = (MaxDrop(defaults.DROP_POINTS / 100, first.quality),) if baseline else ()
    axes = objectives(*first.objectives)
    advice = recommend([row.point for row in table], limits, axes, baseline)
    return f'<p class="answer">{html.escape(answer(advice, axes, limits))}</p>'


def _plots(table: Sequence[Row]) -> str:
    axes = table[0].document.axes
    figures = (tradeoff_figure(tradeoff(table, x, axes.quality)) for x in (axes.size, axes.time))
    return (
        "<div"
        f' class="plots">{"".join(f"<div>{_picture(figure, displaylogo=False)}</div>" for figure in figures)}</div>'
    )


def _picture(figure: Any, **config: bool) -> str:  # plotly has no types
    return figure.to_html(
        full_html=False, include_plotlyjs=False, config={"responsive": True, **config}
    )


def _chains(table: Sequence[Row]) -> str:
    """Where the chains on the front lost and won, stage by stage on equal axes; empty when none is
    there.
    """
    on_front = _on_front(table)
    chains = [
        (row.name, steps(row, table)) for row in table if row.id in on_front and is_chain(row)
    ]
    every = [step for _, found in chains for step in found]
    parts = (
        f"<div><h3>{html.escape(name)}</h3>{_picture(stages_figure(found, on_axes_of=every), displayModeBar=False)}</div>"
        for name, found in chains
    )
    return (
        f'<h2>Chains on the front, after each stage</h2><div class="plots">{"".join(parts)}</div>'
        if chains
        else ""
    )


def _on_front(table: Sequence[Row]) -> set[str]:
    return set(
        front([row.point for row in table], objectives(*table[0].document.axes.objectives)).on_front
    )


def _table(table: Sequence[Row]) -> str:
    """Best quality first, the front marked."""
    axes = table[0].document.axes
    on_front = _on_front(table)
    chance = () if METRICS[axes.quality].relative else ("p",)
    names = (
        "Model",
        "Strategy",
        *(METRICS[key].label for key in axes.objectives),
        "Speed-up",
        *chance,
        "Front",
        "When",
    )
    heads = "".join(f"<th>{head}</th>" for head in names)
    body = "".join(
        _line(row, row.id in on_front)
        for row in sorted(table, key=lambda row: row.point.cost(axes.quality))
    )
    return (
        "<h2>Models</h2><div"
        f' class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _line(row: Row, on_front: bool) -> str:
    look, paired, axes = LOOKS[row.family], row.document.paired, row.document.axes
    p = f"{paired.mcnemar_p:.3f}" if paired and not row.document.is_baseline else ""
    cells: Iterable[str] = (
        f"{look.glyph} {look.label}",
        row.said(axes.quality),
        row.said(axes.size),
        row.number(axes.time),  # its change is the next column
        row.said("speedup"),
        *(() if METRICS[axes.quality].relative else (p,)),
        "yes" if on_front else "",
        when(row.document),
    )
    return f"<tr><td>{html.escape(row.name)}</td>{''.join(f'<td>{html.escape(_in_parts(cell))}</td>' for cell in cells)}</tr>"


def _in_parts(said: str) -> str:
    r"""A number that may go on in the next line only with its interval, its change or its remark,
    so that the table fits a screen.

    >>> _in_parts("1.90 ms [1.85, 1.96] (3.9x faster), noisy").split(" ")
    ['1.90\xa0ms', '[1.85,\xa01.96]', '(3.9x\xa0faster),', 'noisy']
    """
    return re.sub(r" (?!\[|\(|noisy)", "\u00a0", said)
