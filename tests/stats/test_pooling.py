"""Known answers of seven printed comparisons (metafor 3.8-1; roots to 1e-10), laws, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cohortstats.errors import InputError
from cohortstats.stats.pooling import METHODS, pool_effects

Z = 1.959963984540054
RATIOS = {
    "lapcape ttp": (0.49, 0.34, 0.71),
    "lapcape os": (0.87, 0.71, 1.08),
    "emilia pfs": (0.65, 0.55, 0.77),
    "emilia os": (0.68, 0.55, 0.85),
    "th3resa pfs": (0.528, 0.422, 0.661),
    "th3resa os": (0.552, 0.369, 0.826),
    "trastuzumab pfs": (0.73, 0.57, 0.93),
}
PFS = ("emilia pfs", "th3resa pfs")
OS = ("emilia os", "th3resa os")
OS_3 = ("lapcape os", *OS)
PFS_4 = ("lapcape ttp", *PFS, "trastuzumab pfs")


def arrays(names: tuple[str, ...]) -> tuple[list[float], list[float]]:
    rows = [RATIOS[name] for name in names]
    return [math.log(hr) for hr, _, _ in rows], [math.log(upper / lower) / (2 * Z) for _, lower, upper in rows]


def problems_of(*arguments: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        pool_effects(*arguments, **options)
    return caught.value.problems


# metafor rma(y, sei = s, method = "FE"): ratio and limits, Q, its P, I² in percent.
@pytest.mark.parametrize(
    ("names", "right"),
    [
        (PFS, (0.60314785, 0.52718979, 0.69005002, 2.11067780, 0.14627452, 52.621855)),
        (OS, (0.64870563, 0.53564856, 0.78562518, 0.79669086, 0.37208459, 0)),
        (OS_3, (0.74131919, 0.64355971, 0.85392875, 4.89977204, 0.08630342, 59.181775)),
        (PFS_4, (0.61585929, 0.55042827, 0.68906828, 5.53766264, 0.13640325, 45.825519)),
    ],
)
def test_fixed_effect(names: tuple[str, ...], right: tuple[float, ...]) -> None:
    found = pool_effects(*arrays(names))
    ratios = [math.exp(x) for x in (found.estimate, found.ci_lower, found.ci_upper)]
    assert ratios == pytest.approx(right[:3], abs=6e-9)
    assert (found.q, found.q_p) == pytest.approx(right[3:5], abs=6e-9)
    assert 100 * found.i2 == pytest.approx(right[5], abs=6e-7)
    assert found.tau2 == 0  # by assumption
    assert found.df == len(names) - 1


# metafor, method = "DL": tau², ratio and limits, prediction by t(k − 2), Hartung-Knapp limits.
@pytest.mark.parametrize(
    ("names", "right"),
    [
        (PFS, (0.01136960, 0.59397346, 0.48537581, 0.72686868, math.nan, math.nan, 0.16043187, 2.19909218)),
        (OS, (0, 0.64870563, 0.53564856, 0.78562518, math.nan, math.nan, 0.21419101, 1.96469022)),
        (OS_3, (0.02516442, 0.71690139, 0.56604019, 0.90797016, 0.05701710, 9.01392054, 0.42075332, 1.22149387)),
        (PFS_4, (0.01215784, 0.60749607, 0.51707431, 0.71373005, 0.33614187, 1.09790390, 0.46358090, 0.79608861)),
    ],
)
def test_dersimonian_laird_with_prediction_and_hartung_knapp(names: tuple[str, ...], right: tuple[float, ...]) -> None:
    found = pool_effects(*arrays(names), method="dersimonian-laird")
    knapp = pool_effects(*arrays(names), method="dersimonian-laird", interval="hartung-knapp")
    logs = (
        found.estimate, found.ci_lower, found.ci_upper, found.prediction_lower, found.prediction_upper,
        knapp.ci_lower, knapp.ci_upper,
    )  # fmt: skip
    assert found.tau2 == pytest.approx(right[0], abs=6e-9)
    assert [math.exp(x) for x in logs] == pytest.approx(right[1:], abs=6e-9, nan_ok=True)


# REML: metafor at its default tolerance; Paule-Mandel: the root of Q(tau²) = df to 1e-10.
@pytest.mark.parametrize(
    ("names", "reml", "paule_mandel"),
    [(PFS, 0.01136960, 0.01136960), (OS, 0, 0), (OS_3, 0.02571404, 0.02777849), (PFS_4, 0.01197115, 0.01418195)],
)
def test_other_estimates_of_the_variance_between_studies(
    names: tuple[str, ...], reml: float, paule_mandel: float
) -> None:
    assert pool_effects(*arrays(names), method="reml").tau2 == pytest.approx(reml, abs=1e-5)
    assert pool_effects(*arrays(names), method="paule-mandel").tau2 == pytest.approx(paule_mandel, abs=1.5e-8)


def test_paule_mandel_makes_the_scatter_what_is_expected() -> None:
    y, s = (np.array(column) for column in arrays(OS_3))
    w = 1 / (s**2 + pool_effects(y, s, method="paule-mandel").tau2)
    assert (w * (y - (w * y).sum() / w.sum()) ** 2).sum() == pytest.approx(2, abs=1e-12)


def test_the_quantile_of_the_prediction_is_named() -> None:
    # The page of numbers has .46394250 to .79546813 under normal quantiles.
    found = pool_effects(*arrays(PFS_4), method="dersimonian-laird")
    assert found.method == "random effects, DerSimonian-Laird, normal limits, prediction by t(2)"
    half = Z * math.sqrt(found.tau2 + found.std_error**2)
    by_normal = [math.exp(found.estimate - half), math.exp(found.estimate + half)]
    assert by_normal == pytest.approx([0.46394250, 0.79546813], abs=6e-9)


def test_a_negative_variance_is_cut_at_0() -> None:
    # statsmodels' combine_effects gives −.00554927 here, and an interval narrower than that of the fixed effect.
    random, fixed = (pool_effects(*arrays(OS), method=method) for method in ("dersimonian-laird", "fixed"))
    assert random.tau2 == 0
    assert (random.ci_lower, random.ci_upper) == (fixed.ci_lower, fixed.ci_upper)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interval", ["normal", "hartung-knapp"])
def test_one_study_is_itself(method: Any, interval: Any) -> None:
    found = pool_effects([-0.5], [0.2], method=method, interval=interval)
    assert (found.estimate, found.std_error, found.weights.tolist()) == (-0.5, pytest.approx(0.2), [1.0])
    assert math.isnan(found.tau2) and math.isnan(found.i2) and math.isnan(found.q_p)
    assert (found.q, found.df, found.reason) == (0.0, 0, "one study")
    half = Z * 0.2 if interval == "normal" else math.nan
    assert [found.ci_lower, found.ci_upper] == pytest.approx([-0.5 - half, -0.5 + half], nan_ok=True)


@pytest.mark.parametrize("method", METHODS)
def test_equal_rows_give_the_row_with_a_smaller_error(method: Any) -> None:
    for k in (2, 3, 9):
        found = pool_effects([-0.4] * k, [0.3] * k, method=method)
        assert found.estimate == pytest.approx(-0.4, rel=1e-15)
        assert found.std_error == pytest.approx(0.3 / math.sqrt(k), rel=1e-14)
        assert (found.q, found.i2, found.tau2) == pytest.approx((0, 0, 0), abs=1e-28)
        assert found.q_p == 1


def test_hartung_knapp_around_equal_estimates_has_no_p_value() -> None:
    found = pool_effects([-0.5] * 3, [0.25] * 3, interval="hartung-knapp")
    assert (found.ci_lower, found.ci_upper) == (-0.5, -0.5)
    assert math.isnan(found.p_value)
    assert found.reason == "variance is zero"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interval", ["normal", "hartung-knapp"])
def test_the_order_of_studies_changes_no_digit(method: Any, interval: Any) -> None:
    rng = np.random.default_rng(11)
    y, s = rng.normal(0, 0.5, 9), rng.uniform(0.05, 0.6, 9)
    first = pool_effects(y, s, method=method, interval=interval)
    for _ in range(5):
        order = rng.permutation(9)
        other = pool_effects(y[order], s[order], method=method, interval=interval)
        assert other.to_frame().equals(first.to_frame())
        assert np.array_equal(other.weights, first.weights[order])


def test_reml_finds_the_best_of_several_minima() -> None:
    # Brute force over tau²: the least restricted likelihood of an outlier among precise studies.
    y, s = np.array([0.0, 0.02, 0.01, 3.0]), np.array([0.05, 0.06, 0.9, 1.4])
    tau2 = np.concatenate([[0], np.geomspace(1e-7, 100, 200_000)])[:, None]
    w = 1 / (s**2 + tau2)
    mean = (w * y).sum(axis=1) / w.sum(axis=1)
    cost = -np.log(w).sum(axis=1) + np.log(w.sum(axis=1)) + (w * (y - mean[:, None]) ** 2).sum(axis=1)
    assert pool_effects(y, s, method="reml").tau2 == pytest.approx(float(tau2[np.argmin(cost), 0]), rel=2e-4)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("method", METHODS)
def test_units_do_not_matter(method: Any, scale: float) -> None:
    y, s = np.array([0.1, 0.9, -0.4, 0.3]), np.array([0.1, 0.3, 0.2, 0.15])
    found, plain = pool_effects(y * scale, s * scale, method=method), pool_effects(y, s, method=method)
    assert found.estimate == pytest.approx(plain.estimate * scale, rel=1e-9)
    assert found.tau2 == pytest.approx(plain.tau2 * scale**2, rel=1e-7)


def test_everything_wrong_with_a_call_is_said_at_once() -> None:
    assert problems_of([0.1, math.inf], [0.2, -1.0], method="dl", interval="knha", ci_level=95) == (
        "method 'dl' is not known; choose fixed, dersimonian-laird, paule-mandel or reml.",
        "interval 'knha' is not known; choose normal or hartung-knapp.",
        "ci_level is 95; give a fraction, such as 0.95.",
        "estimates is inf at position 2; give finite numbers.",
        "std_errors is −1 at position 2; give numbers above 0.",
    )
    assert problems_of([0.1, math.nan], [0.1, 0.2]) == (
        "estimates is missing at position 2; exclude or complete this patient first.",
    )
    assert problems_of([0.1], [0.1, 0.2]) == ("estimates has 1 values, std_errors has 2.",)
    assert problems_of([], []) == ("there is no study to pool.",)
    assert problems_of([0.1], [0.0]) == ("std_errors is 0 at position 1; give numbers above 0.",)


def test_results_cannot_be_changed() -> None:
    found = pool_effects([0.1, 0.2], [0.1, 0.1])
    with pytest.raises(ValueError, match="read-only"):
        found.weights[0] = 1.0
    assert float(found.weights.sum()) == pytest.approx(1)
