"""The answer in a sentence: where bytes and time are, and which part is the most sensitive."""

from __future__ import annotations

import streamlit as st

from paretoscope.dashboard.layers.content import Content, artifact_reason, measured
from paretoscope.dashboard.layers.rows import By, rows, summed
from paretoscope.dashboard.shell.scope import Scope
from paretoscope.layers.parts import KINDS, part
from paretoscope.layers.sensitivity import Cell, Sensitivity
from paretoscope.trials.format import plain, short_machine

WIDTH_OF_ANSWER = 4
"""Bits of the sentence on sensitivity."""


def draw(here: Scope, content: Content) -> None:
    """The sentence, and in one line under which conditions its figures hold."""
    st.markdown(f"### {sentence(content)}")
    st.caption(" · ".join(conditions(here, content)))


def sentence(content: Content) -> str:
    """ "Embedding: 52 % of the bytes, FFN down of all layers: 31 % of the time."."""
    size = _largest({name: float(each) for name, each in content.before.parts.items()}, content)
    parts = [f"{size[0]}: {size[1]:.0%} of the bytes"]
    if content.profile:
        times = {each.part: each.ms.value for each in content.profile.parts}
        name, share = _largest(times, content)
        parts.append(f"{name}: {share:.0%} of the time")
    text = ", ".join(parts).replace("%", " %")
    if cell := most_sensitive(content.scan):
        text += f". Most sensitive to {WIDTH_OF_ANSWER} bits: {part(cell.part).label}"
    return f"{text}."


def _largest(values: dict[str, float], content: Content) -> tuple[str, float]:
    """Label and share of the largest kind of part."""
    by: By = "kind"
    found = summed(values, by)
    key = max(found, key=lambda each: found[each])
    label = rows(content, by).get(key, key)
    in_layers = " of all layers" if key in KINDS else ""
    return f"{label}{in_layers}", found[key] / sum(found.values())


def most_sensitive(scan: Sensitivity | None, bits: int = WIDTH_OF_ANSWER) -> Cell | None:
    """The cell with the largest KL at a width."""
    cells = [each for each in scan.cells if each.option.bits == bits] if scan else []
    return max(cells, key=lambda each: each.kl.value, default=None)


def conditions(here: Scope, content: Content) -> list[str]:
    """What was counted, and what was measured where."""
    size = content.before.total / 1e6
    found = [f"Bytes: counted exactly, {size:,.1f} MB of weights"]
    if content.after is not None:
        about = "" if content.after.exact else "about "
        found[0] += f" → {about}{content.after.total / 1e6:,.1f} MB"
    if content.decoder:
        found.append("Time and sensitivity: available for classifiers only")
        return found
    found.append(_time(here, content))
    found.append(_loss(content.scan, shipped=content.shipped_scan))
    return found


def _time(here: Scope, content: Content) -> str:
    profile = content.profile
    if profile is None:
        reason = artifact_reason(here, measured(here, None))
        return f"Time: not profiled yet{': ' if reason else ''}{reason.rstrip('.')}"
    where = "this machine"
    if content.shipped_profile:
        where = f"the demo machine ({short_machine(profile.machine)})"
        where += ", not confirmed here" if here.here else ""
    noisy = ", noisy: profile again" if profile.noisy else ""
    at = profile.conditions.in_words()
    text = f"Time: {profile.runs} runs in {profile.processes} processes on {where}, {at}{noisy}"
    missing = content.row is not None and content.profile_after is None
    return f"{text}; compressed: not profiled yet" if missing else text


def _loss(scan: Sensitivity | None, *, shipped: bool) -> str:
    if scan is None:
        return "Sensitivity: not measured yet"
    where = f", on {plain(scan.machine.in_words())}" if shipped else ""
    return f"Sensitivity: {scan.texts} calibration texts of {scan.task}{where}"
