"""A shared file with 5,000 points: its size, and how fast it opens, pans and selects.

    python -m benchmarks.report_speed

The points are those of the shipped study, repeated with small changes of their numbers. A pan is
one movement of the mouse, from the event to the next painted frame.
"""

from __future__ import annotations

import random
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.page_server import NO_BROWSER, find_chromium
from paretoscope.recipes.recipe import Recipe
from paretoscope.report.html import MOST_BYTES, write_report
from paretoscope.trials.study import shipped_study
from paretoscope.trials.trial import TrialDocument

POINTS, FEW = 5000, 50
MOVES = 40
MODEL = "minilm-trec"
PAN_MS, SELECT_MS = 50, 200
PAN = """async (moves) => {
  const area = document.querySelector(".plot .nsewdrag").getBoundingClientRect();
  const [x, y] = [area.x + area.width / 2, area.y + area.height / 2];
  const send = (target, kind, dx) => target.dispatchEvent(new MouseEvent(kind, {
    bubbles: true, cancelable: true, view: window, button: 0, buttons: 1,
    clientX: x + dx, clientY: y + dx / 3 }));
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(null);
  }));
  const times = [];
  send(document.querySelector(".plot .nsewdrag"), "mousedown", 0);
  for (let at = 1; at <= moves; at += 1) {
    await painted();
    const start = performance.now();
    send(document.querySelector(".dragcover") || document, "mousemove", 4 * at);
    await painted();
    times.push(performance.now() - start);
  }
  send(document.querySelector(".dragcover") || document, "mouseup", 4 * moves);
  return times;
}"""
SELECT = """async () => {
  const list = document.querySelector(".list select");
  const start = performance.now();
  list.value = list.options[Math.floor(list.options.length / 2)].value;
  list.dispatchEvent(new Event("change"));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            raise SystemExit(NO_BROWSER)
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        for count in (FEW, POINTS):
            file = write_report(many(count), Path(folder) / f"{count}.html")
            size = file.stat().st_size
            print(f"{count} points: {size / 1e6:.2f} MB   target: at most {MOST_BYTES / 1e6:g} MB")
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(file.as_uri())
            _measure(page)
            page.close()
        browser.close()


def _measure(page: Page) -> None:
    page.wait_for_selector("body[data-ready]")
    ready = page.evaluate("performance.now()")
    frames = pan_milliseconds(page)
    selected = page.evaluate(SELECT)
    print(f"  ready after {ready:.0f} ms")
    print(
        f"  pan {statistics.median(frames):.0f} ms (of {MOVES}: {min(frames):.0f} to"
        f" {max(frames):.0f})   target: under {PAN_MS} ms"
    )
    print(f"  select {selected:.0f} ms   target: under {SELECT_MS} ms")


def pan_milliseconds(page: Page) -> list[float]:
    """Milliseconds from each movement of the mouse to the painted frame."""
    return page.evaluate(PAN, MOVES)


def many(count: int) -> list[TrialDocument]:
    """`count` documents with recipes and numbers like those of the shipped study."""
    chance = random.Random(0)
    study = [each for each in shipped_study() if each.model == MODEL]
    return [*study[:count], *(_like(chance, study, at) for at in range(len(study), count))]


def _like(chance: random.Random, study: list[TrialDocument], at: int) -> TrialDocument:
    """A trial of the study with another seed and other numbers."""
    made = chance.choice([each for each in study if not each.is_baseline])
    assert made.artifact
    assert made.quality
    assert made.speedup
    recipe = Recipe(stages=made.recipe.stages, seed=at)
    drop, factor = chance.uniform(0, 0.04), chance.uniform(0.7, 1.4)
    changes = {"value": made.quality.value - drop, "low": made.quality.low - drop}
    ratio = made.speedup.model_dump()
    return made.model_copy(
        update={
            "trial_id": f"{at:012x}",
            "recipe": recipe,
            "recipe_id": recipe.id,
            "quality": made.quality.model_copy(update=changes),
            "speedup": made.speedup.model_copy(
                update={key: value * factor for key, value in ratio.items()}
            ),
            "artifact": made.artifact.model_copy(
                update={"size_bytes": round(made.artifact.size_bytes / factor)}
            ),
        }
    )


if __name__ == "__main__":
    main()
