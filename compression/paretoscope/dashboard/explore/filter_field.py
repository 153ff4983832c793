"""The filter above the table of models, completed while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from paretoscope.dashboard.shell import url_widgets
from paretoscope.dashboard.shell.error_card import error_card
from paretoscope.errors import ParetoscopeError
from paretoscope.report.tables.row_filter import FIELDS, filtered
from paretoscope.report.tables.table import Row

KEY = "filter"
EXAMPLE = "size < 20 and bits <= 4"
HELP = "Comparisons joined by and, or, not. Fields: " + ", ".join(FIELDS) + "."
SCRIPT = """
export default function ({ data }) {
  const input = document.querySelector(".st-key-filter input");
  if (!input || input.list) return;
  const list = document.createElement("datalist");
  list.id = "filter-completions";
  document.body.append(list);
  input.setAttribute("list", list.id);
  const complete = () => {
    const text = input.value, cut = text.lastIndexOf(" ") + 1;
    const before = text.slice(0, cut), last = text.slice(cut), words = before.trim().split(/ +/);
    const starts = before.trim() === "" || ["and", "or", "not"].includes(words.at(-1));
    const found = starts
      ? Object.entries(data.fields).filter(([name]) => name.startsWith(last))
          .map(([name, example]) => `${before}${name} ${example}`.trim())
      : last === "" ? ["and ", "or "].map((joint) => before + joint) : [];
    list.replaceChildren(...found.map((value) => Object.assign(
      document.createElement("option"), { value })));
  };
  input.addEventListener("input", complete);
  input.addEventListener("focus", complete);
  complete();
  return () => { list.remove(); input.removeAttribute("list"); };
}
"""


@st.cache_resource(show_spinner=False)
def _completions() -> Callable[..., Any]:
    return component("paretoscope.filter_completions", js=SCRIPT)


def draw(table: Sequence[Row]) -> list[Row]:
    """The field; returns the rows that it keeps, or all of them with the mistake in it."""
    text = url_widgets.text("Filter", key=KEY, placeholder=EXAMPLE, help=HELP)
    _completions()(
        data={"fields": {name: field.example for name, field in FIELDS.items()}},
        key="filter_completions",
    )
    try:
        return filtered(table, text)
    except ParetoscopeError as error:
        error_card(error)
        return list(table)
