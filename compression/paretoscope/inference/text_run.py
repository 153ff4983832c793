"""Classifies texts with several artefacts in another process, with progress and cancelling.

The process is `text_worker.py`; it loads onnxruntime and tokenizers, so that a page does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoscope.workspace import subprocess_python_path

_COMMAND = [sys.executable, "-P", "-m", "paretoscope.inference.text_worker"]
ENDED = "The process that runs the models ended unexpectedly (status {}); try again."


@dataclass(frozen=True)
class TextAnswer:
    """`probabilities` by class, the `tokens` of a single text, the `ms` of the model alone.

    `cut` says whether the text had more tokens than the model reads.
    """

    probabilities: tuple[float, ...]
    tokens: tuple[str, ...]
    cut: bool
    ms: float


class TextRun:
    """Answers to `texts` from the artefacts in `folders`, by key, as they arrive.

    `labels` and `answers` (by text) have an entry for each artefact that was opened, `errors` for
    each other one. All may be read while the process runs.
    """

    def __init__(self, folders: Mapping[str, Path], texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self.labels: dict[str, tuple[str, ...]] = {}
        self.answers: dict[str, list[TextAnswer]] = {}
        self.errors: dict[str, str] = {}
        self.problem = ""
        self.cancelled = False
        self._models = len(folders)
        self._process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": subprocess_python_path(), "PYTHONIOENCODING": "utf-8"},
        )
        request = {"folders": {key: str(path) for key, path in folders.items()}, "texts": texts}
        self._thread = threading.Thread(target=self._read, args=[json.dumps(request)], daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """The share of all answers that have arrived, 0 .. 1."""
        done = sum(len(found) for found in self.answers.values())
        done += len(self.errors) * len(self.texts)
        return done / (self._models * len(self.texts)) if self.texts and self._models else 1.0

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; returns whether the run has ended."""
        self._thread.join(seconds)
        return not self.running

    def cancel(self) -> None:
        """End the process; answers that have arrived stay."""
        self.cancelled = self.cancelled or self.running
        self._process.kill()
        self._thread.join()

    def _read(self, request: str) -> None:
        """Send the request and collect lines until the process ends."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        try:
            stdin.write(request + "\n")
            stdin.close()
            for line in stdout:
                self._add(json.loads(line))
        except (OSError, ValueError):  # a pipe that closed, or a line that was cut
            pass
        status = self._process.wait()
        stdout.close()
        if status and not self.cancelled:
            self.problem = ENDED.format(status)

    def _add(self, line: Mapping[str, Any]) -> None:
        key = line["key"]
        if "error" in line:
            self.errors[key] = line["error"]
        elif "labels" in line:
            self.labels[key] = tuple(line["labels"])
            self.answers[key] = []
        else:
            self.answers[key].append(
                TextAnswer(
                    tuple(line["probabilities"]), tuple(line["tokens"]), line["cut"], line["ms"]
                )
            )
