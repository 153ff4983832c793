"""Profiles: events of the runtime become times by part, on a tiny graph in a real process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig

from paretoscope.errors import ArtifactError
from paretoscope.graphs.export import export
from paretoscope.graphs.graph import save
from paretoscope.keys import file_sha256
from paretoscope.layers import profiling, results
from paretoscope.layers.profile import Profile
from paretoscope.layers.profiling import profile, summary
from paretoscope.measure.worker.messages import ProfileAnswer
from paretoscope.measure.worker.profiling import by_node
from paretoscope.models.checkpoint import load_model
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import ArtifactRecord, TrialDocument
from paretoscope.workspace import Workspace
from tests.documents import decoder_document, document
from tests.tiny.factory import make_tiny

AT = Conditions(batch=1, sequence=8, threads=1)


def event(name: str, microseconds: int, op: str = "MatMul") -> dict[str, Any]:
    return {
        "cat": "Node",
        "name": f"{name}_kernel_time",
        "dur": microseconds,
        "args": {"op_name": op},
    }


def run(*events: dict[str, Any], total: int = 100) -> list[dict[str, Any]]:
    return [*events, {"cat": "Session", "name": "model_run", "dur": total, "args": {}}]


def test_the_warm_up_is_left_out_and_repeated_nodes_are_summed() -> None:
    events = [{"cat": "Session", "name": "model_loading_uri", "dur": 9, "args": {}}]
    for factor in (90, 1, 2):  # the first run is the warm-up
        once = event("layer.0.qkv.product", 10 * factor)
        twice = [event("loop", factor, "Add"), event("loop", 2 * factor, "Add")]
        events += run(once, *twice, total=20 * factor)
    nodes, operators, durations, whole = by_node(events, before=1, runs=2)
    assert (nodes, operators) == (["layer.0.qkv.product", "loop"], ["MatMul", "Add"])
    assert durations == [[10_000, 20_000], [3_000, 6_000]]
    assert whole == [20_000, 40_000]


def answer(*nodes: str, ms: float, plain: float = 1.0) -> ProfileAnswer:
    return {
        "plain_ns": [round(plain * 1e6)] * 30,
        "profiled_ns": [round(2e6 * plain)] * 30,
        "nodes": list(nodes),
        "operators": ["MatMul"] * len(nodes),
        "durations_ns": [[round(ms * 1e6)] * 30 for _ in nodes],
    }


def test_nodes_are_summed_by_part_and_by_operator() -> None:
    names = ("layer.0.ffn.in.product", "layer.0.ffn.in.activated", "layer.1.attended")
    found = summary(document(), AT, [answer(*names, ms=0.5), answer(*names, ms=0.5)])
    assert found.by_part["layer.0.ffn.in"].ms.value == pytest.approx(1.0)
    assert found.share("layer.1.attention") == pytest.approx(1 / 3)
    assert [(each.operator, each.count) for each in found.operators] == [("MatMul", 3)]
    assert (found.processes, found.runs, found.noisy) == (2, 60, False)
    assert found.profiled_ms.value == pytest.approx(2 * found.plain_ms.value)


def test_processes_that_differ_are_noisy() -> None:
    found = summary(document(), AT, [answer("a", ms=1), answer("a", ms=1, plain=1.2)])
    assert found.noisy


def test_a_real_graph_has_time_in_every_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "PROCESSES", 1)
    monkeypatch.setattr(profiling, "RUNS", 12)
    source = make_tiny("bert", tmp_path / "tiny", layers=2)
    folder = tmp_path / "artifact"
    folder.mkdir()
    save(export(load_model(source))[0], folder / "model.onnx")
    config = AutoConfig.from_pretrained(source)
    (folder / "config.json").write_text(json.dumps({"vocab_size": config.vocab_size}))
    sha = file_sha256(folder / "model.onnx")
    found = profile(_with_artifact(folder, sha), folder, AT)
    kinds = ("qkv", "attention", "output", "ffn.in", "ffn.out", "norms")
    expected = {f"layer.{index}.{kind}" for index in range(2) for kind in kinds}
    assert expected | {"embedding", "head"} <= set(found.by_part)
    assert found.share("other") < 0.5
    assert found.graph_sha256 == sha
    path = results.profile_path(Workspace.at(tmp_path), sha, AT, found.machine.id)
    results.write(found, path)
    assert results.read(path, Profile) == found


def _with_artifact(folder: Path, sha: str) -> TrialDocument:
    record = ArtifactRecord(path=str(folder), size_bytes=1, files={}, sha256={"model.onnx": sha})
    return document().model_copy(update={"artifact": record})


def test_a_language_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="classifiers only"):
        profile(decoder_document(), tmp_path, AT)


def test_a_damaged_result_is_no_result(tmp_path: Path) -> None:
    path = tmp_path / "profile-0.json"
    path.write_text('{"model": "x"')
    assert results.read(path, Profile) is None
