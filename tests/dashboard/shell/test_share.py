"""The view as a file: made on a click, with the picked models marked."""

from __future__ import annotations

import re

from paretoscope.dashboard.shell import scope, share
from paretoscope.report.points_data import decoded
from paretoscope.report.tables.table import rows
from paretoscope.trials.trial import TrialDocument
from tests.dashboard.conftest import Open


def test_the_popover_offers_the_link_and_the_file(
    open_page: Open, full: list[TrialDocument]
) -> None:
    for page in ("explore", "compare"):
        app = open_page(page, pick=[full[2].trial_id])
        assert share.FILE not in _keys(app), "made when it is opened"
        app.session_state["share"] = True
        app.run()
        assert not app.exception
        assert any(full[2].trial_id in each.value for each in app.code)
        assert share.FILE in _keys(app)


def _keys(app: object) -> str:
    return " ".join(str(each.proto.id) for each in app.get("download_button"))  # type: ignore[attr-defined]


def test_the_file_has_the_scope_and_marks_the_picks(full: list[TrialDocument]) -> None:
    table = rows(full)
    content = share.file(table, [full[2].trial_id])()
    (data,) = re.findall(r'id="data">(.*?)</script>', content)
    (chapter,) = decoded(data)["chapters"]
    assert set(chapter["ids"]) == {each.trial_id for each in full}
    assert [chapter["ids"][each] for each in chapter["picked"]] == [full[2].trial_id]


def test_the_file_is_named_by_model_and_task(open_page: Open, full: list[TrialDocument]) -> None:
    here: scope.Scope = open_page("explore").session_state["scope"]
    assert share.file_name(here) == "minilm-trec-trec.html"
