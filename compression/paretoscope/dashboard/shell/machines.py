"""The machines whose measurements of a model and task exist: this one, others, the demo study's."""

from __future__ import annotations

from dataclasses import dataclass

from paretoscope.dashboard.shell import data, measured
from paretoscope.dashboard.shell.scope import machine_key
from paretoscope.machine import Machine
from paretoscope.store.store import MeasuredScope
from paretoscope.trials.format import plain, short_machine
from paretoscope.trials.request import Conditions


@dataclass(frozen=True)
class MeasuredOn:
    """A machine with its measurements; `key` is its value in a query."""

    key: str
    machine: Machine
    demo: bool
    scopes: tuple[MeasuredScope, ...]

    @property
    def count(self) -> int:
        """The number of models under the most frequent conditions, with the baseline."""
        return max(self.scopes, key=lambda each: each.trials).models if self.scopes else 1

    def under(self) -> list[tuple[int, Conditions]]:
        """The number of trials under each of the measured conditions."""
        return [(each.trials, at) for each in self.scopes if (at := each.example.conditions)]

    def in_words(self) -> str:
        """ "Demo machine · Xeon, 2 cores", "This machine · Xeon, 2 cores"."""
        here = not self.demo and self.machine.id == data.this_machine().id
        which = "This machine" if here else "Demo machine" if self.demo else "Other machine"
        return f"{which} · {short_machine(self.machine)}"

    def described(self) -> str:
        """Name of the machine and date of the newest measurement."""
        dates = [each.newest for each in self.scopes if each.newest]
        return plain(self.machine.in_words()) + (f", {max(dates):%d %b %Y}" if dates else "")


def measured_on(model: str, task: str) -> list[MeasuredOn]:
    """This machine first, then others of this workspace, then the demo study's."""
    here = data.this_machine()
    found: list[MeasuredOn] = []
    for demo in (False, True):
        of_both = [
            each
            for each in measured.scopes(demo=demo)
            if (each.example.model, each.example.task) == (model, task)
        ]
        machines = {at.id: at for each in of_both if (at := each.example.machine)}
        machines |= {} if demo else {here.id: here}
        for id_, machine in sorted(machines.items(), key=lambda item: item[0] != here.id):
            mine = tuple(each for each in of_both if each.example.measured_under[0] == id_)
            found.append(MeasuredOn(machine_key(machine, demo=demo), machine, demo, mine))
    return found
