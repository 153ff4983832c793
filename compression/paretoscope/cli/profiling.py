"""The command `profile`: milliseconds of every layer and operator."""

from __future__ import annotations

from pathlib import Path

from paretoscope.cli.export import artifact_folder
from paretoscope.cli.finding import trial_with_artifact
from paretoscope.cli.progress import ProgressLine
from paretoscope.cli.requests import ProfileRequest
from paretoscope.cli.text import columns
from paretoscope.cli.verbs import Answer
from paretoscope.errors import ParetoscopeError
from paretoscope.layers import results
from paretoscope.layers.parts import part
from paretoscope.layers.profile import Profile
from paretoscope.layers.profiling import profile as profiled
from paretoscope.measure import locks
from paretoscope.store.store import Store
from paretoscope.trials.request import Conditions
from paretoscope.trials.trial import TrialDocument
from paretoscope.workspace import Workspace


def profile(request: ProfileRequest, workspace: Workspace) -> Answer:
    """Profile the graphs of trials, and store the results in the workspace and in `--to`."""
    if request.to and len(request.trials) > 1:
        raise ParetoscopeError("--to takes the profile of one trial; give one, or leave out --to.")
    store = Store.open(workspace)
    rows = [trial_with_artifact(store, start) for start in request.trials]
    store.close()
    folders = [artifact_folder(row, workspace) for row in rows]
    line = ProgressLine()
    line.write("waiting until nothing else computes", "wait")
    found: list[Profile] = []
    with locks.measuring():
        for number, (row, folder) in enumerate(zip(rows, folders, strict=True)):

            def show(done: int, of: int, before: int = number) -> None:
                text = f"process {before * of + done} of {len(rows) * of}"
                line.write(text, text)

            assert row.document is not None, "a trial with an artefact has a document"
            at = _conditions(row.document, request)
            found.append(profiled(row.document, folder, at, show))
    line.close()
    for each in found:
        sha, machine = each.graph_sha256, each.machine.id
        path = results.profile_path(workspace, sha, each.conditions, machine)
        for to in (path, *([Path(request.to)] if request.to else [])):
            results.write(each, to)
    content = {"profiles": [each.model_dump(mode="json") for each in found]}
    return Answer(content, "\n\n".join(map(_times, found)))


def _conditions(document: TrialDocument, request: ProfileRequest) -> Conditions:
    """Those of the trial, with the numbers that were given."""
    under = document.measured_under[1] or Conditions()
    given = {name: getattr(request, name) for name in Conditions.model_fields}
    return under.model_copy(update={name: each for name, each in given.items() if each is not None})


def _times(found: Profile) -> str:
    rows = [
        (part(each.part).label, f"{each.ms.value:.3g} ms", f"{100 * found.share(each.part):.1f} %")
        for each in sorted(found.parts, key=lambda each: -each.ms.value)
    ]
    noisy = " The processes differ by more than 5 %; profile again." if found.noisy else ""
    return (
        f"{found.model}, trial {found.trial_id}\n{columns([('part', 'time', 'share'), *rows])}\n\n"
        f"{found.runs} runs in {found.processes} processes, {found.conditions.in_words()},"
        f" {found.machine.in_words()}. A request takes {found.plain_ms.value:.3g} ms without the"
        f" profiler, {found.profiled_ms.value:.3g} ms with it.{noisy}"
    )
