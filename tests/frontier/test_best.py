"""The best model is named only where the difference is beyond chance."""

from __future__ import annotations

import numpy as np
import pytest

from paretoscope.frontier.best import clear_best
from paretoscope.frontier.points import point
from paretoscope.recipes.stages import Quantize
from paretoscope.trials.samples import Samples
from paretoscope.trials.trial import TrialDocument
from tests.documents import decoder_document, document

INT8 = document(Quantize(), quality=0.955, size=23_000_000)
INT4 = document(Quantize(scheme="weight-only", bits=4), quality=0.90, size=18_000_000, speedup=2.02)


def best(key: str, *documents: TrialDocument, kept: dict[str, Samples] | None = None) -> str | None:
    by_id = {each.trial_id: each for each in documents}
    return clear_best(key, [point(each) for each in documents], by_id, kept or {})


def samples(right: int, n: int = 200) -> Samples:
    """A model that predicts the first `right` of `n` texts correctly."""
    predicted = np.where(np.arange(n) < right, 0, 1)
    return Samples(np.zeros(n, np.int64), np.eye(2, dtype=np.float32)[predicted], ())


def test_sizes_are_exact() -> None:
    assert best("size_bytes", INT8, INT4) == INT4.trial_id
    equal = INT4.model_copy(update={"artifact": INT8.artifact})
    assert best("size_bytes", INT8, equal) is None


def test_overlapping_intervals_have_no_best() -> None:
    assert best("latency_p50_ms", INT8, INT4) is None, "2.00x and 2.02x"
    faster = document(Quantize(scheme="int8-static"), speedup=4.0)
    assert best("latency_p50_ms", INT8, faster) == faster.trial_id


def test_a_number_without_an_interval_is_never_best() -> None:
    assert best("peak_memory_bytes", INT8, INT4) is None, "measured once"


def test_a_noisy_session_is_never_the_fastest() -> None:
    faster = document(Quantize(scheme="int8-static"), speedup=4.0, size=1)
    assert faster.latency
    noisy = faster.latency.model_copy(update={"noisy": True})
    faster = faster.model_copy(update={"latency": noisy})
    assert best("latency_p50_ms", INT8, faster) is None
    assert best("size_bytes", INT8, faster) == faster.trial_id


@pytest.mark.parametrize(("right", "clear"), [(195, True), (182, False)])
def test_quality_is_decided_by_the_paired_test(right: int, clear: bool) -> None:
    kept = {INT8.trial_id: samples(right), INT4.trial_id: samples(180)}
    assert best("quality", INT8, INT4, kept=kept) == (INT8.trial_id if clear else None)


def test_without_predictions_intervals_of_quality_must_not_overlap() -> None:
    near = document(Quantize(scheme="int8-static"), quality=0.95)
    assert best("quality", INT8, INT4) == INT8.trial_id, "94.0 to 96.7 and 88.5 to 91.2"
    assert best("quality", INT8, near) is None


def test_perplexity_is_decided_by_its_paired_change() -> None:
    base = decoder_document()
    worse = decoder_document(Quantize(), perplexity=20.4, change=(0.01, 0.03))
    unclear = decoder_document(Quantize(embedding_bits=4), perplexity=20.2, change=(-0.01, 0.03))
    assert best("perplexity", base, worse) == base.trial_id
    assert best("perplexity", base, unclear) is None


def test_one_model_has_nothing_to_be_better_than() -> None:
    assert best("size_bytes", INT8) is None
