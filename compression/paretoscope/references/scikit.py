"""The parts of scikit-learn that are used; it has no type information."""

from __future__ import annotations

from typing import Any

from sklearn import (  # pyright: ignore[reportMissingTypeStubs]
    base,
    exceptions,
    linear_model,
    model_selection,
    preprocessing,
)
from sklearn.feature_extraction import text  # pyright: ignore[reportMissingTypeStubs]

_base: Any = base
clone: Any = _base.clone
ConvergenceWarning: type[Warning] = exceptions.ConvergenceWarning
LogisticRegression: Any = linear_model.LogisticRegression
StandardScaler: Any = preprocessing.StandardScaler
StratifiedKFold: Any = model_selection.StratifiedKFold
TfidfVectorizer: Any = text.TfidfVectorizer
