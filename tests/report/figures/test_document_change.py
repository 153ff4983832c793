"""The change of perplexity by document: sorted bars with text and size."""

from __future__ import annotations

from typing import Any

from paretoscope.report.figures.document_change import DocumentChange, document_change_figure


def test_the_largest_loss_is_first_and_hover_has_text_and_tokens() -> None:
    found = [DocumentChange("a", -0.01, 1200), DocumentChange("b", 0.03, 800)]
    figure: Any = document_change_figure(found, "quantization")
    (bars,) = figure.data
    assert list(bars.y) == [3.0, -1.0]
    assert bars.hovertext[1] == "a<br>perplexity -1.00 % on 1,200 tokens"
