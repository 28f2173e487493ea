"""Type and level of the interval that a printed survival block has."""

from __future__ import annotations

from typing import Literal

from cohortstats.printed import Printed
from cohortstats.printed.sections import Survival

__all__ = ["interval_of"]

Interval = Literal["plain", "log", "log-log", "logit", "arcsin"]
DEFAULTS: dict[str, Interval] = {"ezr": "log-log", "r": "log", "sas": "log-log", "stata": "log-log", "spss": "plain"}


def interval_of(printed: Printed, survival: Survival) -> tuple[Interval, float]:
    """The interval that is declared, else the default of the paper's program, else log-log; and its level.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> printed = Printed.read(shipped_study("sakai2018"))
    >>> interval_of(printed, printed.survivals[0])
    ('log-log', 0.95)
    """
    level = float(str(survival.level).rstrip("% "))
    named = survival.ci.casefold().replace("_", "-").replace("loglog", "log-log").strip()
    for known in ("plain", "log", "log-log", "logit", "arcsin"):
        if named == known:
            return known, level if level < 1 else level / 100
    program = printed.software.casefold().split()
    kind = DEFAULTS.get(program[0].strip(",;") if program else "", "log-log")
    return kind, level if level < 1 else level / 100
