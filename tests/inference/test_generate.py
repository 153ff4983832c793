"""The generation loop: sampling, ends, limits, and the artefact's own script."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paretoscope.artifact.pack import pack
from paretoscope.errors import ArtifactError
from paretoscope.graphs.export import export
from paretoscope.graphs.external_data import save_decoder
from paretoscope.graphs.genai import genai_config
from paretoscope.inference.generate import Decoder, open_decoder
from paretoscope.inference.graph_io import GENAI
from paretoscope.inference.sampling import Sampling, most_likely
from paretoscope.recipes.recipe import Recipe
from tests.tiny.decoders import tiny_decoder
from tests.tiny.factory import make_tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache entry of a decoder that reads 2,100 tokens."""
    own = make_tiny("llama", tmp_path_factory.mktemp("own"))
    folder = tmp_path_factory.mktemp("made")
    size = json.loads((own / "config.json").read_text())["vocab_size"]
    model = tiny_decoder("llama", size, max_position_embeddings=2100)
    graph, _ = export(model)
    save_decoder(graph, folder)
    (folder / GENAI).write_text(genai_config(graph, model))
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        shutil.copy(own / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def decoder(made: Path) -> Decoder:
    return open_decoder(made, threads=1)


def ids(decoder: Decoder, prompt: list[int], count: int = 12, **settings: Any) -> list[int]:
    stream = decoder.stream(
        prompt, max_new_tokens=count, sampling=Sampling(**settings), past_ends=True
    )
    return [token.id for token in stream]


def test_a_seed_gives_one_text(decoder: Decoder) -> None:
    first = ids(decoder, [5, 6, 7], temperature=1.0, seed=1)
    assert first == ids(decoder, [5, 6, 7], temperature=1.0, seed=1)
    assert first != ids(decoder, [5, 6, 7], temperature=1.0, seed=2)
    greedy = ids(decoder, [5, 6, 7])
    assert (
        greedy
        == ids(decoder, [5, 6, 7], temperature=1.0, top_k=1, seed=3)
        == ids(decoder, [5, 6, 7], temperature=1.0, top_p=1e-9, seed=4)
    )


def test_tokens_are_drawn_by_their_probability() -> None:
    logits = np.log(np.array([0.1, 0.6, 0.3]))
    order, shares = most_likely(logits, top_k=2, top_p=1.0)
    assert order.tolist() == [1, 2]
    np.testing.assert_allclose(shares, [2 / 3, 1 / 3])
    assert most_likely(logits, top_k=0, top_p=0.5)[0].tolist() == [1]


def test_an_end_token_ends_the_text(decoder: Decoder) -> None:
    text = ids(decoder, [5, 6, 7], 20)
    ending = Decoder(decoder.folder, decoder.session, decoder.context, frozenset({text[4]}))
    stop = text.index(text[4])
    assert [token.id for token in ending.stream([5, 6, 7], max_new_tokens=20)] == text[:stop]


def test_two_thousand_tokens_are_read(decoder: Decoder) -> None:
    prompt = np.random.default_rng(0).integers(5, 200, size=2000).tolist()
    assert len(ids(decoder, prompt, 3)) == 3
    assert decoder.cache_bytes(2000) == 2 * 2 * 2 * 2000 * 16 * 4


def test_the_context_is_a_limit_that_is_said(decoder: Decoder) -> None:
    with pytest.raises(
        ArtifactError, match=r"2,100 tokens, but the model reads at most 2,099; shorten it"
    ):
        decoder.stream([5] * 2100, max_new_tokens=1)
    assert len(ids(decoder, [5] * 2097, 10)) == 3
    with pytest.raises(ArtifactError, match="no tokens"):
        decoder.stream([], max_new_tokens=1)


def test_chat_is_chatml_where_the_model_has_it(
    decoder: Decoder, made: Path, tmp_path: Path
) -> None:
    assert decoder.chat_prompt("hi") == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    plain = Decoder(tmp_path, decoder.session, decoder.context, decoder.ends)
    assert plain.chat_prompt("hi") == "hi"


def test_a_folder_without_a_decoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no language model"):
        open_decoder(tmp_path)


def test_the_artefact_answers_by_itself(made: Path, decoder: Decoder, tmp_path: Path) -> None:
    """`run.py` writes what the loop here writes, in a process that has nothing else."""
    record = pack(
        made,
        tmp_path / "artefact",
        Recipe(),
        lambda _: "# card",
        {"conditions": {"threads": 1, "batch": 1, "sequence": 32}},
    )
    assert {
        "model.onnx",
        "model.onnx.data",
        "genai_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "run.py",
    } <= set(record.files)
    assert "score.onnx" not in record.files
    done = run(tmp_path / "artefact", "the winter")
    prompt = decoder.encode(decoder.chat_prompt("the winter"))
    expected = decoder.decode([token.id for token in decoder.stream(prompt, max_new_tokens=256)])
    assert done.strip("\n\ufffd") == expected.strip("\n\ufffd")
    assert "ms to the first token after a prompt of 32" in run(tmp_path / "artefact", "--time")
    assert "an empty line ends it" in run(tmp_path / "artefact", "--help")
    assert expected.strip("\n\ufffd") in run(
        tmp_path / "artefact", asked="the winter"
    )  # a chat that ends with its input


def run(artefact: Path, *given: str, asked: str = "") -> str:
    command = [sys.executable, "run.py", *given]
    done = subprocess.run(
        command, cwd=artefact, input=asked.encode(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()
