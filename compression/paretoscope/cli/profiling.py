"""The command `profile`: milliseconds of every layer and operator."""

from __future__ import annotations

from pathlib import Path

from paretoscope.cli.export import artifact_folder
from paretoscope.cli.finding import trial_with_artifact
from paretoscope.cli.progress import ProgressLine
from paretoscope.cli.requests import ProfileRequest
from paretoscope.cli.text import columns
from paretoscope.cli.verbs import Answer
from paretoscope.layers import results
from paretoscope.layers.parts import part
from paretoscope.layers.profile import Profile
from paretoscope.layers.profiling import profile as profiled
from paretoscope.measure import locks
from paretoscope.store.store import Store
from paretoscope.trials.request import Conditions
from paretoscope.workspace import Workspace


def profile(request: ProfileRequest, workspace: Workspace) -> Answer:
    """Profile the graph of a trial, and store the result in the workspace and in `--to`."""
    store = Store.open(workspace)
    row = trial_with_artifact(store, request.trial)
    folder = artifact_folder(row, workspace)
    store.close()
    document = row.document
    assert document is not None, "a trial with an artefact has a document"
    under = document.measured_under[1] or Conditions()
    given = {name: getattr(request, name) for name in Conditions.model_fields}
    at = under.model_copy(update={name: each for name, each in given.items() if each is not None})
    line = ProgressLine()
    line.write("waiting until nothing else computes", "wait")
    with locks.measuring():
        found = profiled(
            document, folder, at, lambda done, of: line.write(f"process {done} of {of}", str(done))
        )
    line.close()
    path = results.profile_path(workspace, found.graph_sha256, at, found.machine.id)
    for each in (path, *([Path(request.to)] if request.to else [])):
        results.write(found, each)
    return Answer(found.model_dump(mode="json"), _times(found))


def _times(found: Profile) -> str:
    rows = [
        (part(each.part).label, f"{each.ms.value:.3g} ms", f"{100 * found.share(each.part):.1f} %")
        for each in sorted(found.parts, key=lambda each: -each.ms.value)
    ]
    noisy = " The processes differ by more than 5 %; profile again." if found.noisy else ""
    return (
        f"{columns([('part', 'time', 'share'), *rows])}\n\n{found.runs} runs in {found.processes}"
        f" processes, {found.conditions.in_words()}, {found.machine.in_words()}. A request takes"
        f" {found.plain_ms.value:.3g} ms without the profiler, {found.profiled_ms.value:.3g} ms"
        f" with it.{noisy}"
    )
