"""Every printed statement evaluated on a table of patients, by code that knows nothing of how the table was made.

Counts are taken by the expression language on the cells; P values, medians and limits by the package's statistics. A
printed value agrees when the exact value, rounded half-up, gives the printed string.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from cohortstats.errors import CohortStatsError
from cohortstats.expressions import resolve
from cohortstats.printed import Printed, PrintedBlock, PrintedValue, rounds_to
from cohortstats.printed.cells import half_up_text
from cohortstats.printed.sections import Survival
from cohortstats.published.model.intervals import interval_of
from cohortstats.stats.counts import CountTable
from cohortstats.stats.events import EventTable

__all__ = [
    "Cells",
    "Check",
    "broken_rules",
    "evaluate",
    "evaluate_value",
    "p_of_counts",
    "patients_at",
    "patients_of",
    "survival_events",
]

Cells = Mapping[str, Sequence[str | None]]
Number = Fraction | float
Verdict = Literal["agrees", "last digit", "differs", "not checkable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One printed value beside what a table gives.

    Parameters
    ----------
    id, where, printed
        Address, place and string.
    rebuilt
        What the table gives, with one digit more than was printed; empty when nothing can be computed.
    verdict
        ``agrees``, ``last digit`` (cut, or half to even), ``differs`` or ``not checkable``.
    note
        What a reader found out, or why nothing was computed.
    """

    id: str
    where: str
    printed: str
    rebuilt: str
    verdict: Verdict
    note: str = ""


def evaluate(printed: Printed, cells: Cells, values: Iterable[PrintedValue] | None = None) -> tuple[Check, ...]:
    """Every printed value on a table of patients.

    Parameters
    ----------
    printed
        Everything that the file holds.
    cells
        Column -> one text a patient; empty or None is missing.
    values
        Which values; by default all that a cohort can be checked against.

    Returns
    -------
    tuple of Check
        In the order of the file.
    """
    chosen = printed.checkable if values is None else values
    found = []
    for value in chosen:
        computed, reason = evaluate_value(printed, value, cells)
        verdict: Verdict = "not checkable" if computed is None else rounds_to(computed, value.text)
        note = "" if verdict == "agrees" else printed.known.get(value.id, reason)
        shown = "" if computed is None else _shown(computed, value.text)
        found.append(
            Check(id=value.id, where=value.where, printed=value.text, rebuilt=shown, verdict=verdict, note=note)
        )
    return tuple(found)


def _shown(computed: Number, printed: str) -> str:
    """A value with one digit more than was printed; a whole count stays whole."""
    if isinstance(computed, float) and not math.isfinite(computed):
        return "NA"
    exact = Fraction(computed)
    decimals = len(printed.partition(".")[2])
    if exact.denominator == 1 and not decimals:
        return str(exact.numerator)
    return half_up_text(exact, decimals + 1)


def evaluate_value(printed: Printed, value: PrintedValue, cells: Cells) -> tuple[Number | None, str]:
    """One printed value on a table, and why there is none."""
    try:
        if value.id == "cohort/n":
            return Fraction(len(next(iter(cells.values()), ()))), ""
        if value.source == "survival":
            return _survival(printed, value, cells)
        if value.statistic == "p_value":
            return _block_p(printed, value, cells)
        if value.statistic in ("n", "total", "percent"):
            lacking = printed.lacking(value, cells)
            if lacking:
                return None, f"the table has no {', '.join(lacking)}"
            counted = printed.count(value, cells)
            return counted, "" if counted is not None else "nobody to take a percentage of"
        return _summary(printed, value, cells)
    except CohortStatsError as error:
        return None, str(error)


# ---- summaries of numbers


def _summary(printed: Printed, value: PrintedValue, cells: Cells) -> tuple[Number | None, str]:
    name = resolve(value.variable, cells)
    if name is None:
        return None, f"the table has no {value.variable}"
    numbers = _numbers(printed, name, value.among, cells)
    if not numbers:
        return None, f"no patient has {value.variable}"
    ordered = sorted(numbers)
    n = len(ordered)
    match value.statistic:
        case "min":
            return ordered[0], ""
        case "max":
            return ordered[-1], ""
        case "median":
            return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2, ""
        case "lower" | "upper":
            return _quartile(ordered, value), ""
        case "mean":
            return sum(ordered, Fraction(0)) / n, ""
        case "sd" if n > 1:
            mean = sum(ordered, Fraction(0)) / n
            return math.sqrt(sum(((one - mean) ** 2 for one in ordered), Fraction(0)) / (n - 1)), ""
    return None, f"{value.statistic} is not computed"


def _numbers(printed: Printed, name: str, among: str, cells: Cells) -> list[Fraction]:
    inside = patients_of(printed, among, cells)
    texts = [str(text or "").strip() for text in cells[name]]
    return [Fraction(text) for text, counts in zip(texts, inside, strict=True) if counts and text]


def _quartile(ordered: Sequence[Fraction], value: PrintedValue) -> Fraction:
    """A quartile by the definition of R (7), of SAS (2) or of SPSS (6): the first that prints as the string."""
    n = len(ordered)
    p = Fraction(1, 4) if value.statistic == "lower" else Fraction(3, 4)

    def between(place: Fraction) -> Fraction:
        place = min(max(place, Fraction(1)), Fraction(n))
        low = math.floor(place)
        high = min(low + 1, n)
        return ordered[low - 1] + (place - low) * (ordered[high - 1] - ordered[low - 1])

    at = n * p
    second = (
        (ordered[int(at) - 1] + ordered[min(int(at), n - 1)]) / 2 if at.denominator == 1 else ordered[math.ceil(at) - 1]
    )
    ways = (between(1 + (n - 1) * p), second, between((n + 1) * p))
    return next((way for way in ways if rounds_to(way, value.text) == "agrees"), ways[0])


# ---- P values of blocks


def _block_p(printed: Printed, value: PrintedValue, cells: Cells) -> tuple[Number | None, str]:
    block = next((one for one in printed.blocks if value.id == f"{one.table}/{one.variable}/p_value"), None)
    if block is None or not block.outcome or not block.variable:
        return None, "the P belongs to no table of patients and outcome"
    inside = patients_of(printed, block.among, cells)
    with_outcome = patients_of(printed, f"`{block.outcome}`", cells)
    groups, events, totals = [], [], []
    for level in block.counts:
        at_level = inside & _at_level(printed, block, level, cells)
        groups.append(level)
        totals.append(int(np.count_nonzero(at_level)))
        events.append(int(np.count_nonzero(at_level & with_outcome)))
    return p_of_counts(groups, events, totals, value.test)


def p_of_counts(
    groups: Sequence[str], events: Sequence[int], totals: Sequence[int], test: str
) -> tuple[Number | None, str]:
    """P of a table of patients and outcome under a test named in words of a paper."""
    from cohortstats.stats.chi_square import chi_square
    from cohortstats.stats.exact import fisher_exact, fisher_exact_rxc
    from cohortstats.stats.mid_p import fisher_midp
    from cohortstats.stats.unconditional import barnard, boschloo

    name = "".join(sign for sign in test.casefold() if sign.isalnum())
    counts = CountTable(groups=tuple(groups), events=tuple(events), totals=tuple(totals))
    two = len(groups) == 2
    if name in ("", "fisher", "fishers", "fishersexact", "fisherexact", "fisherstest", "exact", "freemanhalton"):
        if two:
            exact = fisher_exact(counts)
            return (exact.p_value if exact.p_exact is None else exact.p_exact), exact.reason
        table = fisher_exact_rxc([[a, n - a] for a, n in zip(events, totals, strict=True)])
        return table.p_value, table.reason
    if name in ("pearson", "chisquare", "chisquared", "chi2", "χ2", "x2"):
        plain = chi_square(counts)
        return plain.p_value, plain.reason
    if two:
        if name in ("yates", "chisquareyates", "yateschisquare"):
            corrected = chi_square(counts, correction="yates")
            return corrected.p_value, corrected.reason
        if name in ("n1", "nminus1", "campbell"):
            corrected = chi_square(counts, correction="n-1")
            return corrected.p_value, corrected.reason
        if name in ("midp", "fishermidp"):
            middle = fisher_midp(counts)
            return middle.p_value, middle.reason
        if name == "boschloo":
            return boschloo(counts).p_value, ""
        if name == "barnard":
            return barnard(counts).p_value, ""
    return None, f"the test '{test}' is not computed"


def _at_level(printed: Printed, block: PrintedBlock, level: str, cells: Cells) -> npt.NDArray[np.bool_]:
    values = printed.evaluate(f"`{block.variable}`", cells)
    wanted: object = level
    if values.kind == "yes/no":
        wanted = level == "yes"
    elif values.kind == "ordered":
        wanted = values.levels.index(level)
    return np.asarray(values.data == wanted, dtype=bool) & ~values.missing


def patients_of(printed: Printed, expression: str, cells: Cells) -> npt.NDArray[np.bool_]:
    """Those for whom an expression is yes; everyone when there is none."""
    n = len(next(iter(cells.values()), ()))
    if not expression:
        return np.ones(n, dtype=bool)
    values = printed.evaluate(expression, cells)
    return np.asarray(values.data, dtype=bool) & ~values.missing


# ---- survival


def _survival(printed: Printed, value: PrintedValue, cells: Cells) -> tuple[Number | None, str]:
    survival = next(one for one in printed.survivals if one.id == value.exhibit)
    if value.statistic in ("n", "events"):
        at_level = patients_at(printed, survival, value.level, cells)
        if value.statistic == "events":
            if resolve(survival.event, cells) is None:
                return None, f"the table has no {survival.event or 'event'}"
            at_level = at_level & patients_of(printed, f"`{survival.event}`", cells)
        return Fraction(int(np.count_nonzero(at_level))), ""
    events, reason = survival_events(printed, survival, cells)
    if events is None:
        return None, reason
    if value.statistic == "p_value":
        return _survival_p(survival, events)
    from cohortstats.stats.kaplan_meier import kaplan_meier

    ci, level = interval_of(printed, survival)
    frame = kaplan_meier(events, ci=ci, ci_level=level).quantile(0.5, rule="summary")
    row = frame[frame["group"].astype(str) == (value.level if survival.group else "all")]
    if len(row) != 1:
        return None, f"no patient is in group {value.level}"
    column = {"median": "estimate", "lower": "ci_lower", "upper": "ci_upper"}.get(value.statistic)
    if column is None:
        return None, f"{value.statistic} is not computed"
    return float(row[column].iloc[0]), ""


def survival_events(printed: Printed, survival: Survival, cells: Cells) -> tuple[EventTable | None, str]:
    """Times and events of the patients of a figure, by group."""
    time_name = resolve(survival.time, cells) if survival.time else None
    event_name = resolve(survival.event, cells) if survival.event else None
    if time_name is None or event_name is None:
        return None, f"the table has no {survival.time if time_name is None else survival.event or 'event'}"
    inside = patients_of(printed, survival.among, cells)
    texts = np.array([str(text or "").strip() for text in cells[time_name]], dtype=object)
    present = inside & (texts != "")
    if not present.any():
        return None, f"no patient has {survival.time}"
    time = np.array([float(text) for text in texts[present]])
    event = patients_of(printed, f"`{survival.event}`", cells)[present]
    group = None
    if survival.group:
        group = np.full(len(texts), "", dtype=object)
        for row in survival.cells:
            group[patients_at(printed, survival, row[0], cells)] = row[0]
        group = group[present]
        if (group == "").any():
            return None, f"a patient of {survival.id} is in no printed group"
    return EventTable.from_arrays(time, event, group=group), ""


def patients_at(printed: Printed, survival: Survival, level: str, cells: Cells) -> npt.NDArray[np.bool_]:
    inside = patients_of(printed, survival.among, cells)
    if not survival.group:
        return inside
    values = printed.evaluate(f"`{survival.group}`", cells)
    wanted: object = level
    if values.kind == "yes/no":
        wanted = level == "yes"
    elif values.kind == "ordered":
        wanted = values.levels.index(level)
    at_level: npt.NDArray[np.bool_] = np.asarray(values.data == wanted, dtype=bool) & ~values.missing
    return inside & at_level


def _survival_p(survival: Survival, events: EventTable) -> tuple[Number | None, str]:
    from cohortstats.stats.log_rank import log_rank_test

    name = "".join(sign for sign in survival.test.casefold() if sign.isalnum())
    rho = {"": 0.0, "logrank": 0.0, "mantelcox": 0.0, "petopeto": 1.0, "peto": 1.0}.get(name)
    if rho is None:
        return None, f"the test '{survival.test}' is not computed"
    test = log_rank_test(events, rho=rho)
    return test.p_value, test.reason


# ---- rules


def broken_rules(printed: Printed, cells: Cells, addresses: Iterable[str] | None = None) -> dict[str, int]:
    """Rules that some patients break, with their number; a rule whose result is missing for a patient is not broken.

    Parameters
    ----------
    printed
        Everything that the file holds.
    cells
        Column -> one text a patient.
    addresses
        Which rules, such as ``identity/x``, ``derived/x``, ``assumed/x`` or ``text/x``; by default all. Counts of
        ``[[derived]]`` and ``[[assumed]]`` count as rules, with the distance from the printed number.
    """
    chosen = None if addresses is None else set(addresses)
    found: dict[str, int] = {}
    rules = [(f"text/{text.id}", text.rule, "", "", "") for text in printed.texts]
    rules += [(f"identity/{rule.id}", rule.rule, "", "", "") for rule in printed.identities]
    for tier, some in (("derived", printed.derived), ("assumed", printed.assumed)):
        rules += [(f"{tier}/{rule.id}", rule.rule, rule.n, rule.when, rule.among) for rule in some]
    for address, rule, n, when, among in rules:
        if chosen is not None and address not in chosen:
            continue
        if rule:
            values = printed.evaluate(rule, cells)
            broken = int(np.count_nonzero(~np.asarray(values.data, dtype=bool) & ~values.missing))
        elif n.isdigit():
            counted = np.count_nonzero(patients_of(printed, when, cells) & patients_of(printed, among, cells))
            broken = abs(int(counted) - int(n))
        else:
            continue
        if broken:
            found[address] = broken
    return found
