"""Page speed: seconds from `make run` to the first chart, of later visits, and of a slider.

    python -m benchmarks.page_speed

The server starts as in `make run`, with an empty workspace, so the page shows the shipped study.
The latency of a slider is measured in the browser, from the key press to the updated number; the
computations behind it are timed separately.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.page_server import NO_BROWSER, Server, find_chromium, page_server, painted, settled
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneStructure, Quantize
from paretoscope.shape.apply_recipe import apply_recipe
from paretoscope.shape.read import read_shape
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.load import load_task
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.study import shipped_study
from paretoscope.whatif.advice import advice
from paretoscope.whatif.estimate import expected
from paretoscope.workspace import Workspace

VISITS = 7
PRESSES = 50
ONE_PLOT = (
    "import plotly.graph_objects as go, streamlit as"
    " st\nst.plotly_chart(go.Figure(go.Scatter(x=[1], y=[1], mode='markers')))\n"
)
"""The smallest Streamlit page with a plot: a lower bound for any page with a plot."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(NO_BROWSER)
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        with page_server(Workspace(Path(folder))) as server:
            measure_pages(browser, server)
        smallest = Path(folder) / "one_plot.py"
        smallest.write_text(ONE_PLOT)
        with page_server(Workspace(Path(folder)), script=smallest) as server:
            seconds = _spread(Visit.of(browser, server).plot_s for _ in range(VISITS))
            print(f"page of one point    {seconds}   Streamlit and Plotly only, for comparison")
        browser.close()
    for what, milliseconds, target in computations():
        print(f"{what:<20} {milliseconds:.1f} ms   target: at most {target} ms")


def measure_pages(browser: Browser, server: Server) -> None:
    """Print the times of the first visit, of later visits and of a slider."""
    print(f"server healthy       {server.healthy_after_s:.1f} s after start   target: at most 8 s")
    first = Visit.of(browser, server).plot_s
    print(f"first chart painted  {first:.1f} s after that   target: at most 4 s")
    new = [Visit.of(browser, server) for _ in range(VISITS)]
    for visitor, visits in (("returning", again(browser, server)), ("new", new)):
        for part, seconds in (("text", "words_s"), ("charts", "plot_s")):
            spread = _spread(getattr(visit, seconds) for visit in visits)
            print(f"{f'{visitor} visit, {part}':<23} {spread}   target: at most 2 s")
    for name, of in SLIDERS.items():
        for what, times in zip(
            ("figures", "plot"), slider_milliseconds(browser, server, of), strict=True
        ):
            spread = f"of {len(times)}: {min(times):.0f} to {max(times):.0f}"
            print(
                f"{f'{name} slider, {what}':<23} {statistics.median(times):.0f} ms ({spread})  "
                " target: 200 ms, at worst 400 ms"
            )


@dataclass(frozen=True)
class Visit:
    """Seconds until text is painted, and until the first plot shows its points."""

    words_s: float
    plot_s: float

    @classmethod
    def of(cls, browser: Browser, server: Server) -> Visit:
        """A visit with an empty browser cache."""
        with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
            return cls.within(context, server)

    @classmethod
    def within(cls, context: BrowserContext, server: Server) -> Visit:
        page = context.new_page()
        page.goto(server.url, wait_until="commit")
        painted(page)
        words, plot = page.evaluate(
            "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
            " performance.now()]"
        )
        page.close()
        return cls(words / 1000, plot / 1000)


def again(browser: Browser, server: Server) -> list[Visit]:
    """Visits with a warm browser cache."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        Visit.within(context, server)
        return [Visit.within(context, server) for _ in range(VISITS)]


def _spread(seconds: Iterable[float]) -> str:
    values = list(seconds)
    return (
        f"{statistics.median(values):.1f} s (of {len(values)}: {min(values):.1f} to"
        f" {max(values):.1f})"
    )


def computations() -> Iterator[tuple[str, float, int]]:
    """(name, milliseconds, target) of the computations behind a recipe; the fastest of five."""
    model, recipe = (
        resolve_model("minilm-trec"),
        Recipe(stages=(PruneStructure(target="ffn", ratio=0.3), Quantize())),
    )
    shape, study = read_shape(model), shipped_study()
    yield (
        "texts read again",
        _fastest(
            lambda place: load_task(
                resolve_task("trec"), (f"unknown {place}", *(model.outputs or ()))
            )
        ),
        500,
    )
    yield "shape of a model", _fastest(lambda _: read_shape(model)), 50
    applied = apply_recipe(shape, recipe)

    def another(place: int) -> Recipe:
        """A recipe that was not applied before: applied ones are cached."""
        return recipe.model_copy(update={"seed": place + 1})

    yield "expected bytes", _fastest(lambda n: apply_recipe(shape, another(n)).size), 50
    yield "estimates", _fastest(lambda _: expected(study, applied)), 50
    yield "advice", _fastest(lambda _: advice(recipe, applied=applied)), 50


def _fastest(compute: Callable[[int], object]) -> float:
    def milliseconds(place: int) -> float:
        start = time.perf_counter()
        compute(place)
        return (time.perf_counter() - start) * 1000

    return min(milliseconds(place) for place in range(5))


@dataclass(frozen=True)
class Slider:
    """A slider of a page, and what a press changes: the text of `figures`, the drawing `plot`."""

    page: str
    slider: str
    figures: str
    plot: str
    first: str = ""
    """A switch to click before."""


SLIDERS = {
    "Explore": Slider(
        "", ".st-key-drop_slider", ".st-key-drop_typed input", ".st-key-achart .shapelayer"
    ),
    "Compress": Slider(
        "compress",
        ".st-key-form_ffn_ratio",
        "dl.figures",
        ".st-key-recipe_plot .scatterlayer",
        ".st-key-form_on_ffn label",
    ),
}
STATE = """([figures, plot]) => [
    document.querySelector(figures)?.value ?? document.querySelector(figures)?.innerText,
    document.querySelector(plot)?.innerHTML]"""
TIMES = """async ([figures, plot, before]) => {
    const read = STATE, start = performance.now(), found = [null, null];
    while (found.includes(null) && performance.now() - start < 5000) {
        read([figures, plot]).forEach((now, at) => {
            if (found[at] === null && now !== before[at]) found[at] = performance.now() - start;
        });
        await new Promise(requestAnimationFrame);
    }
    return found;
}""".replace("STATE", f"({STATE})")


def slider_milliseconds(
    browser: Browser, server: Server, of: Slider, presses: int = PRESSES
) -> tuple[list[float], list[float]]:
    """From a key press to the new figures, and to the new plot.

    Raises `RuntimeError` when a press changes nothing within 5 s.
    """
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{server.url}/{of.page}")
        painted(page)
        settled(page)
        if of.first:
            page.locator(of.first).first.click()
            settled(page)
        times = [_press(page, of, at) for at in range(presses)]
    if any(each is None for pair in times for each in pair):
        raise RuntimeError(f"a press of {of.slider} changed nothing within 5 s")
    return [figures or 0.0 for figures, _ in times], [plot or 0.0 for _, plot in times]


def _press(page: Page, of: Slider, at: int) -> tuple[float | None, float | None]:
    before = page.evaluate(STATE, [of.figures, of.plot])
    page.locator(of.slider).get_by_role("slider").press(
        "ArrowLeft" if at % 2 == 0 else "ArrowRight"
    )
    figures, plot = page.evaluate(TIMES, [of.figures, of.plot, before])
    settled(page)
    return figures, plot


if __name__ == "__main__":
    main()
