"""What is missing, why, in whom, and which variables are missing together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Cohort, Variable, level_codes
from cohortstats.files.folding import fold
from cohortstats.stats.results import RichResult

__all__ = ["MissingPattern", "Missingness", "VariableMissingness", "missingness"]

Mask = npt.NDArray[np.bool_]
ALL = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableMissingness:
    """One variable of :class:`Missingness`.

    Parameters
    ----------
    variable
        Its name.
    counts
        ``(by, level)`` -> patients there, and those of them without a value; ``("", "")`` is everybody.
    reasons
        Why there is no value -> patients, most frequent first.
    """

    variable: str
    counts: Mapping[tuple[str, str], tuple[int, int]]
    reasons: Mapping[str, int]

    @property
    def n_known(self) -> int:
        """Patients with a value."""
        n, n_missing = self.counts[ALL]
        return n - n_missing


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPattern:
    """Variables that are missing together, and in how many patients exactly these are."""

    variables: tuple[str, ...]
    n: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Missingness(RichResult):
    """Result of :func:`missingness`.

    Parameters
    ----------
    n
        Patients.
    variables
        In the order in which they were asked for.
    patterns
        Most frequent first; the one without variables counts those in whom nothing is missing.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> found = cs.missingness(cohort, variables=["hr_positive", "pik3ca_mutated", "best_response"])
    >>> [(pattern.variables, pattern.n) for pattern in found.patterns]
    [((), 16), (('pik3ca_mutated',), 15), (('pik3ca_mutated', 'best_response'), 3)]
    """

    n: int
    variables: tuple[VariableMissingness, ...]
    patterns: tuple[MissingPattern, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a variable and part of the cohort: variable, by, level, n, n_known, n_missing, share.

        ``by`` is empty for everybody; ``share`` is n_missing / n, nan where there is nobody.
        """
        rows = [
            (item.variable, by, level, n, n - n_missing, n_missing, n_missing / n if n else np.nan)
            for item in self.variables
            for (by, level), (n, n_missing) in item.counts.items()
        ]
        return pd.DataFrame(rows, columns=["variable", "by", "level", "n", "n_known", "n_missing", "share"])

    def reasons_frame(self) -> pd.DataFrame:
        """One row a variable and reason: variable, reason, n."""
        rows = [(item.variable, reason, n) for item in self.variables for reason, n in item.reasons.items()]
        return pd.DataFrame(rows, columns=["variable", "reason", "n"])

    def patterns_frame(self) -> pd.DataFrame:
        """One row a pattern: the variables that are missing, with commas, and n; most frequent first."""
        rows = [(", ".join(item.variables), item.n) for item in self.patterns]
        return pd.DataFrame(rows, columns=["pattern", "n"])


def missingness(
    cohort: Cohort, *, variables: Sequence[str] | None = None, outcome: str = "", tested: str = ""
) -> Missingness:
    """Count missing values by variable, reason, outcome and availability, and the patterns in which they occur.

    Parameters
    ----------
    cohort
        Patients. Missing is what expressions see as missing: levels declared ``unknown`` are.
    variables
        Names with one value a patient; left out, all columns of the study's files that have one.
    outcome
        Yes/no expression, such as the name of a binary endpoint: counts also for yes, no and missing.
    tested
        The same for availability, such as whether there was plasma.

    Returns
    -------
    Missingness
        With ``to_frame()``, ``reasons_frame()`` and ``patterns_frame()``.

        A reason is what the study file says of the text found, else the text itself; ``empty`` for an empty cell,
        ``no row`` where a table has no row of the patient, the level where it is declared unknown, and ``derived`` for
        what follows from other values.

    Raises
    ------
    InputError
        A name that does not exist or has many rows per patient, an expression that is not yes/no.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> found = cs.missingness(cohort, variables=["pik3ca_mutated"], outcome="primary_resistance")
    >>> print(found.to_frame().drop(columns="variable").to_string(index=False))
                    by level  n  n_known  n_missing    share
                             34       16         18 0.529412
    primary_resistance   yes  9        4          5 0.555556
    primary_resistance    no 25       12         13 0.520000
    """
    if variables is None:
        chosen = [
            variable for variable in cohort.variables.values() if variable.table and not _set_aside(cohort, variable)
        ]
    else:
        chosen = [cohort.single(name) for name in variables]
    parts = dict(_parts(cohort, {"outcome": outcome, "tested": tested}))
    missing = {variable.name: cohort.known(variable.name).missing for variable in chosen}
    return Missingness(
        n=cohort.n,
        variables=tuple(
            VariableMissingness(
                variable=variable.name,
                counts={
                    part: (int(here.sum()), int((missing[variable.name] & here).sum())) for part, here in parts.items()
                },
                reasons=_reasons(cohort, variable, missing[variable.name]),
            )
            for variable in chosen
        ),
        patterns=_patterns(missing, cohort.n),
    )


def _set_aside(cohort: Cohort, variable: Variable) -> bool:
    """What has no value of its own: records of many, and marks on the cells of another column."""
    return variable.many or bool(cohort.study.columns[variable.table][variable.name].flag)


def _parts(cohort: Cohort, expressions: Mapping[str, str]) -> Iterator[tuple[tuple[str, str], Mask]]:
    yield ALL, np.ones(cohort.n, dtype=bool)
    for word, expression in expressions.items():
        if not expression:
            continue
        answer = cohort.answer(expression, word)
        yes = answer.data.astype(bool) & ~answer.missing
        for level, here in (("yes", yes), ("no", ~yes & ~answer.missing), ("missing", answer.missing)):
            if level != "missing" or here.any():
                yield (expression, level), here


def _reasons(cohort: Cohort, variable: Variable, missing: Mask) -> dict[str, int]:
    if not variable.table:
        return {"derived": int(missing.sum())} if missing.any() else {}
    said = {fold(text): reason for text, reason in cohort.study.missing.items()}
    values = cohort.data[variable.name]
    codes = level_codes(values) if variable.unknown else None
    found: Counter[str] = Counter()
    text = cohort.text(variable.name).to_numpy()
    for patient in np.flatnonzero(missing):
        cell = text[patient]
        if cell is None:
            reason = "no row"
        elif codes is not None and not values.missing[patient]:
            reason = values.levels[codes[patient]]
        else:
            reason = said.get(fold(cell), "") or cell.strip() or "empty"
        found[reason] += 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _patterns(missing: Mapping[str, Mask], n: int) -> tuple[MissingPattern, ...]:
    names = list(missing)
    if not names or not n:
        return ()
    rows, counts = np.unique(np.array([missing[name] for name in names]).T, axis=0, return_counts=True)
    patterns = [
        MissingPattern(variables=tuple(np.array(names, dtype=object)[row]), n=int(count))
        for row, count in zip(rows, counts, strict=True)
    ]
    return tuple(sorted(patterns, key=lambda item: (-item.n, len(item.variables), item.variables)))
