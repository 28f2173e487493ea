"""Known answers of the audit: the shipped paper, a review's trials, a paper of forty patients, and what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.cli import main
from cohortstats.printed import Printed
from cohortstats.published.audit.counts import PrintedCounts
from cohortstats.published.audit.direct_conflicts import direct_conflicts, proved
from cohortstats.published.audit.finding import VERDICTS, Finding
from cohortstats.published.audit.kaplan_meier_limits import (
    Pattern,
    band_at_first_event,
    band_before_last_event,
    can_print,
)
from cohortstats.published.audit.polygon import box_p_range, events_for, interval_for_p, wald_polygon, z_range
from cohortstats.published.audit.ratios import judge_p, level_of
from cohortstats.published.audit.string_sets import fits, number_of, rounding_names
from cohortstats.published.audit.summaries import granular_median, means_of_whole_numbers
from cohortstats.published.audit.template import published_template
from cohortstats.published.audit.two_by_two import ORDER, p_of_matrix, p_of_two_groups
from cohortstats.published.model.conflict_sets import find_conflicts

MINI = """cohortstats_published = 1
[paper]
id = "mini"
title = "Two arms, forty patients"
software = "EZR"
[cohort]
n = "40"
[columns]
receptor  = { levels = ["positive", "negative"] }
resistant = {}
[[table]]
id = "table1"
where = "Table 1"
[[table.block]]
variable = "receptor"
sums  = "all"
cells = [["positive", "24 (60.0)"], ["negative", "15 (37.5)"]]
[[table]]
id = "table2"
where = "Table 2"
outcome = "resistant"
[[table.block]]
variable = "receptor"
sums  = "all"
cells = [["positive", "24", "8 (33.3)"], ["negative", "16", "1 (6.2)"]]
p     = "0.06"
test  = "fisher"
"""
HEAD = 'cohortstats_published = 1\n[paper]\nid = "p"\n'


def audited(folder: Path, text: str) -> cs.AuditResult:
    path = folder / "published.toml"
    path.write_text(text, encoding="utf-8")
    return cs.audit(path)


def one(result: cs.AuditResult, id: str, check: str) -> Finding:
    (found,) = [item for item in result.items if item.id == id and item.check == check]
    return found


def told(result: cs.AuditResult) -> list[tuple[str, str, str]]:
    """Everything that does not hold."""
    return [(item.verdict, item.id, item.check) for item in result.items if item.verdict != "holds"]


@pytest.fixture(scope="module")
def shipped() -> cs.AuditResult:
    return cs.audit(cs.shipped_study("sakai2018"))


# ---------------------------------------------------------------------------------------------------------------------
# The shipped paper
# ---------------------------------------------------------------------------------------------------------------------


def test_shipped_paper_by_address(shipped: cs.AuditResult) -> None:
    assert told(shipped) == [
        ("cannot hold", "figure1/yes/median", "median-granularity"),
        ("cannot hold", "text/reference35/percent", "percent"),
        ("paper differs from itself", "identity/one_receptor_status", "cross-table"),
        ("paper differs from itself", "text/evaluable/n", "denominator"),
        ("paper differs from itself", "text/received_tdm1/n", "denominator"),
        ("last digit", "table1/prior_cyclophosphamide/yes/percent", "percent"),
        ("last digit", "table1/prior_others/yes/percent", "percent"),
        ("last digit", "table1/prior_s1/yes/percent", "percent"),
        ("not checkable", "figure1/p_value", "p"),
    ]


@pytest.mark.parametrize(
    ("id", "check", "printed", "recomputed"),
    [
        ("text/reference35/percent", "percent", "43", "29.4"),
        ("figure1/yes/median", "median-granularity", "56.6", "56.5, 57.0"),
        ("identity/one_receptor_status", "cross-table", "18, 17", "equal counts"),
        ("text/evaluable/n", "denominator", "34", "31"),
        ("text/received_tdm1/n", "denominator", "33", "34"),
        ("table1/prior_s1/yes/percent", "percent", "11.7", "11.8"),
        ("table1/prior_others/yes/percent", "percent", "11.7", "11.8"),
        ("table1/prior_cyclophosphamide/yes/percent", "percent", "5.8", "5.9"),
        ("table4/pik3ca_mutated/p_value", "p-attainable", "0.05", "1/20"),
        ("table4/hr_positive/p_value", "p", "0.438", "0.438433"),
        ("table4/her2_amplified/p_value", "p", "0.245", "0.244505"),
        ("table4/prior_pertuzumab/p_value", "p", "0.462", "0.462029"),
        ("table4/pik3ca_mutated/p_value", "p", "0.05", "0.05"),
        ("table4/stage/p_value", "p", "1", "1"),
    ],
)
def test_shipped_numbers(shipped: cs.AuditResult, id: str, check: str, printed: str, recomputed: str) -> None:
    found = one(shipped, id, check)
    assert (found.printed, found.recomputed) == (printed, recomputed)


def test_shipped_notes(shipped: cs.AuditResult) -> None:
    reference = one(shipped, "text/reference35/percent", "percent")
    assert reference.note == "10 of 34 is 29.4; 10/23 is 43.5; no count of 34 prints 43"  # exact arithmetic
    assert reference.full_note.endswith("; known: 10/34 is 29.4 %; 10/23 is 43.5 %")
    receptor = one(shipped, "identity/one_receptor_status", "cross-table")
    assert receptor.note == (
        "table1/hr_positive_table1, table4/hr_positive and identity/one_receptor_status exclude each other; "
        "any one of them mends it; at least 1 patient is counted differently"
    )
    assert (receptor.where, receptor.tier) == ("Table 1, Table 4", "identity")
    assert one(shipped, "table1/prior_s1/yes/percent", "percent").note == "cut"
    attainable = one(shipped, "table4/pik3ca_mutated/p_value", "p-attainable")
    assert (attainable.verdict, attainable.note) == ("holds", "could not have reached P < 0.05")
    # 8 + 1 + 1 (neo)adjuvant rows against 11 in Table 4.
    anthracycline = one(shipped, "derived/anthracycline", "rule")
    assert anthracycline.note == (
        "exactly 1 patient has metastatic_anthracycline without adjuvant_anthracycline (11 less 10)"
    )
    assert one(shipped, "figure1/p_value", "p").note == "needs times"


def test_shipped_totals(shipped: cs.AuditResult) -> None:
    assert shipped.sentences == (
        "64 percentages: 60 half-up, 3 cut, 1 neither.",
        "9 P: 8 are Fisher's, 1 needs times.",
    )
    style = one(shipped, "paper/percent", "percent-style")
    assert style.recomputed == "half-up"  # 2 of 16 printed 13 decides
    assert style.note.count(",") == 3
    per_check = {check: sum(item.check == check for item in shipped.items) for check in ("percent", "p", "same value")}
    assert per_check == {"percent": 64, "p": 9, "same value": 44}
    assert not shipped.fails
    # Outcomes of every complete block: 9 of all, 4 of those sampled.
    subgroups = {item.id: item.recomputed for item in shipped.items if item.check == "subgroup"}
    assert subgroups["table4/stage"] == "9"
    assert subgroups["table4/her2_amplified"] == subgroups["table4/pik3ca_mutated"] == "4"
    parent = one(shipped, "table2/response/yes/n", "sum")
    assert (parent.printed, parent.recomputed, parent.verdict) == ("9", "2 + 7", "holds")


def test_frame_counts_and_notebook(shipped: cs.AuditResult) -> None:
    frame = shipped.findings
    columns = ["id", "where", "check", "printed", "recomputed", "verdict", "note", "tier"]
    assert list(frame.columns) == columns
    assert shipped.to_frame().equals(frame)
    assert dict(frame.verdict.value_counts()) == {name: count for name, count in shipped.counts.items() if count}
    order = [VERDICTS.index(verdict) for verdict in frame.verdict]
    assert order == sorted(order)
    for verdict, rows in frame.groupby("verdict"):
        assert list(rows.id) == sorted(rows.id), verdict
    bundle = shipped._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/markdown", "text/html"}
    assert "1/20" in bundle["text/html"]
    assert "could not have reached P < 0.05" in bundle["text/plain"]


# ---------------------------------------------------------------------------------------------------------------------
# Forty patients
# ---------------------------------------------------------------------------------------------------------------------


def test_forty_patients(tmp_path: Path) -> None:
    found = audited(tmp_path, MINI)
    assert told(found) == [
        ("paper differs from itself", "table1/receptor", "sum"),
        ("last digit", "table2/receptor/negative/percent", "percent"),
        ("not checkable", "table2/receptor", "subgroup"),
    ]
    total = one(found, "table1/receptor", "sum")
    assert (total.printed, total.recomputed) == ("24 + 15 = 39", "40")
    cell = one(found, "table2/receptor/negative/percent", "percent")
    assert (cell.printed, cell.recomputed, cell.note) == ("6.2", "6.3", "cut or half-even")
    p = one(found, "table2/receptor/p_value", "p")
    assert (p.verdict, p.recomputed) == ("holds", "0.0605356")
    # 8 of 24 against 1 of 16 in exact arithmetic.
    assert p_of_two_groups(((8, 24), (1, 16)), "fisher") == Fraction(495, 8177)
    assert found.fails


# ---------------------------------------------------------------------------------------------------------------------
# Strings and rounding
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "of", "text", "names"),
    [
        (9, 34, "26.5", ("half-up", "half-even")),
        (9, 34, "26.4", ("cut",)),
        (4, 34, "11.8", ("half-up", "half-even")),
        (4, 34, "11.7", ("cut",)),
        (2, 34, "5.9", ("half-up", "half-even")),
        (2, 34, "5.8", ("cut",)),
        (2, 16, "13", ("half-up",)),
        (2, 16, "12", ("cut", "half-even")),
        (1, 16, "6.3", ("half-up",)),
        (1, 16, "6.2", ("cut", "half-even")),
        (5, 16, "31", ("half-up", "cut", "half-even")),
        (1, 3, "33.3", ("half-up", "cut", "half-even")),
        (7, 25, "28.0", ("half-up", "cut", "half-even")),
        (0, 5, "0", ("half-up", "cut", "half-even")),
        (2, 2, "100", ("half-up", "cut", "half-even")),
        (10, 34, "43", ()),
    ],
)
def test_rounding_sets(n: int, of: int, text: str, names: tuple[str, ...]) -> None:
    exact = Fraction(100 * n, of)
    assert rounding_names(exact, text) == names
    wanted = "holds" if "half-up" in names else "last digit" if names else "cannot hold"
    assert fits(exact, text)[0] == wanted


TESTS = [  # exact arithmetic for Fisher and mid-p; R 4.2.2 chisq.test for Pearson and Yates, N - 1 by (N - 1)/N
    (((6, 17), (3, 17)), [0.438433, 0.2780, 0.2770, 0.2435, 0.2506, 0.4369]),
    (((0, 5), (4, 11)), [0.244505, 0.1538, 0.1728, 0.1195, 0.1317, 0.3502]),
    (((2, 2), (2, 14)), [0.05, 0.0250, 0.0182, 0.0088, 0.0112, 0.0809]),
]


@pytest.mark.parametrize(("table", "wanted"), TESTS)
def test_which_test(table: tuple[tuple[int, int], tuple[int, int]], wanted: list[float]) -> None:
    tests = ("fisher", "mid-p", "boschloo", "pearson", "n-1", "yates")
    for test, p in zip(tests, wanted, strict=True):
        assert float(p_of_two_groups(table, test)) == pytest.approx(p, abs=6e-5 if test != "fisher" else 5e-7)
    assert ORDER.index("fisher") == 0
    assert p_of_two_groups(((5, 15), (4, 19)), "fisher") == pytest.approx(0.462029, abs=5e-7)


def test_log_likelihood_of_a_matrix_against_r() -> None:
    # R: x <- matrix(c(8, 16, 1, 15), 2, byrow = TRUE); g <- 2 * sum(x * log(x / outer(rowSums(x), colSums(x)) * sum(x)))
    assert p_of_matrix([[8, 16], [1, 15]], "log-likelihood") == pytest.approx(0.03161793246, rel=1e-9)
    assert p_of_matrix([[3, 1, 2], [1, 4, 3]], "log-likelihood") == pytest.approx(0.2359105822, rel=1e-9)
    assert p_of_matrix([[3, 1, 2], [1, 4, 3]], "pearson") == pytest.approx(0.2502195199, rel=1e-9)  # R: chisq.test
    assert p_of_matrix([[3, 0], [5, 0]], "pearson") != p_of_matrix([[3, 0], [5, 0]], "pearson")  # nan


def p_file(p: str, test: str = "fisher", table: str = "[[6, 17], [3, 17]]") -> str:
    named = f'test = "{test}"\n' if test else ""
    return f'{HEAD}[[test]]\nid = "x"\np = "{p}"\n{named}table = {table}\n'


@pytest.mark.parametrize(
    ("p", "test", "verdict", "note"),
    [
        ("0.438", "fisher", "holds", ""),
        ("0.44", "Fisher's exact test", "holds", ""),
        (".438", "fisher", "holds", ""),
        ("NS", "fisher", "holds", ""),
        (">0.05", "fisher", "holds", ""),
        ("0.437", "fisher", "cannot hold", "fisher gives 0.438433; yates would print 0.437"),
        ("0.28", "fisher", "cannot hold", "fisher gives 0.438433; mid-p and boschloo and barnard would print 0.28"),
        ("0.244", "", "holds", "no test is named; pearson would print it"),
        ("0.123", "", "doubtful", "no test is named, and none that we know prints 0.123; fisher gives 0.438433"),
        ("0.5", "Wilcoxon", "not checkable", "'Wilcoxon' is no test of a table of counts"),
    ],
)
def test_declared_and_undeclared_tests(tmp_path: Path, p: str, test: str, verdict: str, note: str) -> None:
    found = one(audited(tmp_path, p_file(p, test)), "test/x/p_value", "p")
    assert (found.verdict, found.note) == (verdict, note)


def test_larger_tables(tmp_path: Path) -> None:
    found = audited(tmp_path, p_file("0.334", table="[[3, 1, 2], [1, 4, 3]]"))
    assert one(found, "test/x/p_value", "p").verdict == "holds"  # 1003/3003, exact sum over 23 tables
    assert found.sentences == ("1 P: 1 is Fisher's.",)


@pytest.mark.parametrize(
    ("p", "verdict", "note"),
    [
        ("0.000", "cannot hold", "no P is 0; <0.001 is meant"),
        ("0", "cannot hold", "no P is 0; a bound such as <0.001 is meant"),
        ("1.2", "cannot hold", "a P value is above 0 and at most 1"),
        ("<0.001", "holds", ""),
        ("1", "holds", ""),
    ],
)
def test_range_of_p(tmp_path: Path, p: str, verdict: str, note: str) -> None:
    found = one(audited(tmp_path, p_file(p)), "test/x/p_value", "range")
    assert (found.verdict, found.note) == (verdict, note)


# ---------------------------------------------------------------------------------------------------------------------
# Ratio, interval and P
# ---------------------------------------------------------------------------------------------------------------------

ROWS = [  # id, s, P at the point, P over the polygon, printed P, verdict
    ("lapcape_ttp", "0.49", "0.34", "0.71", 0.187840, 0.000146077, (0.000105616, 0.000220335), "<0.001", "holds"),
    ("lapcape_os", "0.87", "0.71", "1.08", 0.107005, 0.193103, (0.197750, 0.223735), "0.210", "holds"),
    ("emilia_pfs", "0.65", "0.55", "0.77", 0.085836, 5.20346e-7, (1.67554e-7, 1.60368e-6), "<0.001", "holds"),
    ("emilia_os", "0.68", "0.55", "0.85", 0.111053, 0.000515074, (0.000414831, 0.000888600), "<0.001", "holds"),
    ("th3resa_pfs", "0.528", "0.422", "0.661", 0.114479, 2.42125e-8, (2.15946e-8, 2.78869e-8), "<0.0001", "holds"),
    ("th3resa_os", "0.552", "0.369", "0.826", 0.205565, 0.00384493, (0.00379022, 0.00391788), "0.0034", "holds"),
    (
        "lapatinib_trastuzumab_pfs",
        "0.73",
        "0.57",
        "0.93",
        0.124887,
        0.0117367,
        (0.00924749, 0.0130289),
        "0.08",
        "cannot hold",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_polygons(row: tuple) -> None:
    _, hr, lower, upper, s, point, span, p, verdict = row
    polygon = wald_polygon(hr, lower, upper)
    assert polygon is not None
    assert polygon.s == pytest.approx(s, abs=6e-7)
    assert polygon.p == pytest.approx(point, rel=1e-5)
    assert (polygon.p_low, polygon.p_high) == pytest.approx(span, rel=1e-5)
    assert judge_p(hr, lower, upper, p)[0] == verdict


def test_corners_against_a_grid() -> None:
    """Extremes of P over the polygon, by a fine grid of (b, s) that print the three strings."""
    import numpy as np
    from scipy.special import ndtr

    z = 1.959963984540054
    b, s = np.meshgrid(np.linspace(np.log(0.72), np.log(0.74), 1501), np.linspace(0.115, 0.135, 1501))
    prints = (np.exp(b) >= 0.725) & (np.exp(b) < 0.735)
    prints &= (np.exp(b - z * s) >= 0.565) & (np.exp(b - z * s) < 0.575)
    prints &= (np.exp(b + z * s) >= 0.925) & (np.exp(b + z * s) < 0.935)
    p = 2 * ndtr(-np.abs(b[prints] / s[prints]))
    polygon = wald_polygon("0.73", "0.57", "0.93")
    assert polygon is not None
    assert polygon.p_low <= p.min() and p.max() <= polygon.p_high
    assert (p.min(), p.max()) == pytest.approx((polygon.p_low, polygon.p_high), rel=5e-3)


def test_dropped_zero() -> None:
    verdict, note = judge_p("0.73", "0.57", "0.93", "0.08")
    assert verdict == "cannot hold"
    assert note == (
        "the interval excludes 1 while P is not below 0.05; ratio and interval give P from 0.00925 to 0.013; "
        "z of 0.08 is 1.751 (1.722–1.780) against 2.483–2.603, gap 0.70; without symmetry P from 0.008 to 0.017; "
        "P = 0.08 would need an interval of 0.513–1.038; 0.008, a dropped zero, is near (z 2.652, gap 0.03); "
        "s 0.124887, P at the point 0.0117367"
    )
    assert [f"{p:.4f}" for p in box_p_range("0.73", "0.57", "0.93")] == ["0.0080", "0.0166"]
    assert [f"{end:.3f}" for end in interval_for_p(0.73, 0.08)] == ["0.513", "1.038"]
    assert [f"{z:.3f}" for z in z_range("0.08") or ()] == ["1.722", "1.780"]


def test_another_test_than_wald() -> None:
    verdict, note = judge_p("0.552", "0.369", "0.826", "0.0034")
    assert verdict == "holds"
    assert note.startswith("P is another test than Wald: z 2.929 v at most 2.895")


def test_no_symmetric_interval(tmp_path: Path) -> None:
    found = audited(tmp_path, HEAD + '[[trial]]\nid = "x"\narms = ["a", "b"]\nhr = "0.60"\nci = "0.55–0.77"\n')
    ratio = one(found, "trial/x/hr", "ratio-interval")
    assert (ratio.verdict, ratio.recomputed) == ("doubtful", "0.6457–0.6558")
    assert ratio.note.startswith("no symmetric interval on the log scale prints these three")


@pytest.mark.parametrize(
    ("hr", "ci", "level", "p", "statistic", "verdict"),
    [
        ("0.50", "0.55–0.77", "95", "", "hr", "cannot hold"),  # outside its interval
        ("0.77", "0.60–1.00", "95", "0.046", "p_value", "holds"),  # a limit that prints so may be 1
        ("0.80", "0.60–1.07", "95", "0.03", "p_value", "cannot hold"),  # holds 1, P below 0.05
        ("0.80", "0.70–0.91", "95", "0.06", "p_value", "cannot hold"),  # excludes 1, P above
        ("0.80", "0.64–1.00", "0.90", "0.10", "p_value", "holds"),
        ("0.7", "0.5–0.9", "95", "0.01", "p_value", "holds"),
        ("1.00", "0.80–1.25", "95", "1.00", "p_value", "holds"),
        ("1.0", "1.0–1.0", "95", "0.9", "p_value", "holds"),
        ("0.00", "0.00–0.02", "95", "", "hr", "cannot hold"),
    ],
)
def test_intervals_and_p(tmp_path: Path, hr: str, ci: str, level: str, p: str, statistic: str, verdict: str) -> None:
    trial = f'[[trial]]\nid = "x"\narms = ["a", "b"]\nhr = "{hr}"\nci = "{ci}"\nlevel = "{level}"\np = "{p}"\n'
    found = audited(tmp_path, HEAD + trial)
    assert one(found, f"trial/x/{statistic}", "ratio-interval").verdict == verdict
    assert level_of("95") == level_of(0.95) == 0.95


def test_one_decimal_is_said_to_be_useless() -> None:
    verdict, note = judge_p("0.7", "0.5", "0.9", "0.01")
    assert verdict == "holds"
    assert note.startswith("any P from ")


def test_events_needed() -> None:
    # z of 0.0006 is 3.4316: 4 (3.4316 / ln(74/52))²; arms of 177 and 194 instead of halves.
    assert events_for(0.0006, 52 / 74) == pytest.approx(378.4, abs=0.05)
    assert events_for(0.0006, 52 / 74, 177 / 371) == pytest.approx(379.2, abs=0.05)
    assert events_for(0.03, 6 / 10) == pytest.approx(72.2, abs=0.05)


def test_review_cohort_and_letter(shared: Callable[[str], Path]) -> None:
    found = cs.audit(shared("reference/seed004_published.toml"))
    assert [line for line in told(found) if line[0] != "not checkable"] == [
        ("cannot hold", "trial/lapatinib_trastuzumab_pfs/p_value", "ratio-interval"),
        ("doubtful", "trial/sepher_os/p_value", "events-needed"),
    ]
    for name, _, _, _, s, point, span, _, verdict in ROWS:
        row = one(found, f"trial/{name}/p_value", "ratio-interval")
        assert row.verdict == verdict
        low, high = (float(part) for part in row.recomputed.split("–"))
        assert (low, high) == pytest.approx(span, rel=1e-5)
        assert f"s {s:.6g}".rstrip("0") in row.note
        at = row.note.rpartition("P at the point ")[2]
        assert float(at) == pytest.approx(point, rel=1e-5)
    needed = one(found, "trial/sepher_os/p_value", "events-needed")
    assert needed.recomputed == "378.4"
    assert "379.2 with arms of 177 and 194" in needed.note
    assert "at most 371 patients; needs crossing-free curves steeper than exponential" in needed.note
    assert one(found, "trial/sepher_pfs2/p_value", "events-needed").recomputed == "72.2"
    assert one(found, "trial/sepher_os", "sum").verdict == "holds"  # 177 + 194 = 371
    ratios = {"emilia_os": "0.8123", "lapatinib_trastuzumab_pfs": "0.675"}
    for name, ratio in ratios.items():
        row = one(found, f"trial/{name}/hr", "median-ratio")
        assert (row.verdict, row.recomputed) == ("holds", ratio)
    information = {
        "emilia_pfs": "542.9",
        "emilia_os": "324.3",
        "th3resa_os": "94.7",
        "lapatinib_trastuzumab_pfs": "256.5",
    }
    for name, events in information.items():
        assert one(found, f"trial/{name}", "information").recomputed == events
    same = {item.id for item in found.items if item.check == "same value"}
    assert same == {
        f"trial/letter_emilia_{endpoint}/{arm}/median"
        for endpoint in ("pfs", "os")
        for arm in ("T-DM1", "lapatinib + capecitabine")
    }
    letter = one(found, "identity/letter_post_sum", "sum")
    assert (letter.verdict, letter.printed, letter.recomputed) == ("holds", "17 + 83 = 100", "100")
    cross = [item for item in found.items if "letter_cross" in item.id and item.check == "p"]
    assert [item.note for item in cross] == ["no coordinates of those curves"] * 3
    early = [item for item in found.items if "early_" in item.id and item.check == "percent"]
    assert [item.verdict for item in early] == ["not checkable"] * 4
    assert found.counts["paper differs from itself"] == 0
    assert found.fails  # the doubt about survival is in no [known]


# ---------------------------------------------------------------------------------------------------------------------
# Medians, means, curves
# ---------------------------------------------------------------------------------------------------------------------


def test_granularity() -> None:
    half, one_step = Fraction(1, 2), Fraction(1)
    assert granular_median("56.6", half).nearest == ("56.5", "57.0")
    for text, step, verdict in [
        ("62", half, "holds"),
        ("62", one_step, "holds"),
        ("62.5", half, "holds"),
        ("62.5", one_step, "cannot hold"),
        ("62.4", half, "cannot hold"),
        ("318.0", half, "holds"),
    ]:
        assert granular_median(text, step).verdict == verdict, text
    # 997 of 16 is 62.3125; 62.30 would need a total from 996.72 to 996.88.
    assert means_of_whole_numbers("62.31", 16).verdict == "holds"
    assert means_of_whole_numbers("62.30", 16).verdict == "cannot hold"
    assert means_of_whole_numbers("62.32", 16).verdict == "cannot hold"
    assert means_of_whole_numbers("5.12", 8).verdict == "last digit"  # 41/8 = 5.125, cut or half to even
    assert means_of_whole_numbers("5.13", 8).verdict == "holds"
    assert granular_median("NA", half) is None


def test_means_by_brute_force() -> None:
    for n in (3, 7, 16, 19):
        half_up = {(200 * total + n) // (2 * n) for total in range(20 * n)}  # hundredths of T/n, halves up
        for hundredths in range(500, 700):
            text = f"{hundredths // 100}.{hundredths % 100:02d}"
            found = means_of_whole_numbers(text, n)
            assert (found.verdict == "holds") == (hundredths in half_up), (text, n)


AGE = """{head}[cohort]
n = "{n}"
[columns]
age = {{ type = "{kind}" }}
[[table]]
id = "t"
[[table.block]]
variable = "age"
cells = [["{label}", "{cell}"]]
"""


@pytest.mark.parametrize(
    ("n", "kind", "label", "cell", "statistic", "verdict"),
    [
        (33, "integer", "median (range)", "62.5 (38–84)", "median", "cannot hold"),
        (34, "integer", "median (range)", "62.5 (38–84)", "median", "holds"),
        (33, "number", "median (range)", "62.5 (38–84)", "median", "doubtful"),
        (33, "number", "median (range)", "62.7 (38.1–84.4)", "median", "not checkable"),
        (16, "integer", "mean (SD)", "62.30 (8.1)", "mean", "cannot hold"),
        (16, "integer", "mean (SD)", "62.31 (8.1)", "mean", "holds"),
    ],
)
def test_summaries(tmp_path: Path, n: int, kind: str, label: str, cell: str, statistic: str, verdict: str) -> None:
    found = audited(tmp_path, AGE.format(head=HEAD, n=n, kind=kind, label=label, cell=cell))
    assert one(found, f"t/age/{statistic}", f"{statistic}-granularity").verdict == verdict


def test_median_outside_its_range_is_a_finding(tmp_path: Path) -> None:
    found = audited(tmp_path, AGE.format(head=HEAD, n=3, kind="integer", label="median (range)", cell="90 (38–84)"))
    outside = one(found, "t/age/median", "range")
    assert (outside.verdict, outside.note) == ("cannot hold", "90 is above 84")


def test_bands_of_few_patients() -> None:
    assert [f"{band_at_first_event(n):.6f}" for n in (9, 10, 11)] == ["0.432965", "0.473009", "0.508080"]
    # R: summary(survfit(Surv(1:n, rep(1, n)) ~ 1, conf.type = "log-log"))$upper, the last but one.
    assert [f"{band_before_last_event(n):.6f}" for n in (5, 6, 7, 8)] == [
        "0.581853",
        "0.516802",
        "0.464941",
        "0.422706",
    ]
    upper_open = Pattern(median=True, lower=True, upper=False)
    assert [can_print(upper_open, n, n) for n in (5, 6, 7, 8)] == [True, True, False, False]


def test_orders_against_our_own_curves() -> None:
    """Every order of five patients: what is reached, by the Kaplan-Meier estimate itself."""
    import itertools

    import numpy as np

    seen = set()
    for event in itertools.product((True, False), repeat=5):
        if not any(event):
            continue
        table = cs.EventTable.from_arrays(np.arange(1.0, 6.0), np.array(event))
        row = cs.kaplan_meier(table, ci="log-log").quantile(0.5, rule="summary").iloc[0]
        reached = tuple(bool(np.isfinite(x)) for x in (row.estimate, row.ci_lower, row.ci_upper))
        seen.add((sum(event), reached))
    for events in range(1, 6):
        for reached in itertools.product((True, False), repeat=3):
            pattern = Pattern(median=reached[0], lower=reached[1], upper=reached[2])
            assert can_print(pattern, 5, events) == ((events, reached) in seen), (events, reached)


FIGURE = """{head}[columns]
group = {{}}
[[survival]]
id = "f"
where = "Fig. 1"
group = "group"
unit = "days"
whole = true
ci = "log-log"
cells = [["yes", "{yes}"], ["no", "{no}"]]
n = ["{n}", "20"]
events = ["{events}", "12"]
p = "{p}"
"""


@pytest.mark.parametrize(
    ("yes", "n", "events", "p", "id", "check", "verdict"),
    [
        ("56.5 (36–NA)", 8, 7, "0.01", "f/yes/lower", "km-limits", "holds"),
        ("56.5 (36–NA)", 8, 8, "0.01", "f/yes/lower", "km-limits", "doubtful"),
        ("56.5 (36.2–NA)", 8, 7, "0.01", "f/yes/lower", "km-limits", "cannot hold"),
        ("NA (36–80)", 8, 7, "0.01", "f/yes/lower", "km-limits", "cannot hold"),
        ("56.6 (36–NA)", 8, 7, "0.01", "f/yes/median", "median-granularity", "cannot hold"),
        ("30 (36–NA)", 8, 7, "0.01", "f/yes/median", "range", "cannot hold"),
        ("56.5 (36–NA)", 43, 46, "0.01", "f/yes/events", "count-order", "cannot hold"),
        ("100 (80–150)", 8, 7, "0.01", "f/p_value", "km-limits", "doubtful"),
        ("300 (250–NA)", 8, 7, "0.2", "f/p_value", "km-limits", "doubtful"),
    ],
)
def test_curves(tmp_path: Path, yes: str, n: int, events: int, p: str, id: str, check: str, verdict: str) -> None:
    text = FIGURE.format(head=HEAD, yes=yes, no="100 (80–150)", n=n, events=events, p=p)
    assert one(audited(tmp_path, text), id, check).verdict == verdict


def test_lower_limit_is_the_first_event(tmp_path: Path) -> None:
    text = FIGURE.format(head=HEAD, yes="56.5 (36–NA)", no="100 (80–150)", n=8, events=7, p="0.01")
    found = audited(tmp_path, text)
    assert one(found, "f/yes/lower", "km-limits").note == "of 8 patients the lower limit is the first event"
    assert found.sentences[0] == "1 P: 1 needs times."


# ---------------------------------------------------------------------------------------------------------------------
# Counts, denominators, repeats, conflicts
# ---------------------------------------------------------------------------------------------------------------------


def test_percentages_under_another_denominator(tmp_path: Path) -> None:
    text = """{head}[cohort]
n = "34"
[columns]
response = {{ levels = ["CR", "PR", "SD", "PD", "Unknown"] }}
[[table]]
id = "t"
[[table.block]]
variable = "response"
sums = "all"
cells = [["CR", "2 (6.5)"], ["PR", "7 (22.6)"], ["SD", "13 (41.9)"], ["PD", "9 (29.0)"], ["Unknown", "3 (8.8)"]]
"""
    found = audited(tmp_path, text.format(head=HEAD))
    base = one(found, "t/response", "denominator")
    assert (base.verdict, base.printed, base.recomputed) == ("paper differs from itself", "34", "31")
    assert base.note.startswith("4 of 5 percentages are of 31, not of 34")
    cell = one(found, "t/response/CR/percent", "percent")
    assert cell.verdict == "cannot hold"
    assert cell.note == "2 of 34 is 5.88; 2/31 is 6.45; no count of 34 prints 6.5"


def test_percentages_at_large_numbers_are_instant(tmp_path: Path) -> None:
    text = f'{HEAD}[[text]]\nid = "x"\nn = "1234567"\nof = "987654321"\npercent = "43.1"\ncohort = "other"\n'
    cell = one(audited(tmp_path, text), "text/x/percent", "percent")
    assert cell.verdict == "cannot hold"
    assert "would print 43.1" in cell.note


def test_repeats(tmp_path: Path) -> None:
    rows = [["Abstract", text, "table2/receptor/positive/percent"] for text in ("33.3", "33.30", "33.4", "33·3")]
    found = audited(tmp_path, f"{MINI}[repeats]\nrows = {json.dumps(rows, ensure_ascii=False)}\n")
    verdicts = {item.printed: item.verdict for item in found.items if item.check == "same value"}
    assert verdicts == {
        "33.3": "holds",
        "33·3": "holds",
        "33.30": "last digit",
        "33.4": "paper differs from itself",
    }


def test_two_documents_one_comparison(tmp_path: Path) -> None:
    trial = '[[trial]]\nid = "{id}"\ntrial = "T"\nendpoint = "OS"\narms = ["a", "b"]\nmedian = ["{first}", "6.4"]\n'
    text = HEAD + trial.format(id="one", first="9.6") + trial.format(id="two", first="9.4")
    found = audited(tmp_path, text)
    assert one(found, "trial/two/a/median", "same value").verdict == "paper differs from itself"
    assert one(found, "trial/two/b/median", "same value").verdict == "holds"
    assert one(found, "trial/two/a/median", "same value").note == "not the same value; trial/one prints 9.6"


CROSS = """{head}[cohort]
n = "10"
[columns]
a = {{}}
b = {{}}
[[table]]
id = "one"
where = "Table 1"
[[table.block]]
sums = "any"
cells = [["a", "6"], ["b", "3"]]
[[text]]
id = "both"
where = "Results"
n = "{both}"
when = "a and b"
[[derived]]
id = "b_is_a"
rule = "not b or a"
"""


def test_a_conflict_between_statements(tmp_path: Path) -> None:
    assert not audited(tmp_path, CROSS.format(head=HEAD, both=3)).fails
    found = audited(tmp_path, CROSS.format(head=HEAD, both=2))
    rule = one(found, "derived/b_is_a", "rule")
    assert (rule.verdict, rule.tier) == ("paper differs from itself", "derived")
    assert rule.note.startswith("one/any1, text/both and derived/b_is_a exclude each other; any one of them mends it")
    assert "at least 1 patient is counted differently" in rule.note


def test_known_is_marked_and_does_not_fail(tmp_path: Path) -> None:
    known = '[known]\n"table1/receptor" = "one is missing"\n"table2/receptor/negative/percent" = "cut"\n'
    found = audited(tmp_path, MINI + known)
    assert not found.fails
    assert one(found, "table1/receptor", "sum").known == "one is missing"
    record = next(record for record in found.records() if record["check"] == "percent" and record["printed"] == "6.2")
    assert record["note"] == "cut or half-even; known: cut"
    assert one(found, "table2/receptor", "sum").known == ""


# ---------------------------------------------------------------------------------------------------------------------
# What cannot be read
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ("24 (60.0)", "24 (60,0)"),
            "published.toml line 17: table1/receptor, positive: '24 (60,0)' is not 'n (percent)'. "
            'Write 60.0, or set [paper] decimal = ",".',
        ),
        (('"8 (33.3)"', '"25 (33.3)"'), "25 of 24 is more than all."),
        (('id = "table2"', 'id = "table1"'), "table1 is used twice. Use another id."),
        (
            (
                'p     = "0.06"',
                'p     = "0.06"\n[[derived]]\nid = "x"\nrule = "resistan == resistant"\n[[table]]\nid="t"',
            ),
            "resistan is no column or derived name. Did you mean resistant?",
        ),
        (('test  = "fisher"', '[repeats]\nrows = [["x", "1", "table9/x/n"]]'), "[repeats] row 1: table9/x/n is no id."),
        (
            ('test  = "fisher"', '[[test]]\nid = "t"\np = "0.1"\ntable = [[18, 17], [3, 17]]'),
            "18 of 17 is more than all.",
        ),
        (
            ('test  = "fisher"', '[[test]]\nid = "t"\np = "0.1"\ntable = [[1, 2, 3], [4, 5]]'),
            "table needs two rows or more",
        ),
        (
            ('test  = "fisher"', '[[trial]]\nid = "emilia_pfs"\nci = "0.77–0.55"'),
            "trial emilia_pfs: 0.77–0.55 has its larger limit first.",
        ),
        (('test  = "fisher"', '[[trial]]\nid = "x"\nlevel = 950'), "950.0 is no level of an interval."),
        (('test  = "fisher"', '[[trial]]\nid = "x"\nlevel = 1'), "1.0 is no level of an interval."),
    ],
)
def test_bad_input(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    assert MINI.count(change[0]) == 1
    with pytest.raises(cs.DataError) as caught:
        audited(tmp_path, MINI.replace(*change))
    assert sentence in str(caught.value)


def test_missing_file_and_broken_toml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path / "nothing.toml")]) == 4
    assert "nothing.toml" in capsys.readouterr().err
    (tmp_path / "published.toml").write_text("cohortstats_published = 1\n[paper\n", encoding="utf-8")
    assert main(["audit", str(tmp_path)]) == 3
    assert "line 2" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------------
# Command line, page, template
# ---------------------------------------------------------------------------------------------------------------------


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = str(cs.shipped_study("sakai2018"))
    assert main(["audit", study, "--strict"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["Where", "Check", "Printed", "Recomputed", "Verdict", "Note"]
    assert out.endswith("64 percentages: 60 half-up, 3 cut, 1 neither.\n9 P: 8 are Fisher's, 1 needs times.\n")
    assert "known: 10/34 is 29.4 %; 10/23 is 43.5 %" in out
    assert len(out.splitlines()) < 30
    assert main(["audit", study, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert set(value) == {"counts", "findings"}
    assert sum(value["counts"].values()) == len(value["findings"])
    names = ["id", "where", "check", "printed", "recomputed", "verdict", "note"]
    assert all(list(record) == names for record in value["findings"])
    assert main(["audit", study, "--all"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > len(value["findings"])
    path = tmp_path / "mini" / "published.toml"
    path.parent.mkdir()
    path.write_text(MINI, encoding="utf-8")
    assert main(["audit", str(path.parent)]) == 0
    assert main(["audit", str(path.parent), "--strict"]) == 1
    capsys.readouterr()
    assert main(["audit", str(path), "-o", str(tmp_path / "page.txt")]) == 2
    assert main(["audit", "--from", study]) == 2
    assert main(["audit", str(path), "--template"]) == 2
    capsys.readouterr()
    page = tmp_path / "out" / "audit.html"
    assert main(["audit", str(path), "-o", str(page), "--quiet"]) == 0
    first = page.read_bytes()
    assert main(["audit", str(path), "-o", str(page), "--quiet"]) == 0
    assert page.read_bytes() == first


class _Tags(HTMLParser):
    """Whether every element is closed in its turn."""

    VOID = frozenset({"br", "meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page(tmp_path: Path) -> None:
    hostile = MINI.replace('"Two arms, forty patients"', '"<script>alert(1)</script> & \\"x\\""').replace(
        'where = "Table 1"', 'where = "Table <b>1</b>"'
    )
    page = audited(tmp_path, hostile).to_html()
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert "<script" not in page
    assert "Table &lt;b&gt;1&lt;/b&gt;" in page
    assert not any(word in page for word in ("http://", "https://", "url(", "@import"))
    for rule in ("prefers-color-scheme:dark", "max-width:40rem", "@media print"):
        assert rule in page
    assert page.count('<section aria-labelledby="') == 4


def test_empty_template_reads_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--template"]) == 0
    text = capsys.readouterr().out
    found = audited(tmp_path, text)
    assert found.items == ()
    assert (
        found.summary
        == "Nothing is typed yet (1 cell is empty): copy each cell as it stands in print, then run audit again."
    )
    # Every commented line is one of TOML, and together they are a valid file.
    lines = [line.removeprefix("# ") for line in text.splitlines()[2:]]
    (tmp_path / "published.toml").write_text("\n".join(lines), encoding="utf-8")
    assert Printed.read(tmp_path).not_typed > 10


@pytest.mark.parametrize("name", ["sakai2018", "example"])
def test_template_of_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["audit", "--template", "--from", str(cs.shipped_study(name))]) == 0
    text = capsys.readouterr().out
    found = audited(tmp_path, text)
    assert found.not_typed > 40
    assert found.summary.startswith("Nothing is typed yet")


def test_filled_template_is_audited(tmp_path: Path) -> None:
    text = published_template(cs.shipped_study("sakai2018"))
    filled = text.replace('n     = ""                 # all patients', 'n     = "34"')
    filled = filled.replace(
        '["Stage IV", ""], ["Recurrent", ""]', '["Stage IV", "9 (26.5)"], ["Recurrent", "25 (73.5)"]'
    )
    filled = filled.replace('"Stage IV", "", ""', '"Stage IV", "9", "2 (22.2)"')
    found = audited(tmp_path, filled)
    assert found.not_typed == 93 - 1 - 2 - 2
    assert one(found, "table1/stage", "sum").verdict == "holds"
    half = one(found, "table4/stage", "sum")
    assert (half.verdict, half.note) == ("not checkable", "1 of its rows are not typed")
    assert found.sentences[-1] == "88 cells are not typed yet."
    assert not found.fails


def test_numbers_of_strings() -> None:
    assert number_of("０．438") == Fraction(438, 1000)
    assert number_of("−3") == -3


def many_patients(n: int, second: int, rule: str = "") -> str:
    """Six columns of five levels, one of them printed in two tables."""
    levels = [f"l{i}" for i in range(5)]
    counts = [n // 5 + (i < n % 5) for i in range(5)]
    named = json.dumps(levels)
    columns = "".join(f"v{i} = {{ levels = {named} }}\n" for i in range(6))
    cells = json.dumps([[level, str(count)] for level, count in zip(levels, counts, strict=True)])
    other = json.dumps([["l0", str(counts[0] + second)], ["l1", str(counts[1] - second)]])
    blocks = "".join(f'[[table.block]]\nvariable = "v{i}"\nsums = "all"\ncells = {cells}\n' for i in range(6))
    twice = f'[[table]]\nid = "two"\n[[table.block]]\nvariable = "v0"\nsums = "part"\ncells = {other}\n'
    return f'{HEAD}[cohort]\nn = "{n}"\n[columns]\n{columns}[[table]]\nid = "one"\n{blocks}{twice}{rule}'


def test_many_patients_are_audited_in_a_moment(tmp_path: Path) -> None:
    rule = "[[derived]]\nid = \"x\"\nrule = \"v0 == 'l0' or v1 != 'l0'\"\n"
    found = audited(tmp_path, many_patients(1000, 3, rule))
    conflict = one(found, "two/v0", "cross-table")
    assert conflict.verdict == "paper differs from itself"
    assert conflict.note == (
        "one/v0 and two/v0 exclude each other: patients of l0 are 200 and 203; at least 3 patients are counted differently"
    )
    proof = one(found, "cohort/n", "cross-table")
    assert (proof.verdict, proof.note[:25]) == ("not checkable", "about 30000 0/1 cells are")
    assert one(found, "derived/x", "rule").verdict == "not checkable"
    assert audited(tmp_path, many_patients(1000, 0)).counts["paper differs from itself"] == 0
    same = audited(tmp_path, many_patients(180, 3))
    assert one(same, "two/v0", "cross-table").note == conflict.note.replace("200 and 203", "36 and 39")
    assert one(same, "cohort/n", "cross-table").verdict == "holds"


def test_the_solver_agrees_with_the_counts(tmp_path: Path) -> None:
    found = [item for item in audited(tmp_path, many_patients(40, 3)).items if item.verdict != "holds"]
    (conflict,) = found
    assert conflict.note.startswith("one/v0 and two/v0 exclude each other; any one of them mends it")
    assert conflict.note.endswith("at least 3 patients are counted differently")


@pytest.mark.parametrize("text", ["shipped", "twice"])
def test_counts_alone_and_the_whole_search_agree(tmp_path: Path, text: str) -> None:
    if text == "shipped":
        read = Printed.read(cs.shipped_study("sakai2018"))
        wrong = ("evaluable", "received_tdm1", "reference35")
        printed = replace(read, texts=tuple(one for one in read.texts if one.id not in wrong))
    else:
        (tmp_path / "published.toml").write_text(many_patients(20, 2), encoding="utf-8")
        printed = Printed.read(tmp_path)
    tiers = ("published", "derived", "identity")
    (first,) = proved(printed, direct_conflicts(printed, PrintedCounts(printed)), tiers=tiers, time_limit=20) or ()
    (second,) = find_conflicts(printed, tiers=tiers)
    assert set(first.core) == set(second.core)
    assert set(first.corrections) == set(second.corrections)
    assert (first.patients, first.proven, first.tier) == (second.patients, second.proven, second.tier)


def test_more_given_patients_than_there_are(tmp_path: Path) -> None:
    (tmp_path / "given.csv").write_text("id,x\n1,2\n2,3\n3,4\n", encoding="utf-8")
    found = audited(tmp_path, f'{HEAD}[cohort]\nn = "2"\nid = "id"\ngiven = {{ file = "given.csv" }}\n')
    assert one(found, "cohort/n", "denominator").verdict == "paper differs from itself"
