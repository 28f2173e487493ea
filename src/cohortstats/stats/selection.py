"""The p of a group that was chosen among candidates, adjusted for the choice."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.stats.doors import (
    check_choice,
    check_length,
    check_present,
    missing_rows,
    number_text,
    read_column,
    read_numbers,
    refuse,
)
from cohortstats.stats.event_door import read_patients
from cohortstats.stats.hypergeometric import Margins
from cohortstats.stats.log_rank_exact import places_in_time
from cohortstats.stats.permutations import (
    MAX_ARRANGEMENTS,
    Orders,
    Scores,
    check_draws,
    labellings,
    log_rank_scores,
    monte_carlo_p,
    power_text,
)
from cohortstats.stats.results import RichResult, as_row, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SelectionAdjustedP", "selection_adjusted_p"]

Floats = NDArray[np.float64]
YesNo = NDArray[np.bool_]
Grouping = dict[str, YesNo]

LEAST_DRAWS = 9_999
HELD = 20_000_000  # sums of groupings over orders kept at a time
PLUS, MINUS = "+", "−"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SelectionAdjustedP(RichResult):
    """Result of `selection_adjusted_p`.

    ``family`` names every grouping that could have been chosen, ``p_values`` are their own p in that order; ``best``
    has the smallest, ``p_raw``. ``p_adjusted`` is the probability that the best of the family looks at least as good
    when no grouping matters. The fractions beside them are None with Monte Carlo, where ``ci_lower`` and ``ci_upper``
    hold the exact adjusted p with 99 %.
    """

    best: str
    p_raw: float
    p_raw_exact: Fraction | None
    p_adjusted: float
    p_adjusted_exact: Fraction | None
    family: tuple[str, ...]
    p_values: Floats
    n_arrangements: int
    n_extreme: int
    ci_lower: float
    ci_upper: float
    draws: int | None
    seed: int | None
    method: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "p_values", read_only(self.p_values))

    def to_frame(self) -> pd.DataFrame:
        """One row: best, p_raw, p_adjusted, n_groupings, n_arrangements, ci_lower, ci_upper, method, reason."""
        frame = as_row(self, ("best", "p_raw", "p_adjusted"))
        frame["n_groupings"] = len(self.family)
        frame["n_arrangements"] = [self.n_arrangements]
        return frame.assign(**{name: getattr(self, name) for name in ("ci_lower", "ci_upper", "method", "reason")})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a search over arrangements gives: p of every grouping and of the choice, as counts."""

    raw: list[int]
    of: int
    extreme: int
    n: int
    possible: int
    exact: bool


def selection_adjusted_p(
    markers: Any,
    outcome: Any,
    *,
    family: Literal["singles", "pairs"] | Mapping[str, Any] = "pairs",
    draws: int | None = None,
    seed: int | None = None,
) -> SelectionAdjustedP:
    """P of the best of many possible groupings, by permuting outcomes over patients.

    Parameters
    ----------
    markers
        Frame, or mapping of names to columns, of yes/no markers (booleans or 0/1), one row a patient, nothing missing.
        None when ``family`` holds the groupings themselves.
    outcome
        Yes/no, one a patient: each grouping is tested by Fisher's two-sided p. Or a frame with columns ``time`` and
        ``event``, or the pair of them: by the permutation p of the log-rank score, see `log_rank_exact`.
    family
        ``singles``: each marker. ``pairs``: each marker, and both of any two markers, each positive or negative; a
        grouping that repeats an earlier one or its complement, or has everybody in one group, is left out. Or a
        mapping of names to yes/no columns: a declared family, such as the cut-points that were looked at.
    draws, seed
        Used where the outcomes can be arranged in more than 1,000,000 ways: then so many random ones, at least 9,999.

    Returns
    -------
    SelectionAdjustedP
        T = min p over the family; p = #{arrangements with T* ≤ T}/#{arrangements}, compared as whole numbers; Monte
        Carlo (1 + #{T* ≤ T})/(1 + draws). With time to event each grouping's p is its rank among the same
        arrangements. nan with ``no events``, ``variance is zero`` (everybody has the outcome, or all scores are alike)
        or ``no variation`` (no grouping).

    Raises
    ------
    InputError
        Markers or outcomes that are missing, no yes/no, or differ in length; an unknown family; too many arrangements
        without draws and a seed.

    Notes
    -----
    R has no function of this name; ``coin::independence_test`` with ``distribution = "approximate"`` permutes in the
    same way, for the largest standardised statistic instead of the smallest p. Westfall and Young 1993,
    Resampling-Based Multiple Testing; Ge, Dudoit and Speed 2003, Test 12:1.

    Examples
    --------
    >>> patient = np.arange(1, 17)
    >>> positive = {"HER2": [9, 10, 12, 13, 15], "PIK3CA": [6, 11], "HR": [3, 5, 6, 7, 9, 11, 13, 16]}
    >>> markers = {name: np.isin(patient, who) for name, who in positive.items()}
    >>> chosen = selection_adjusted_p(markers, np.isin(patient, [5, 6, 7, 11]))
    >>> chosen.best, len(chosen.family), chosen.p_raw_exact, chosen.p_adjusted_exact
    ('HER2− and HR+', 9, Fraction(3, 364), Fraction(5, 182))
    """
    problems = check_draws(draws, seed, LEAST_DRAWS)
    columns: Grouping = {} if markers is None else _read_markers(markers, problems)
    declared: Grouping = {}
    if isinstance(family, Mapping):
        declared = _read_columns("grouping", family, problems)
    else:
        problems += check_choice("family", family, ("singles", "pairs"))
    read = _read_outcome(outcome, problems)
    lengths = {f"marker '{name}'": column.size for name, column in columns.items()}
    lengths |= {f"grouping '{name}'": column.size for name, column in declared.items()}
    for name, length in lengths.items():
        problems += [] if read is None else check_length("outcome", read[1].size, name, length)
    refuse(problems)
    assert read is not None
    time, happened = read
    groupings = declared or _family(columns, pairs=family == "pairs")
    members = np.array([*groupings.values()], dtype=bool).reshape(-1, happened.size)
    test = "Fisher's exact test" if time is None else "permutation log-rank"
    if time is None:
        reason = "no events" if not happened.any() else "variance is zero" if happened.all() else ""
        scores = None
    else:
        scores = log_rank_scores(places_in_time(time), happened)
        reason = "no events" if not happened.any() else "" if scores.numerators.any() else "variance is zero"
    if not reason and not (members.any(axis=1) & ~members.all(axis=1)).any():
        reason = "no variation"
    found = None
    if not reason and scores is None:
        found = _by_counts(members, happened, draws, seed)
    elif not reason and scores is not None:
        found = _by_scores(members, scores, draws, seed)
    return _result(tuple(groupings), test, found, draws, seed, reason)


def _result(
    family: tuple[str, ...], test: str, found: _Found | None, draws: int | None, seed: int | None, reason: str
) -> SelectionAdjustedP:
    if found is None:
        return SelectionAdjustedP(
            best="", p_raw=math.nan, p_raw_exact=None, p_adjusted=math.nan, p_adjusted_exact=None, family=family,
            p_values=np.full(len(family), math.nan), n_arrangements=0, n_extreme=0, ci_lower=math.nan,
            ci_upper=math.nan, draws=None, seed=None, method=f"min-P over {test}", reason=reason,
        )  # fmt: skip
    raw = [Fraction(count, found.of) for count in found.raw]
    best = min(range(len(raw)), key=raw.__getitem__)
    p_adjusted, lower, upper = float(Fraction(found.extreme, found.n)), math.nan, math.nan
    extreme = found.extreme
    if not found.exact:
        extreme -= 1  # the observed arrangement is the first one looked at
        p_adjusted, lower, upper = monte_carlo_p(extreme, found.n - 1)
    raw_is_exact = found.exact or found.of != found.n
    how = "exact by enumeration" if found.exact else f"Monte Carlo, {draws} draws, seed {seed}"
    return SelectionAdjustedP(
        best=family[best],
        p_raw=float(raw[best]),
        p_raw_exact=raw[best] if raw_is_exact else None,
        p_adjusted=p_adjusted,
        p_adjusted_exact=Fraction(found.extreme, found.n) if found.exact else None,
        family=family,
        p_values=np.array([float(p) for p in raw]),
        n_arrangements=found.possible,
        n_extreme=extreme,
        ci_lower=lower,
        ci_upper=upper,
        draws=None if found.exact else draws,
        seed=None if found.exact else seed,
        method=f"min-P over {test}, {how}",
        reason="",
    )


# ---- the door


def _read_markers(markers: Any, problems: list[str]) -> Grouping:
    if not hasattr(markers, "keys"):
        problems.append("markers must be a frame, or a mapping of names to yes/no columns.")
        return {}
    return _read_columns("marker", markers, problems)


def _read_columns(kind: str, columns: Any, problems: list[str]) -> Grouping:
    read: Grouping = {}
    for name in columns.keys():  # noqa: SIM118 - a frame is walked through by its columns
        column = _read_yes_no(f"{kind} '{name}'", columns[name], problems)
        if column is not None:
            read[str(name)] = column
    return read


def _read_yes_no(name: str, values: Any, problems: list[str]) -> YesNo | None:
    array = read_column(name, values, problems)
    if array is None:
        return None
    if missing_rows(array).any():
        problems += check_present(name, missing_rows(array))
        return None
    numbers = read_numbers(name, array, problems, dates="give booleans or 0/1", text="give booleans or 0/1")
    if numbers is None:
        return None
    bad = np.flatnonzero((numbers != 0) & (numbers != 1))
    if bad.size:
        problems.append(f"{name} holds {number_text(numbers[bad[0]])} (position {bad[0] + 1}); give booleans or 0/1.")
        return None
    return np.asarray(numbers == 1)


def _read_outcome(outcome: Any, problems: list[str]) -> tuple[Floats | None, YesNo] | None:
    """Times, or None for a yes/no outcome, and who had the event."""
    if hasattr(outcome, "columns"):
        absent = [name for name in ("time", "event") if name not in outcome.columns]
        problems += [f"outcome has no column '{name}'." for name in absent]
        if absent:
            return None
        outcome = (outcome["time"], outcome["event"])
    if isinstance(outcome, tuple) and len(outcome) == 2 and all(hasattr(part, "__len__") for part in outcome):
        try:
            patients = read_patients(*outcome, None, None, None, None)
        except InputError as error:
            problems += error.problems
            return None
        return patients.time, np.asarray(patients.event, dtype=bool)
    happened = _read_yes_no("outcome", outcome, problems)
    if happened is not None and not happened.size:
        problems.append("there are no patients.")
    return None if happened is None else (None, happened)


# ---- the family


def _family(columns: Grouping, *, pairs: bool) -> Grouping:
    """Named groupings, each partition of the patients once and none that leaves a group empty."""
    seen: set[bytes] = set()
    family: Grouping = {}
    for name, members in _candidates(columns, pairs=pairs):
        if not members.size or members.all() or not members.any():
            continue
        partition = (members ^ members[0]).tobytes()  # the same for a grouping and its complement
        if partition not in seen:
            seen.add(partition)
            family[name] = members
    return family


def _candidates(columns: Grouping, *, pairs: bool) -> Iterator[tuple[str, YesNo]]:
    for name, members in columns.items():
        yield f"{name}{PLUS}", members
    if not pairs:
        return
    for (one, first), (two, second) in itertools.combinations(columns.items(), 2):
        for sign, other in itertools.product((PLUS, MINUS), repeat=2):
            both = (first if sign == PLUS else ~first) & (second if other == PLUS else ~second)
            yield f"{one}{sign} and {two}{other}", both


# ---- yes/no outcomes


def _by_counts(members: YesNo, happened: YesNo, draws: int | None, seed: int | None) -> _Found:
    """Smallest Fisher p over the family, for every set of patients that could have had the outcome."""
    n = happened.size
    # Fisher's two-sided p is the same for the outcome and its opposite, so the rarer of the two is permuted.
    rare = happened if 2 * np.count_nonzero(happened) <= n else ~happened
    k = int(np.count_nonzero(rare))
    possible = math.comb(n, k)
    exact = possible <= MAX_ARRANGEMENTS
    if not exact and draws is None:
        size = f"{np.count_nonzero(happened):,} of {n:,} patients have {power_text(possible)} labellings"
        refuse([f"{size}; give draws and a seed."])
    sizes = members.sum(axis=1)
    p_of = {size: _fisher_counts(n, size, k) for size in set(sizes.tolist())}
    raw = [p_of[size][x] for size, x in zip(sizes.tolist(), (members @ rare.astype(np.int64)).tolist(), strict=True)]
    smallest = min(raw)
    # p ≤ T on both ends of the counts that a grouping can have: p falls from the likeliest count outwards.
    ends = {size: _ends(p_of[size], smallest) for size in p_of}
    low, high = np.array([ends[size] for size in sizes.tolist()], dtype=np.float32).T
    weights = np.ascontiguousarray(members.T, dtype=np.float32)  # counts below 2^24 are exact
    extreme = 0
    for labels in labellings(n, k, None if exact else draws, seed):
        counts = labels.astype(np.float32) @ weights
        extreme += int(np.count_nonzero(((counts <= low) | (counts >= high)).any(axis=1)))
    arrangements = possible if exact or draws is None else draws + 1
    # With Monte Carlo the observed outcomes are the first arrangement.
    return _Found(raw=raw, of=possible, extreme=extreme + (not exact), n=arrangements, possible=possible, exact=exact)


def _fisher_counts(n: int, size: int, k: int) -> dict[int, int]:
    """Two-sided p of each number of outcomes in a group of ``size``, times C(n, k)."""
    margins = Margins(n1=size, n2=n - size, k=k)
    weights = margins.integer_weights()
    upto: dict[int, int] = {}
    total = 0
    for weight, tied in itertools.groupby(sorted(weights)):
        total += weight * sum(1 for _ in tied)
        upto[weight] = total
    return {x: upto[weight] for x, weight in enumerate(weights, margins.low)}


def _ends(p_of: dict[int, int], smallest: int) -> tuple[float, float]:
    """Counts up to the first and from the second have p ≤ smallest."""
    above = [x for x, p in p_of.items() if p > smallest]
    return (above[0] - 1, above[-1] + 1) if above else (math.inf, math.inf)


# ---- time to event


def _by_scores(members: YesNo, scores: Scores, draws: int | None, seed: int | None) -> _Found:
    """Smallest permutation p over the family, for every order in which the scores could have fallen on patients.

    A grouping's p in one order is its rank among all orders, so no order needs a second round of permutations.
    """
    orders = Orders(scores, draws, seed)
    refuse(orders.check())
    observed = [abs(int(scores.numerators[who].sum())) for who in members]
    limits = [float(abs(scores.values[who].sum())) for who in members]
    raw = [0] * len(members)
    for codes in orders.blocks():
        sums = orders.values[codes] @ members.T.astype(np.float64)
        for column, who in enumerate(members):
            reached = scores.reaching(
                sums[:, column], limits[column], _Whole(orders, codes, who), _AtLeast(observed[column])
            )
            raw[column] += int(np.count_nonzero(reached))
    smallest = min(raw)
    hits = np.zeros(orders.n, dtype=bool)
    together = max(1, HELD // orders.n)
    for start in range(0, len(members), together):
        _mark_hits(hits, members[start : start + together], scores, orders, smallest)
    extreme = int(np.count_nonzero(hits))
    return _Found(raw=raw, of=orders.n, extreme=extreme, n=orders.n, possible=orders.possible, exact=orders.all)


@dataclass(frozen=True, slots=True)
class _Whole:
    """Sums of a grouping in whole numbers, for some rows of a block of orders."""

    orders: Orders
    codes: NDArray[np.intp]
    who: YesNo

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        return np.asarray(self.orders.numerators[self.codes[np.ix_(rows, np.flatnonzero(self.who))]].sum(axis=1))


@dataclass(frozen=True, slots=True)
class _AtLeast:
    """Whether |sum| is at least a whole number."""

    limit: int

    def __call__(self, sums: NDArray[Any]) -> YesNo:
        return np.asarray(np.abs(sums) >= self.limit, dtype=bool)


def _mark_hits(hits: YesNo, members: YesNo, scores: Scores, orders: Orders, smallest: int) -> None:
    """Mark the orders in which one of the groupings has p ≤ T, T = ``smallest`` out of all orders.

    The p of a sum is the number of orders with a sum as large, so p ≤ T exactly when the sum is above that which
    stands at place T + 1 from the top.
    """
    if smallest >= orders.n:
        hits[:] = True
        return
    sizes = np.empty((orders.n, len(members)))
    start = 0
    for codes in orders.blocks():
        np.abs(orders.values[codes] @ members.T.astype(np.float64), out=sizes[start : start + codes.shape[0]])
        start += codes.shape[0]
    place = orders.n - 1 - smallest
    barrier = np.partition(sizes, place, axis=0)[place]
    if scores.exact:
        hits |= (sizes > barrier).any(axis=1)
        return
    slack = 2 * scores.tolerance
    hits |= (sizes > barrier + slack).any(axis=1)
    for column, who in enumerate(members):
        size = sizes[:, column]
        near = np.flatnonzero(np.abs(size - barrier[column]) <= slack)
        whole = np.empty(near.size, dtype=object)
        start = 0
        for codes in orders.blocks():
            inside = slice(*np.searchsorted(near, [start, start + codes.shape[0]]))
            whole[inside] = np.abs(_Whole(orders, codes, who)(near[inside] - start))
            start += codes.shape[0]
        above = int(np.count_nonzero(size > barrier[column] + slack))
        at = sorted(whole.tolist(), reverse=True)[smallest - above]
        hits[near[(whole > at).astype(bool)]] = True
