"""Published against computed, in one call."""

from __future__ import annotations

from pathlib import Path

from cohortstats.errors import InputError
from cohortstats.loaders import load_cohort
from cohortstats.report.agreement import Agreement, compare_with_print
from cohortstats.report.plan import make_exhibits
from cohortstats.shipped import shipped_study
from cohortstats.study import Study

__all__ = ["reproduce"]


def reproduce(study: Study | str | Path | None = None) -> Agreement:
    """Compare every value that a paper printed with the value computed from the cohort.

    Parameters
    ----------
    study
        A study with ``published`` values, its folder or file; the shipped study of Sakai et al. 2018 when None.

    Returns
    -------
    Agreement
        Verdict by verdict; ``to_frame()`` has ``id, where, quantity, published, computed, verdict, note``.

    Raises
    ------
    DataError
        When the study or its data have errors.
    InputError
        When the study names no published values.

    Notes
    -----
    A published value is a string, and its digits are the tolerance: ``agrees`` when the exact value rounds half-up to
    it, ``last digit`` when it was cut or rounded half to even.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cs.reproduce().counts["agrees"]
    158
    """
    cohort = load_cohort(shipped_study() if study is None else study)
    if cohort.study.printed is None:
        raise InputError(f'{cohort.study.id} names no published values; add published = "published.toml" to [study].')
    return compare_with_print(cohort, make_exhibits(cohort))
