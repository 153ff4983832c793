"""Where `frontier` and `report` take a model's trials from: the workspace, or the shipped study while nothing of it was measured there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from compression import catalog
from compression.errors import ParetoscopeError
from compression.report.table import machine_in_words, when
from compression.store import Store
from compression.study import shipped_study
from compression.trial import TrialDocument
from compression.workspace import Workspace


@dataclass(frozen=True)
class Source:
    """`where` is empty for the workspace; for the shipped study it says which machine measured it and when."""

    name: Literal["workspace", "shipped study"]
    model: str
    where: str = ""

    def in_words(self, count: int) -> list[str]:
        """Whose points these are, as no line or one."""
        if self.name == "workspace":
            return []
        return [f"These {count} models were measured on another machine ({self.where}); measure here with `paretoscope sweep {self.model}`."]


def beside(store: Store, ids: Sequence[str]) -> list[TrialDocument]:
    """Every finished trial of the workspace that has model and task of one of these: what their times share a footing with."""
    asked = {(row.request.model_key or row.request.model, row.request.task) for row in store.trials(ids=ids)}
    return [document for model, task in sorted(asked) for document in store.documents(model=model, task=task)]


def measured_trials(workspace: Workspace, model: str, task: str | None) -> tuple[list[TrialDocument], Source]:
    """What was measured of `model`, on `task` or the one measured last; an error when nothing was."""
    ref = catalog.resolve_model(model)
    task = catalog.resolve_task(task).name if task else None
    store = Store.open(workspace)
    documents, source = store.documents(model=ref.key, task=task), Source("workspace", model)
    store.close()
    if not documents and ref.kind == "builtin":
        documents = [document for document in shipped_study() if document.model == ref.name and task in (None, document.task)]
        source = Source("shipped study", model, _where(documents))
    if not documents:
        on = f' on "{task}"' if task else ""
        raise ParetoscopeError(f'Nothing was measured of "{model}"{on} yet; `paretoscope sweep {model}` is a start.')
    newest = max(documents, key=lambda document: document.measured_at.timestamp() if document.measured_at else 0)
    return [document for document in documents if document.task == newest.task], source


def _where(documents: Sequence[TrialDocument]) -> str:
    """Machine and day of the newest, for a study has one machine."""
    return f"{machine_in_words(documents[-1])}, {when(documents[-1])}" if documents else ""
