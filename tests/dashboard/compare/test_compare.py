"""Compare: picks, the comparison in words, bars, recipes, chains and missing samples."""

from __future__ import annotations

import json
import re
from typing import Any

from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.compare import chosen_models, own_text, verdict
from paretoscope.frontier.comparison import headline, judged_by, pair, standings
from paretoscope.recipes.diff import recipe_differences
from paretoscope.recipes.plain_words import differences_in_words
from paretoscope.report.tables.table import rows
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, charts, fill, here, words
from tests.documents import decoder_document

BASELINE, INT8, _, FOUR_BITS, *_ = here()


def html(app: AppTest) -> str:
    """The HTML of the page without its tags."""
    bodies = " ".join(element.proto.body for element in app.get("html"))
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", bodies))
    return re.sub(r"\s+", " ", text)


def test_without_picks_baseline_and_recommended_model_are_compared(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare")
    assert chosen_models.NOTHING_PICKED in words(app)
    first, second = app.multiselect(key=chosen_models.CHOICE).value
    assert first == BASELINE.trial_id
    assert second != first


def test_the_page_begins_with_the_comparison_in_words(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare", pick=[INT8.trial_id])
    assert (
        "### **int8** is 2.0x faster and 4.0x smaller; accuracy -0.5 points, borderline, probably a"
        " loss (12 lost, 4 gained, p = .08)." in words(app)
    )
    sentences = [verdict.sentence(row) for row in rows(full) if not row.document.is_baseline]
    shown = words(open_page("compare", pick=[each.trial_id for each in full[:6]]))
    assert sum(f"- {sentence}" in shown for sentence in sentences) == 5


def test_metrics_have_values_intervals_changes_and_bars(
    open_page: Open, full: list[TrialDocument]
) -> None:
    picked = [BASELINE.trial_id, INT8.trial_id, FOUR_BITS.trial_id]
    app = open_page("compare", pick=picked)
    text = html(app)
    assert "95.5 % [94.0, 96.7]" in text
    assert "23.0 MB 4.0x smaller" in text
    assert "18.0 MB best 5.1x smaller" in text
    (table,) = [each.proto.body for each in app.get("html") if "<table>" in each.proto.body]
    assert table.count('<th scope="col"') == len(picked)
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%;background", table)]
    assert max(widths) == 100.0


def test_dominance_is_below_it(open_page: Open, full: list[TrialDocument]) -> None:
    pruned = next(each for each in full if each.recipe.in_words() == "magnitude 50 %")
    picked = [row for row in rows(full) if row.id in (INT8.trial_id, pruned.trial_id)]
    found = standings([row.point for row in picked], judged_by([INT8, pruned]))
    assert found[1][INT8.trial_id] == (pruned.trial_id,)
    text = words(open_page("compare", pick=[INT8.trial_id, pruned.trial_id]))
    assert headline(*found, verdict.short_names(picked))[0] in text


def test_recipes_are_chips_words_and_a_table_of_settings(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare", pick=[INT8.trial_id, FOUR_BITS.trial_id])
    phrases = differences_in_words(INT8.recipe, FOUR_BITS.recipe)
    assert f"Compared with int8: {'; '.join(phrases)}." in words(app)
    assert "■ int4" in html(app)
    table: Any = app.table[0].value
    assert table.to_dict("list") == {
        "Setting": [
            each.in_words() for each in recipe_differences([INT8.recipe, FOUR_BITS.recipe])
        ],
        "int8": ["int8-dynamic", "8"],
        "int4": ["weight-only", "4"],
    }


def test_one_pick_is_compared_with_the_baseline_and_picks_are_in_the_link(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare", pick=[INT8.trial_id])
    assert app.multiselect(key="compared").value == [BASELINE.trial_id, INT8.trial_id]
    app.multiselect(key="compared").set_value([INT8.trial_id, FOUR_BITS.trial_id]).run()
    assert app.query_params["pick"] == [INT8.trial_id, FOUR_BITS.trial_id]
    assert not app.exception


def test_a_single_model_cannot_be_compared(open_page: Open, store: Store) -> None:
    fill(store, [here()[0]])
    assert chosen_models.TOO_FEW in words(open_page("compare"))


def test_a_study_without_samples_says_so_and_offers_to_make_the_models(
    open_page: Open, demo: list[TrialDocument]
) -> None:
    app = open_page("compare", pick=[demo[0].trial_id, demo[1].trial_id])
    assert chosen_models.NO_SAMPLES in words(app)
    assert own_text.unavailable(["Baseline", "int8"], demo=True) in words(app)
    assert app.text_input(key="asked").disabled
    makes = [button.key for button in app.button if button.key and "make_text" in button.key]
    assert len(makes) == 2


def test_missing_samples_and_artefacts_are_reported(
    open_page: Open, full: list[TrialDocument]
) -> None:
    app = open_page("compare", pick=[INT8.trial_id, FOUR_BITS.trial_id])
    text = words(app)
    assert pair(INT8, FOUR_BITS, None, None).reason in text
    assert own_text.unavailable(["int8", "int4"], demo=False) in text
    assert not charts(app)
    assert app.text_input(key="asked").disabled


def test_damaged_samples_are_a_card_and_the_rest_stays(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    (store.root / "samples").mkdir()
    (store.root / "samples" / f"{INT8.trial_id}.npz").write_bytes(b"nonsense")
    app = open_page("compare", pick=[BASELINE.trial_id, INT8.trial_id])
    assert "cannot be read" in app.error[0].value
    assert "95.5 %" in html(app)


def test_chains_are_read_stage_by_stage_on_equal_axes(
    open_page: Open, full: list[TrialDocument], store: Store
) -> None:
    chains = [each.trial_id for each in full if len(each.recipe.stages) > 1]
    app = open_page("compare", pick=chains)
    pictures: list[Any] = [chart["layout"] for chart in charts(app) if "xaxis3" in chart["layout"]]
    assert len(pictures) == len(chains) == 2
    ranges = {
        json.dumps([layout[axis]["range"] for axis in ("xaxis", "xaxis2", "xaxis3")])
        for layout in pictures
    }
    assert len(ranges) == 1
    assert words(app).count("not measured") == 2, "the student, and half of the neurons"
    app.button(key=f"steps_{chains[0]}").click().run()
    assert [row.request.recipe.stages for row in store.trials() if row.status == "queued"] == [
        full[5].recipe.stages[:1]
    ]


def test_a_language_model_without_artefact_has_a_disabled_prompt(
    open_page: Open, store: Store
) -> None:
    small = decoder_document(*INT8.recipe.stages, speedup=1.5, size=140_000_000)
    fill(store, [decoder_document(), small])
    app = open_page("compare", model="smollm2-135m", task="prose")
    assert [area.disabled for area in app.text_area if area.label == "Prompt"] == [True]
    assert "Perplexity" in html(app)
