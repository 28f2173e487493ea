"""Orders of all times that print a figure: known counts, every small data set, and times put on orders."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import cohortstats as cs
from cohortstats.errors import InputError
from cohortstats.printed import Printed
from cohortstats.printed.cells import half_up_text
from cohortstats.published.structures.orders import (
    Structures,
    SurvivalSpec,
    first_structure,
    limits_possible,
    structure_batches,
    structures,
)
from cohortstats.published.structures.patterns import GroupPrint, PrintedTime, patterns_of
from cohortstats.published.structures.times import place_times

SAKAI = Path(__file__).parents[2] / "data" / "raw" / "sakai2018"
Z = 1.959963984540054

# Every rank order of 16 patients visited by plain arithmetic; Cox by bisection of the score.
# n of the first group: orders of each group alone, structures, none censored before its median, HR range, HR infinite.
VISITED = {
    4: ((1, 3224), 1, 0, None, 1),
    5: ((1, 1650), 1, 0, None, 1),
    6: ((8, 842), 3514, 410, (5.2501, 14.7098), 345),
    7: ((8, 425), 1016, 0, (5.7411, 14.0410), 142),
    8: ((24, 214), 2131, 139, (6.5835, 14.5836), 629),
    9: ((31, 106), 669, 0, (8.1152, 14.5836), 242),
    10: ((62, 52), 302, 6, (12.8638, 13.8923), 225),
    11: ((62, 24), 35, 0, None, 35),
}


@pytest.fixture(scope="module")
def spec() -> SurvivalSpec:
    return SurvivalSpec.of(Printed.read(SAKAI), "figure1")


@pytest.fixture(scope="module")
def found(spec: SurvivalSpec) -> dict[int, Structures]:
    return {n: structures(spec, (n, 16 - n)) for n in VISITED}


def test_what_the_figure_asks(spec: SurvivalSpec) -> None:
    assert spec.sizes == tuple((n, 16 - n) for n in VISITED)
    assert spec.first == {(4, 0)}
    assert spec.groups[0].median is not None
    assert spec.groups[0].median.double == (113, 113)  # 42 + 71 = 2 x 56.5
    assert spec.groups[0].median.reading == "56.5"


@pytest.mark.parametrize("n", VISITED)
def test_counts_of_every_group_size(found: dict[int, Structures], n: int) -> None:
    patterns, count, uncensored, ratios, infinite = VISITED[n]
    some = found[n]
    assert some.complete
    assert some.n_patterns == patterns
    assert len(some) == count
    assert int((~some.censored_early).sum()) == uncensored
    hazard_ratio = some.hazard_ratio
    finite = hazard_ratio[np.isfinite(hazard_ratio)]
    assert int(np.isposinf(hazard_ratio).sum()) == infinite
    assert len(finite) + infinite == count
    if ratios is None:
        assert not len(finite)
    else:
        assert (finite.min(), finite.max()) == pytest.approx(ratios, abs=5e-5)


def test_all_sizes_and_the_limit_at_the_flat_part(found: dict[int, Structures]) -> None:
    assert sum(len(some) for some in found.values()) == 7669
    # The second group's lower limit lies at the very event where its curve reaches one half, as in 187 and 449.
    at_half = {n: int((some.places[:, 3, 0] == some.places[:, 4, 0]).sum()) for n, some in found.items()}
    assert sum(at_half.values()) == 286
    assert (at_half[4], at_half[5]) == (1, 1)


def test_ranges_over_all_orders(found: dict[int, Structures]) -> None:
    events = [(some.n_events(group).min(), some.n_events(group).max()) for some in found.values() for group in (0, 1)]
    assert (min(low for low, _ in events[::2]), max(high for _, high in events[::2])) == (4, 8)
    assert (min(low for low, _ in events[1::2]), max(high for _, high in events[1::2])) == (2, 8)
    highest = {n: float(some.survival_range(0, 180)[1].max()) for n, some in found.items()}
    wanted = {6: 1 / 3, 7: 1 / 3, 8: 0.375, 9: 0.375, 10: 0.4, 11: 1 / 3}  # by enumeration
    assert {n: highest[n] for n in wanted} == pytest.approx(wanted)
    for some in found.values():
        low, high = some.survival_range(1, 180)
        assert (low == 1).all()  # 187 is the second group's first event in every order
        assert (high == 1).all()


def test_orders_of_the_smallest_groups(found: dict[int, Structures]) -> None:
    # R 4.2.2, survfit and survdiff on both: 56.5 (36-NA), 318 (187-NA), chi-squared 8.4287892105, P .003693261893.
    assert (found[4].orders, found[5].orders) == (["bAbAbbbbbbbbAABB"], ["aAbAbbbbbbbbAABB"])
    for n in (4, 5):
        assert found[n].statistic[0] == pytest.approx(8.4287892105, abs=1e-9)
        assert found[n].p_value[0] == pytest.approx(0.003693261893, rel=1e-9)


SHIPPED = "36 38 40 42 71 b113 b148 B187 b203 214 a231 253 B285 B318 B372 B444"


def test_the_shipped_order_is_one_of_them(found: dict[int, Structures]) -> None:
    order = "".join(word[0] if word[0] in "abAB" else "A" for word in SHIPPED.split())
    place = found[8].orders.index(order)
    # R 4.2.2: survdiff, coxph.
    assert found[8].difference[place] == pytest.approx(7 - 3.075091575, abs=1e-9)
    assert found[8].statistic[place] == pytest.approx(8.41882962871, abs=1e-9)
    assert found[8].p_value[place] == pytest.approx(0.003713547616, rel=1e-9)
    assert found[8].hazard_ratio[place] == pytest.approx(12.242875, abs=1e-6)


@pytest.mark.parametrize(("ci", "limits"), [("log", ("40", "285")), ("plain", ("38", "285"))])
def test_other_kinds_of_limits(ci: str, limits: tuple[str, str]) -> None:
    # R gives the shipped cohort these lower limits; the upper ones are NA.
    step = Fraction(1)
    groups = tuple(
        GroupPrint(
            level=level,
            median=PrintedTime.of(median, step),
            lower=PrintedTime.of(lower, step, midpoints=False),
            upper=PrintedTime.of("NA", step),
        )
        for level, median, lower in zip(("yes", "no"), ("56.5", "318.0"), limits, strict=True)
    )
    asked = SurvivalSpec(id="f", groups=groups, ci=ci, p=(0.00365, 0.00375), first=frozenset({(4, 0)}))  # type: ignore[arg-type]
    order = "".join(word[0] if word[0] in "abAB" else "A" for word in SHIPPED.split())
    assert order in structures(asked, (8, 8)).orders


# ---- every small data set


def plain_curve(marks: tuple[bool, ...]) -> tuple[list[float], list[float], list[float]]:
    """Kaplan-Meier estimate with log-log limits after each mark, in plain arithmetic."""
    survival, greenwood, curves = 1.0, 0.0, ([], [], [])
    for place, event in enumerate(marks):
        left = len(marks) - place
        if event:
            survival *= (left - 1) / left
            greenwood += 1 / (left * (left - 1)) if left > 1 else 0
        low = high = math.nan
        if 0 < survival < 1:
            reach = Z * math.sqrt(greenwood) / math.log(survival)
            low, high = survival ** math.exp(-reach), survival ** math.exp(reach)
        for curve, value in zip(curves, (low, survival, high), strict=True):
            curve.append(value)
    return curves


def plain_time(curve: list[float], times: tuple[int, ...]) -> float | None:
    """First time at one half or below; the midpoint when the curve stops exactly on it."""
    kept = [(time, value) for time, value in zip(times, curve, strict=True) if value < 0.5 + 1e-9]
    if not kept:
        return None
    time, value = kept[0]
    later = [other for other, below in kept if below < value - 1e-12]
    return (time + later[0]) / 2 if abs(value - 0.5) < 1e-9 and later else time


def half_up(value: float, digits: int) -> float:
    if not math.isfinite(value):
        return value
    return math.floor(value * 10**digits + 0.5) / 10**digits


def plain_p(marks: list[tuple[int, bool]]) -> float:
    difference = variance = 0.0
    for place, (group, event) in enumerate(marks):
        left = [one for one, _ in marks[place:]]
        share = left.count(0) / len(left)
        if event:
            difference += (group == 0) - share
            variance += share * (1 - share)
    return math.erfc(math.sqrt(difference**2 / variance / 2)) if variance else math.inf


def canonical(marks: list[tuple[int, bool]]) -> str:
    """Letters of an order, adjacent censorings of the two groups in one order."""
    word = "".join(("aA", "bB")[group][event] for group, event in marks)
    while "ba" in word:
        word = word.replace("ba", "ab")
    return word


@pytest.mark.parametrize(
    ("sizes", "printed", "p"),
    [
        ((3, 3), (("3", "1", None), ("4.5", None, None)), None),
        ((4, 3), (("3.5", "2", None), ("5", None, None)), None),
        ((3, 3), (("NA", None, "NA"), ("3", "2", None)), None),
        ((3, 3), (("NA", None, "NA"), ("3", "2", None)), "0.3"),
        ((3, 3), (("NA", None, "NA"), ("3", "2", None)), "0.2"),
        ((3, 4), (("2", None, None), ("5.5", "4", None)), "<0.1"),
        ((2, 4), (("2.5", None, None), ("4.5", "3", None)), None),  # days that no order leaves room for
    ],
)
def test_every_small_data_set(
    sizes: tuple[int, int], printed: tuple[tuple[str | None, ...], tuple[str | None, ...]], p: str | None
) -> None:
    # All days from 1 to 10 to all patients: more than any of these prints can force.
    n = sum(sizes)
    wanted = set()
    for members in itertools.combinations(range(n), sizes[0]):
        groups = [0 if place in members else 1 for place in range(n)]
        for events in itertools.product((False, True), repeat=n):
            marks = list(zip(groups, events, strict=True))
            if p is not None:
                value = plain_p(marks)
                if not (value < 0.1 if p == "<0.1" else half_up(value, 1) == float(p)):
                    continue
            own = [[place for place in range(n) if groups[place] == group] for group in (0, 1)]
            curves = [plain_curve(tuple(events[place] for place in places)) for places in own]
            if any(
                text is not None and (plain_time(curve, tuple(range(len(curve)))) is None) != (text == "NA")
                for group in (0, 1)
                for curve, text in zip(
                    (curves[group][1], curves[group][0], curves[group][2]), printed[group], strict=True
                )
            ):
                continue
            for days in itertools.combinations(range(1, 11), n):
                fits = True
                for group in (0, 1):
                    times = tuple(days[place] for place in own[group])
                    median, lower, upper = printed[group]
                    for curve, text in zip(curves[group], (lower, median, upper), strict=True):
                        if text is not None and plain_time(curve, times) != (None if text == "NA" else float(text)):
                            fits = False
                if fits:
                    wanted.add(canonical(marks))
                    break
    assert bool(wanted) == (printed[0][0] != "2.5")
    step = Fraction(1)
    groups_printed = tuple(
        GroupPrint(
            level=level,
            median=PrintedTime.of(median, step) if median else None,
            lower=PrintedTime.of(lower, step, midpoints=False) if lower else None,
            upper=PrintedTime.of(upper, step, midpoints=False) if upper else None,
        )
        for level, (median, lower, upper) in zip("AB", printed, strict=True)
    )
    asked = SurvivalSpec(
        id="f",
        groups=groups_printed,
        p={None: None, "<0.1": (0.0, 0.1), "0.2": (0.15, 0.25), "0.3": (0.25, 0.35)}[p],
    )
    found = structures(asked, sizes)
    assert sorted(found.orders) == sorted(wanted)
    assert len(set(found.orders)) == len(found)


# ---- times


def print_of(times: tuple, unit: str = "") -> tuple[dict[str, tuple[float, float, float]], float]:
    time = np.concatenate([group.time for group in times])
    event = np.concatenate([group.event for group in times])
    names = np.concatenate([[group.level] * len(group.time) for group in times])
    events = cs.EventTable.from_arrays(time, event, group=names)
    frame = cs.kaplan_meier(events, ci="log-log").quantile(0.5, rule="summary")
    rows = {row.group: (row.estimate, row.ci_lower, row.ci_upper) for row in frame.itertuples()}
    return rows, cs.log_rank_test(events).p_value if len(times) == 2 else math.nan


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", VISITED)
def test_times_print_the_figure(found: dict[int, Structures], spec: SurvivalSpec, n: int) -> None:
    some = found[n]
    for place in range(0, len(some), max(1, len(some) // 9)):
        times = place_times(some[place], spec, seed=place)
        rows, p = print_of(times)
        assert rows["yes"][:2] == (56.5, 36.0)
        assert rows["no"][:2] == (318.0, 187.0)
        assert math.isnan(rows["yes"][2])
        assert math.isnan(rows["no"][2])
        assert 0.00365 <= p < 0.00375
        days = np.concatenate([group.time for group in times])
        assert len(set(days.tolist())) == 16
        assert (days == np.floor(days)).all()
        assert days.min() >= 1


def test_same_seed_same_times(found: dict[int, Structures], spec: SurvivalSpec) -> None:
    one, other = (place_times(found[8][7], spec, seed=3) for _ in range(2))
    assert [group.texts for group in one] == [group.texts for group in other]
    assert [group.texts for group in one] != [group.texts for group in place_times(found[8][7], spec, seed=4)]


def test_first_order_is_one_of_them(found: dict[int, Structures], spec: SurvivalSpec) -> None:
    drawn = {seed: first_structure(spec, (8, 8), seed=seed) for seed in range(1, 5)}
    orders = [one.orders[0] for one in drawn.values() if one is not None]
    assert set(orders) <= set(found[8].orders)
    assert len(set(orders)) > 1
    again = first_structure(spec, (8, 8), seed=2)
    assert again is not None
    assert again.orders == [orders[1]]


def test_batches_are_all_orders(found: dict[int, Structures], spec: SurvivalSpec) -> None:
    orders = [order for batch in structure_batches(spec, (9, 7)) for order in batch.orders]
    assert sorted(orders) == sorted(found[9].orders)


# ---- files of other papers


def paper(tmp_path: Path, survival: str, n: int = 16) -> Printed:
    path = tmp_path / "published.toml"
    path.write_text(
        f'cohortstats_published = 1\n[paper]\nid = "x"\n[cohort]\nn = "{n}"\n'
        '[columns]\narm = {}\nmonths = { type = "time" }\ndead = {}\n'
        'size = { levels = ["s", "m", "l"] }\n'
        f'[[survival]]\nid = "os"\ntime = "months"\nevent = "dead"\n{survival}',
        encoding="utf-8",
    )
    return Printed.read(path)


@pytest.mark.filterwarnings("ignore")
def test_times_that_are_not_whole(tmp_path: Path) -> None:
    text = 'group = "arm"\nn = ["7", "8"]\np = "0.02"\ncells = [["yes", "4.3 (2.1-NA)"], ["no", "11.75 (5.0-NA)"]]\n'
    printed = paper(tmp_path, text, n=15)
    spec = SurvivalSpec.of(printed, "os")
    assert spec.sizes == ((7, 8),)
    found = first_structure(spec, (7, 8), seed=5)
    assert found is not None
    times = place_times(found, spec, seed=5)
    rows, p = print_of(times)
    assert [half_up(value, digits) for value, digits in zip(rows["yes"][:2], (1, 1), strict=True)] == [4.3, 2.1]
    assert [half_up(value, digits) for value, digits in zip(rows["no"][:2], (2, 1), strict=True)] == [11.75, 5.0]
    assert half_up(p, 2) == 0.02


@pytest.mark.filterwarnings("ignore")
def test_one_group(tmp_path: Path) -> None:
    printed = paper(tmp_path, 'whole = true\nevents = ["6"]\ncells = [["all", "20 (7-41)"]]\n', n=9)
    spec = SurvivalSpec.of(printed, "os")
    found = structures(spec, (9,))
    # 9 patients with 6 events: every pattern of 2^9, by the plain curve above.
    wanted = 0
    for marks in itertools.product((False, True), repeat=9):
        low, survival, high = plain_curve(marks)
        times = tuple(range(1, 10))
        places = [plain_time(curve, times) for curve in (low, survival, high)]
        wanted += sum(marks) == 6 and None not in places and places[0] < places[1] < places[2]
    assert len(found) == wanted > 0
    rows, _ = print_of(place_times(found[0], spec, seed=1))
    assert rows["all"] == (20.0, 7.0, 41.0)


def test_more_than_can_be_searched_is_refused(tmp_path: Path) -> None:
    three = 'group = "size"\ncells = [["s", "4 (1-NA)"], ["m", "5 (1-NA)"], ["l", "6 (1-NA)"]]\n'
    with pytest.raises(InputError, match=r"3 groups; orders of times are searched for one or two.*digitised curve"):
        SurvivalSpec.of(paper(tmp_path, three), "os")
    two = 'group = "arm"\nn = ["20", "20"]\ncells = [["yes", "4 (1-NA)"], ["no", "5 (1-NA)"]]\n'
    spec = SurvivalSpec.of(paper(tmp_path, two, n=40), "os")
    for search in (structures, first_structure):
        with pytest.raises(InputError, match=r"40 patients; all orders are enumerated up to 20.*digitised curve"):
            search(spec, (20, 20))
    with pytest.raises(InputError, match="gives 1 sizes"):
        structures(spec, (20,))
    with pytest.raises(InputError, match="prints 20 patients, n_groups gives 9"):
        structures(spec, (9, 9))
    with pytest.raises(InputError, match="Did you mean os"):
        SurvivalSpec.of(paper(tmp_path, two, n=40), "oss")


def test_another_test_leaves_p_out_and_says_so(tmp_path: Path) -> None:
    text = 'group = "arm"\nn = ["3", "3"]\ntest = "wilcoxon"\np = "0.04"\ncells = [["yes", "4 (1-NA)"], ["no", "5 (1-NA)"]]\n'
    spec = SurvivalSpec.of(paper(tmp_path, text, n=6), "os")
    assert spec.p is None
    assert "is no log-rank test" in spec.notes[0]


def test_limits_that_few_patients_can_have() -> None:
    # Without censoring the upper limit is not reached only up to 6 patients; up to 10 the lower one is the first event.
    for n in range(2, 13):
        assert limits_possible(n, median="20", upper="NA", events=n) == (n <= 6)
    spec = [
        patterns_of(GroupPrint(level="x", lower=PrintedTime.of("3", Fraction(1))), n, ci="log-log", z=Z)
        for n in (10, 11)
    ]
    first = [[int(np.argmax(row)) for row in one.events] for one in spec]
    uncensored = [int(np.flatnonzero(one.events.all(axis=1))[0]) for one in spec]
    places = [int(one.places[row, 0, 0]) for one, row in zip(spec, uncensored, strict=True)]
    assert (places[0], places[1]) == (0, 1)
    assert first[0][uncensored[0]] == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(24))
def test_random_data_are_among_the_orders_that_print_them(seed: int) -> None:
    random = np.random.default_rng(seed)
    sizes = (int(random.integers(3, 7)), int(random.integers(3, 7)))
    n, whole, ci = sum(sizes), bool(seed % 2), ("log-log", "log", "plain", "logit", "arcsin")[seed % 5]
    time = random.choice(np.arange(1, 400), n, replace=False) / (1 if whole else 10)
    event = random.random(n) < 0.8
    group = np.repeat(["A", "B"], sizes)
    events = cs.EventTable.from_arrays(time, event, group=group)
    rows = cs.kaplan_meier(events, ci=ci).quantile(0.5, rule="summary").set_index("group")
    test = cs.log_rank_test(events)

    def text(value: float) -> str:
        return "NA" if math.isnan(value) else half_up_text(Fraction(str(float(value))), 1)

    step = Fraction(1) if whole else Fraction(1, 1000)
    printed = {level: [text(rows.loc[level, name]) for name in ("ci_lower", "estimate", "ci_upper")] for level in "AB"}
    groups = tuple(
        GroupPrint(level=level, **dict(zip(("lower", "median", "upper"), times, strict=True)))
        for level, times in ((level, [PrintedTime.of(one, step) for one in texts]) for level, texts in printed.items())
    )
    p = half_up_text(Fraction(test.p_value), 3)
    asked = SurvivalSpec(id="f", groups=groups, ci=ci, step=step, p=(float(p) - 0.0005, min(float(p) + 0.0005, 1.0)))
    found = structures(asked, sizes)
    marks = [(int(group[place] == "B"), bool(event[place])) for place in np.argsort(time)]
    place = found.orders.index(canonical(marks))
    assert found.statistic[place] == pytest.approx(test.statistic, rel=1e-9)
    # And any of them, with times put on it, prints the same.
    times = place_times(found[int(random.integers(len(found)))], asked, seed=seed)
    again = cs.EventTable.from_arrays(
        np.concatenate([one.time for one in times]), np.concatenate([one.event for one in times]), group=group
    )
    rows = cs.kaplan_meier(again, ci=ci).quantile(0.5, rule="summary").set_index("group")
    assert printed == {
        level: [text(rows.loc[level, name]) for name in ("ci_lower", "estimate", "ci_upper")] for level in "AB"
    }
    assert half_up_text(Fraction(cs.log_rank_test(again).p_value), 3) == p
