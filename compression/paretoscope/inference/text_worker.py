"""Worker process: classifies texts with one artefact after the other.

It reads one request in JSON from its input, {"folders": {key: path}, "texts": [...]}, and writes a
line of JSON for each model ("labels"), each text ("at", "probabilities") and each artefact that
cannot be opened ("error"). A page starts it through `text_run.py`; texts are never written to disk.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from paretoscope.errors import ParetoscopeError
from paretoscope.inference.classify import Answer, open_classifier

NICENESS = 5
"""A page and a measurement come before the texts of a page."""


def main() -> None:
    os.nice(NICENESS)
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    texts: list[str] = request["texts"]
    for key, folder in request["folders"].items():
        try:
            classifier = open_classifier(Path(folder))
        except ParetoscopeError as error:
            _write({"key": key, "error": str(error)})
            continue
        _write({"key": key, "labels": classifier.labels})
        for at, text in enumerate(texts):
            _write({"key": key, "at": at, **_content(classifier.answer(text), len(texts) == 1)})


def _content(answer: Answer, with_tokens: bool) -> dict[str, Any]:
    """An answer in JSON; tokens only where a single text was sent."""
    return {
        "probabilities": [float(share) for share in answer.probabilities],
        "tokens": answer.tokens if with_tokens else (),
        "cut": answer.cut,
        "ms": answer.ms,
    }


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
