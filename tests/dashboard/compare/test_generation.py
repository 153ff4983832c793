"""The playground of language models, with writers that know one sentence each in place of real
ones.
"""

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

from paretoscope.dashboard.compare import generation_playground
from paretoscope.errors import ArtifactError
from paretoscope.store.store import Store
from paretoscope.trials.trial import Progress, TrialDocument
from tests.dashboard.conftest import Open, ask, button, fill, here, words

BASELINE, INT8, _, FOUR_BITS, *_ = here()


@dataclass
class Parrot:
    """Writes `sentence` word by word, 20 ms a word; remembers what it was asked."""

    sentence: str
    asked: list[dict[str, Any]] = field(default_factory=list)

    def encode(self, text: str) -> list[int]:
        return list(range(len(text.split())))

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.sentence.split("|")[id] for id in ids)

    def chat_prompt(self, text: str) -> str:
        return f"<user> {text}"

    def stream(self, prompt: Sequence[int], **settings: Any) -> Iterator[Any]:
        if len(prompt) > 50:
            raise ArtifactError(
                f"The prompt has {len(prompt)} tokens, but the model reads at most 50; shorten it."
            )
        self.asked.append({"prompt": len(prompt), **settings})
        return iter(
            [SimpleNamespace(id=id, seconds=0.02) for id in range(len(self.sentence.split("|")))][
                : settings["max_new_tokens"]
            ]
        )


def at_home(made: TrialDocument) -> TrialDocument:
    """The trial with its artefact where this test's workspace has it."""
    assert made.artifact
    return made.model_copy(
        update={"artifact": made.artifact.model_copy(update={"path": f"artifacts/{made.trial_id}"})}
    )


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
        (folder / "genai_config.json").write_text("{}")
        documents.append(at_home(made))
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


def test_two_models_write_side_by_side_and_the_first_other_word_is_marked(
    open_page: Open, parrots: dict[str, Parrot], store: Store
) -> None:
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where is Paris ?").run()
    button(app, "Write").click().run()
    assert not app.exception
    said = words(app)
    assert "Paris is the capital \\*of\\* France\\." in said
    assert "Paris is :orange-background[a] town\\." in said
    assert "7 tokens, first after 20 ms, 50.0 tokens/s, ended" in said
    assert (
        "5 tokens, first after 20 ms, 50.0 tokens/s, parts from the first after 9 characters, ended"
        in said
    )
    assert parrots[INT8.trial_id].asked == [
        {"prompt": 5, "max_new_tokens": 64, "temperature": 0.0, "top_p": 1.0, "seed": 0}
    ]
    assert not any(
        b"Where is Paris" in path.read_bytes() for path in store.root.rglob("*") if path.is_file()
    )
    assert "Paris" not in json.dumps(dict(app.query_params))


def test_what_was_written_stays_after_another_press(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where ?").run()
    button(app, "Write").click().run()
    assert "before prompt or settings changed" not in words(app)
    app.select_slider(key="new_tokens").set_value(16).run()
    assert "These were written before prompt or settings changed" in words(app)
    assert "Paris is :orange-background[a] town\\." in words(app)
    assert len(parrots[INT8.trial_id].asked) == 1
    assert not any(each.label == "Stop" for each in app.button)


def test_a_text_says_whether_it_ended_was_cut_or_was_stopped(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    parrots[BASELINE.trial_id].sentence = "|".join(["and so on "] * 20)
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where ?").run()
    app.select_slider(key="new_tokens").set_value(16).run()
    button(app, "Write").click().run()
    assert "16 tokens, first after 20 ms, 50.0 tokens/s, cut at 16 tokens" in words(app)
    app.session_state[generation_playground.STATE][
        INT8.trial_id
    ].ended = False  # as a press leaves it that comes in between
    app.run()
    assert "parts from the first after 0 characters, stopped" in words(app)


def test_sampling_and_plain_text_are_passed_on_alike(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Once upon a").run()
    app.segmented_control(key="prompt_is").set_value("the start of a text").run()
    app.segmented_control(key="next_token").set_value("sampled").run()
    app.slider(key="temperature").set_value(1.2).run()
    app.number_input(key="seed").set_value(7).run()
    button(app, "Write").click().run()
    wanted = {"prompt": 3, "max_new_tokens": 64, "temperature": 1.2, "top_p": 0.95, "seed": 7}
    assert [parrot.asked for parrot in parrots.values()] == [[wanted], [wanted]]


def test_an_empty_prompt_and_one_that_is_too_long_are_said(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = compared(open_page)
    button(app, "Write").click().run()
    assert "Type a prompt first." in words(app)
    app.text_area(key="prompt").set_value("word " * 60).run()
    button(app, "Write").click().run()
    assert "reads at most 50; shorten it" in app.error[0].value


def test_nothing_is_written_while_a_latency_is_taken(
    open_page: Open, parrots: dict[str, Parrot], store: Store
) -> None:
    ask(store, *here()[4].recipe.stages)
    (row,) = store.claim()
    store.record_progress(
        row.trial_id, row.attempts, Progress(stage="latency", stage_number=5, stage_count=5)
    )
    app = compared(open_page)
    app.text_area(key="prompt").set_value("Where ?").run()
    button(app, "Write").click().run()
    assert "A latency is being taken on this machine" in words(app)
    assert not parrots[INT8.trial_id].asked


def test_a_model_that_cannot_be_opened_leaves_the_others(
    open_page: Open, parrots: dict[str, Parrot]
) -> None:
    app = open_page("compare", pick=[BASELINE.trial_id, FOUR_BITS.trial_id])
    app.text_area(key="prompt").set_value("Where ?").run()
    button(app, "Write").click().run()
    assert "holds no language model that runs" in app.error[0].value
    assert "Paris is the capital" in words(app)


def test_real_artefacts_write_through_the_loop_that_is_measured(
    open_page: Open, store: Store, tmp_path: Path
) -> None:
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
    fill(store, [at_home(each) for each in (BASELINE, INT8)])
    app = compared(open_page)
    app.text_area(key="prompt").set_value("the city").run()
    app.select_slider(key="new_tokens").set_value(16).run()
    button(app, "Write").click().run()
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
    said = words(app)
    assert said.count(generation_playground.plain(expected.rstrip("\ufffd"))) >= 2
    assert "no other word so far" in said
