"""The machines whose measurements of a model and task exist: this one, others, the demo study's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from paretoscope.dashboard.shell import data
from paretoscope.dashboard.shell.scope import machine_key
from paretoscope.machine import Machine
from paretoscope.recipes.recipe import Recipe
from paretoscope.trials.format import plain, short_machine
from paretoscope.trials.trial import TrialDocument


@dataclass(frozen=True)
class MeasuredOn:
    """A machine with its measurements; `key` is its value in a query."""

    key: str
    machine: Machine
    demo: bool
    documents: tuple[TrialDocument, ...]

    @property
    def count(self) -> int:
        """The number of models under the most frequent conditions, with the baseline."""
        under = Counter(document.measured_under[1] for document in self.documents)
        most = max(under, key=lambda at: under[at], default=None)
        recipes = {
            document.recipe_id for document in self.documents if document.measured_under[1] == most
        }
        return len(recipes | {Recipe().id})

    def in_words(self) -> str:
        """ "Demo machine · Xeon, 2 cores", "This machine · Xeon, 2 cores"."""
        here = not self.demo and self.machine.id == data.this_machine().id
        which = "This machine" if here else "Demo machine" if self.demo else "Other machine"
        return f"{which} · {short_machine(self.machine)}"

    def described(self) -> str:
        """Name of the machine and date of the newest measurement."""
        dates = [document.measured_at for document in self.documents if document.measured_at]
        return plain(self.machine.in_words()) + (f", {max(dates):%d %b %Y}" if dates else "")


def measured_on(model: str, task: str) -> list[MeasuredOn]:
    """This machine first, then others of this workspace, then the demo study's."""
    here = data.this_machine()
    found: list[MeasuredOn] = []
    for demo, source in ((False, data.documents()), (True, data.demo_documents())):
        documents = [each for each in source if (each.model, each.task) == (model, task)]
        machines = {each.machine.id: each.machine for each in documents if each.machine}
        machines |= {} if demo else {here.id: here}
        for id_, machine in sorted(machines.items(), key=lambda item: item[0] != here.id):
            mine = tuple(each for each in documents if each.machine and each.machine.id == id_)
            found.append(MeasuredOn(machine_key(machine, demo=demo), machine, demo, mine))
    return found
