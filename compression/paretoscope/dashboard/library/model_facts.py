"""What a model is, from its config and the headers of its weights, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import streamlit as st

from paretoscope import catalog
from paretoscope.dashboard.library.wording import in_bytes, parameters, without_folder
from paretoscope.dashboard.shell import data
from paretoscope.errors import ModelError, ParetoscopeError
from paretoscope.shape.read import read_shape
from paretoscope.sources.files import read_json, stored_tensors, weight_files
from paretoscope.sources.gguf import read_header
from paretoscope.sources.hub import is_cached, is_hub_id
from paretoscope.sources.ref import ModelRef
from paretoscope.sources.resolve import resolve_model

CHECKING = "Checking the model: another process loads it once"


@dataclass(frozen=True)
class ModelFacts:
    """A model in numbers; `size_bytes` are its weights as stored, without an adapter's base."""

    family: str
    parameters: int | None
    layers: int | None
    size_bytes: int

    def in_words(self) -> str:
        """ "bert · 22.7 M parameters · 6 layers · 90.9 MB"."""
        parts = [
            self.family,
            parameters(self.parameters) if self.parameters else "",
            f"{self.layers} layers" if self.layers else "",
            in_bytes(self.size_bytes),
        ]
        return " · ".join(filter(None, parts))


@dataclass(frozen=True)
class ModelReport:
    """A model that was looked at: `ref` and `facts` are None if it cannot be read at all."""

    name: str
    ref: ModelRef | None = None
    facts: ModelFacts | None = None
    problems: str = ""

    @property
    def usable(self) -> bool:
        return self.ref is not None and not self.problems


def look_at(name: str) -> ModelReport:
    """Reference and facts of a model, without loading weights; a hub id must be downloaded."""
    return _look_at(name, _stamp(name))


@st.cache_resource(show_spinner=False, max_entries=64, ttl=600)
def _look_at(name: str, _stamp: tuple[float, ...]) -> ModelReport:
    try:
        if is_hub_id(name) and not Path(name).exists() and not is_cached(name):
            raise ModelError(
                f'"{name}" is not on this disk; look it up and download it under "Hub id".'
            )
        ref = resolve_model(name)
    except ParetoscopeError as error:
        return ModelReport(name, problems=without_folder(str(error)))
    return ModelReport(name, ref, _facts(ref))


def examine(name: str) -> ModelReport:
    """`look_at`, and the check that loads the model, with a spinner while it takes seconds."""
    found = look_at(name)
    if not found.usable:
        return found
    try:
        with st.spinner(CHECKING, show_time=True):
            catalog.check(name, data.workspace())
    except ParetoscopeError as error:
        return ModelReport(name, found.ref, found.facts, without_folder(str(error)))
    return found


def _stamp(name: str) -> tuple[float, ...]:
    """Changes when a file of a local model does."""
    path = Path(name)
    if not path.is_absolute():
        return ()
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple(file.stat().st_mtime for file in files)
    except OSError:
        return ()


def _facts(ref: ModelRef) -> ModelFacts | None:
    path = Path(ref.path or ref.name)
    try:
        files = [path] if path.is_file() else weight_files(path)
        size = sum(file.stat().st_size for file in files)
    except (ParetoscopeError, OSError):
        return None
    try:
        shape = read_shape(ref)
    except ParetoscopeError:
        return _stored_facts(path, files, size)
    return ModelFacts(shape.family, shape.parameters, shape.layers, size)


def _stored_facts(path: Path, files: list[Path], size: int) -> ModelFacts:
    """Those of a family without a known graph: its stored numbers."""
    if path.is_file():
        family = str(read_header(path).get("general.architecture", "GGUF"))
        return ModelFacts(family, None, None, size)
    config = read_json(path / "config.json")
    layers = config.get("num_hidden_layers")
    count = sum(prod(tensor.shape) for tensor in stored_tensors(files).values())
    known = layers if isinstance(layers, int) else None
    return ModelFacts(str(config.get("model_type", "")), count, known, size)
