"""The closed forms of leave-one-out kernel regression against refitting."""

from __future__ import annotations

import numpy as np
import pytest

from paretoscope.whatif import regression
from paretoscope.whatif.regression import predict


def test_the_closed_form_of_leaving_out_is_leaving_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernel ridge regression fitted again without each point gives the interval that one fit
    claims.
    """
    length, noise = 1.5, 0.03
    monkeypatch.setattr(regression, "LENGTHS", (length,))
    monkeypatch.setattr(regression, "NOISES", (noise,))
    generator = np.random.default_rng(1)
    x, at = generator.normal(size=(20, 3)), generator.normal(size=3)
    y = x[:, 0] + 0.3 * np.sin(3 * x[:, 1]) + generator.normal(0, 0.05, 20)

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / 3 + np.exp(-((a - b) ** 2).sum() / (2 * length**2)))

    def fitted(
        rows: list[np.ndarray], values: list[float], where: np.ndarray
    ) -> tuple[float, float]:
        gram = np.array([[kernel(a, b) for b in rows] for a in rows]) + noise * np.eye(len(rows))
        near = np.array([kernel(where, row) for row in rows])
        variance = kernel(where, where) + noise - near @ np.linalg.solve(gram, near)
        return float(near @ np.linalg.solve(gram, np.array(values))), float(np.sqrt(variance))

    scale = np.sqrt((y**2).mean())
    rows, values = [np.zeros(3), *x], [0.0, *(y / scale)]
    studentised = []
    for left_out in range(1, 21):
        guess, spread = fitted(
            [*rows[:left_out], *rows[left_out + 1 :]],
            [*values[:left_out], *values[left_out + 1 :]],
            rows[left_out],
        )
        studentised.append(abs(values[left_out] - guess) / spread)
    guess, spread = fitted(rows, values, at)
    found = predict(x, y, at)
    assert found.value == pytest.approx(guess * scale)
    assert found.half == pytest.approx(
        sorted(studentised)[18] * spread * scale
    )  # the 19th of 20 bounds nine tenths of 21


def test_smoothing_is_sure_where_points_are_dense_and_quiet() -> None:
    x = np.linspace(0.1, 2, 30)[:, None]
    y = np.sin(x[:, 0])
    found = predict(x, y, np.array([1.05]))
    assert found.value == pytest.approx(np.sin(1.05), abs=0.02)
    assert found.half < 0.05
    assert predict(x, y, np.array([9.0])).half > 10 * found.half
    noisy = predict(x, y + np.random.default_rng(0).normal(0, 0.2, 30), np.array([1.05]))
    assert noisy.half > 4 * found.half
    assert predict(x[:7], y[:7], np.array([0.3])).level == pytest.approx(7 / 8)
    assert predict(x, np.zeros(30), np.array([1.0])).value == 0
