"""int8 through the command line: bytes, speed-up, accuracy lost, and seconds per command.

    python benchmarks/int8.py [minilm-trec]

The first run uses an empty workspace: it starts the engine, makes and measures baseline and model.
The second run repeats the same command and reads the stored trial.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from typing import Any

from paretoscope.workspace import PROJECT

RECIPE = PROJECT / "data" / "recipes" / "int8.yaml"


def paretoscope(workspace: str, *words: str) -> tuple[dict[str, Any], float]:
    """Run a command with --json; its document and its duration in seconds."""
    command = [sys.executable, "-m", "paretoscope", "--workspace", workspace, *words]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=PROJECT)
    return json.loads(done.stdout or "{}"), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default="minilm-trec")
    model = parser.parse_args().model
    with tempfile.TemporaryDirectory() as workspace:
        try:
            document, cold = paretoscope(workspace, "run", model, "--recipe", str(RECIPE), "--json")
            _, again = paretoscope(workspace, "run", model, "--recipe", str(RECIPE), "--json")
        finally:
            subprocess.run(
                [sys.executable, "-m", "paretoscope", "--workspace", workspace, "engine", "stop"],
                cwd=PROJECT,
                check=False,
            )
    report(document, cold, again)


def report(document: dict[str, Any], cold: float, again: float) -> None:
    baseline = document["baseline"]
    share = document["artifact"]["size_bytes"] / baseline["artifact"]["size_bytes"]
    lost = (baseline["quality"]["value"] - document["quality"]["value"]) * 100
    speedup, latency = document["speedup"], document["latency"]
    print(f"machine     {document['machine']['cpu']}, {document['machine']['cores']} cores")
    bytes_of = f"{document['artifact']['size_bytes']:,} of {baseline['artifact']['size_bytes']:,}"
    print(f"bytes       {share:.1%} of fp32 ({bytes_of})   target: at most 27 %")
    print(
        f"speed-up    {speedup['value']:.2f} [{speedup['low']:.2f}, {speedup['high']:.2f}] (batch"
        f" {latency['batch']}, {latency['sequence']} tokens, {latency['threads']} threads)  "
        " target: at least 1.8 with VNNI"
    )
    chance = f"McNemar p = {document['paired']['mcnemar_p']:.2f}"
    print(
        f"accuracy    {document['quality']['value']:.4f}, {lost:+.2f} points lost ({chance})  "
        " target: at most 1"
    )
    print(f"cold        {cold:.1f} s from command to result   target: at most 40 s")
    print(f"cached      {again:.2f} s from command to result   target: at most 2 s")


if __name__ == "__main__":
    main()
