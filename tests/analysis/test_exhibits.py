"""Exhibits of a cohort that can be counted by hand: denominators, missing values, groups, options."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction

import pytest

import cohortstats as cs

Load = Callable[..., cs.Cohort]


def make(cohort: cs.Cohort, exhibit: str) -> cs.Analysis:
    return cs.make_exhibit(cohort, cohort.study.exhibit(exhibit))


def test_characteristics_with_groups_and_missing(small: Load) -> None:
    cohort = small('[[characteristics]]\nid = "t1"\ntitle = "T"\nby = "arm"\nrows = ["age", "stage", "smoker"]\n')
    table = make(cohort, "t1").to_table()
    assert table.strings() == [
        ["Characteristic", "A, n = 6 n (%)", "B, n = 6 n (%)", "Total, N = 12 n (%)"],
        ["Age, years", "", "", ""],
        ["Median (range)", "60 (50–70)", "60 (45–71)", "60 (45–71)"],
        ["Missing", "1", "0", "1"],
        ["Stage", "", "", ""],
        ["I", "2 (33.3)", "1 (20.0)", "3 (27.3)"],
        ["II", "2 (33.3)", "2 (40.0)", "4 (36.4)"],
        ["III", "2 (33.3)", "2 (40.0)", "4 (36.4)"],
        ["Missing", "0", "1", "1"],
        ["Smoker", "", "", ""],
        ["Yes", "3 (60.0)", "2 (33.3)", "5 (45.5)"],
        ["No", "2 (40.0)", "4 (66.7)", "6 (54.5)"],
        ["Missing", "1", "0", "1"],
    ]
    assert "Percentages may not add up to 100 because of rounding." in table.footnotes
    assert "Missing values are not in the denominator of the percentages." in table.footnotes


def test_characteristics_missing_in_the_denominator(small: Load) -> None:
    cohort = small('[[characteristics]]\nid = "t1"\ntitle = "T"\nmissing = "in denominator"\nrows = ["smoker"]\n')
    lines = make(cohort, "t1").to_table().strings()[2:]
    assert lines == [["Yes", "5 (41.7)"], ["No", "6 (50.0)"], ["Missing", "1 (8.3)"]]


@pytest.mark.parametrize(
    ("continuous", "line"),
    [
        # 45 50 52 55 59 60 61 65 68 70 71 (n = 11); R: quantile type 7 gives 53.5 and 66.5, sd 8.6033821...
        ("median (Q1–Q3)", ["Median (Q1–Q3)", "60 (53.5–66.5)"]),
        ("mean (SD)", ["Mean (SD)", "59.6 (8.5)"]),
    ],
)
def test_continuous_summaries(small: Load, continuous: str, line: list[str]) -> None:
    cohort = small(f'[[characteristics]]\nid = "t1"\ntitle = "T"\ncontinuous = "{continuous}"\nrows = ["age"]\n')
    assert make(cohort, "t1").to_table().strings()[2] == line


def test_response_denominators(small: Load) -> None:
    cohort = small(
        '[[response]]\nid = "t2"\ntitle = "T"\nvariable = "response"\nsums = { ORR = ["CR", "PR"] }\n'
        '[[response]]\nid = "t3"\ntitle = "T"\nvariable = "response"\nunknown = "not in denominator"\n'
    )
    inside = make(cohort, "t2").to_table()
    assert [line[:2] for line in inside.strings()[1:]] == [
        ["ORR", "5 (41.7)"],
        ["CR", "2 (16.7)"],
        ["PR", "3 (25.0)"],
        ["SD", "2 (16.7)"],
        ["PD", "4 (33.3)"],
        ["unknown", "1 (8.3)"],
        ["Total", "12"],
    ]
    assert "1 unknown response is in the denominator." in inside.footnotes
    outside = make(cohort, "t3").to_table().strings()
    assert outside[1][:2] == ["CR", "2 (18.2)"]
    assert outside[-1][:2] == ["Total", "11"]


def test_association_excludes_unknown_outcomes(small: Load) -> None:
    cohort = small(
        '[[association]]\nid = "t4"\ntitle = "T"\noutcome = "responder"\nrows = ["arm", "stage", "smoker"]\n'
    )
    analysis = make(cohort, "t4")
    table = analysis.to_table()
    lines = {line[0]: line for line in table.strings()}
    assert lines["All patients"][1:3] == ["11", "5 (45.5)"]
    assert lines["A"][1:3] == ["5", "2 (40.0)"]
    assert lines["B"][1:3] == ["6", "3 (50.0)"]
    assert lines["Yes"][1:3] == ["4", "2 (50.0)"]
    assert "1 patient with unknown outcome was left out." in table.footnotes
    # By hand: 2/5 v 3/6, margins 5 and 6, 5 events: every table is as likely or likelier but none less than observed 2/5.
    p = {record.row: record for record in analysis.records if record.statistic == "p_value"}
    assert p["arm"].p_value == 1
    # Freeman-Halton of (2,0), (3,1), (0,4): tables with Π x! at least as large; exact by enumeration of the margins.
    assert p["stage"].p_value == freeman_halton([(2, 0), (3, 1), (0, 4)])
    assert p["stage"].method.startswith("freeman-halton") or "Freeman" in p["stage"].method
    assert not any(record.row == "stage" and record.statistic == "risk_difference" for record in analysis.records)


def freeman_halton(matrix: list[tuple[int, int]]) -> Fraction:
    """Sum of the probabilities of all tables with these margins that are no likelier, by plain enumeration."""
    from itertools import product
    from math import comb

    totals = [sum(row) for row in matrix]
    events = sum(row[0] for row in matrix)

    def weight(first_column: tuple[int, ...]) -> int:
        result = 1
        for total, count in zip(totals, first_column, strict=True):
            result *= comb(total, count)
        return result

    tables = [t for t in product(*(range(total + 1) for total in totals)) if sum(t) == events]
    observed = weight(tuple(row[0] for row in matrix))
    return Fraction(sum(weight(t) for t in tables if weight(t) <= observed), sum(weight(t) for t in tables))


def test_association_options(small: Load) -> None:
    cohort = small(
        '[[association]]\nid = "t4"\ntitle = "T"\noutcome = "responder"\nrows = ["arm", "smoker"]\n'
        'effect = "odds ratio"\nadjust = "holm"\nattainable = "hide"\n'
        '[[association]]\nid = "t5"\ntitle = "T"\noutcome = "responder"\nrows = ["arm"]\neffect = "risk ratio"\n'
        '[[association]]\nid = "t6"\ntitle = "T"\noutcome = "responder"\nrows = ["arm"]\neffect = "none"\n'
        "labels = { arm = 'Treatment' }\n"
    )
    first = make(cohort, "t4")
    assert {record.statistic for record in first.records if record.group == ""} == {
        "odds_ratio",
        "p_value",
        "p_adjusted",
        "min_attainable_p",
    }
    assert "P values of 2 comparisons were adjusted by Holm's method." in first.to_table().footnotes
    assert len(first.to_table().columns) == 7
    second = make(cohort, "t5")
    ratio = next(record for record in second.records if record.statistic == "risk_ratio")
    assert ratio.value == pytest.approx(0.8)
    third = make(cohort, "t6").to_table()
    assert [line[0] for line in third.strings()][2] == "Treatment"


def test_time_to_event_has_numbers_at_risk(small: Load) -> None:
    cohort = small(
        '[[time_to_event]]\nid = "f1"\ntitle = "T"\nendpoint = "ttp"\ngroups = "arm"\nticks = 20\nat = [30]\n'
    )
    analysis = make(cohort, "f1")
    picture = analysis.picture
    assert picture is not None
    assert picture.ticks == (0.0, 20.0, 40.0, 60.0)
    assert picture.risk_table is not None
    # A: 10 20 30+ 40 50+ 60; B: 15+ 25 35+ 45 65+. At risk at t = #{T >= t}; events and censored before t.
    assert picture.risk_table.rows == (
        ((6, 5, 3, 1), (0, 1, 2, 3), (0, 0, 1, 2)),
        ((5, 4, 2, 1), (0, 0, 1, 2), (0, 1, 2, 2)),
    )
    by_statistic = {(r.group, r.statistic): r for r in analysis.records}
    assert by_statistic[("A", "n")].value == 6
    assert by_statistic[("B", "events")].value == 2
    # A: 5/6, 4/6, then 4/6 * 2/3 = 4/9 at 40; B: 3/4 at 25, 3/4 * 1/2 = 3/8 at 45.
    assert by_statistic[("A", "median")].value == 40
    assert by_statistic[("B", "median")].value == 45
    assert by_statistic[("A", "survival_30")].value == pytest.approx(100 * 4 / 6)
    assert by_statistic[("B", "survival_30")].value == pytest.approx(75)
    assert "1 patient without a time was left out." in analysis.to_table().footnotes


def test_one_curve_without_groups(small: Load) -> None:
    cohort = small('[[time_to_event]]\nid = "f1"\ntitle = "T"\nendpoint = "ttp"\n')
    analysis = make(cohort, "f1")
    assert [record.statistic for record in analysis.records] == ["n", "events", "median"]
    assert analysis.picture is not None
    assert analysis.picture.p_text == ""
    assert analysis.plot() is not None


def test_stratified_test(small: Load) -> None:
    cohort = small('[[time_to_event]]\nid = "f1"\ntitle = "T"\nendpoint = "ttp"\ngroups = "arm"\nstrata = "smoker"\n')
    test = next(record for record in make(cohort, "f1").records if record.statistic == "p_value")
    assert test.method == "log-rank, 2 strata"
    assert test.n == 10


def test_listing_and_measurements(small: Load) -> None:
    cohort = small(
        '[[listing]]\nid = "l"\ntitle = "T"\npopulation = "stage == \'III\'"\ncolumns = ["arm", "age", "smoker"]\n'
        '[[measurements]]\nid = "m"\ntitle = "T"\npopulation = "arm == \'B\'"\ncolumns = ["age"]\nmark = { age = ">= 68" }\nids = "show"\n'
    )
    assert make(cohort, "l").to_table().strings()[1:] == [
        ["1", "A", "55", ""],
        ["2", "A", "", "No"],
        ["3", "B", "61", "Yes"],
        ["4", "B", "68", "No"],
    ]
    assert make(cohort, "m").to_table().strings()[1:] == [
        ["P07", "45"],
        ["P08", "52"],
        ["P09", "61"],
        ["P10", "68a"],
        ["P11", "71a"],
        ["P12", "59"],
    ]


def test_sections_are_not_mixed_up(small: Load) -> None:
    cohort = small('[[listing]]\nid = "l"\ntitle = "T"\ncolumns = ["arm"]\n')
    with pytest.raises(cs.InputError) as caught:
        cs.association(cohort, cohort.study.exhibit("l"))
    assert caught.value.problems == ("l is a [[listing]] exhibit, not [[association]]; use listing().",)
    with pytest.raises(cs.InputError) as caught:
        make(cohort, "l").plot()
    assert caught.value.problems == ("l is a table; it has no picture. Use to_table().",)


def test_frames_and_notebook_show_the_same(small: Load) -> None:
    cohort = small('[[association]]\nid = "t4"\ntitle = "T"\noutcome = "responder"\nrows = ["arm"]\n')
    analysis = make(cohort, "t4")
    results = analysis.results
    assert list(results.columns)[:5] == ["study", "exhibit", "row", "group", "statistic"]
    assert set(results.study) == {"small"}
    frame = analysis.to_frame().set_index(["row", "group"])
    assert frame.loc[("arm", "A"), "percent"] == pytest.approx(40)
    assert frame.loc[("arm", ""), "p_value"] == 1
    bundle = analysis._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/markdown"}
    json.dumps(bundle)


def test_data_studies_have_no_withheld_numbers(small: Load) -> None:
    cohort = small('[[time_to_event]]\nid = "f1"\ntitle = "T"\nendpoint = "ttp"\ngroups = "arm"\n')
    assert all(record.origin == "data" for record in make(cohort, "f1").records)


def test_odds_ratio_follows_the_conventions(small: Load) -> None:
    exhibit = '[[association]]\nid = "t4"\ntitle = "T"\noutcome = "responder"\nrows = ["arm"]\neffect = "odds ratio"\n'
    sample = make(small(exhibit, conventions='conventions = { profile = "ezr", odds_ratio = "sample" }'), "t4")
    record = next(r for r in sample.records if r.statistic == "odds_ratio")
    assert record.value == pytest.approx((2 / 3) / (3 / 3))
    assert "sample" in record.method


def test_ids_follow_the_privacy_switch_unless_a_listing_says_otherwise(small: Load) -> None:
    listings = (
        '[[listing]]\nid = "l1"\ntitle = "T"\ncolumns = ["arm"]\n'
        '[[listing]]\nid = "l2"\ntitle = "T"\ncolumns = ["arm"]\nids = "hide"\n'
        '[[listing]]\nid = "l3"\ntitle = "T"\ncolumns = ["arm"]\nids = "show"\n'
    )
    firsts = {}
    for switch in ("true", "false"):
        cohort = small(f"{listings}[report]\nprivacy = {{ hide_ids = {switch} }}\n")
        firsts[switch] = [make(cohort, name).to_table().strings()[1][0] for name in ("l1", "l2", "l3")]
    assert firsts == {"true": ["1", "1", "P01"], "false": ["P01", "1", "P01"]}
