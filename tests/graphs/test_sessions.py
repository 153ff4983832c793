"""Sessions that nobody times: how many threads they have, and that these sleep."""

from __future__ import annotations

from pathlib import Path

import pytest

from paretoscope.graphs.sessions import session
from tests.quantization.places import graph_of


@pytest.mark.parametrize(("given", "threads"), [("3", 3), ("", 0), ("4,2", 0), (None, 0)])
def test_threads_are_those_that_the_process_was_given(
    given: str | None, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    options = session(graph_of("bert", tmp_path)).get_session_options()
    assert options.intra_op_num_threads == threads  # 0: the runtime's own choice
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
