"""The playground of language models, with stand-ins that generate one sentence each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from paretoscope.dashboard.compare import (
    generated_text,
    generation_playground,
    generation_settings,
)
from paretoscope.errors import ArtifactError
from paretoscope.inference.sampling import Sampling
from paretoscope.inference.side_by_side import Generated
from paretoscope.store.store import Store
from paretoscope.trials.progress import Progress
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open, enqueue, fill, here, words
from tests.documents import decoder_document

BASELINE, INT8, _, FOUR_BITS, *_ = here()


@dataclass
class Parrot:
    """Generates `sentence` word by word, 20 ms a word; records its calls."""

    sentence: str
    calls: list[dict[str, Any]] = field(default_factory=list)

    def encode(self, text: str) -> list[int]:
        return list(range(len(text.split())))

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.sentence.split("|")[number] for number in ids)

    def chat_prompt(self, text: str) -> str:
        return f"<user> {text}"

    def stream(self, prompt: Sequence[int], **settings: Any) -> Iterator[Any]:
        if len(prompt) > 50:
            raise ArtifactError(
                f"The prompt has {len(prompt)} tokens, but the model reads at most 50; shorten it."
            )
        self.calls.append({"prompt": len(prompt), **settings})
        return iter(
            [
                SimpleNamespace(id=number, seconds=0.02)
                for number in range(len(self.sentence.split("|")))
            ][: settings["max_new_tokens"]]
        )


def relocated(made: TrialDocument) -> TrialDocument:
    """The trial as one of a language model, with its artefact in this test's workspace."""
    assert made.artifact
    artifact = made.artifact.model_copy(update={"path": f"artifacts/{made.trial_id}"})
    generation = decoder_document().generation
    return made.model_copy(update={"artifact": artifact, "generation": generation})


@pytest.fixture
def parrots(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, Parrot]:
    """Two language models in the store, by trial id."""
    found = {
        BASELINE.trial_id: Parrot("Paris| is| the| capital| *of*| France|."),
        INT8.trial_id: Parrot("Paris| is| a| town|."),
    }
    documents = []
    for made in (BASELINE, INT8, FOUR_BITS):
        folder = store.root / "artifacts" / made.trial_id
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"conditions": {"threads": 1}}))
        documents.append(relocated(made))
    fill(store, documents)

    def opened(folder: str, changed_ns: int) -> Parrot:
        if Path(folder).name not in found:
            raise ArtifactError(
                f'The folder "{folder}" holds no language model that runs; make the artefact again.'
            )
        return found[Path(folder).name]

    monkeypatch.setattr(generation_playground, "_opened", opened)
    return found


def compared(open_page: Open) -> AppTest:
    return open_page("compare", pick=[BASELINE.trial_id, INT8.trial_id])


def test_the_first_differing_word_is_marked(
    open_page: Open, parrots: dict[str, Parrot], store: Store
) -> None:
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where is Paris ?").run()
    app.button(key=generation_playground.GENERATE).click().run()
    assert not app.exception
    text = words(app)
    assert "Paris is the capital \\*of\\* France\\." in text
    assert "Paris is :orange-background[a] town\\." in text
    assert f"7 tokens, first after 20 ms, 50.0 tokens/s, {generated_text.COMPLETE}" in text
    assert f"{generated_text.difference(9)}, {generated_text.COMPLETE}" in text
    assert parrots[INT8.trial_id].calls == [
        {"prompt": 5, "max_new_tokens": 64, "sampling": Sampling()}
    ]
    assert not any(
        b"Where is Paris" in path.read_bytes() for path in store.root.rglob("*") if path.is_file()
    )
    assert "Paris" not in json.dumps(dict(app.query_params))


def test_texts_remain_after_another_interaction(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where ?").run()
    app.button(key=generation_playground.GENERATE).click().run()
    assert generation_playground.OUTDATED not in words(app)
    app.select_slider(key="new_tokens").set_value(16).run()
    assert generation_playground.OUTDATED in words(app)
    assert "Paris is :orange-background[a] town\\." in words(app)
    assert len(parrots[INT8.trial_id].calls) == 1
    assert generation_playground.STOP not in [each.key for each in app.button]


def test_the_end_of_a_text_is_shown(open_page: Open, parrots: dict[str, Parrot]) -> None:
    parrots[BASELINE.trial_id].sentence = "|".join(["and so on "] * 20)
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where ?").run()
    app.select_slider(key="new_tokens").set_value(16).run()
    app.button(key=generation_playground.GENERATE).click().run()
    cut = generated_text.end(Generated(list(range(16)), [0.02] * 16, ended=True), 16)
    assert f"16 tokens, first after 20 ms, 50.0 tokens/s, {cut}" in words(app)
    app.session_state[generation_playground.TEXTS][
        INT8.trial_id
    ].ended = False  # as a press leaves it that comes in between
    app.run()
    assert f"{generated_text.difference(0)}, {generated_text.STOPPED}" in words(app)


def test_sampling_settings_are_equal_for_all_models(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Once upon a").run()
    app.segmented_control(key="prompt_is").set_value(generation_settings.BEGINNING).run()
    app.segmented_control(key="next_token").set_value(generation_settings.SAMPLED).run()
    app.slider(key="temperature").set_value(1.2).run()
    app.number_input(key="seed").set_value(7).run()
    app.button(key=generation_playground.GENERATE).click().run()
    sampling = Sampling(temperature=1.2, top_p=0.95, seed=7)
    wanted = {"prompt": 3, "max_new_tokens": 64, "sampling": sampling}
    assert [parrot.calls for parrot in parrots.values()] == [[wanted], [wanted]]


def test_an_empty_or_too_long_prompt_is_reported(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = compared(open_page)
    app.button(key=generation_playground.GENERATE).click().run()
    assert generation_playground.NO_PROMPT in words(app)
    app.text_area(key="prompt").set_value("word " * 60).run()
    app.button(key=generation_playground.GENERATE).click().run()
    assert "reads at most 50; shorten it" in app.error[0].value


def test_no_text_is_generated_while_a_latency_is_measured(
    open_page: Open, parrots: dict[str, Parrot], store: Store
) -> None:
    enqueue(store, *here()[4].recipe.stages)
    (row,) = store.claim()
    store.record_progress(
        row.trial_id, row.attempts, Progress(stage="latency", stage_number=5, stage_count=5)
    )
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where ?").run()
    app.button(key=generation_playground.GENERATE).click().run()
    assert generation_playground.BUSY in words(app)
    assert not parrots[INT8.trial_id].calls


def test_the_other_models_work_when_one_cannot_be_opened(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = open_page("compare", pick=[BASELINE.trial_id, FOUR_BITS.trial_id])
    app.text_area(key="prompt").set_value("Where ?").run()
    app.button(key=generation_playground.GENERATE).click().run()
    assert "holds no language model that runs" in app.error[0].value
    assert "Paris is the capital" in words(app)


def test_real_artefacts_generate_equal_texts(open_page: Open, store: Store, tmp_path: Path) -> None:
    """A tiny decoder twice: equal models, opened from their files, write the same text."""
    from paretoscope.models.checkpoint import (
        load_model,
    )  # torch, which the other tests here do without
    from tests.models.decoder.test_decoders import artefact, checkpoint

    made = checkpoint("llama", tmp_path)
    decoder = artefact(load_model(made), made, tmp_path / "artefact")
    (decoder.folder / "manifest.json").write_text(json.dumps({"conditions": {"threads": 1}}))
    for each in (BASELINE, INT8):
        shutil.copytree(decoder.folder, store.root / "artifacts" / each.trial_id)
    fill(store, [relocated(each) for each in (BASELINE, INT8)])
    app = compared(open_page)
    app.text_area(key="prompt").set_value("the city").run()
    app.select_slider(key="new_tokens").set_value(16).run()
    app.button(key=generation_playground.GENERATE).click().run()
    assert not app.exception
    assert not app.error
    expected = decoder.decode(
        [
            token.id
            for token in decoder.stream(
                decoder.encode(decoder.chat_prompt("the city")), max_new_tokens=16
            )
        ]
    )
    text = words(app)
    assert text.count(generated_text.plain(expected.rstrip("\ufffd"))) >= 2
    assert generated_text.SAME in text
