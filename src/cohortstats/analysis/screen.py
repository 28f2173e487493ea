"""Thousands of markers against one outcome: a test, an effect and an adjusted P for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cohortstats.analysis.screen_columns import (
    Fault,
    Markers,
    choose_markers,
    read_event,
    read_levels,
    read_markers,
    read_survival,
)
from cohortstats.errors import did_you_mean
from cohortstats.stats.doors import check_choice, check_fraction, refuse
from cohortstats.stats.multiplicity import adjust_p
from cohortstats.stats.results import RichResult
from cohortstats.stats.screen_fisher import (
    conditional_odds_ratios,
    count_markers,
    fisher_p_values,
    risk_differences,
)
from cohortstats.stats.screen_log_rank import log_rank_screen, one_step_hazard_ratios, rank_patients

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ADJUSTMENTS", "EFFECTS", "Adjustment", "MarkerEffect", "Screen", "ScreenPlan", "adjusted", "screen"]

Adjustment = Literal["holm", "bonferroni", "hochberg", "hommel", "BH", "BY", "none"]
MarkerEffect = Literal["risk difference", "odds ratio"]
ADJUSTMENTS: tuple[str, ...] = get_args(Adjustment)
EFFECTS: tuple[str, ...] = get_args(MarkerEffect)

CELLS = 20_000_000  # patients times markers that are tested at a time
MOST = 20_000  # markers at a time
Columns = dict[str, NDArray[Any]]

NAMES = ("marker", "level", "n", "n_marker", "events_marker", "n_other", "events_other")
NUMBERS = ("effect", "estimate", "ci_lower", "ci_upper", "p_value")
BINARY = (*NAMES, *NUMBERS, "min_attainable_p", "method", "reason")
SURVIVAL = (*NAMES, "expected_marker", "variance", "statistic", *NUMBERS, "method", "reason")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Screen(RichResult):
    """Result of `screen`: one row a marker, within each level of ``by``.

    ``columns`` holds the columns of the frame, ``method`` the test, the effect and how P was adjusted.

    Examples
    --------
    >>> import pandas as pd
    >>> found = screen(pd.DataFrame({"kras": [1, 1, 0, 0], "died": [1, 1, 0, 0]}), markers=["kras"], outcome="died")
    >>> found.columns["p_value"].round(6).tolist(), found.method
    ([0.333333], 'fisher two-sided minlike; risk difference, newcombe; adjusted by holm')
    """

    columns: Columns
    adjust: str
    ci_level: float
    method: str

    def __post_init__(self) -> None:
        for values in self.columns.values():
            values.flags.writeable = False

    def to_frame(self) -> pd.DataFrame:
        """[by,] marker, level, n, n_marker, events_marker, n_other, events_other, ..., p_value, p_adjusted, ..."""
        import pandas as pd

        return pd.DataFrame(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """Patients of one level of ``by``."""

    name: str
    rows: NDArray[np.int64] | None
    outcome: NDArray[np.bool_]
    time: NDArray[np.float64] | None
    strata: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreenPlan:
    """A screen whose columns were read and checked; `blocks` then tests some markers at a time."""

    markers: Markers
    parts: tuple[_Part, ...]
    by: str
    effect: MarkerEffect
    ci_level: float
    adjust: Adjustment

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the result, but for the adjusted P."""
        columns = BINARY if self.parts[0].time is None else SURVIVAL
        return ("by", *columns) if self.by else columns

    @property
    def n_rows(self) -> int:
        """Rows of the result."""
        return len(self.parts) * len(self.markers.names)

    @property
    def at_once(self) -> int:
        """Markers that are tested at a time."""
        return min(MOST, max(1, CELLS // max(1, int(self.markers.codes.shape[1]))))

    @property
    def method(self) -> str:
        """Test and effect in words."""
        part = self.parts[0]
        if part.time is None:
            limits = "newcombe" if self.effect == "risk difference" else "conditional, central"
            return f"fisher two-sided minlike; {self.effect}, {limits}"
        strata = "" if part.strata is None else ", stratified"
        return f"log-rank{strata}; hazard ratio by one step, (O − E)/V (Peto)"

    def blocks(self, done: int = 0, at_once: int | None = None) -> Iterator[Columns]:
        """Results in order, some markers at a time, from row ``done`` on."""
        m, step = len(self.markers.names), at_once or self.at_once
        for place, part in enumerate(self.parts):
            start = min(max(done - place * m, 0), m)
            ranked = None
            if part.time is not None and start < m:
                ranked = rank_patients(part.time, part.outcome, part.strata)
            for first in range(start, m, step):
                some = slice(first, min(first + step, m))
                codes = self.markers.codes[some]
                columns = self._names(part, some)
                codes = codes if part.rows is None else codes[:, part.rows]
                columns |= self._fisher(codes, part) if ranked is None else self._log_rank(codes, ranked, part)
                yield {name: columns[name] for name in self.names}

    def _names(self, part: _Part, some: slice) -> Columns:
        names = np.array(self.markers.names[some], dtype=object)
        same = {
            "by": part.name,
            "method": self.method,
            "effect": "hazard ratio" if part.time is not None else self.effect,
        }
        repeated = {name: np.full(names.size, text, dtype=object) for name, text in same.items()}
        return repeated | {"marker": names, "level": np.array(self.markers.levels[some], dtype=object)}

    def _fisher(self, codes: NDArray[np.int8], part: _Part) -> Columns:
        counts = count_markers(codes, part.outcome)
        p_value, attainable = fisher_p_values(counts)
        effects = risk_differences if self.effect == "risk difference" else conditional_odds_ratios
        estimate, lower, upper = effects(counts, self.ci_level)
        n, k = counts.n1 + counts.n2, counts.x1 + counts.x2
        one_table = (counts.n1 == 0) | (counts.n2 == 0) | (k == 0) | (k == n)
        return {
            "n": n,
            "n_marker": counts.n1,
            "events_marker": counts.x1,
            "n_other": counts.n2,
            "events_other": counts.x2,
            "estimate": estimate,
            "ci_lower": lower,
            "ci_upper": upper,
            "p_value": p_value,
            "min_attainable_p": attainable,
            "reason": np.where(n == 0, "no patients", np.where(one_table, "variance is zero", "")).astype(object),
        }

    def _log_rank(self, codes: NDArray[np.int8], ranked: Any, part: _Part) -> Columns:
        found = log_rank_screen(codes, ranked)
        estimate, lower, upper = one_step_hazard_ratios(found, self.ci_level)
        observed = found.observed.astype(np.int64)
        return {
            "n": found.n1 + found.n2,
            "n_marker": found.n1,
            "events_marker": observed,
            "n_other": found.n2,
            "events_other": found.events - observed,
            "expected_marker": found.expected,
            "variance": found.variance,
            "statistic": found.statistic,
            "estimate": estimate,
            "ci_lower": lower,
            "ci_upper": upper,
            "p_value": found.p_value,
            "reason": found.reason,
        }


def screen(
    frame: Any,
    *,
    markers: Sequence[str] | str,
    outcome: str | None = None,
    time: str | None = None,
    event: str | None = None,
    by: str | None = None,
    strata: str | None = None,
    effect: MarkerEffect = "risk difference",
    adjust: Adjustment = "holm",
    ci_level: float = 0.95,
) -> Screen:
    """Test each of many markers against one outcome: yes/no by Fisher's exact test, time to event by log-rank.

    Parameters
    ----------
    frame
        One row a patient.
    markers
        Names of columns with two levels each, or a pattern such as ``"mut_*"``. The level of those who have the marker
        is True, 1, or that which is no word for "without" (no, negative, wild-type, ...), else the later one; it is
        named in the result. A patient whose marker is missing is left out of the test of this marker, and ``n`` tells.
    outcome
        Column of a yes/no outcome; without it ``time`` and ``event``.
    time, event
        Follow-up from time 0, and whether the event happened then. Nothing may be missing here.
    by
        Column whose levels are screened apart.
    strata
        Column within whose levels the log-rank test compares.
    effect
        Of a yes/no outcome: ``risk difference`` with Newcombe's limits, or ``odds ratio``, conditional with central
        limits as `fisher_exact` gives them, which takes longer. Of times always the hazard ratio by one step.
    adjust
        How P is adjusted over the markers of one level of ``by``, as in `adjust_p`; or ``none``.
    ci_level
        Between 0 and 1.

    Returns
    -------
    Screen
        Patients with the marker against the others. A marker that everyone has, or nobody, has P 1 in Fisher's test,
        whose only possible table it is, and no log-rank test; ``reason`` tells.

    Raises
    ------
    InputError
        No marker, markers with three levels or more, columns that are not there, an outcome that is not yes/no, all at
        once.

    Notes
    -----
    Fisher's P and the smallest attainable P are those of `fisher_exact`; each set of margins is computed once. The
    log-rank test is that of `log_rank_test`; its hazard ratio is Peto's, exp((O − E)/V) with limits
    exp((O − E)/V ± z/sqrt(V)): the first step of Newton's method for Cox's model, close to it near 1, too near to 1
    far from it. R: ``fisher.test`` and ``survdiff`` in a loop, then ``p.adjust``. Yusuf et al. 1985, Progress in
    Cardiovascular Diseases 27:335.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"pik3ca": [1] * 2 + [0] * 14, "resistant": [1] * 4 + [0] * 12})
    >>> frame["kras"] = [0, 1] * 8
    >>> found = screen(frame, markers=["pik3ca", "kras"], outcome="resistant").to_frame()
    >>> found[["marker", "n_marker", "events_marker", "p_value", "p_adjusted", "min_attainable_p"]].round(4)
       marker  n_marker  events_marker  p_value  p_adjusted  min_attainable_p
    0  pik3ca         2              2     0.05         0.1            0.0500
    1    kras         8              2     1.00         1.0            0.0769
    """
    faults: list[Fault] = []
    plan = plan_screen(
        frame,
        markers,
        Parts(outcome=outcome, time=time, event=event, by=by, strata=strata),
        effect=effect,
        adjust=adjust,
        ci_level=ci_level,
        missing=frozenset(),
        faults=faults,
    )
    refuse([fault.message for fault in faults])
    assert plan is not None
    pieces = list(plan.blocks())
    columns = {name: np.concatenate([piece[name] for piece in pieces]) for name in plan.names}
    return Screen(
        columns=adjusted(columns, plan),
        adjust=adjust,
        ci_level=ci_level,
        method=f"{plan.method}; {'not adjusted' if adjust == 'none' else f'adjusted by {adjust}'}",
    )


def adjusted(columns: Columns, plan: ScreenPlan) -> Columns:
    """The columns with the adjusted P behind P; each level of ``by`` is a family."""
    together = np.full(plan.n_rows, np.nan)
    if plan.adjust != "none":
        for rows in np.split(np.arange(plan.n_rows), len(plan.parts)):
            together[rows] = adjust_p(columns["p_value"][rows].tolist(), method=plan.adjust)
    order = list(columns)
    at = order.index("p_value") + 1
    return {name: columns[name] for name in order[:at]} | {"p_adjusted": together} | {n: columns[n] for n in order[at:]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Columns by their part in the screen; ``level`` is the value of the outcome, or event, that counts."""

    outcome: str | None = None
    time: str | None = None
    event: str | None = None
    by: str | None = None
    strata: str | None = None
    level: str = ""

    @property
    def named(self) -> list[str]:
        return [name for name in (self.outcome, self.time, self.event, self.by, self.strata) if name]


def plan_screen(
    table: Any,
    markers: Sequence[str] | str,
    parts: Parts,
    *,
    effect: MarkerEffect,
    adjust: Adjustment,
    ci_level: float,
    missing: frozenset[str],
    faults: list[Fault],
) -> ScreenPlan | None:
    """Read and check everything; what is wrong with columns goes to ``faults``, with the call is refused.

    ``table`` is a frame, or a mapping of names to columns of text, of which ``missing`` are gaps.
    """
    problems = check_choice("effect", effect, EFFECTS) + check_choice("adjust", adjust, ADJUSTMENTS)
    problems += check_fraction("ci_level", ci_level, "0.95") + _check_parts(parts, effect)
    columns = [str(name) for name in (table.keys() if hasattr(table, "keys") else [])]
    if hasattr(table, "rename"):
        table = table.rename(columns=str)  # a column may be called 7
    if not columns:
        problems.append("frame must be a frame with named columns.")
    known = set(columns)
    given = [] if isinstance(markers, str) else list(markers)
    for name in [*parts.named, *given] if known else []:
        if name not in known:
            near = did_you_mean(name, columns)
            problems.append(f"there is no column '{name}'" + (f"; did you mean '{near}'?" if near else "."))
    problems += [f"column '{name}' appears twice." for name, times in Counter(columns).items() if times > 1]
    if not isinstance(markers, str):
        problems += [] if given else ["markers names no column."]
        named, seen = parts.named, Counter(given)
        problems += [f"'{name}' is a marker and {_part_of(parts, name)} at once." for name in named if name in seen]
        problems += [f"marker '{name}' is named twice." for name, times in seen.items() if times > 1]
    refuse(problems)
    chosen = choose_markers(columns, markers, parts.named) if isinstance(markers, str) else given
    what = parts.outcome or parts.event
    assert what
    happened = read_event(what, table[what], missing, faults, parts.level)
    time = read_survival(parts.time, table[parts.time], happened, missing, faults) if parts.time else None
    levels, group = read_levels(parts.by, table[parts.by], missing, faults) if parts.by else (("",), None)
    strata = read_levels(parts.strata, table[parts.strata], missing, faults)[1] if parts.strata else None
    read = read_markers(table, chosen, missing, faults)
    if faults or happened is None:
        return None
    made = []
    for code, level in enumerate(levels):
        rows = None if group is None else np.flatnonzero(group == code)
        every = slice(None) if rows is None else rows
        made.append(
            _Part(
                name=level,
                rows=rows,
                outcome=happened[every],
                time=None if time is None else time[every],
                strata=None if strata is None else strata[every],
            )
        )
    return ScreenPlan(
        markers=read, parts=tuple(made), by=parts.by or "", effect=effect, ci_level=ci_level, adjust=adjust
    )


def _check_parts(parts: Parts, effect: str) -> list[str]:
    problems = []
    if parts.outcome and (parts.time or parts.event):
        problems.append("give outcome, or time and event, not both.")
    elif not parts.outcome and not (parts.time and parts.event):
        lacking = "event" if parts.time else "time"
        what = f"{lacking} is not given; " if parts.time or parts.event else ""
        problems.append(f"{what}give outcome for a yes/no outcome, or time and event.")
    if parts.outcome and parts.strata:
        problems.append("strata are for time and event; screen a yes/no outcome by the levels of a column instead.")
    if not parts.outcome and effect == "odds ratio":
        problems.append("effect 'odds ratio' is for a yes/no outcome; times have a hazard ratio.")
    return problems


def _part_of(parts: Parts, name: str) -> str:
    return next(field for field in ("outcome", "time", "event", "by", "strata") if getattr(parts, field) == name)
