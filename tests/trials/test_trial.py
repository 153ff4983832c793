"""Trial requests and documents: what makes two requests one trial, and that a document survives
being written down.
"""

from __future__ import annotations

import pytest

from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.trials.request import Conditions, TrialRequest
from paretoscope.trials.trial import TrialDocument
from tests.documents import document

REQUEST = TrialRequest(model="minilm-trec", task="trec", model_key="a" * 16, task_key="b" * 16)


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": Recipe(stages=(Quantize(),))},
        {"protocol": "standard"},
        {"conditions": Conditions(batch=8)},
        {"conditions": Conditions(threads=1)},
        {"model_key": "c" * 16},
        {"task_key": "c" * 16},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_the_result_changes_the_trial(change: dict[str, object]) -> None:
    assert REQUEST.model_copy(update=change).trial_id != REQUEST.trial_id


def test_another_name_for_the_same_content_is_the_same_trial() -> None:
    assert (
        REQUEST.model_copy(update={"model": "./a/copy/of/it", "task": "the-same.csv"}).trial_id
        == REQUEST.trial_id
    )


@pytest.mark.parametrize(
    "trial",
    [document(), document(PruneWeights(pattern="2:4"), Quantize())],
    ids=["baseline", "compressed"],
)
def test_a_document_survives_json(trial: TrialDocument) -> None:
    assert TrialDocument.model_validate(trial.to_json()) == trial
    assert TrialDocument.model_validate_json(trial.model_dump_json()) == trial


def test_what_is_missing_is_left_out_and_never_a_sentinel() -> None:
    waiting = TrialDocument(
        trial_id="a",
        recipe_id="b",
        model="m",
        task="t",
        status="queued",
        recipe=Recipe(),
        protocol="quick",
    )
    assert list(waiting.metrics()) == []
    assert waiting.to_json()["quality"] is None
