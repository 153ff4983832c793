"""The data behind the plots of a report: columns of rounded numbers, every text once."""

from __future__ import annotations

from paretoscope.recipes.stages import PruneWeights, Quantize
from paretoscope.report.chapter import Chapter, chapters
from paretoscope.report.figures.palette import STYLES
from paretoscope.report.plain_answer import parts
from paretoscope.report.points_data import chapter_data, decoded, encoded, theme
from tests.documents import decoder_document, document

CHAIN = document(PruneWeights(sparsity=0.5), Quantize(), quality=0.95123456, size=12_345_678)
DOCUMENTS = [document(), document(Quantize(), quality=0.955), CHAIN]


def _chapter() -> Chapter:
    (found,) = chapters(DOCUMENTS, [CHAIN.trial_id])
    return found


def test_numbers_are_rounded_in_the_shown_unit_with_their_intervals() -> None:
    data = chapter_data(_chapter())
    at = data["ids"].index(CHAIN.trial_id)
    quality, size = data["columns"]["quality"], data["columns"]["size_bytes"]
    assert (quality["v"][at], quality["lo"][at], quality["hi"][at]) == (95.12, 93.62, 96.32)
    assert size == {"v": [91, 23, 12.35]}


def test_texts_are_listed_once_and_restored() -> None:
    chapter = _chapter()
    data = chapter_data(chapter)
    stages = data["recipes"]["stages"]
    assert len(stages) == 2, "the stage of two recipes is listed once"
    at = data["ids"].index(CHAIN.trial_id)
    words = [stages[each][0] for each in data["recipes"]["at"][at]]
    assert words == [stage.in_words() for stage in CHAIN.recipe.stages]
    said = tuple(column["of"][column["at"][at]] for column in data["words"])
    assert said == parts(chapter.by_id[CHAIN.trial_id])


def test_rows_are_referred_to_by_position() -> None:
    data = chapter_data(_chapter())
    assert data["ids"][data["baseline"]] == DOCUMENTS[0].trial_id
    assert [data["ids"][each] for each in data["picked"]] == [CHAIN.trial_id]
    families = list(STYLES)
    assert [families[each] for each in data["families"]] == ["baseline", "quantization", "chain"]


def test_estimated_computed_and_normalized_numbers_say_so() -> None:
    kinds = {each["key"]: each["kind"] for each in chapter_data(_chapter())["metrics"]}
    assert kinds["energy_j"] == "estimate"
    assert kinds["latency_p50_ms"] == "normalized"
    assert kinds["quality"] == kinds["size_bytes"] == ""


def test_a_language_model_has_its_own_axes_and_no_test_of_answers() -> None:
    documents = [decoder_document(), decoder_document(Quantize(), perplexity=20.4)]
    (chapter,) = chapters(documents)
    data = chapter_data(chapter)
    assert data["axes"] == {"quality": "perplexity", "time": "tpot_ms", "size": "size_bytes"}
    assert data["tests"] == {"lost": [None, None], "gained": [None, None], "p": [None, None]}


def test_the_encoded_data_is_text_that_cannot_end_a_script() -> None:
    chapter = _chapter()
    text = encoded([chapter])
    assert text.isascii()
    assert "<" not in text
    assert decoded(text)["chapters"][0]["ids"] == [row.id for row in chapter.table]
    assert [style["label"] for style in theme()["styles"]] == [
        style.label for style in STYLES.values()
    ]
