"""Smallest and largest value of a statistic over all cohorts for which everything printed holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortstats.errors import InputError
from cohortstats.printed import Printed
from cohortstats.published.bounds.ranges import Range, printed_range
from cohortstats.published.bounds.statistic import Condition, Statistic, parse_condition, parse_statistic
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.consistent import consistent_model
from cohortstats.published.model.extremes import Question
from cohortstats.published.model.statements import TIERS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["bounds", "check_door", "range_of_statistic"]


def bounds(
    path: str | Path | Printed,
    statistic: str,
    tiers: Sequence[str] = ("published", "derived"),
    *,
    where: str | Sequence[str] = (),
    without: Sequence[str] = (),
    time_limit: float = 20,
) -> pd.DataFrame:
    """Smallest and largest value that a statistic can have, given everything that a paper printed.

    Parameters
    ----------
    path
        A ``published.toml``, its folder, or what :meth:`Printed.read` made of it.
    statistic
        ``count(expression)``, ``percent(expression)``, ``fisher(group; outcome)`` for the P of Fisher's test,
        ``odds(group; outcome)`` for the conditional odds ratio; these take among whom as a last part behind a
        semicolon. Of a figure: ``n(figure1/yes)``, ``events(figure1/yes)``, ``survival(figure1/yes, 180)``,
        ``hr(figure1)``. Or the address of a printed value. ``patients`` asks instead what the print tells about each
        patient that is printed one by one.
    tiers
        Which statements must hold: ``published``, ``derived``, ``identity``, ``assumed``.
    where
        Further conditions, each a count: ``count(hr_positive != hr_positive_table1) == 1``.
    without
        Addresses of statements that are given up, where some exclude each other; those that ``[known]`` names need not
        be repeated.
    time_limit
        Seconds for each question to the solver.

    Returns
    -------
    pandas.DataFrame
        One row: statistic, min, max, proven, tier, witness_min, witness_max, note. Of ``patients``: one row a patient
        and fact: patient, fact, verdict (``forced yes``, ``forced no``, ``open``, ``not proven``), because, tier.

    Raises
    ------
    DataError
        When the file has errors, or statements exclude each other of which ``[known]`` names none.
    InputError
        When the statistic cannot be read, or the figure has more patients or groups than orders can be searched for.

    Notes
    -----
    Counts are ranges of an integer program over 0/1 cells, proven when the solver closed its gap. A P is no monotone
    function of a count, so its ends are sought over all tables that can be, not at the ends of the counts. Statistics
    of a figure are ranges over all orders of times (no two equal) that print its medians, limits and P. An odds ratio
    is the conditional one, as of R's ``fisher.test``; a hazard ratio is that of the first group in Cox's model,
    infinite where the likelihood is monotone. The tier is the weakest that the ends need: with fewer they would be
    wider. Statements that ``[known]`` gives up because others exclude them are named in the note.

    Examples
    --------
    >>> import cohortstats as cs
    >>> from cohortstats.shipped import shipped_study
    >>> path = shipped_study("sakai2018") / "published.toml"
    >>> found = cs.bounds(path, "count(her2_ihc == '2+/FISH+' and primary_resistance)")
    >>> found[["min", "max", "proven", "tier"]].values.tolist()
    [[0, 4, True, 'published']]
    """
    import pandas as pd

    printed = path if isinstance(path, Printed) else Printed.read(path)
    check_door(tiers, time_limit)
    conditions = [where] if isinstance(where, str) else list(where)
    if isinstance(statistic, str) and statistic.strip() == "patients":
        from cohortstats.published.bounds.disclosure import patient_facts

        if conditions:
            raise InputError("where is for statistics; patients takes none.")
        return patient_facts(printed, tiers, without=without, time_limit=time_limit)
    found = range_of_statistic(printed, statistic, tiers, where=conditions, without=without, time_limit=time_limit)
    names = ("statistic", "min", "max", "proven", "tier", "witness_min", "witness_max", "note")
    row = {name: getattr(found, name) for name in names}
    for end in ("min", "max"):
        number = row[end]
        row[end] = int(number) if math.isfinite(number) and float(number).is_integer() else float(number)
    return pd.DataFrame({name: pd.Series([value], dtype=_dtype(value)) for name, value in row.items()})


def _dtype(value: object) -> Any:
    return {bool: bool, int: "int64", float: "float64"}.get(type(value), object)


def check_door(tiers: Sequence[str], time_limit: float) -> None:
    """Refuse tiers that do not exist and a time limit that is none, together."""
    problems = []
    if isinstance(tiers, str):
        problems.append(f"tiers is '{tiers}'; give several, such as ('published', 'derived').")
    else:
        problems += [f"'{tier}' is no tier; there are {', '.join(TIERS)}." for tier in tiers if tier not in TIERS]
        if not tiers:
            problems.append(f"tiers is empty; there are {', '.join(TIERS)}.")
    if isinstance(time_limit, bool) or not isinstance(time_limit, (int, float)) or not time_limit > 0:
        problems.append(f"time_limit is {time_limit!r}; give seconds above 0.")
    if problems:
        raise InputError(problems)


def range_of_statistic(
    printed: Printed,
    statistic: str,
    tiers: Iterable[str] = ("published", "derived"),
    *,
    where: Sequence[str] = (),
    without: Sequence[str] = (),
    time_limit: float = 20,
) -> Range:
    """The range behind :func:`bounds`, as a plain result.

    Raises
    ------
    DataError, InputError
        As for :func:`bounds`.
    """
    asked = parse_statistic(statistic, printed)
    conditions = [parse_condition(one, printed) for one in where]
    if asked.value is not None and (asked.value.other or printed.n is None):
        return printed_range(asked)
    if printed.n is None:
        raise InputError(f"{printed.path.name} does not say how many patients there are. Give [cohort] n.")
    chosen = [tier for tier in TIERS if tier in set(tiers)]
    question, given_up = _question(printed, asked, chosen, conditions, without, time_limit)
    of_figure = asked.figure or (asked.value is not None and asked.value.source == "survival")
    if of_figure:
        from cohortstats.published.bounds.survival import survival_bounds

        found = survival_bounds(question, asked)
    else:
        from cohortstats.published.bounds.counts import count_bounds

        found = count_bounds(question, asked)
    notes = [found.note] if found.note else []
    if given_up:
        notes.append(f"given up: {', '.join(given_up)}")
    if "assumed" in chosen:
        notes.append("with the assumed tier")
    return replace(found, given_up=given_up, note="; ".join(notes))


def _question(
    printed: Printed,
    asked: Statistic,
    tiers: Sequence[str],
    conditions: Sequence[Condition],
    without: Sequence[str],
    time_limit: float,
) -> tuple[Question, tuple[str, ...]]:
    """Models of growing tiers that give up the same, and what that is."""
    expressions = [*asked.asked, *(text for one in conditions for text in (one.expression, one.among) if text)]
    found = consistent_model(printed, tiers, without=without, expressions=expressions, time_limit=time_limit)
    models = [
        CohortModel.of(printed, tiers[:some], found.given_up, expressions=expressions, time_limit=time_limit)
        for some in range(1, len(tiers))
    ]
    models.append(found.model)
    for one in conditions:
        models = [model.where(one.expression, (one.low, one.high), one.among) for model in models]
    if conditions and not models[-1].feasible():
        raise InputError(f"no cohort satisfies {' and '.join(one.text for one in conditions)} beside the rest.")
    limits = tuple((one.expression, one.among, one.low, one.high) for one in conditions)
    return Question(models=tuple(models), limits=limits), found.given_up
