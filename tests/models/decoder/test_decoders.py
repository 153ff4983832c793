"""Decoders of every family: accepted, saved and loaded, exported with a cache, and equal to torch
wherever they are run.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from transformers import PreTrainedModel

from paretoscope.errors import ArtifactError, ModelError
from paretoscope.families.decoders import DECODERS
from paretoscope.graphs.decoder import assemble_decoder
from paretoscope.graphs.export import EXPORTERS, TOLERANCE, export
from paretoscope.graphs.export_decoder import decoder_difference_from_torch
from paretoscope.graphs.external_data import save_decoder
from paretoscope.graphs.genai import genai_config
from paretoscope.inference.generate import Decoder, open_decoder
from paretoscope.inference.graph_io import DATA, GENAI, MODEL, SCORE, feeds
from paretoscope.models.checkpoint import load_model, prepare, save_model
from paretoscope.models.decoder.anatomy import decoder_anatomy
from paretoscope.models.modules.access import is_tied
from paretoscope.models.modules.slicing import resize_linear
from paretoscope.sources.resolve import resolve_model
from paretoscope.tasks.splits import Task
from tests.tiny.decoders import FAMILIES, tiny_decoder
from tests.tiny.factory import make_tiny

NO_TASK = Task("prose", (), 128, {}, "")
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((family, {}) for family in FAMILIES),
    ("llama", {"tie_word_embeddings": True}),
    ("llama", {"tie_word_embeddings": False}),
    ("llama", {"attention_bias": True, "mlp_bias": True}),
    ("mistral", {"sliding_window": 8}),
    ("qwen2", {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}),
    ("gpt2", {"scale_attn_weights": False}),
    ("llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}}),
    ("llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}),
    (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 1e4,
                "factor": 4.0,
                "original_max_position_embeddings": 32,
            }
        },
    ),
    (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 1e4,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
]


def checkpoint(family: str, folder: Path, **changes: Any) -> Path:
    """A checkpoint as a trial starts from."""
    prepare(
        resolve_model(str(make_tiny(family, folder / "own", **changes))),
        NO_TASK,
        folder / "checkpoint",
    )
    return folder / "checkpoint"


def artefact(model: PreTrainedModel, checkpoint: Path, folder: Path) -> Decoder:
    """Open what a deployer would open."""
    folder.mkdir()
    graph, _ = export(model)
    save_decoder(graph, folder)
    (folder / GENAI).write_text(genai_config(graph, model))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(checkpoint / name, folder / name)
    return open_decoder(folder, threads=1)


@pytest.mark.parametrize(
    ("family", "changes"),
    VARIANTS,
    ids=lambda value: value if isinstance(value, str) else "+".join(value) or "plain",
)
def test_graphs_answer_as_torch_does(family: str, changes: dict[str, Any]) -> None:
    """A prompt, single tokens with the cache, and a padded batch: all within
    `decoder_difference_from_torch`.
    """
    _, difference = export(tiny_decoder(family, 300, **changes))
    assert difference < 1e-5 < TOLERANCE


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_text_is_that_of_torch(family: str, tmp_path: Path) -> None:
    source = checkpoint(family, tmp_path)
    model = load_model(source)
    decoder = artefact(model, source, tmp_path / "artefact")
    prompt = decoder.encode("the winter in the")
    given = {
        "input_ids": torch.tensor([prompt]),
        "attention_mask": torch.ones(1, len(prompt), dtype=torch.int64),
    }
    expected = (
        cast(Any, model)
        .generate(**given, max_new_tokens=20, do_sample=False, eos_token_id=-1)[0, len(prompt) :]
        .tolist()
    )
    assert [
        token.id for token in decoder.stream(prompt, max_new_tokens=20, past_ends=True)
    ] == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_genai_continues_the_same_text(family: str, tmp_path: Path) -> None:
    genai = pytest.importorskip("onnxruntime_genai")
    source = checkpoint(family, tmp_path)
    decoder = artefact(load_model(source), source, tmp_path / "artefact")
    prompt = decoder.encode("the winter in the")
    expected = [token.id for token in decoder.stream(prompt, max_new_tokens=8)]
    model = genai.Model(str(decoder.folder))
    parameters = genai.GeneratorParams(model)
    parameters.set_search_options(max_length=len(prompt) + 8)
    generator = genai.Generator(model, parameters)
    generator.append_tokens(prompt)
    got: list[int] = []
    while not generator.is_done():
        generator.generate_next_token()
        got.append(int(generator.get_next_tokens()[0]))
    assert [token for token in got if token not in decoder.ends] == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_checkpoints_give_the_model_back(family: str, tmp_path: Path) -> None:
    model = load_model(checkpoint(family, tmp_path))
    save_model(model, tmp_path / "again", tmp_path / "checkpoint" / "tokenizer.json")
    again = load_model(tmp_path / "again")
    ids = torch.arange(5, 17)[None]
    with torch.inference_mode():
        assert torch.equal(model(input_ids=ids).logits, again(input_ids=ids).logits)
    assert is_tied(again) == is_tied(model) == bool(model.config.tie_word_embeddings)
    assert again.generation_config.eos_token_id == model.generation_config.eos_token_id


@pytest.mark.parametrize(
    "family", [family for family in FAMILIES if len(DECODERS[family].projections) == 3]
)
def test_pruned_shapes_are_loaded_and_exported_as_they_are(family: str, tmp_path: Path) -> None:
    """One key head with its query heads is left in the first layer, and 8 neurons."""
    model = load_model(checkpoint(family, tmp_path))
    layer = decoder_anatomy(model).layers[0]
    hidden, shared = (
        model.config.hidden_size,
        model.config.num_attention_heads // model.config.num_key_value_heads,
    )
    query, key, value = layer.projections
    sizes = {
        query: (shared * layer.head_size, hidden),
        key: (layer.head_size, hidden),
        value: (layer.head_size, hidden),
    }
    sizes |= {
        layer.output: (hidden, shared * layer.head_size),
        layer.ffn_out: (hidden, 8),
    } | dict.fromkeys(layer.ffn_in, (8, hidden))
    for name, size in sizes.items():
        resize_linear(model.get_submodule(name), *size)  # pyright: ignore[reportArgumentType]
    with torch.no_grad():
        for name in layer.linears:
            for parameter in model.get_submodule(name).parameters():
                parameter.normal_(std=0.2)
    save_model(model, tmp_path / "pruned", tmp_path / "checkpoint" / "tokenizer.json")
    graph, difference = export(load_model(tmp_path / "pruned"))
    assert difference < 1e-5
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
    assert shapes["layer.0.qkv"] == (hidden, (shared + 2) * layer.head_size)
    assert shapes["layer.0.ffn.out"] == (8, hidden)


def test_two_graphs_share_one_file_of_tensors(tmp_path: Path) -> None:
    model = tiny_decoder("llama", 300)
    save_decoder(export(model)[0], tmp_path)
    assert all((tmp_path / name).stat().st_size < 20_000 for name in (MODEL, SCORE))
    last, every = (
        onnxruntime.InferenceSession(str(tmp_path / name), providers=["CPUExecutionProvider"])
        for name in (MODEL, SCORE)
    )
    ids = np.arange(5, 17)[None]
    whole = np.asarray(every.run(["logits"], feeds(every.get_inputs(), ids))[0])
    assert whole.shape == (1, 12, 300)
    np.testing.assert_allclose(
        whole[:, -1:],
        np.asarray(last.run(["logits"], feeds(last.get_inputs(), ids))[0]),
        rtol=1e-5,
        atol=1e-5,
    )
    light = onnx.load(tmp_path / SCORE, load_external_data=False).graph
    assert {location for tensor in light.initializer for location in _locations(tensor)} == {DATA}


def _locations(tensor: onnx.TensorProto) -> list[str]:
    return [entry.value for entry in tensor.external_data if entry.key == "location"]


def test_a_tied_head_is_stored_once(tmp_path: Path) -> None:
    tied = export(tiny_decoder("llama", 300, tie_word_embeddings=True))[0]
    tables = [tensor for tensor in tied.graph.initializer if 300 in tensor.dims]
    assert [tensor.name for tensor in tables] == ["embedding.word"]


def test_a_graph_that_answers_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = assemble_decoder(tiny_decoder("llama", 300, num_hidden_layers=1))
    monkeypatch.setitem(
        EXPORTERS, "decoder", lambda model: (other, decoder_difference_from_torch(other, model))
    )
    with pytest.raises(ArtifactError, match="differs from torch"):
        export(tiny_decoder("llama", 300))


def test_the_check_sees_a_wrong_cache() -> None:
    """Without rotation every prompt of one token is right, but no later step."""
    model = tiny_decoder("llama", 300)
    graph = assemble_decoder(model)
    for node in graph.graph.node:
        for attribute in node.attribute:
            if attribute.name == "do_rotary":
                attribute.i = 0
    assert decoder_difference_from_torch(graph, model) > TOLERANCE


@pytest.mark.parametrize(
    ("family", "changes", "reason"),
    [
        (
            "llama",
            {"rope_parameters": {"rope_type": "proportional", "rope_theta": 1e4, "factor": 2.0}},
            '"proportional", which is not supported',
        ),
        ("llama", {"hidden_act": "tanh"}, 'activation "tanh"'),
        ("llama", {"head_dim": 8}, "heads of 8 numbers"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        ("phi", {"num_attention_heads": 4, "num_key_value_heads": 2}, "rotations of 8 numbers"),
    ],
)
def test_what_has_no_graph_is_refused_in_a_sentence(
    family: str, changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=reason):
        checkpoint(family, tmp_path, **changes)
