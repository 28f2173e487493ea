"""Ranges of statistics over all cohorts that fit the print: known ends, every small cohort, facts about single patients."""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.cli import main
from cohortstats.errors import DataError, InputError
from cohortstats.printed import Printed
from cohortstats.published.bounds.bounds import range_of_statistic
from cohortstats.published.bounds.disclosure import facts_of
from cohortstats.published.bounds.statistic import parse_condition, parse_statistic, split_parts
from cohortstats.published.model.evaluate import patients_of, survival_events

SAKAI = Path(__file__).parents[2] / "data" / "raw" / "sakai2018"


@pytest.fixture(scope="module")
def printed() -> Printed:
    return Printed.read(SAKAI)


# Ends of Fisher's P over the feasible tables: integer program and exact P; the count at each end in comments.
TABLES = [
    ("her2_ihc == '2+/FISH+'", 0.00271692, (0, 4)),
    ("prior_taxane", 3.81688e-5, (0, 9)),
    ("prior_capecitabine", 9.54219e-5, (0, 9)),
    ("prior_vinorelbine", 6.69193e-6, (0, 7)),
    ("not prior_trastuzumab", 0.00045282, (0, 5)),
    ("adjuvant_trastuzumab", 0.000218107, (1, 9)),
]


@pytest.mark.parametrize(("group", "least", "counts"), TABLES)
def test_p_over_all_tables_that_can_be(printed: Printed, group: str, least: float, counts: tuple[int, int]) -> None:
    found = range_of_statistic(printed, f"fisher({group}; primary_resistance)")
    assert found.min == pytest.approx(least, rel=2e-6)
    assert found.max == 1
    assert found.proven
    assert found.tier in ("published", "derived")
    counted = range_of_statistic(printed, f"count(({group}) and primary_resistance)")
    assert (counted.min, counted.max, counted.proven) == (*counts, True)
    for witness, p in ((found.witness_min, found.min), (found.witness_max, found.max)):
        assert witness is not None
        yes = patients_of(printed, group, witness.cells)
        resistant = patients_of(printed, "primary_resistance", witness.cells)
        table = cs.CountTable(
            groups=("yes", "no"),
            events=(int((yes & resistant).sum()), int((~yes & resistant).sum())),
            totals=(int(yes.sum()), int((~yes).sum())),
        )
        assert cs.fisher_exact(table).p_value == pytest.approx(p, rel=1e-12)


def test_p_is_not_monotone_between_its_ends(printed: Printed) -> None:
    # 20 with prior taxane: 5 of 9 resistant gives P = 1, 0 and 9 of 9 less.
    found = range_of_statistic(printed, "fisher(prior_taxane; primary_resistance)")
    assert found.witness_max is not None
    yes = patients_of(printed, "prior_taxane and primary_resistance", found.witness_max.cells)
    assert int(yes.sum()) == 5


def test_one_discordant_patient(printed: Printed) -> None:
    alone = range_of_statistic(printed, "count(hr_positive != hr_positive_table1)")
    assert (alone.min, alone.proven) == (1, True)
    one = "count(hr_positive != hr_positive_table1) == 1"
    found = range_of_statistic(printed, "count(hr_positive_table1 and primary_resistance)", where=[one])
    assert (found.min, found.max, found.proven) == (6, 7, True)
    with pytest.raises(InputError, match=r"no cohort satisfies .* == 0 beside the rest"):
        range_of_statistic(printed, "count(hr_positive)", where=["count(hr_positive != hr_positive_table1) == 0"])


@pytest.mark.parametrize(
    ("statistic", "least", "most"),
    [
        ("n(figure1/yes)", 4, 11),
        ("events(figure1/yes)", 4, 8),
        ("events(figure1/no)", 2, 8),
        ("survival(figure1/no, 180)", 1, 1),
        ("survival(figure1/yes, 180)", 0, 0.4),
        ("hr(figure1)", 5.2501, math.inf),
    ],
)
def test_figure(printed: Printed, statistic: str, least: float, most: float) -> None:
    found = range_of_statistic(printed, statistic)
    assert (found.min, found.max) == pytest.approx((least, most), abs=5e-5)
    assert found.proven
    assert "no two times equal" in found.note
    for witness, end in ((found.witness_min, found.min), (found.witness_max, found.max)):
        assert witness is not None
        assert on_cohort(printed, statistic, witness.cells) == pytest.approx(end, abs=1e-9)


def on_cohort(printed: Printed, statistic: str, cells: dict) -> float:
    """The statistic of a figure on a cohort, by the package's own curves."""
    events, _ = survival_events(printed, printed.survivals[0], cells)
    assert events is not None
    kind = statistic.partition("(")[0]
    level = "no" if "/no" in statistic else "yes"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = cs.kaplan_meier(events).to_frame()
    own = curve[curve["group"] == level]
    if kind == "n":
        return float(own["n_at_risk"].iloc[0])
    if kind == "events":
        return float(own["n_event"].sum())
    if kind == "survival":
        return float(own[own["time"] <= 180]["survival"].iloc[-1]) if (own["time"] <= 180).any() else 1.0
    frame = events.to_frame().sort_values(["time"])
    informative = []
    for time in sorted(set(frame["time"])):
        now = {row.group: row for row in frame[frame["time"] == time].itertuples()}
        left = {
            name: sum(
                r.n_event + r.n_censored for r in frame[(frame["group"] == name) & (frame["time"] >= time)].itertuples()
            )
            for name in ("yes", "no")
        }
        if left["yes"] and left["no"]:
            informative += [(name, left) for name, row in now.items() if row.n_event]
    if {name for name, _ in informative} == {"yes"}:
        return math.inf
    low, high = -10.0, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        ratio = math.exp(middle)
        score = sum(
            (name == "yes") - left["yes"] * ratio / (left["yes"] * ratio + left["no"]) for name, left in informative
        )
        low, high = (middle, high) if score > 0 else (low, middle)
    return math.exp(low)


def test_assumptions_are_named(printed: Printed) -> None:
    tiers = ("published", "derived", "assumed")
    found = range_of_statistic(printed, "n(figure1/yes)", tiers)
    assert (found.min, found.max, found.tier) == (8, 8, "assumed")
    assert "with the assumed tier" in found.note
    held = range_of_statistic(printed, "count(her2_ihc == '2+/FISH+' and primary_resistance)", tiers)
    assert (held.min, held.max, held.tier) == (0, 4, "published")


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("cohort/n", 34),
        ("table4/hr_positive/yes/n", 6),
        ("table4/hr_positive/yes/total", 17),
        ("table4/hr_positive/yes/percent", 600 / 17),
        ("table4/all/percent", 900 / 34),
        ("table1/her2_ihc/2+/FISH+/n", 4),
        ("text/ctdna_sampled/n", 16),
        ("text/her2_gain/percent", 31.25),
        ("table4/pik3ca_mutated/p_value", 1 / 20),
        ("table4/hr_positive/p_value", 0.4384332760),
        ("table1/age/median", 62),
        ("figure1/no/median", 318),
        ("figure1/yes/lower", 36),
        ("figure1/yes/median", 56.5),
    ],
)
def test_a_printed_statistic_is_its_own_range(printed: Printed, address: str, value: float) -> None:
    found = range_of_statistic(printed, address)
    assert (found.min, found.max) == pytest.approx((value, value), rel=1e-9)
    assert found.proven


def test_frame(printed: Printed) -> None:
    frame = cs.bounds(SAKAI / "published.toml", "percent(hr_positive; ctdna_tested)")
    assert list(frame.columns) == ["statistic", "min", "max", "proven", "tier", "witness_min", "witness_max", "note"]
    row = frame.iloc[0]
    # 4 to 15 of the 16: at least the four resistant are positive, at least two of the 17 negative must be sampled or not.
    assert row["min"] == 25.0
    assert row["proven"]
    for witness, end in ((row["witness_min"], row["min"]), (row["witness_max"], row["max"])):
        cohort = witness.to_frame()
        assert len(cohort) == 34
        sampled = patients_of(printed, "ctdna_tested", witness.cells)
        positive = patients_of(printed, "hr_positive", witness.cells)
        assert 100 * (positive & sampled).sum() / sampled.sum() == pytest.approx(end)
        assert "not patient records" in repr(witness)


# ---- every small cohort

SMALL = """
cohortstats_published = 1
[paper]
id = "small"
[cohort]
n = "7"
[columns]
a = {}
b = {}
grade = { levels = ["1", "2", "3"], ordered = true }
[define]
low = "grade <= '1'"
[[table]]
id = "t"
outcome = "b"
[[table.block]]
variable = "a"
sums = "all"
cells = [["yes", "4", "3"], ["no", "3", "1"]]
[[text]]
id = "grade3"
n = "2"
when = "grade == '3'"
[[derived]]
id = "r"
rule = "not low or b"
[[assumed]]
id = "s"
rule = "grade != '3' or a"
"""


def small_cohorts(*, assumed: bool) -> Iterator[list[tuple[bool, bool, int]]]:
    kinds = list(itertools.product((True, False), (True, False), (1, 2, 3)))
    for cohort in itertools.combinations_with_replacement(kinds, 7):
        if sum(a for a, _, _ in cohort) != 4 or sum(a and b for a, b, _ in cohort) != 3:
            continue
        if sum(b and not a for a, b, _ in cohort) != 1 or sum(grade == 3 for _, _, grade in cohort) != 2:
            continue
        if any(grade == 1 and not b for _, b, grade in cohort):
            continue
        if assumed and any(grade == 3 and not a for a, _, grade in cohort):
            continue
        yield list(cohort)


def plain_fisher(a: int, n1: int, c: int, n2: int) -> Fraction:
    k = a + c
    weights = {x: math.comb(n1, x) * math.comb(n2, k - x) for x in range(max(0, k - n2), min(n1, k) + 1)}
    return Fraction(sum(one for one in weights.values() if one <= weights[a]), sum(weights.values()))


@pytest.mark.parametrize("assumed", [False, True])
def test_every_small_cohort(tmp_path: Path, assumed: bool) -> None:
    (tmp_path / "published.toml").write_text(SMALL, encoding="utf-8")
    printed = Printed.read(tmp_path)
    tiers = ("published", "derived", *(("assumed",) if assumed else ()))
    cohorts = list(small_cohorts(assumed=assumed))
    low_and_a = [sum(grade == 1 and a for a, _, grade in one) for one in cohorts]
    found = range_of_statistic(printed, "count(low and a)", tiers)
    assert (found.min, found.max, found.proven) == (min(low_and_a), max(low_and_a), True)

    p_values, odds = [], []
    for one in cohorts:
        inside = [b for _, b, grade in one if grade == 1]
        outside = [b for _, b, grade in one if grade != 1]
        if inside and outside:
            p_values.append(plain_fisher(sum(inside), len(inside), sum(outside), len(outside)))
            table = cs.CountTable(
                groups=("low", "rest"), events=(sum(inside), sum(outside)), totals=(len(inside), len(outside))
            )
            odds.append(cs.odds_ratio(table).estimate)
    found = range_of_statistic(printed, "fisher(low; b)", tiers)
    assert (found.min, found.max) == pytest.approx((float(min(p_values)), float(max(p_values))), rel=1e-12)
    assert found.proven
    found = range_of_statistic(printed, "odds(low; b)", tiers)
    defined = [value for value in odds if not math.isnan(value)]
    assert (found.min, found.max) == pytest.approx((min(defined), max(defined)))

    shares = [
        100 * sum(a and grade == 2 for a, _, grade in one) / sum(grade == 2 for _, _, grade in one)
        for one in cohorts
        if any(grade == 2 for _, _, grade in one)
    ]
    found = range_of_statistic(printed, "percent(a; grade == '2')", tiers)
    assert (found.min, found.max, found.proven) == (pytest.approx(min(shares)), pytest.approx(max(shares)), True)


def test_weakest_tier_that_is_needed(tmp_path: Path) -> None:
    (tmp_path / "published.toml").write_text(SMALL, encoding="utf-8")
    printed = Printed.read(tmp_path)
    # Only the derived rule keeps those without b out of grade 1; the count of grade 3 is printed.
    assert range_of_statistic(printed, "count(low and not b)").tier == "derived"
    assert range_of_statistic(printed, "count(grade == '3')").tier == "published"
    three = ("published", "derived", "assumed")
    assert range_of_statistic(printed, "count(grade == '3' and not a)", three).tier == "assumed"


def test_statements_that_exclude_each_other(tmp_path: Path) -> None:
    text = SMALL.replace('n = "2"\nwhen', 'n = "8"\nof = "9"\nwhen')
    (tmp_path / "published.toml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"cannot be satisfied|grade3"):
        cs.bounds(tmp_path, "count(a)")
    by_hand = cs.bounds(tmp_path, "count(a)", without=["text/grade3"])
    assert by_hand[["min", "max", "proven"]].values.tolist() == [[4, 4, True]]
    (tmp_path / "published.toml").write_text(text + '[known]\n"text/grade3/n" = "a slip"\n', encoding="utf-8")
    found = range_of_statistic(Printed.read(tmp_path), "count(grade == '3')")
    assert found.given_up == ("text/grade3",)
    assert "given up: text/grade3" in found.note


# ---- the words


def test_words(printed: Printed) -> None:
    asked = parse_statistic(" fisher( hr_positive ; primary_resistance ; ctdna_tested ) ", printed)
    assert (asked.kind, asked.expressions, asked.among) == (
        "fisher",
        ("hr_positive", "primary_resistance"),
        "ctdna_tested",
    )
    assert parse_statistic("count(her2_ihc == '2+/FISH+')", printed).expressions == ("her2_ihc == '2+/FISH+'",)
    assert split_parts("a == 'x;y'; b") == ["a == 'x;y'", "b"]
    condition = parse_condition("count(hr_positive; ctdna_tested) >= 3", printed)
    assert (condition.among, condition.low, condition.high) == ("ctdna_tested", 3, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no statistic is named"),
        ("fishr(a; b)", "fishr.* is no statistic. Did you mean fisher"),
        ("count(hr_postive)", "hr_postive is no column.*Did you mean hr_positive"),
        ("count()", r"write count\(expression\)"),
        ("count(hr_positive", "is no statistic and no printed value"),
        ("fisher(hr_positive)", r"write fisher\(group; outcome\)"),
        ("fisher(hr_positive; )", r"write fisher\(group; outcome\)"),
        ("count(age)", "yes or no is needed"),
        ("table4/hr_positve/yes/n", "Did you mean table4/hr_positive/yes/n"),
        ("n(figure1/ys)", "'ys' is no group of figure1. Did you mean 'yes'"),
        ("n(figure2/yes)", "figure2 is no .*Did you mean figure1"),
        ("survival(figure1/yes)", r"write survival\(figure/level, time\)"),
        ("survival(figure1/yes, soon)", r"write survival\(figure/level, time\)"),
        ("survival(figure1/yes, -3)", "a time from 0"),
        ("survival(figure1/yes, nan)", "a time from 0"),
        ("hr(figure1/yes)", "a figure with two groups"),
        ("count(" + "(" * 3000, "is no statistic"),
        ("count(" + "not " * 2000 + "hr_positive)", "characters; at most"),
    ],
)
def test_words_that_cannot_be_read(printed: Printed, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        range_of_statistic(printed, text)


def test_calls_that_cannot_be_made() -> None:
    with pytest.raises(InputError) as caught:
        cs.bounds(SAKAI, "count(hr_positive)", tiers=("publshed",), time_limit=0)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="give several"):
        cs.bounds(SAKAI, "count(hr_positive)", tiers="published")
    with pytest.raises(InputError, match="is no condition"):
        cs.bounds(SAKAI, "count(hr_positive)", where="hr_positive")


def test_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bounds", str(SAKAI), "hr(figure1)", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    # JSON has no infinity, so it is a text.
    assert (told["statistic"], told["max"], told["proven"]) == ("hr(figure1)", "inf", True)
    assert told["min"] == pytest.approx(5.2501, abs=5e-5)
    assert main(["bounds", str(SAKAI), "n(figure1/yes)", "--assume", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["min"], told["max"], told["tier"]) == (8, 8, "assumed")
    assert main(["bounds", str(SAKAI), "count(hr_postive)"]) == 2
    assert "Did you mean hr_positive?" in capsys.readouterr().err
    assert main(["bounds", str(SAKAI / "none.toml"), "cohort/n"]) == 4


# ---- facts about single patients


def test_what_is_told_about_single_patients(printed: Printed) -> None:
    facts = {(fact.patient, fact.fact): fact for fact in facts_of(printed)}
    assert {fact.patient for fact in facts.values()} == {str(n) for n in range(1, 17)}
    told = {key: fact for key, fact in facts.items() if fact.verdict != "open"}
    # The amplified are not resistant (0 of 5); both mutated are (2 of 2), so they had PD and are positive.
    not_resistant = {
        patient for (patient, fact), one in told.items() if fact == "primary_resistance" and "no" in one.verdict
    }
    assert not_resistant == {"9", "10", "12", "13", "15"}
    for patient in ("6", "11"):
        for fact in ("primary_resistance", "best_response == 'PD'", "hr_positive"):
            assert told[patient, fact].verdict == "forced yes"
        assert told[patient, "primary_resistance"].because == ("table4/pik3ca_mutated/yes/n",)
        assert told[patient, "hr_positive"].because == ("table4/pik3ca_mutated/yes/n", "text/resistant_not_amplified")
    assert told["9", "primary_resistance"].because == ("table4/her2_amplified/yes/n",)
    assert {fact.tier for fact in told.values()} == {"published"}
    # All else is open, but for what the same rows say again: no other response, and an event that comes first.
    again = {"progressed", *(f"best_response == '{level}'" for level in ("CR", "PR", "SD", "PD", "Unknown"))}
    assert {patient for patient, _ in told} == {"6", "11"} | not_resistant
    assert {fact for _, fact in told} <= again | {"primary_resistance", "hr_positive"}


def test_patients_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bounds", str(SAKAI), "patients", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["proven"]
    forced = [
        fact for fact in told["facts"] if fact["verdict"] == "forced yes" and fact["fact"] == "primary_resistance"
    ]
    assert [fact["patient"] for fact in forced] == ["6", "11"]
    assert main(["bounds", str(SAKAI), "patients"]) == 0
    out = capsys.readouterr().out
    assert "patient 6  primary_resistance  forced yes  (table4/pik3ca_mutated/yes/n; published)" in out


def test_small_disclosure_against_every_cohort(tmp_path: Path) -> None:
    text = SMALL.replace('n = "7"', 'n = "7"\nid = "id"\ngiven = { file = "given.csv", rows = 3 }', 1)
    text = text.replace("[columns]\n", '[columns]\nid = { type = "id" }\n')
    (tmp_path / "published.toml").write_text(text, encoding="utf-8")
    (tmp_path / "given.csv").write_text("id,a,grade\nx,yes,1\ny,no,3\nz,no,\n", encoding="utf-8")
    facts = {(fact.patient, fact.fact): fact.verdict for fact in facts_of(Printed.read(tmp_path))}
    kinds = list(itertools.product((True, False), (True, False), (1, 2, 3)))
    possible: set[tuple[str, bool]] = set()
    for bx, by in itertools.product((True, False), repeat=2):
        for bz in (True, False):
            first = [(True, bx, 1), (False, by, 3), (False, bz, 0)]
            for rest in itertools.combinations_with_replacement(kinds, 4):
                cohort = [*first, *rest]
                if (
                    sum(a for a, _, _ in cohort) == 4
                    and sum(a and b for a, b, _ in cohort) == 3
                    and sum(b and not a for a, b, _ in cohort) == 1
                    and sum(grade == 3 for _, _, grade in cohort) == 2
                    and not any(grade == 1 and not b for _, b, grade in cohort)
                ):
                    possible |= {("x", bx), ("y", by), ("z", bz)}
    for patient in "xyz":
        ways = {b for one, b in possible if one == patient}
        verdict = "open" if len(ways) == 2 else f"forced {'yes' if True in ways else 'no'}"
        assert facts[patient, "b"] == verdict
    assert facts["x", "b"] == "forced yes"


def test_nobody_printed_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "published.toml").write_text(SMALL, encoding="utf-8")
    with pytest.raises(InputError, match="prints no patients one by one"):
        cs.bounds(tmp_path, "patients")
