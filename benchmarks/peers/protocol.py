"""The protocol of a peer's worker: a fresh process, one line of JSON in, one line out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

from paretoscope.workspace import PROJECT


def call_worker(worker: str, **request: Any) -> dict[str, Any]:
    """The last line that the module `worker` prints, parsed as JSON.

    Paths in the request are absolute: the worker runs in a scratch folder, because some libraries
    leave files in their working directory.
    """
    roots = [str(PROJECT), str(PROJECT / "compression"), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, roots))
    with TemporaryDirectory(prefix="paretoscope-") as scratch:
        done = subprocess.run(
            [sys.executable, "-m", worker],
            input=json.dumps(request) + "\n",
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=scratch,
            env=os.environ | {"PYTHONPATH": path},
        )
    return json.loads(done.stdout.splitlines()[-1])
