"""The arithmetic, against tables and known properties."""

from __future__ import annotations

import numpy as np
import pytest

from perf.resampling import centre, freedom, seed_of, standard_error, student


@pytest.mark.parametrize(
    ("doubt", "degrees", "table"),
    [(0.05, 9, 1.833), (0.01, 9, 2.821), (0.005, 19, 2.861), (0.001, 9, 4.297), (0.05, 5, 2.015), (0.001, 19, 3.579)],
)
def test_student_agrees_with_the_printed_table(doubt: float, degrees: int, table: float) -> None:
    assert student(doubt, degrees) == pytest.approx(table, rel=0.01)


def test_the_trimmed_mean_leaves_out_both_ends() -> None:
    values = np.array([-100.0, 1.0, 2.0, 3.0, 1000.0])
    assert centre(values, 0.2) == pytest.approx(2.0)
    assert centre(values, 0.0) == pytest.approx(181.2)
    assert freedom(5, 0.2) == 2


def test_the_standard_error_of_a_mean_is_the_known_one() -> None:
    values = np.random.default_rng(3).normal(0, 2.0, size=400)
    error = standard_error(values, 0.0, resamples=2000, random=np.random.default_rng(1))
    assert error == pytest.approx(2.0 / 20, rel=0.1)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(11)
    missed = 0
    for _ in range(600):
        values = random.standard_t(4, size=16)
        error = standard_error(values, 0.2, resamples=500, random=random)
        missed += float(centre(values, 0.2)) - student(0.01, freedom(16, 0.2)) * error > 0
    assert missed <= 14


def test_the_seed_is_the_datas_own() -> None:
    values = np.arange(4.0)
    assert seed_of(values) == seed_of(values.copy())
    assert seed_of(values) != seed_of(values + 1e-9)
