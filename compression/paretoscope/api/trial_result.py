"""The result of `compress`: a trial document with its artefact, a figure and a table."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from paretoscope.report.tables.html_table import html_table
from paretoscope.report.tables.table import Row, rows
from paretoscope.trials.format import conditions_in_words, machine_in_words, short
from paretoscope.trials.metrics import METRICS
from paretoscope.trials.trial import TrialDocument

if TYPE_CHECKING:
    import pandas as pd  # pyright: ignore[reportMissingTypeStubs]
    import plotly.graph_objects as go  # pyright: ignore[reportMissingTypeStubs]


class TrialResult(TrialDocument):
    """A measured trial. All fields are those of its `TrialDocument`."""

    _root: Path = PrivateAttr(default=Path())

    @classmethod
    def of(cls, document: TrialDocument, root: Path) -> TrialResult:
        """The result with this document; `root` is the folder of its workspace."""
        result = cls.model_construct(document.model_fields_set, **dict(document))
        result._root = root
        return result

    @property
    def folder(self) -> Path:
        """The folder of the artefact, with `model.onnx`, the tokenizer and `run.py`."""
        return self._root / (self.artifact.path if self.artifact else "")

    def figure(
        self, x: str | None = None, y: str | None = None, *, dark: bool = False
    ) -> go.Figure:
        """The model and the uncompressed one as a plotly figure, metric `y` against metric `x`.

        By default quality against latency. Raises `ParetoscopeError` for a metric that is unknown
        or not measured.
        """
        from paretoscope.api.figures import figure_of  # loads plotly
        from paretoscope.report.figures.tradeoff_figure import PlotOptions

        return figure_of(rows([self]), x, y, PlotOptions(dark=dark))

    def to_frame(self) -> pd.DataFrame:
        """A row for each metric: value with its 95 % interval and baseline, in stored units."""
        pandas: Any = import_module("pandas")  # takes half a second
        row = Row(self)
        known = {key: found for key, found in row.values.items() if found}
        content = {
            "value": [found.value for found in known.values()],
            "low": [found.low for found in known.values()],
            "high": [found.high for found in known.values()],
            "baseline": [row.baseline.get(key) for key in known],
        }
        index = pandas.Index(list(known), name="metric")
        return pandas.DataFrame(content, index=index, dtype=float)

    def _repr_html_(self) -> str:
        row = Row(self)
        caption = (
            f"{short(self.model)} on {short(self.task)}: {self.recipe.in_words()}"
            f" ({machine_in_words(self)}; {conditions_in_words(self)}; 95 % intervals)"
        )
        known = (METRICS[key] for key, found in row.values.items() if found)
        return html_table(
            caption,
            ["metric", "this model", "uncompressed", "change"],
            (
                [
                    each.label,
                    row.number(each.key),
                    each.format(row.baseline.get(each.key)),
                    row.change(each.key),
                ]
                for each in known
            ),
        )
