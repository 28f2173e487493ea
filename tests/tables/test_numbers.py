"""How numbers are written. Printed P values and percentages are those of Sakai et al. 2018, Tables 1 and 4."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohortstats.tables.numbers import (
    FORMATS,
    STYLES,
    Style,
    format_alpha,
    format_count_percent,
    format_exact,
    format_hazard_ratio,
    format_interval,
    format_number,
    format_p,
    format_percent,
    format_signed,
    round_half_up,
)

P_TABLE = [
    # value, paper, default, jama, nejm, lancet
    (1, "1", ">0.99", ">.99", ">0.99", ">0·99"),
    (0.9996, "1", ">0.99", ">.99", ">0.99", ">0·99"),
    (0.994, "0.994", "0.99", ".99", "0.99", "0·99"),
    (Fraction(13007, 29667), "0.438", "0.44", ".44", "0.44", "0·44"),
    (Fraction(4569, 9889), "0.462", "0.46", ".46", "0.46", "0·46"),
    (Fraction(89, 364), "0.245", "0.24", ".24", "0.24", "0·24"),
    (0.0996, "0.1", "0.10", ".10", "0.10", "0·10"),
    (Fraction(1, 20), "0.05", "0.050", ".05", "0.05", "0·050"),
    (0.0496, "0.0496", "0.0496", ".0496", "0.0496", "0·0496"),
    (0.0451, "0.045", "0.045", ".045", "0.045", "0·045"),
    (0.0099, "0.0099", "0.0099", ".010", "0.010", "0·0099"),
    (0.003713548, "0.0037", "0.0037", ".004", "0.004", "0·0037"),
    (0.00099, "0.00099", "<0.001", "<.001", "<0.001", "0·00099"),
    (0.00002, "<0.0001", "<0.001", "<.001", "<0.001", "<0·0001"),
]
"""The journals' rules by example: AMA Manual of Style, N Engl J Med, Lancet; paper is what Sakai et al. 2018 print."""


@pytest.mark.parametrize("row", P_TABLE, ids=[str(float(row[0])) for row in P_TABLE])
def test_p_values_in_all_styles(row) -> None:
    p, *texts = row
    assert [format_p(p, STYLES[name]) for name in ("paper", "default", "jama", "nejm", "lancet")] == texts


def sides(text: str) -> tuple[Fraction, Fraction]:
    """Least and greatest number that a printed P may stand for; open where it is an inequality."""
    number = Fraction("0" * text.lstrip("<>").startswith(".") + text.lstrip("<>").replace("·", "."))
    if text.startswith("<"):
        return Fraction(0), number
    return (number, Fraction(1)) if text.startswith(">") else (number, number)


def assert_on_its_side(p: Fraction, alpha: float, style: Style) -> None:
    level, text = Fraction(str(alpha)), format_p(p, style, alpha)
    low, high = sides(text)
    if text.startswith("<"):
        # All that the text may stand for is below alpha, as p is; "<0.001" says nothing of an alpha of 0.0005.
        assert (p < level and high <= level) or p >= level >= high, (p, text)
        assert p < high
    elif text.startswith(">"):
        assert p > low >= level or (p >= level and low >= level), (p, text)
    else:
        assert (low < level) == (p < level), (p, text)
        assert p != level or low == level, (p, text)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.1, 0.025, 0.001, 0.0005, 5e-8])
def test_printed_p_never_crosses_alpha(style: Style, alpha: float) -> None:
    for thousandth in range(2000):
        assert_on_its_side(Fraction(thousandth, 10000), alpha, style)
        assert_on_its_side(Fraction(thousandth, 1999), alpha, style)


@given(
    p=st.one_of(st.fractions(0, 1), st.floats(0, 1).map(Fraction), st.decimals(0, 1, places=6).map(Fraction)),
    alpha=st.one_of(st.sampled_from([0.05, 0.01, 0.1, 0.005]), st.integers(1, 99).map(lambda x: x / 1000)),
    style=st.sampled_from(list(STYLES.values())),
)
def test_no_style_prints_a_p_on_the_other_side_of_alpha(p: Fraction, alpha: float, style: Style) -> None:
    assert_on_its_side(p, alpha, style)


@given(
    alpha=st.integers(1, 9999).map(lambda x: x / 10000),
    step=st.integers(-400, 400),
    power=st.integers(2, 30),
    style=st.sampled_from(list(STYLES.values())),
)
def test_p_as_near_to_alpha_as_can_be(alpha: float, step: int, power: int, style: Style) -> None:
    p = Fraction(str(alpha)) + Fraction(step, 10**power)
    if 0 <= p <= 1:
        assert_on_its_side(p, alpha, style)


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_p_at_alpha_prints_as_alpha(style: Style) -> None:
    for ten_thousandth in range(1, 9900):
        alpha = ten_thousandth / 10000
        text = format_p(Fraction(ten_thousandth, 10000), style, alpha)
        assert sides(text) == (Fraction(ten_thousandth, 10000),) * 2, (alpha, text)


def test_alpha_is_written_as_p_values_are() -> None:
    written = [format_alpha(0.05, STYLES[name]) for name in ("paper", "default", "jama", "nejm", "lancet")]
    assert written == ["0.05", "0.05", ".05", "0.05", "0·05"]
    assert format_alpha(5e-8, STYLES["jama"]) == ".00000005"


@pytest.mark.parametrize(
    ("part", "total", "texts"),
    [
        # paper, default, jama, nejm, lancet
        (9, 34, ("26.5", "26.5", "26", "26.5", "26")),
        (2, 16, ("12.5", "12.5", "13", "12.5", "13")),
        (0, 5, ("0", "0.0", "0", "0.0", "0")),
        (2, 2, ("100", "100.0", "100", "100.0", "100")),
        (33, 99, ("33.3", "33.3", "33", "33.3", "33")),
        (25, 100, ("25.0", "25.0", "25.0", "25.0", "25")),
        (1, 3000, ("0.0", "0.0", "0.0", "0.0", "0")),
        (125, 10_000, ("1.3", "1.3", "1.3", "1.3", "1")),
        (125, 10_001, ("1.2", "1.2", "1.2", "1.2", "1·2")),
    ],
)
def test_percentages_know_what_they_are_of(part: int, total: int, texts: tuple[str, ...]) -> None:
    for name, text in zip(("paper", "default", "jama", "nejm", "lancet"), texts, strict=True):
        style, share = STYLES[name], Fraction(part, total)
        assert format_percent(share, style, total) == text
        assert format_count_percent(part, total, style) == f"{part} ({text})"
        assert FORMATS["percent"]((share, total), style) == text
        assert FORMATS["percentage"]((100 * share, total), style) == text


def test_intervals_of_the_styles() -> None:
    """Wilson limits of 9/34 and the Newcombe difference of 6/17 and 3/17 (Newcombe 1998, methods 3 and 10)."""
    found = {
        name: (
            FORMATS["percent interval"]((0.146011906772, 0.431171412829, 34), style),
            FORMATS["difference"]((0.176470588, -0.118516637, 0.437058, 17), style),
            FORMATS["time (interval)"]((56.5, 36.0, float("nan")), style),
            FORMATS["hazard ratio (interval)"]((0.588, 0.32, 1.08), style),
            FORMATS["median (range)"]((62.0, 38.0, 84.0), style),
        )
        for name, style in STYLES.items()
    }
    assert found == {
        "default": ("14.6–43.1", "+18 (−12 to +44)", "56.5 (36–NR)", "0.59 (0.32–1.08)", "62 (38–84)"),
        "paper": ("14.6–43.1", "+17.6 (−11.9 to +43.7)", "56.5 (36-NA)", "0.59 (0.32–1.08)", "62 (38–84)"),
        "jama": ("15–43", "+18 (−12 to +44)", "56.5 (36–NR)", "0.59 (0.32–1.08)", "62 (38–84)"),
        "nejm": ("14.6–43.1", "+17.6 (−11.9 to +43.7)", "56.5 (36–NR)", "0.59 (0.32–1.08)", "62 (38–84)"),
        "lancet": ("15 – 43", "+18 (−12 to +44)", "56·5 (36 – NR)", "0·59 (0·32 – 1·08)", "62 (38 – 84)"),
    }


def test_lancet_writes_no_full_stop_in_a_number() -> None:
    style = STYLES["lancet"]
    assert [format_number(x, style) for x in (2.47583, -0.0419, 12345.678)] == ["2·48", "−0·042", "12345·7"]
    assert format_signed(1.25, style, 1) == "+1·3"
    assert format_hazard_ratio(0.00001, style) == "<0·0001"
    assert format_exact(0.5, style) == "0·5"
    assert FORMATS["digits"]("1.10", style) == "1·10"
    assert FORMATS["digits"]("> 1.25", style) == "> 1·25"
    assert FORMATS["digits"]("1.10", STYLES["jama"]) == "1.10"


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
    assert FORMATS["difference"]((0.176470588, -0.118516637, 0.437058, 17), style) == "+18 (−12 to +44)"
    assert FORMATS["difference"]((-0.057777, -0.309977, 0.295154, 9), STYLES["paper"]) == "−5.8 (−31.0 to +29.5)"
    assert FORMATS["percent interval"]((0.146011906772, 0.431171412829, 34), style) == "14.6–43.1"
    assert FORMATS["time (interval)"]((56.5, 36.0, float("nan")), STYLES["paper"]) == "56.5 (36-NA)"
    assert FORMATS["time (interval)"]((56.5, 36.0, float("nan")), style) == "56.5 (36–NR)"
    assert format_interval("0.4", "1.2", style) == "0.4–1.2"


def test_undefined_and_odd_numbers() -> None:
    style = STYLES["default"]
    assert format_percent(None, style, 34) == "NE"
    assert format_number(float("nan"), STYLES["paper"]) == "NA"
    assert format_number(float("inf"), style) == "∞"
    assert format_signed(0.0, style, 1) == "0.0"
    assert FORMATS["mean (SD)"]((61.25, float("nan")), style) == "61.3 (NE)"
    assert format_p(float("nan"), style) == "NE"
