"""Measured trials as runs of MLflow: recipe, metrics with intervals, conditions, artefact.

A run has the id of its trial and the time of the measurement as tags. A trial that has a finished
run with both is not logged again.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoscope.errors import ParetoscopeError
from paretoscope.integrations.extras import extra
from paretoscope.integrations.run_fields import MEASURED, TRIAL, metrics, params, tags
from paretoscope.trials.format import short
from paretoscope.trials.trial import TrialDocument

EXPERIMENT = "paretoscope"
ARTIFACT = "model"
"""Folder of the artefact within the artifacts of a run."""
MOST_PARAMS = 100
"""Parameters that MLflow takes in one request."""
RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
"""Variable of MLflow. Its default waits for minutes when a server cannot be reached."""


@dataclass(frozen=True)
class LoggedRun:
    """The run of a trial; `new` unless the trial was logged before."""

    trial_id: str
    run_id: str
    experiment: str
    tracking_uri: str
    new: bool
    files: int
    """Files of the artefact in the run; 0 for a trial whose artefact is not on this machine."""


class Tracker:
    """An experiment of a tracking server.

    `tracking_uri` is by default that of MLflow's own configuration (`MLFLOW_TRACKING_URI`). Raises
    `ParetoscopeError` when MLflow is not installed or the server refuses.
    """

    def __init__(self, tracking_uri: str | None = None, experiment: str = EXPERIMENT) -> None:
        os.environ.setdefault(RETRIES, "2")
        self._mlflow: Any = extra("mlflow", "mlflow", "Logging to MLflow")
        self._entities: Any = extra("mlflow.entities", "mlflow", "Logging to MLflow")
        for name in ("mlflow", "alembic"):  # they announce every table of a new database
            logging.getLogger(name).setLevel(logging.WARNING)
        self.uri = str(tracking_uri or self._mlflow.get_tracking_uri())
        self.experiment = experiment
        self._client: Any = self._answer(lambda: self._mlflow.MlflowClient(tracking_uri=self.uri))
        self._experiment_id: str = self._answer(self._open)

    def log(self, document: TrialDocument, artifact: Path | None) -> LoggedRun:
        """Log a finished trial with its artefact; a run that was logged before is returned."""
        found = self._answer(lambda: self._found(document))
        if found is not None:
            return self._logged(document, found, new=False)
        return self._logged(document, self._answer(lambda: self._write(document, artifact)))

    def _open(self) -> str:
        found = self._client.get_experiment_by_name(self.experiment)
        if found is None:
            return self._client.create_experiment(self.experiment)
        if found.lifecycle_stage != "active":
            raise ParetoscopeError(
                f'The MLflow experiment "{self.experiment}" is deleted; restore it, or name another'
                " one with --experiment."
            )
        return found.experiment_id

    def _found(self, document: TrialDocument) -> str | None:
        """The id of the finished run of this measurement."""
        wanted = f"tags.`{TRIAL}` = '{document.trial_id}' and attributes.status = 'FINISHED'"
        runs = self._client.search_runs([self._experiment_id], wanted)
        measured = tags(document).get(MEASURED)
        return next(
            (run.info.run_id for run in runs if run.data.tags.get(MEASURED) == measured), None
        )

    def _write(self, document: TrialDocument, artifact: Path | None) -> str:
        """Write a run, or remove what was written of it."""
        at = document.measured_at
        run_id: str = self._client.create_run(
            self._experiment_id,
            start_time=int(at.timestamp() * 1000) if at else None,
            tags=tags(document),
            run_name=f"{short(document.model)} {document.trial_id}",
        ).info.run_id
        try:
            stored = [self._entities.Param(*pair) for pair in params(document).items()]
            numbers = [
                self._entities.Metric(key, value, 0, 0) for key, value in metrics(document).items()
            ]
            self._client.log_batch(run_id, metrics=numbers)
            for start in range(0, len(stored), MOST_PARAMS):
                self._client.log_batch(run_id, params=stored[start : start + MOST_PARAMS])
            if artifact is not None:
                self._client.log_artifacts(run_id, str(artifact), ARTIFACT)
            self._client.set_terminated(run_id)
        except BaseException:
            self._client.delete_run(run_id)
            raise
        return run_id

    def _logged(self, document: TrialDocument, run_id: str, *, new: bool = True) -> LoggedRun:
        files = self._answer(lambda: self._client.list_artifacts(run_id, ARTIFACT))
        return LoggedRun(
            document.trial_id,
            run_id,
            self.experiment,
            self.uri,
            new,
            sum(not f.is_dir for f in files),
        )

    def _answer(self, call: Callable[[], Any]) -> Any:
        """The answer of the server; its errors are of many unrelated classes."""
        try:
            return call()
        except ParetoscopeError:
            raise
        except Exception as error:
            raise ParetoscopeError(
                f'MLflow at "{self.uri}" cannot be used: {_reason(error)}; check --tracking-uri.'
            ) from error


def _reason(error: Exception) -> str:
    """The first sentence of an error.

    >>> _reason(ValueError("Bad URI 'x'. See https://mlflow.org.")), _reason(KeyError())
    ("Bad URI 'x'", 'KeyError')
    """
    text = str(error).strip()
    if "Max retries exceeded" in text:
        return "the server does not answer"
    return (text.splitlines() or [type(error).__name__])[0].partition(". ")[0].rstrip(".")
