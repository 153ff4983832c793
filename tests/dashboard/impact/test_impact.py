"""Impact: the answer follows the inputs, every input is in the address, tables are edited."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from paretoscope.dashboard.impact.edits import edited
from paretoscope.dashboard.impact.inputs import BILLING
from paretoscope.errors import ParetoscopeError
from paretoscope.impact.assumptions import from_tables
from paretoscope.impact.figures import Shape, figures
from paretoscope.impact.saving import impact
from paretoscope.impact.tables import shipped
from paretoscope.impact.wording import amount, answer
from paretoscope.machine import fingerprint
from paretoscope.recipes.stages import Quantize
from paretoscope.report.tables.table import Row, rows
from paretoscope.store.store import Store
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, charts, fill, here, words
from tests.documents import decoder_document


def row_of(documents: list[TrialDocument], trial_id: str) -> Row:
    return next(row for row in rows(documents) if row.id == trial_id)


def expected(documents: list[TrialDocument], trial_id: str, **changes: Any) -> str:
    at = replace(from_tables(), **changes)
    return answer(impact(figures(row_of(documents, trial_id)), at)).replace("$", "\\$")


def test_the_picked_model_is_answered_for(open_page: Open, full: list[TrialDocument]) -> None:
    picked = full[1].trial_id
    page = open_page("impact", pick=picked)
    assert expected(full, picked) in words(page)
    assert page.query_params["pick"] == picked


def test_without_a_pick_the_recommended_model_is_shown(
    open_page: Open, full: list[TrialDocument]
) -> None:
    page = open_page("impact")
    (chosen,) = page.multiselect(key="impact_models").value
    assert chosen != full[0].trial_id
    assert expected(full, chosen) in words(page)


def test_three_models_at_most_and_never_the_baseline(
    open_page: Open, full: list[TrialDocument]
) -> None:
    ids = [each.trial_id for each in full]
    page = open_page("impact", pick=ids)
    assert page.multiselect(key="impact_models").value == ids[-3:]
    assert len(charts(page)[1]["data"]) >= 6  # a band and a line for each


def test_an_input_changes_the_answer_and_the_address(
    open_page: Open, full: list[TrialDocument]
) -> None:
    picked = full[1].trial_id
    page = open_page("impact", pick=picked)
    page.number_input(key="im_rpd").set_value(5e8).run()
    assert not page.exception
    assert page.query_params["im_rpd"] == "500000000"
    text = words(page)
    assert expected(full, picked, requests_per_day=5e8) in text
    assert "saves" in text


def test_a_preset_sets_the_number(open_page: Open, full: list[TrialDocument]) -> None:
    page = open_page("impact", pick=full[1].trial_id)
    page.button(key="im_preset_10000000").click().run()
    assert page.number_input(key="im_rpd").value == 1e7
    assert page.button(key="im_preset_10000000").disabled


def test_a_link_restores_every_input(open_page: Open, full: list[TrialDocument]) -> None:
    picked = full[1].trial_id
    page = open_page(
        "impact",
        pick=picked,
        im_rpd="2e8",
        im_billing="time",
        im_grid="France",
        im_usdh="0.2",
        im_peak="3",
    )
    changes = {
        "requests_per_day": 2e8,
        "billing": "time",
        "g_per_kwh": 56,
        "usd_per_hour": 0.2,
        "peak_factor": 3,
    }
    assert expected(full, picked, **changes) in words(page)
    assert page.query_params["im_usdh"] == "0.2"
    assert page.selectbox(key="im_billing").value in BILLING


@pytest.mark.parametrize("wrong", [{"im_rpd": "-5"}, {"im_grid": "Atlantis"}, {"im_pue": "x"}])
def test_a_wrong_value_in_a_link_is_the_default(
    open_page: Open, full: list[TrialDocument], wrong: dict[str, str]
) -> None:
    picked = full[1].trial_id
    page = open_page("impact", pick=picked, **wrong)
    assert expected(full, picked) in words(page)
    assert not set(wrong) & set(page.query_params)


def test_another_instance_brings_its_own_price(open_page: Open, full: list[TrialDocument]) -> None:
    page = open_page("impact", pick=full[1].trial_id, im_usdh="9")
    page.selectbox(key="im_instance").select("own server").run()
    assert page.number_input(key="im_usdh").value == 0
    assert page.number_input(key="im_vcpus").value == 8
    assert not page.selectbox(key="im_electricity").disabled
    page.selectbox(key="im_instance").select("c6i.large").run()
    assert page.selectbox(key="im_electricity").disabled


def test_a_language_model_has_the_shape_of_a_request(open_page: Open, store: Store) -> None:
    documents = [
        decoder_document(machine=fingerprint()),
        decoder_document(Quantize(), speedup=2.0, change=(0.0, 0.01), machine=fingerprint()),
    ]
    fill(store, documents)
    page = open_page("impact", model="smollm2-135m", pick=documents[1].trial_id)
    page.number_input(key="im_new").set_value(500.0).run()
    assert page.query_params["im_new"] == "500"
    row = row_of(documents, documents[1].trial_id)
    year = impact(figures(row, Shape(128, 500)), from_tables())
    shown = [metric.value for metric in page.metric]
    assert f"{amount(year.saved('kwh').value)} kWh" in shown


def test_the_energy_source_and_the_machine_are_named(
    open_page: Open, demo: list[TrialDocument]
) -> None:
    page = open_page("impact")
    assert "time x 15 W a core, timed on the demo machine" in words(page)


def test_only_a_baseline_offers_to_compress(open_page: Open, store: Store) -> None:
    fill(store, here()[:1])
    page = open_page("impact")
    assert "No compressed version" in words(page)
    assert not charts(page)


def test_a_noisy_session_is_said(open_page: Open, store: Store) -> None:
    base, int8, *_ = here()
    assert int8.latency
    noisy = int8.model_copy(update={"latency": int8.latency.model_copy(update={"noisy": True})})
    fill(store, [base, noisy])
    page = open_page("impact", pick=noisy.trial_id)
    assert any("noisy session" in warning.value for warning in page.warning)


def test_edits_are_applied_to_the_rows() -> None:
    grid = shipped().grid
    changes = {
        "edited_rows": {"1": {"g_per_kwh": 5}},
        "deleted_rows": [0],
        "added_rows": [{"name": "Mars", "g_per_kwh": 1}, {"g_per_kwh": 9}],
    }
    found = edited("grid", grid, changes)
    assert [row.name for row in found] == [*(row.name for row in grid[1:]), "Mars"]
    assert found[0].g_per_kwh == 5


def test_a_wrong_edit_is_refused() -> None:
    with pytest.raises(ParetoscopeError, match="row 1, g_per_kwh"):
        edited("grid", shipped().grid, {"edited_rows": {0: {"g_per_kwh": -1}}})


def test_edited_prices_count_and_go_into_the_link(
    open_page: Open, full: list[TrialDocument]
) -> None:
    page = open_page("impact", pick=full[1].trial_id)
    rows = edited("grid", shipped().grid, {"edited_rows": {0: {"g_per_kwh": 1000}}})
    state = page.session_state["impact_tables"]
    state["grid"].update(base=rows, now=rows, editor=1)
    page.run()
    assert expected(full, full[1].trial_id, g_per_kwh=1000) in words(page)
    assert page.query_params["im_gkwh"] == "1000"
    page.button(key="im_reset_grid").click().run()
    assert expected(full, full[1].trial_id) in words(page)
    assert "im_gkwh" not in page.query_params
