"""Statistics that can be asked about a printed cohort, from their text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cohortstats.errors import InputError, did_you_mean
from cohortstats.expressions import ExpressionError, parse_expression
from cohortstats.printed import Printed, PrintedValue, fold_text
from cohortstats.published.structures.spec import survival_of

__all__ = ["Condition", "Statistic", "parse_condition", "parse_statistic"]

Kind = Literal["count", "percent", "fisher", "odds", "n", "events", "survival", "hr", "value"]
FORMS = {
    "count": "count(expression) or count(expression; among)",
    "percent": "percent(expression) or percent(expression; among)",
    "fisher": "fisher(group; outcome) or fisher(group; outcome; among)",
    "odds": "odds(group; outcome) or odds(group; outcome; among)",
    "n": "n(figure/level)",
    "events": "events(figure/level)",
    "survival": "survival(figure/level, time)",
    "hr": "hr(figure)",
}
MOST_TEXT = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """What is asked.

    Parameters
    ----------
    text
        As it was asked.
    kind
        The function, or ``value`` for the address of a printed value.
    expressions
        What is counted, or group and outcome.
    among
        Among whom.
    figure, level
        Survival block and its group.
    time
        For a survival probability.
    value
        The printed value.
    """

    text: str
    kind: Kind
    expressions: tuple[str, ...] = ()
    among: str = ""
    figure: str = ""
    level: str = ""
    time: float = math.nan
    value: PrintedValue | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """Every expression in it."""
        return tuple(one for one in (*self.expressions, self.among) if one)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A further condition on the cohort: a count and its ends; None is open."""

    text: str
    expression: str
    among: str
    low: int | None
    high: int | None


def parse_statistic(text: str, printed: Printed) -> Statistic:
    """A statistic from its text.

    Parameters
    ----------
    text
        ``count(expression)``, ``percent(expression)``, ``fisher(group; outcome)``, ``odds(group; outcome)``,
        ``n(figure/level)``, ``events(figure/level)``, ``survival(figure/level, time)``, ``hr(figure)``, or the address
        of a printed value. The first four take among whom as a last part.
    printed
        Everything that the file holds.

    Raises
    ------
    InputError
        When it is none of these, or a name in it does not exist.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> printed = Printed.read(shipped_study("sakai2018"))
    >>> parse_statistic("fisher(hr_positive; primary_resistance)", printed).expressions
    ('hr_positive', 'primary_resistance')
    >>> asked = parse_statistic("survival(figure1/yes, 180)", printed)
    >>> asked.figure, asked.level, asked.time
    ('figure1', 'yes', 180.0)
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"no statistic is named. Write {', '.join(FORMS)}(…), or the address of a printed value.")
    if len(text) > MOST_TEXT:
        raise InputError(f"the statistic has {len(text)} characters; at most {MOST_TEXT}.")
    asked = text.strip()
    name, inside = _call(asked)
    if not name:
        return _address(asked, printed)
    if name not in FORMS:
        near = did_you_mean(name, FORMS)
        advice = f"Did you mean {FORMS[near]}?" if near else f"There are {', '.join(FORMS)}."
        raise InputError(f"{name}(…) is no statistic. {advice}")
    if name in ("count", "percent", "fisher", "odds"):
        wanted = 1 if name in ("count", "percent") else 2
        parts = split_parts(inside)
        if not wanted <= len(parts) <= wanted + 1 or not all(parts):
            raise InputError(f"{asked}: write {FORMS[name]}.")
        for part in parts:
            check_expression(part, printed, asked)
        among = parts[wanted] if len(parts) > wanted else ""
        return Statistic(text=asked, kind=name, expressions=tuple(parts[:wanted]), among=among)  # type: ignore[arg-type]
    return _survival(asked, name, inside, printed)


def parse_condition(text: str, printed: Printed) -> Condition:
    """A further condition from its text: ``count(expression) == 1``, with ``<=``, ``>=`` or ``=`` as well.

    Raises
    ------
    InputError
        When it is none, or a name in it does not exist.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> printed = Printed.read(shipped_study("sakai2018"))
    >>> found = parse_condition("count(hr_positive != hr_positive_table1) == 1", printed)
    >>> found.expression, found.low, found.high
    ('hr_positive != hr_positive_table1', 1, 1)
    """
    found = re.fullmatch(r"\s*(count\(.*\))\s*(==|=|<=|>=)\s*(\d{1,9})\s*", text, re.DOTALL) if text else None
    if not found:
        raise InputError(f"'{text}' is no condition. Write count(expression) == 1, or with <= or >=.")
    asked = parse_statistic(found[1], printed)
    number = int(found[3])
    return Condition(
        text=text.strip(),
        expression=asked.expressions[0],
        among=asked.among,
        low=None if found[2] == "<=" else number,
        high=None if found[2] == ">=" else number,
    )


def _call(text: str) -> tuple[str, str]:
    """Name and inside of ``name(inside)``; empty for an address."""
    found = re.fullmatch(r"([A-Za-z_]+)\s*\((.*)\)", text, re.DOTALL)
    return (found[1].casefold(), found[2].strip()) if found else ("", "")


def split_parts(text: str) -> list[str]:
    """Parts between semicolons that stand in no quotation marks.

    Examples
    --------
    >>> split_parts("stage == 'a;b'; resistant")
    ["stage == 'a;b'", 'resistant']
    """
    parts, quote, start = [], "", 0
    escaped = False
    for place, sign in enumerate(text):
        if quote:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == quote:
                quote = ""
        elif sign in "'\"`":
            quote = sign
        elif sign == ";":
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def check_expression(text: str, printed: Printed, asked: str) -> None:
    """Refuse an expression that cannot be read, names no column, or is not yes or no."""
    try:
        parse_expression(text).check(printed.kinds, want="yes/no")
    except ExpressionError as error:
        shown = asked if len(asked) <= 60 else f"{asked[:59]}…"
        raise InputError([f"{shown}: {problem}" for problem in error.problems]) from None


def _survival(asked: str, name: str, inside: str, printed: Printed) -> Statistic:
    if not printed.survivals:
        raise InputError(f"{asked}: {printed.path.name} has no [[survival]] block.")
    time = math.nan
    if name == "survival":
        inside, _, text = inside.rpartition(",")
        try:
            time = float(fold_text(text))
        except ValueError:
            raise InputError(f"{asked}: write {FORMS[name]}.") from None
        if not (inside and math.isfinite(time) and time >= 0):
            raise InputError(f"{asked}: write {FORMS[name]}, with a time from 0.")
    figure, _, level = inside.strip().partition("/")
    block = survival_of(printed, figure)
    if name == "hr":
        if level or len(block.cells) != 2:
            raise InputError(f"{asked}: write {FORMS[name]}, a figure with two groups.")
        return Statistic(text=asked, kind="hr", figure=figure)
    levels: Sequence[str] = [row[0] for row in block.cells]
    if level not in levels:
        near = did_you_mean(level, levels) if level else None
        advice = f"Did you mean '{near}'?" if near else f"There are {', '.join(levels)}."
        raise InputError(f"{asked}: '{level}' is no group of {figure}. {advice}")
    return Statistic(text=asked, kind=name, figure=figure, level=level, time=time)  # type: ignore[arg-type]


def _address(asked: str, printed: Printed) -> Statistic:
    for value in printed.values:
        if value.id == asked:
            return Statistic(text=asked, kind="value", value=value)
    near = did_you_mean(asked, [*(value.id for value in printed.values), *FORMS])
    advice = f"Did you mean {FORMS.get(near, near)}?" if near else f"Write {', '.join(FORMS)}(…), or an address."
    raise InputError(f"{asked} is no statistic and no printed value. {advice}")
