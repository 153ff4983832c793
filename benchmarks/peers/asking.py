"""How a peer's worker is asked: one line of JSON to a fresh process, one line back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

from paretoscope.workspace import PROJECT


def ask(worker: str, **request: Any) -> dict[str, Any]:
    """The answer of the module `worker`, whatever its library prints before it. Paths are absolute:
    it runs in a folder that goes, for libraries leave files of theirs where they run."""
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with TemporaryDirectory(prefix="paretoscope-") as scratch:
        command = [sys.executable, "-m", worker]
        at = {"cwd": scratch, "env": os.environ | {"PYTHONPATH": path}}
        done = subprocess.run(
            command,
            input=json.dumps(request) + "\n",
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            **at,
        )
    return json.loads(done.stdout.splitlines()[-1])
