"""Sakai et al. 2018, exhibit by exhibit, against the printed text."""

from __future__ import annotations

from fractions import Fraction

import pytest

import cohortstats as cs


@pytest.fixture(scope="module")
def cohort() -> cs.Cohort:
    return cs.load_cohort(cs.shipped_study("sakai2018"))


def strings(cohort: cs.Cohort, exhibit: str) -> list[list[str]]:
    return cs.make_exhibit(cohort, cohort.study.exhibit(exhibit)).to_table().strings()


def test_table_1(cohort: cs.Cohort) -> None:
    # As printed, but for the three percentages that the paper cut instead of rounding (S-1, Others, cyclophosphamide).
    lines = {tuple(line) for line in strings(cohort, "table1")}
    printed = {
        ("Median (range)", "62 (38–84)"),
        ("Stage IV", "9 (26.5)"),
        ("Recurrent", "25 (73.5)"),
        ("Invasive ductal carcinoma", "32 (94.1)"),
        ("IHC 3+", "30 (88.2)"),
        ("IHC 2+ and FISH+", "4 (11.8)"),
        ("ER and/or PR positive", "18 (52.9)"),
        ("ER and PR negative", "16 (47.1)"),
        ("Anthracycline followed by taxane + trastuzumab", "8 (23.5)"),
        ("Trastuzumab without chemotherapy", "2 (5.9)"),
        ("Yes", "10 (29.4)"),
        ("0", "2 (5.9)"),
        ("1", "15 (44.1)"),
        ("≥ 5", "4 (11.8)"),
        ("Trastuzumab", "29 (85.3)"),
        ("Hormonal therapy", "12 (35.3)"),
        ("S-1", "4 (11.8)"),
        ("Cyclophosphamide", "2 (5.9)"),
    }
    assert printed <= lines
    assert not any(label == "None" for label, _ in lines)


def test_table_2(cohort: cs.Cohort) -> None:
    lines = [line[:2] for line in strings(cohort, "table2")[1:]]
    assert lines == [
        ["CR + PR", "9 (26.5)"],
        ["CR", "2 (5.9)"],
        ["PR", "7 (20.6)"],
        ["SD", "13 (38.2)"],
        ["PD", "9 (26.5)"],
        ["Unknown", "3 (8.8)"],
        ["Total", "34"],
    ]


TABLE_3 = """
1 0.91 0 686 0 726 0 674
2 1.1 1.6 344 0 390 1.6 398
3 0.95 0 396 0 480 0 402
4 0.93 0 202 0 222 0 186
5 1.02 0 552 0 592 0 632
6 1.11 0 1264 18a 1174 0 1210
7 1.11 0 814 0 864 2.4 818
8 1.06 0 612 0 642 0 508
9 2.14a 0 1066 0 1000 0 990
10 4.23a 0 572 0 628 0 556
11 0.93 1.8 4000 4.6a 3860 0 4140
12 1.45a 0 480 0 522 0 482
13 7.56a 0 1680 1.6 1620 0 1480
14 1.23 0 144 0 220 0 248
15 1.82a 0 502 0 552 0 570
16 1.14 0 512 0 540 0 544
"""


def test_table_3_is_verbatim(cohort: cs.Cohort) -> None:
    printed = [line.split() for line in TABLE_3.strip().splitlines()]
    assert strings(cohort, "table3")[1:] == printed


# variable: (patients, resistant) of both levels, P as printed, P exactly.
TABLE_4 = {
    "stage": ((9, 2), (25, 7), "1", Fraction(1)),
    "hr_positive": ((17, 6), (17, 3), "0.438", Fraction(13007, 29667)),
    "early_line": ((17, 3), (17, 6), "0.438", Fraction(13007, 29667)),
    "prior_anthracycline": ((11, 3), (23, 6), "1", Fraction(1)),
    "prior_pertuzumab": ((15, 5), (19, 4), "0.462", Fraction(4569, 9889)),
    "prior_lapatinib": ((11, 3), (23, 6), "1", Fraction(1)),
    "her2_amplified": ((5, 0), (11, 4), "0.245", Fraction(89, 364)),
    "pik3ca_mutated": ((2, 2), (14, 2), "0.05", Fraction(1, 20)),
}


@pytest.mark.parametrize("variable", TABLE_4)
def test_table_4_from_print_and_from_patients(cohort: cs.Cohort, variable: str) -> None:
    first, second, printed, exact = TABLE_4[variable]
    from_print = cs.CountTable(groups=("yes", "no"), events=(first[1], second[1]), totals=(first[0], second[0]))
    from_patients = cs.count_table(cohort, variable, "primary_resistance")
    assert (from_patients.events, from_patients.totals) == (from_print.events, from_print.totals)
    assert cs.fisher_exact(from_print).p_exact == cs.fisher_exact(from_patients).p_exact == exact
    table4 = cs.association(cohort, cohort.study.exhibit("table4"))
    record = next(r for r in table4.records if r.row == variable and r.statistic == "p_value")
    assert record.p_value == exact
    assert record.text("paper") == printed


# Wilson and Newcombe limits, percent: computed by the formulas (Newcombe 1998, methods 3 and 10), four decimals.
INTERVALS = {
    "stage": (6.3225, 54.7411, -5.7778, -30.9977, 29.5154),
    "hr_positive": (17.3097, 58.6996, 17.6471, -11.8517, 43.7058),
    "early_line": (6.1911, 41.0295, -17.6471, -43.7058, 11.8517),
    "prior_anthracycline": (9.7461, 56.5645, 1.1858, -25.6964, 33.4549),
    "prior_pertuzumab": (15.1763, 58.2865, 12.2807, -16.4621, 40.2098),
    "prior_lapatinib": (9.7461, 56.5645, 1.1858, -25.6964, 33.4549),
    "her2_amplified": (0, 43.4482, -36.3636, -64.6199, 11.9796),
    "pik3ca_mutated": (34.2380, 100, 85.7143, 15.1250, 95.9906),
}


@pytest.mark.parametrize("variable", INTERVALS)
def test_table_4_intervals(cohort: cs.Cohort, variable: str) -> None:
    table4 = cs.association(cohort, cohort.study.exhibit("table4"))
    first = next(r for r in table4.records if r.row == variable and r.statistic == "percent")
    difference = next(r for r in table4.records if r.row == variable and r.statistic == "risk_difference")
    found = (first.ci_lower, first.ci_upper, difference.value, difference.ci_lower, difference.ci_upper)
    assert [float(x) for x in found] == pytest.approx(INTERVALS[variable], abs=5.1e-5)


def test_table_4_footnotes(cohort: cs.Cohort) -> None:
    table = cs.association(cohort, cohort.study.exhibit("table4")).to_table()
    notes = "\n".join(table.footnotes)
    assert "*PIK3CA* mutation in ctDNA: This comparison could not have reached P < 0.05." in notes
    assert "The interval and the test are different methods and disagree here." in notes
    assert "P values of 8 comparisons were not adjusted." in notes
    assert "3 patients with unknown outcome were counted as not having the event; over all completions P is" in notes
    assert (
        "Hormone receptor status 0.071 to 1;" in notes
    )  # 9/17 v 3/17 has .0707291515533 (R fisher.test), 6/17 v 6/17 1
    assert "Hormone receptor status 18% v 68%;" in notes  # 3/17 against 67.911550 % has a power of 80 % (exact)
    assert "16 patients with a value" in notes


def test_table_5(cohort: cs.Cohort) -> None:
    # Described in the text: all four not amplified, all receptor-positive; both mutated patients were resistant.
    lines = strings(cohort, "table5")[1:]
    assert [line[0] for line in lines] == ["1", "2", "3", "4"]
    assert {tuple(line[1:3]) for line in lines} == {("ER and/or PR positive", "Negative")}
    assert [line[3] for line in lines] == ["Mutation positive"] * 2 + ["Mutation negative"] * 2


def test_figure_1(cohort: cs.Cohort) -> None:
    figure1 = cs.time_to_event(cohort, cohort.study.exhibit("figure1"))
    lines = figure1.to_table().strings()[1:]
    # Printed: 56.6 (36-NA), 318.0 (187-NA), p = 0.0037. R survfit and survdiff on the shipped rows: 56.5 (36-NA),
    # 318 (187-NA), p .003713547616. Group sizes and events are not printed, so they are withheld.
    assert lines == [
        ["ER/PR positive and *HER2* not amplified", "—", "—", "56.5 (36-NA)", "0.0037"],
        ["All other patients", "—", "—", "318 (187-NA)", ""],
    ]
    p = next(record for record in figure1.records if record.statistic == "p_value")
    assert p.p_value == pytest.approx(0.003713547616, rel=1e-9)
    assert figure1.picture is not None
    assert figure1.picture.risk_table is None
    assert figure1.picture.p_text == "Log-rank test, P = 0.0037"
