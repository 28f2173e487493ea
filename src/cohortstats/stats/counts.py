"""Patients by group and outcome: the table of counts, and intervals of a proportion."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from scipy.special import betainccinv, betaincinv

from cohortstats.engines import TableName, ask_rows
from cohortstats.stats.doors import check_choice, check_fraction, check_length, number_text, refuse
from cohortstats.stats.query_door import read_query
from cohortstats.stats.results import RichResult, as_row, normal_quantile

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CountTable",
    "Limits",
    "ProportionInterval",
    "check_two_groups",
    "check_whole_numbers",
    "proportion_ci",
]

Limits = tuple[float, float]


def _whole(value: Any) -> bool:
    """A count: a whole number from 0 up, of any numeric type, and not a yes or no."""
    if type(value).__name__ in ("bool", "bool_") or isinstance(value, str | bytes):
        return False
    try:
        return bool(value == int(value) and value >= 0)
    except (TypeError, ValueError, OverflowError):
        return False


def check_whole_numbers(name: str, values: Iterable[tuple[str, Any]]) -> list[str]:
    """Refuse what is no count; each value comes with the place where it stands."""
    return [
        f"{name} must be whole numbers ≥ 0; {place} has {_shown(value)}."
        for place, value in values
        if not _whole(value)
    ]


def _shown(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value).replace("-", "−")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTable(RichResult):
    """Events among patients, by group: what every comparison of proportions is a function of.

    Parameters
    ----------
    groups
        Names of the groups, one or more, each once.
    events
        Patients with the event, whole numbers with 0 ≤ events ≤ totals.
    totals
        Patients in each group. A group with total 0 stays in the table; its rate is nan.

    Raises
    ------
    InputError
        Names repeated, lengths that differ, counts that are negative, fractional or booleans, more events than
        patients: one sentence each, all together.

    Examples
    --------
    >>> counts = CountTable(groups=("HR+", "HR-"), events=(6, 3), totals=(17, 17))
    >>> counts.non_events
    (11, 14)
    >>> counts.to_frame()
      group  events  total      rate
    0   HR+       6     17  0.352941
    1   HR-       3     17  0.176471
    """

    groups: tuple[str, ...]
    events: tuple[int, ...]
    totals: tuple[int, ...]

    def __post_init__(self) -> None:
        groups = tuple(str(group) for group in self.groups)
        problems = [f"group '{group}' appears {_times(n)}." for group, n in Counter(groups).items() if n > 1]
        if not groups:
            problems.append("there are no groups.")
        columns: dict[str, Sequence[Any]] = {"events": tuple(self.events), "totals": tuple(self.totals)}
        for name, column in columns.items():
            problems += check_length("groups", len(groups), name, len(column))
            problems += check_whole_numbers(name, ((f"group '{g}'", v) for g, v in zip(groups, column, strict=False)))
        if not problems:
            problems = [
                f"group '{group}' has {int(events)} events among {int(total)} patients."
                for group, events, total in zip(groups, columns["events"], columns["totals"], strict=True)
                if events > total
            ]
        refuse(problems)
        # The fields of a frozen value can only be set this way; lists and numpy numbers become plain tuples.
        object.__setattr__(self, "groups", groups)
        for name, column in columns.items():
            object.__setattr__(self, name, tuple(int(value) for value in column))

    @property
    def non_events(self) -> tuple[int, ...]:
        """Patients without the event, by group."""
        return tuple(total - events for events, total in zip(self.events, self.totals, strict=True))

    @property
    def rates(self) -> tuple[float, ...]:
        """Events per patient, by group; nan in a group without patients."""
        return tuple(_rate(events, total) for events, total in zip(self.events, self.totals, strict=True))

    def to_frame(self) -> pd.DataFrame:
        """One row a group: group, events, total, rate."""
        import pandas as pd

        columns = {"group": self.groups, "events": self.events, "total": self.totals, "rate": self.rates}
        return pd.DataFrame(columns)

    @classmethod
    def from_sql(
        cls,
        connection: Any,
        *,
        table: TableName,
        outcome: str,
        group: str | None = None,
        weights: str | None = None,
        where: str = "",
    ) -> CountTable:
        """Table from one row a patient in a database, by one ``GROUP BY``.

        Parameters
        ----------
        connection, table
            As in `EventTable.from_sql`.
        outcome
            Column of booleans or 0/1, or an expression of the study file, such as ``response == 'PD'``.
        group
            Column of labels: those of an enumerated type in its order, others sorted; None makes one group ``all``.
        weights
            Column of whole numbers: patients that a row stands for.
        where
            An expression of the study file: patients for whom it is yes count.

        Raises
        ------
        InputError
            Everything that is wrong with the names and expressions, or else with the values, one sentence each.

        Examples
        --------
        >>> import sqlite3
        >>> connection = sqlite3.connect(":memory:")
        >>> _ = connection.execute("CREATE TABLE cohort (hr TEXT, resistant INTEGER)")
        >>> rows = [("HR+", 1), ("HR+", 0), ("HR-", 0), ("HR+", 1)]
        >>> _ = connection.executemany("INSERT INTO cohort VALUES (?, ?)", rows)
        >>> CountTable.from_sql(connection, table="cohort", outcome="resistant", group="hr")
        CountTable(groups=('HR+', 'HR-'), events=(2, 0), totals=(3, 1))
        """
        rows = ask_rows(
            connection,
            table=table,
            values={"outcome": (outcome, "yes/no"), "weights": (weights, "number")},
            labels={"group": group},
            shared=(),
            where=where,
        )
        patients = read_query(rows)
        groups = patients.get("group")
        names = ("all",) if groups is None else groups.categories
        totals, events = [0] * len(names), [0] * len(names)
        codes = [0] * rows.n_rows.size if groups is None else groups.codes.tolist()
        # Whole numbers of Python: no count is too large.
        for code, event, n in zip(codes, patients["outcome"].tolist(), patients["patients"].tolist(), strict=True):
            totals[code] += n
            events[code] += n if event else 0
        return cls(groups=names, events=tuple(events), totals=tuple(totals))


def _times(n: int) -> str:
    return "twice" if n == 2 else f"{n} times"


def _rate(events: int, total: int) -> float:
    return events / total if total else math.nan


def check_two_groups(name: str, counts: CountTable, instead: str = "") -> list[str]:
    """Refuse a table of more or fewer than two groups; ``instead`` names what to use for several."""
    n = len(counts.groups)
    if n == 2:
        return []
    advice = f" Use {instead}." if instead and n > 2 else ""
    return [f"{name} compares 2 groups; there {'is' if n == 1 else 'are'} {n}.{advice}"]


# ------------------------------------------------------------------------------------------------ one proportion


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProportionInterval(RichResult):
    """A proportion with its confidence interval; made by `proportion_ci`."""

    estimate: float
    ci_lower: float
    ci_upper: float
    ci_level: float
    method: str
    events: int
    total: int
    reason: str

    def to_frame(self) -> pd.DataFrame:
        """One row: events, total, estimate, ci_lower, ci_upper, ci_level, method, reason."""
        return as_row(self, ("events", "total", "estimate", "ci_lower", "ci_upper", "ci_level", "method", "reason"))


def _wilson(x: int, n: int, ci_level: float) -> Limits:
    z, p = normal_quantile(ci_level), x / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    return centre - half, centre + half


def _clopper_pearson(x: int, n: int, ci_level: float) -> Limits:
    # Two-sided at the ends too: 0/5 ends at 52.2 %, not at the one-sided 45.1 %.
    tail = (1 - ci_level) / 2
    return (
        float(betaincinv(x, n - x + 1, tail)) if x else 0.0,
        float(betainccinv(x + 1, n - x, tail)) if x < n else 1.0,
    )


def _jeffreys(x: int, n: int, ci_level: float) -> Limits:
    tail = (1 - ci_level) / 2
    return float(betaincinv(x + 0.5, n - x + 0.5, tail)), float(betainccinv(x + 0.5, n - x + 0.5, tail))


PROPORTION_METHODS = {"wilson": _wilson, "clopper-pearson": _clopper_pearson, "jeffreys": _jeffreys}


def proportion_ci(
    events: int,
    total: int,
    *,
    method: Literal["wilson", "clopper-pearson", "jeffreys"] = "wilson",
    ci_level: float = 0.95,
) -> ProportionInterval:
    """Proportion of patients with the event, x/n, with a two-sided confidence interval.

    Parameters
    ----------
    events, total
        Whole numbers with 0 ≤ events ≤ total. With total 0 the result is nan, reason ``no patients``.
    method
        ``wilson``: centre (p + z²/2n)/(1 + z²/n), half width z sqrt(p(1 − p)/n + z²/4n²)/(1 + z²/n);
        ``clopper-pearson``: Beta quantiles q(α/2; x, n − x + 1) and q(1 − α/2; x + 1, n − x);
        ``jeffreys``: Beta(x + ½, n − x + ½) quantiles. The lower limit is 0 at x = 0, the upper 1 at x = n.
    ci_level
        Between 0 and 1.

    Returns
    -------
    ProportionInterval
        Fractions, not percent.

    Raises
    ------
    InputError
        Counts that are no counts, an unknown method, a level outside (0, 1).

    Notes
    -----
    R: ``prop.test(x, n, correct=FALSE)$conf.int``, ``binom.test(x, n)$conf.int``, ``qbeta``.
    Brown, Cai and DasGupta 2001, Statistical Science 16:101.

    Examples
    --------
    >>> wilson = proportion_ci(9, 34)
    >>> round(wilson.ci_lower, 12), round(wilson.ci_upper, 12)
    (0.146011906772, 0.431171412829)
    >>> round(proportion_ci(0, 5, method="clopper-pearson").ci_upper, 12)
    0.521823750105
    """
    problems = check_choice("method", method, PROPORTION_METHODS) + check_fraction("ci_level", ci_level, "0.95")
    problems += check_whole_numbers("counts", [("events", events), ("total", total)])
    if not problems and events > total:
        problems.append(f"there are {events} events among {total} patients.")
    refuse(problems)
    x, n = int(events), int(total)
    lower, upper = PROPORTION_METHODS[method](x, n, ci_level) if n else (math.nan, math.nan)
    return ProportionInterval(
        estimate=_rate(x, n),
        ci_lower=0.0 if n and x == 0 else lower,  # floats leave 1e-17 at the ends
        ci_upper=1.0 if n and x == n else upper,
        ci_level=ci_level,
        method=method,
        events=x,
        total=n,
        reason="" if n else "no patients",
    )
