"""A read-only dashboard: nothing acts, and controls say why."""

from __future__ import annotations

import pytest

from paretoscope.dashboard.shell import data, permissions
from paretoscope.errors import ParetoscopeError
from paretoscope.trials.request import TrialRequest


def test_everything_is_allowed_by_default() -> None:
    assert permissions.may_act()
    assert permissions.reason() == ""
    assert permissions.reason("It is built in.") == "It is built in."
    permissions.require()


def test_a_read_only_dashboard_queues_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARETOSCOPE_READ_ONLY", "1")
    assert permissions.reason("It is built in.") == permissions.READ_ONLY
    with pytest.raises(ParetoscopeError, match="read-only"):
        data.queue([TrialRequest(model="minilm-trec", task="trec")])
    assert data.store().trials() == []
