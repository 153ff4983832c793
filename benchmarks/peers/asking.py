"""How a peer's worker is asked: one line of JSON to a fresh process, one line back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def ask(worker: str, **request: Any) -> dict[str, Any]:
    """The answer of the module `worker`, whatever its library prints before it."""
    done = subprocess.run([sys.executable, "-m", worker], input=json.dumps(request) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
