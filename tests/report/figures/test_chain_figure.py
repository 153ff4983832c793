"""The picture of a chain: every measured step has its marks at its own height, and a missing one is
named without them.
"""

from __future__ import annotations

from typing import Any

import pytest

from paretoscope.recipes.stages import Distill, PruneWeights, Quantize
from paretoscope.report.figures.chain_figure import PANELS, stages_figure
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.tables.chain import Step, steps
from paretoscope.report.tables.table import rows
from tests.documents import document

STUDENT, SPARSE, INT8 = Distill(layers=3), PruneWeights(sparsity=0.5), Quantize()
CHAIN = document(
    STUDENT,
    SPARSE,
    INT8,
    quality=0.93,
    speedup=4.0,
    size=17_000_000,
    stage_seconds=(80.0, 2.0, 0.5),
)


def found_steps() -> tuple[Step, ...]:
    """The model after the second stage was not measured."""
    table = rows([document(), document(STUDENT, quality=0.94, speedup=2.0), CHAIN])
    return steps(next(row for row in table if row.document.recipe == CHAIN.recipe), table)


@pytest.fixture(scope="module")
def figure() -> Any:  # plotly has no types
    return stages_figure(found_steps())


def test_a_panel_for_how_good_how_large_and_how_fast(figure: Any) -> None:
    assert [trace.type for trace in figure.data] == ["scatter", "bar", "bar"]
    quality, size, time = (list(trace.x) for trace in figure.data)
    assert quality == pytest.approx([96.0, 94.0, 93.0])
    assert size[-1] == pytest.approx(17.0)
    assert time[0] / time[-1] == pytest.approx(4.0)


def test_an_interval_reaches_from_low_to_high(figure: Any) -> None:
    dots, last = figure.data[0], found_steps()[-1].row
    interval = last.point.interval("quality") if last else None
    assert interval is not None
    assert dots.x[-1] - dots.error_x.arrayminus[-1] == pytest.approx(interval[0] * 100)
    assert dots.x[-1] + dots.error_x.array[-1] == pytest.approx(interval[1] * 100)


def test_colour_and_shape_are_what_was_done_last(figure: Any) -> None:
    styles = [STYLES[name] for name in ("baseline", "distillation", "quantization")]
    assert list(figure.data[0].marker.symbol) == [style.symbol for style in styles]
    assert list(figure.data[1].marker.color) == [style.light_color for style in styles]


def test_a_step_that_was_not_measured_is_named_and_has_no_marks(figure: Any) -> None:
    names = [word.text for word in figure.layout.annotations if "·" in word.text]
    assert ["not measured" in name for name in names] == [False, True, False]
    assert "2 s" in names[1]
    heights = list(figure.data[0].y)
    assert len(heights) == 3
    assert heights[1] - heights[2] == pytest.approx(2.0)  # its row stays empty


def test_numbers_stand_beside_the_marks_and_not_on_them(figure: Any) -> None:
    for trace in figure.data:
        axis = figure.layout[trace.xaxis.replace("x", "xaxis")]
        ends = [x + up for x, up in zip(trace.x, trace.error_x.array, strict=True)]
        assert max(ends) < axis.range[0] + (axis.range[1] - axis.range[0]) / 2
    numbers = [word for word in figure.layout.annotations if word.xanchor == "right"]
    assert {word.x for word in numbers} == {right for _, right in PANELS}
    assert "17.0 MB" in [word.text for word in numbers]


def test_pictures_side_by_side_have_equal_axes(figure: Any) -> None:
    whole, short = found_steps(), found_steps()[:2]
    single: Any = stages_figure(short).layout
    aligned: Any = stages_figure(short, on_axes_of=whole).layout
    ranges = [
        [layout[f"xaxis{panel}"].range for panel in (1, 2, 3)]
        for layout in (single, aligned, figure.layout)
    ]
    assert ranges[0] != ranges[2]
    assert ranges[1] == ranges[2]


def test_a_chain_of_which_nothing_is_measured_is_still_named() -> None:
    bare = tuple(
        Step(step.stage, step.recipe, None, step.seconds, step.axes) for step in found_steps()
    )
    empty: Any = stages_figure(bare, dark=True)
    assert all(len(trace.x) == 0 for trace in empty.data)
    assert sum("not measured" in word.text for word in empty.layout.annotations) == 4
