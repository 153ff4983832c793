"""Widgets whose value is in the URL as a plain value, so that a link restores the view.

Streamlit's own binding writes an option as it is displayed ("Test CPU, 2 cores, 1 Mar 2026"), which
breaks when a label changes. Default values are left out and invalid values are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import streamlit as st

Value = TypeVar("Value")
NO_LIMIT = "no limit"


def option(
    label: str, options: Sequence[str], *, key: str, default: str | None = None, **more: Any
) -> str:
    """A select box; the first option is the default unless `default` is given."""
    first = options[0] if default is None or default not in options else default
    _begin(key, first, lambda values: values[0] if values and values[0] in options else None)
    if st.session_state[key] not in options:
        st.session_state[key] = first
    more = {"persist_state": "session", **more}
    chosen = cast(str, st.selectbox(label, options, key=key, **more))
    return _end(key, chosen, first)


def chips(
    label: str, options: Sequence[str], *, key: str, default: Sequence[str], **more: Any
) -> list[str]:
    """Chips of which several may be selected."""

    def valid(values: list[str]) -> list[str]:
        return [value for value in values if value in options]

    _begin(key, list(default), lambda values: valid(values) or None)
    st.session_state[key] = valid(st.session_state[key])
    more = {"selection_mode": "multi", "persist_state": "session", "wrap": True, **more}
    return _end(key, cast(list[str], st.pills(label, options, key=key, **more)), list(default))


def limit(
    label: str,
    ends: tuple[float, float],
    *,
    key: str,
    step: float,
    default: float,
    **more: Any,
) -> float | None:
    """A slider and a field for the same upper limit; None at the upper end, which is no limit.

    The field accepts values between the steps of the slider; `format` is that of both.
    """
    low, high = ends
    _begin(key, default, lambda values: _number(values, 0.0, math.inf))
    value = min(high, max(0.0, st.session_state[key]))
    st.session_state[key] = value
    slid, typed = f"{key}_slider", f"{key}_typed"
    st.session_state[slid] = max(low, value)
    st.session_state[typed] = None if value >= high else value

    def take(name: str) -> None:
        new = st.session_state[name]
        st.session_state[key] = high if new is None else float(new)

    st.number_input(
        label,
        min_value=0.0,
        value=None,
        step=step,
        placeholder=NO_LIMIT,
        key=typed,
        on_change=take,
        args=(typed,),
        width=112,
        label_visibility="collapsed",
        **more,
    )
    st.slider(
        label,
        low,
        high,
        step=step,
        format=more.get("format"),
        key=slid,
        on_change=take,
        args=(slid,),
        label_visibility="collapsed",
        disabled=more.get("disabled", False),
    )
    chosen = _end(key, float(st.session_state[key]), float(default))
    return None if chosen >= high else chosen


def slider(
    label: str, ends: tuple[float, float], *, key: str, step: float, default: float, **more: Any
) -> float:
    """A slider from low to high; a value outside counts as the default."""
    low, high = ends
    _begin(key, default, lambda values: _number(values, low, high))
    if not low <= st.session_state[key] <= high:
        st.session_state[key] = default
    more = {"step": step, "persist_state": "session", **more}
    return _end(key, cast(float, st.slider(label, low, high, key=key, **more)), default)


def text(label: str, *, key: str, **more: Any) -> str:
    """A text field, at most 500 characters."""
    _begin(key, "", lambda values: values[0][:500] if values else None)
    more = {"max_chars": 500, "persist_state": "session", **more}
    return _end(key, cast(str, st.text_input(label, key=key, **more)), "")


def number(
    label: str,
    ends: tuple[float, float],
    *,
    key: str,
    default: float,
    omitted: float | None = None,
    **more: Any,
) -> float:
    """A typed number from low to high; a value outside counts as the default.

    Until it is changed it follows `default`. The address leaves out `omitted`, which is `default`
    unless it is given.
    """
    low, high = ends
    followed = f"{key}_default"
    if key in st.session_state and st.session_state[key] in (None, st.session_state.get(followed)):
        st.session_state[key] = default
    st.session_state[followed] = default
    _begin(key, default, lambda values: _number(values, low, high))
    if not low <= st.session_state[key] <= high:
        st.session_state[key] = default
    more = {"persist_state": "session", **more}
    typed = st.number_input(label, float(low), float(high), key=key, **more)
    value = default if typed is None else float(typed)
    return _end(key, value, default if omitted is None else omitted)


def toggle(label: str, *, key: str) -> bool:
    _begin(key, False, lambda values: values == ["1"])
    return _end(key, st.toggle(label, key=key, persist_state="session"), False)


def write(key: str, text: str) -> None:
    """Keep a text in the address; an empty one is left out."""
    if not text:
        forget(key)
    elif st.query_params.get_all(key) != [text]:
        st.query_params[key] = text


def forget(key: str) -> None:
    """Remove a key from the address."""
    if key in st.query_params:
        del st.query_params[key]


def remove(keys: Sequence[str]) -> dict[str, Any]:
    """Remove widget values from session and URL; returns those of the session."""
    for key in keys:
        forget(key)
    return {key: st.session_state.pop(key) for key in keys if key in st.session_state}


def restore(values: Mapping[str, Any]) -> None:
    """Put back what `remove` returned."""
    for key, value in values.items():
        st.session_state[key] = value


def _begin(key: str, default: Any, read: Callable[[list[str]], Any]) -> None:
    """The first value in a session: that of the URL, else the default."""
    if key not in st.session_state:
        found = read(st.query_params.get_all(key)) if key in st.query_params else None
        st.session_state[key] = default if found is None else found


def _end(key: str, value: Value, default: Value) -> Value:
    """Write the value to the URL unless it is the default."""
    many = isinstance(value, list)
    texts = [_text(part) for part in cast(list[object], value)] if many else [_text(value)]
    if value == default:
        forget(key)
    elif st.query_params.get_all(key) != texts:
        st.query_params[key] = texts
    return value


def _text(value: object) -> str:
    """
    >>> _text(True), _text(2.0), _text(0.15), _text("trec")
    ('1', '2', '0.15', 'trec')
    """
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


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
