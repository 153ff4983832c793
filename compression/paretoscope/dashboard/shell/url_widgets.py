"""Widgets whose value lives in the link, under a short name and as a plain value, so that a link
restores the view.

Streamlit's own binding writes an option the way it is shown ("Test CPU, 2 cores, 1 Mar 2026"),
which breaks when the words change. Here the value itself stands in the link; what is default is
left out, what is not possible any more is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st


def option(
    label: str, options: Sequence[str], *, key: str, default: str | None = None, **ink: Any
) -> str:
    """A select box; the first option is the default unless another is named."""
    first = default if default in options else options[0]
    _begin(key, first, lambda values: values[0] if values and values[0] in options else None)
    if st.session_state[key] not in options:
        st.session_state[key] = first
    return _end(key, st.selectbox(label, options, key=key, persist_state="session", **ink), first)


def chips(
    label: str, options: Sequence[str], *, key: str, default: Sequence[str], **ink: Any
) -> list[str]:
    """Chips of which several may be on."""
    _begin(
        key, list(default), lambda values: [value for value in values if value in options] or None
    )
    st.session_state[key] = [value for value in st.session_state[key] if value in options]
    return _end(
        key,
        st.pills(
            label,
            options,
            selection_mode="multi",
            key=key,
            persist_state="session",
            wrap=True,
            **ink,
        ),
        list(default),
    )


def slider(
    label: str, low: float, high: float, *, key: str, step: float, default: float, **ink: Any
) -> float:
    """A slider; a value out of its range counts as not given."""
    _begin(key, default, lambda values: _number(values, low, high))
    if not low <= st.session_state[key] <= high:
        st.session_state[key] = default
    return _end(
        key,
        st.slider(label, low, high, step=step, key=key, persist_state="session", **ink),
        default,
    )


def toggle(label: str, *, key: str) -> bool:
    _begin(key, False, lambda values: values == ["1"])
    return bool(_end(key, st.toggle(label, key=key, persist_state="session"), False))


def take(keys: Sequence[str]) -> dict[str, Any]:
    """Take the values of widgets out of session and link, so that these start anew."""
    for key in keys:
        if key in st.query_params:
            del st.query_params[key]
    return {key: st.session_state.pop(key) for key in keys if key in st.session_state}


def give(values: Mapping[str, Any]) -> None:
    """Give back what `take` took."""
    for key, value in values.items():
        st.session_state[key] = value


def _begin(key: str, default: Any, read: Callable[[list[str]], Any]) -> None:
    """The first value of a session: what the link says, else the default."""
    if key not in st.session_state:
        found = read(st.query_params.get_all(key)) if key in st.query_params else None
        st.session_state[key] = default if found is None else found


def _end(key: str, value: Any, default: Any) -> Any:
    """Write the value into the link when it is not the default."""
    said = [_spelt(part) for part in value] if isinstance(value, list) else [_spelt(value)]
    if value == default:
        if key in st.query_params:
            del st.query_params[key]
    elif st.query_params.get_all(key) != said:
        st.query_params[key] = said
    return value


def _spelt(value: Any) -> str:
    """
    >>> _spelt(True), _spelt(2.0), _spelt(0.15), _spelt("trec")
    ('1', '2', '0.15', 'trec')
    """
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _number(values: list[str], low: float, high: float) -> float | None:
    """
    >>> _number(["2.5"], 0, 10), _number(["99"], 0, 10), _number(["x"], 0, 10)
    (2.5, None, None)
    """
    try:
        value = float(values[0])
    except (ValueError, IndexError):
        return None
    return value if low <= value <= high else None
