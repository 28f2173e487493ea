"""How numbers are written. Printed P values and percentages are those of Sakai et al. 2018, Tables 1 and 4."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cohortstats.tables.numbers import (
    FORMATS,
    STYLES,
    format_count_percent,
    format_interval,
    format_number,
    format_p,
    format_percent,
    format_signed,
    round_half_up,
)

P_TABLE = [
    # value, paper, default
    (1, "1", ">0.99"),
    (0.9996, "1", ">0.99"),
    (0.994, "0.994", "0.99"),
    (Fraction(13007, 29667), "0.438", "0.44"),
    (Fraction(4569, 9889), "0.462", "0.46"),
    (Fraction(89, 364), "0.245", "0.24"),
    (0.0996, "0.1", "0.10"),
    (Fraction(1, 20), "0.05", "0.050"),
    (0.0496, "0.0496", "0.0496"),
    (0.0451, "0.045", "0.045"),
    (0.0099, "0.0099", "0.0099"),
    (0.003713548, "0.0037", "0.0037"),
    (0.00099, "0.00099", "<0.001"),
    (0.00002, "<0.0001", "<0.001"),
]


@pytest.mark.parametrize(("p", "paper", "default"), P_TABLE)
def test_p_values_in_both_styles(p: float, paper: str, default: str) -> None:
    assert format_p(p, STYLES["paper"]) == paper
    assert format_p(p, STYLES["default"]) == default


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.1])
def test_printed_p_never_crosses_alpha(style, alpha: float) -> None:
    level = Fraction(str(alpha))
    for thousandth in range(1, 2000):
        p = Fraction(thousandth, 10000)
        text = format_p(p, style, alpha)
        if text.startswith(("<", ">")):
            continue
        assert (Fraction(text) < level) == (p < level), (p, text)


@pytest.mark.parametrize(
    ("count", "total", "paper", "default"),
    [
        (9, 34, "9 (26.5)", "9 (26.5)"),
        (4, 34, "4 (11.8)", "4 (11.8)"),
        (2, 34, "2 (5.9)", "2 (5.9)"),
        (0, 5, "0 (0)", "0 (0.0)"),
        (2, 2, "2 (100)", "2 (100.0)"),
        (7, 25, "7 (28.0)", "7 (28.0)"),
        (1, 80, "1 (1.3)", "1 (1.3)"),
        (0, 0, "0 (NA)", "0 (NE)"),
    ],
)
def test_counts_with_percent(count: int, total: int, paper: str, default: str) -> None:
    assert format_count_percent(count, total, STYLES["paper"]) == paper
    assert format_count_percent(count, total, STYLES["default"]) == default


def test_rounding_is_half_up_of_the_exact_value() -> None:
    # 2/16 = 12.5 %: the paper prints 13; binary rounding gives 12.
    assert round_half_up(Fraction(200, 16), 0) == "13"
    assert round_half_up(Fraction(100, 16), 1) == "6.3"
    assert round_half_up(2.675, 2) == "2.68"  # the float lies below; its shortest text is the value meant
    assert round_half_up(-2.5, 0) == "-3"
    assert round_half_up(-0.04, 1) == "0.0"
    assert round_half_up(999999999999999.5, 0) == "1000000000000000"


def test_rounding_against_exact_arithmetic() -> None:
    for numerator in range(400):
        for denominator in (3, 7, 8, 16, 34, 40):
            value = Fraction(100 * numerator, denominator)
            shown = Fraction(round_half_up(value, 1))
            assert -Fraction(1, 20) < shown - value <= Fraction(1, 20)


def test_intervals_use_to_when_a_limit_is_negative() -> None:
    style = STYLES["default"]
    assert FORMATS["difference"]((0.176470588, -0.118516637, 0.437058), style) == "+18 (−12 to +44)"
    assert FORMATS["difference"]((-0.057777, -0.309977, 0.295154), STYLES["paper"]) == "−5.8 (−31.0 to +29.5)"
    assert FORMATS["percent interval"]((0.146011906772, 0.431171412829), style) == "14.6–43.1"
    assert FORMATS["time (interval)"]((56.5, 36.0, float("nan")), STYLES["paper"]) == "56.5 (36-NA)"
    assert FORMATS["time (interval)"]((56.5, 36.0, float("nan")), style) == "56.5 (36–NR)"
    assert format_interval("0.4", "1.2", style) == "0.4–1.2"


def test_undefined_and_odd_numbers() -> None:
    style = STYLES["default"]
    assert format_percent(None, style) == "NE"
    assert format_number(float("nan"), STYLES["paper"]) == "NA"
    assert format_number(float("inf"), style) == "∞"
    assert format_signed(0.0, style, 1) == "0.0"
    assert FORMATS["mean (SD)"]((61.25, float("nan")), style) == "61.3 (NE)"
    assert format_p(float("nan"), style) == "NE"
