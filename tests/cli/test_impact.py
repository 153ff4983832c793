"""`impact`: the saving of a trial, with typed numbers in place of the tables'."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paretoscope.cli.parser import main
from paretoscope.impact.assumptions import from_tables
from paretoscope.store.store import Store
from paretoscope.trials.study import shipped_study
from tests.cli.test_verbs import Say
from tests.cli.trials import INT8, done, session


def test_a_trial_of_this_workspace(say: Say, store: Store) -> None:
    made = done(store, INT8, **session(8.0, 2.0))
    found = say("impact", made.trial_id[:6], "--requests-per-day", "864e6", "--pue", "1")
    # 10,000 requests a second x 8 ms x 2 threads = 160 vCPUs, 1.2 on each instance
    assert (found["baseline"]["instances"], found["model"]["instances"]) == (134, 67)
    assert found["saved"]["usd"]["value"] == pytest.approx(67 * 8760 * 0.085)
    assert found["assumptions"]["pue"] == 1
    assert found["assumptions"]["g_per_kwh"] == from_tables().g_per_kwh


def test_a_language_model_of_the_study_with_another_shape(say: Say) -> None:
    trial = next(
        each.trial_id for each in shipped_study() if each.generation and each.recipe.stages
    )
    short, long = (
        say("impact", trial, "--new-tokens", tokens)["model"]["kwh"] for tokens in ("10", "200")
    )
    assert long > 5 * short


def test_rows_of_the_tables_are_chosen_by_name(say: Say) -> None:
    trial = next(each.trial_id for each in shipped_study() if each.recipe.stages)
    found = say("impact", trial, "--grid", "France", "--instance", "own server")
    assert found["assumptions"]["g_per_kwh"] == 56
    assert found["assumptions"]["pays_electricity"]


def test_the_text_names_energy_source_and_table_sources(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trial = next(each.trial_id for each in shipped_study() if each.recipe.stages)
    assert main(["impact", trial]) == 0
    shown = capsys.readouterr().out
    assert "Energy: estimate: p50 x 2 threads x 5 W per core" in shown
    assert "c6i.large: https://aws.amazon.com" in shown


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--instance", "c6i.larg", 'did you mean "c6i.large"'),
        ("--pue", "0.5", "pue cannot be 0.5"),
        ("--requests-per-day", "0", "requests_per_day cannot be 0"),
    ],
)
def test_bad_input_is_one_sentence(
    refused: Callable[..., str], option: str, value: str, named: str
) -> None:
    assert named in refused("impact", "0123456789ab", option, value)
