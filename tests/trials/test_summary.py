"""A summary has what tables and plots show of a document, and survives being stored."""

from __future__ import annotations

import pytest

from paretoscope.frontier.normalize import normalized, reference
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.short_name import short_name
from paretoscope.recipes.stages import Distill, Quantize
from paretoscope.report.tables.table import Row, baseline_of, rows
from paretoscope.trials.study import shipped_study
from paretoscope.trials.summary import Columns, Summary, read_summary, summary
from paretoscope.trials.trial import Interval, Measured, TrialDocument
from tests.documents import decoder_document, document

FOUND = [
    document(),
    document(Quantize()).model_copy(update={"placebo": Interval(value=1, low=0.98, high=1.02)}),
    document(Distill(layers=3), Quantize()),
    decoder_document(),
    decoder_document(Quantize(scheme="weight-only", bits=4), perplexity=21, change=(0.04, 0.06)),
    document(Quantize()).model_copy(update={"latency": None, "speedup": None, "quality": None}),
    *shipped_study(),
]


def stored(of: Summary) -> Summary:
    """The summary after it was written and read."""
    return read_summary(Columns(*(getattr(of, name) for name in Columns._fields)), of.to_text())


@pytest.mark.parametrize("trial", FOUND, ids=lambda trial: trial.trial_id)
def test_a_summary_reads_as_it_was_written(trial: TrialDocument) -> None:
    assert stored(summary(trial)) == summary(trial)


@pytest.mark.parametrize("trial", FOUND, ids=lambda trial: trial.trial_id)
def test_a_summary_has_the_numbers_of_its_document(trial: TrialDocument) -> None:
    found = stored(summary(trial))
    assert list(found.numbers.values()) == list(trial.metrics())
    assert found.recipe == trial.recipe
    assert (found.name, found.short) == (trial.recipe.in_words(), short_name(trial.recipe))
    assert found.is_baseline == trial.is_baseline
    assert (found.axes, found.generates) == (trial.axes, trial.generates)
    assert found.measured_under == trial.measured_under
    assert found.noisy == bool(trial.latency and trial.latency.noisy)


@pytest.mark.parametrize("trial", [each for each in FOUND if each.baseline and each.latency])
def test_the_baseline_of_a_summary_is_that_of_its_document(trial: TrialDocument) -> None:
    ours, theirs = stored(summary(trial)).of_baseline(), summary(baseline_of(trial))
    assert ours.recipe == Recipe()
    for name in Summary.__dataclass_fields__:
        if name != "ttft_placebo":
            assert getattr(ours, name) == getattr(theirs, name), name


def test_a_trial_without_a_baseline_has_none() -> None:
    with pytest.raises(ValueError, match="no paired baseline"):
        summary(document()).of_baseline()


def test_rows_of_summaries_show_what_rows_of_documents_show() -> None:
    models = {trial.model for trial in shipped_study()}
    for trials in ([each for each in shipped_study() if each.model == model] for model in models):
        ours, theirs = rows([stored(summary(each)) for each in trials]), rows(trials)
        assert [row.short_name for row in ours] == [row.short_name for row in theirs]
        for one, other in zip(ours, theirs, strict=True):
            keys = list(other.values)
            assert one.hover(*keys) == other.hover(*keys)
            assert one.baseline == other.baseline
            assert one.family == other.family
            assert one.timing_note() == other.timing_note()


def test_the_document_of_a_row_is_read_when_it_is_needed() -> None:
    trial, read = document(Quantize()), list[str]()

    def load(trial_id: str) -> TrialDocument:
        read.append(trial_id)
        return trial

    base, own = rows([stored(summary(trial))], load)
    assert own.number_and_change("size_bytes")
    assert read == []
    assert own.document is trial
    assert isinstance(trial.baseline, Measured)
    assert base.document.artifact == trial.baseline.artifact
    assert read == [trial.trial_id, trial.trial_id]


def test_a_long_table_has_unique_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paretoscope.report.tables.table.NAMED_BY_SETTINGS", 3)
    stages = [
        Quantize(scheme="weight-only", bits=4, group_size=size, embedding_bits=bits)
        for size in (32, 64, 128)
        for bits in (8, 4)
    ]
    names = [row.short_name for row in rows([document(), *map(document, stages)])]
    assert len(set(names)) == 7
    assert names[0] == "Baseline"
    assert max(map(len, names)) <= 28


def test_normalized_numbers_do_not_depend_on_what_holds_them() -> None:
    trials = [decoder_document(), decoder_document(Quantize(), perplexity=21, speedup=1.5)]
    shared = reference(trials)
    assert shared == reference(map(summary, trials))
    for trial in trials:
        assert list(normalized(trial, shared)) == list(normalized(summary(trial), shared))


def test_a_row_without_a_way_to_read_its_document_says_so() -> None:
    from paretoscope.errors import StoreError

    with pytest.raises(StoreError, match="not at hand"):
        _ = Row(summary(document())).document
