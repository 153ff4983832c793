"""The store of the pages: everything can be read, and a read-only dashboard changes nothing."""

from __future__ import annotations

from paretoscope.dashboard.shell import permissions
from paretoscope.store.store import Store
from paretoscope.store.trials import TrialRow
from paretoscope.trials.request import TrialRequest
from paretoscope.trials.trial import HeldOut, TrialDocument


class PageStore(Store):
    """A `Store` that raises `ParetoscopeError` for every change while the dashboard is read-only.

    It is the last check: buttons are disabled, but a forged message can still press them.
    """

    def queue(self, request: TrialRequest, priority: int = 0, *, again: bool = False) -> TrialRow:
        permissions.require()
        return super().queue(request, priority, again=again)

    def retry(self, trial_id: str) -> TrialRow:
        permissions.require()
        return super().retry(trial_id)

    def request_cancel(self, trial_id: str) -> TrialRow:
        permissions.require()
        return super().request_cancel(trial_id)

    def prioritize(self, trial_id: str, by: int) -> TrialRow:
        permissions.require()
        return super().prioritize(trial_id, by)

    def record_held_out(self, trial_id: str, held_out: HeldOut) -> TrialDocument:
        permissions.require()
        return super().record_held_out(trial_id, held_out)
