"""One HTML file about measured trials that opens without a server or network.

It opens at the answer and has an interactive front: its data is `report/points_data.py`'s, its
script is in `report/assets/` together with Plotly's basic bundle.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from paretoscope import __version__
from paretoscope.errors import ParetoscopeError
from paretoscope.frontier.limits import judged_by
from paretoscope.report.chapter import Chapter, chapters
from paretoscope.report.chapter_html import chapter_html, heading
from paretoscope.report.figures.palette import DARK, LIGHT, STYLES, Background
from paretoscope.report.points_data import encoded
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import write_whole

ASSETS = Path(__file__).parent / "assets"
PLOTLY = ASSETS / "plotly-basic.min.js"
SCRIPTS = ("numbers.js", "plots.js", "dots.js", "points.js", "page.js")
MOST_BYTES = 2_000_000
"""The size that a file stays below with 5,000 points."""
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


def write_report(
    documents: Sequence[TrialDocument], path: str | Path, picked: Sequence[str] = ()
) -> Path:
    """Write the report of `documents` to `path`, whole or not at all; returns the path.

    `picked` are ids of trials that are marked. Raises `ParetoscopeError` when nothing was measured
    or the file cannot be written.
    """
    content = report_html(documents, picked)
    try:
        write_whole(Path(path), content)
    except OSError as error:
        raise ParetoscopeError(
            f'The file "{path}" cannot be written ({error.strerror}); name a file in a folder'
            " that you may write to."
        ) from error
    return Path(path)


def report_html(documents: Sequence[TrialDocument], picked: Sequence[str] = ()) -> str:
    """The report as a string, a chapter for each model, task, machine and set of conditions.

    `picked` are ids of trials that are marked; chapters without one of them are shown as well.
    Raises `ParetoscopeError` when nothing was measured.
    """
    found = chapters(documents, picked)
    if not found:
        raise ParetoscopeError(NOTHING_MEASURED)
    title = html.escape(" and ".join(dict.fromkeys(heading(each) for each in found)))
    body = "".join(chapter_html(each, number) for number, each in enumerate(found))
    scripts = "".join(f"<script>{_asset(name)}</script>" for name in SCRIPTS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:\">"
        f"<title>{title}: compressed models</title><style>{_colors()}{_asset('page.css')}</style>"
        f"</head><body><main>{body}{_method(found)}</main>"
        f'<script type="application/octet-stream" id="data">{encoded(found)}</script>'
        f"<script>{PLOTLY.read_text(encoding='utf-8')}</script>{scripts}</body></html>"
    )


def _method(found: Sequence[Chapter]) -> str:
    """How everything was measured, what the recommendation judges by, and who made the file."""
    judged = dict.fromkeys(f"{judged_by(each.objectives, each.limits)}." for each in found)
    lines = [*METHOD, *(f"Recommendation: {each}" for each in judged)]
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    made = f"Made with Paretoscope {__version__} on {datetime.now(UTC):%d %b %Y}."
    return (
        f'<section class="end"><h2>Method</h2><ul>{items}</ul><p class="facts">{made}'
        " This file is complete: it loads nothing from a network.</p></section>"
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _colors() -> str:
    """The palette as custom properties of both themes."""
    return (
        f":root{{{_properties(LIGHT, dark=False)}}}"
        f"@media (prefers-color-scheme: dark){{:root{{{_properties(DARK, dark=True)}}}}}"
    )


def _properties(colors: Background, *, dark: bool) -> str:
    names = ("text", "faint", "grid", "shade", "paper", "accent")
    found = {name: getattr(colors, name) for name in names}
    found |= {name: style.color(dark) for name, style in STYLES.items()}
    return "".join(f"--{name}:{color};" for name, color in found.items())
