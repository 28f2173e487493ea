"""What a study found, ready to be held beside a quoted number. Numbers that a rebuilt study withholds are not here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from cohortstats.analysis.results import Result
from cohortstats.report.manuscript.quotes import Reading, Written
from cohortstats.tables.numbers import STYLES, Number, exact, format_number, format_p, round_half_up

__all__ = ["Fact", "agrees", "facts_of"]

USUAL_BOUNDS = (("<", "0.05"), ("<", "0.01"), ("<", "0.001"), ("<", "0.0001"), (">", "0.05"), (">", "0.99"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A result with the numbers that are quoted beside it.

    Parameters
    ----------
    result
        The result.
    kind
        ``percent``, ``count``, ``p``, ``hr``, ``ratio``, ``difference``, ``median``, ``mean`` or ``number``.
    roles
        Role -> number, None for a limit that is not reached; as in :class:`~.quotes.Quote`.
    texts
        Texts of the number in all styles, for what is written with a bound.
    with_count
        A share that the study does not print: it is known beside its count only.
    """

    result: Result
    kind: str
    roles: Mapping[str, Number | None]
    texts: frozenset[str] = field(default_factory=frozenset)
    with_count: bool = False

    @property
    def line(self) -> tuple[str, str]:
        """Exhibit and row."""
        return self.result.exhibit, self.result.row

    def text(self, style: str, reading: Reading) -> str:
        """The fact in the roles of a reading, as the study writes it."""
        result = self.result
        if "p" in self.roles:
            written = result.text(style) if result.p_value is not None else _shown(self.roles["p"])
            return f"P {written}" if written[0] in "<>" else f"P = {written}"
        if self.kind == "count":
            return _shown(self.roles["count"])
        value = result.text(style) + ("%" if self.kind == "percent" else "")
        if "n" in reading and self.roles.get("n") is not None:
            over = f"/{_shown(self.roles['total'])}" if self.roles.get("total") is not None else ""
            value = f"{_shown(self.roles['n'])}{over} ({value})"
        if ("low" in reading or "high" in reading) and "low" in self.roles:
            low, high = (
                result.write(number, style) if number is not None else STYLES[style].not_reached
                for number in (self.roles["low"], self.roles["high"])
            )
            value = f"{value} ({low} to {high})"
        return value


def _shown(number: Number | None) -> str:
    return format_number(number, STYLES["default"])


OF_A_RANGE = ("min_attainable_p", "p_least_completion", "p_greatest_completion")


def agrees(written: Written, number: Number | None, texts: frozenset[str] = frozenset()) -> bool:
    """Whether a written number says an exact one: half-up at the digits that are written.

    Examples
    --------
    >>> agrees(Written.of("26.5"), Fraction(900, 34)), agrees(Written.of("26"), Fraction(900, 34))
    (True, True)
    >>> agrees(Written.of("26.4"), Fraction(900, 34)), agrees(Written.of("NR"), None)
    (False, True)
    """
    if written.value is None or number is None:
        return written.value is None and number is None
    value = exact(number)
    if written.bound:
        said = f"{written.bound}{_plain(written)}"
        below = written.bound in "<≤"
        usual = (written.bound, _plain(written)) in USUAL_BOUNDS
        return said in texts or (usual and (value < written.value if below else value > written.value))
    return Fraction(round_half_up(value, written.decimals)) == written.value


def _plain(written: Written) -> str:
    return round_half_up(written.value or 0, written.decimals)


def facts_of(results: Sequence[Result]) -> list[Fact]:
    """All facts that may be shown."""
    shown = [result for result in results if not result.withheld]
    lines: dict[tuple[str, str, str], dict[str, Result]] = {}
    for result in shown:
        lines.setdefault((result.exhibit, result.row, result.group), {})[result.statistic] = result
    return [fact for r in shown for fact in _of_record(r, lines[r.exhibit, r.row, r.group])]


def _of_record(record: Result, line: Mapping[str, Result]) -> Iterator[Fact]:
    if record.p_value is not None and not _undefined(record.p_value):
        yield _p(record, record.p_value)
    if record.n is not None:
        yield Fact(result=record, kind="count", roles={"count": record.n})
    if record.value is None or _undefined(record.value):
        return
    roles: dict[str, Number | None]
    if record.format == "p":
        yield _p(record, record.value)
        return
    if record.format == "count":
        yield Fact(result=record, kind="count", roles={"count": record.value, "value": record.value})
        if record.n and not any(statistic.startswith("percent") for statistic in line):
            share = Fraction(100 * int(record.value), record.n)
            roles = {"n": record.value, "total": record.n, "value": share}
            yield Fact(result=record, kind="percent", roles=roles, with_count=True)
        return
    roles = {"value": record.value}
    if record.ci_level is not None:
        roles |= {"low": _limit(record.ci_lower), "high": _limit(record.ci_upper)}
    kind = _kind(record)
    if record.format == "percentage":
        counted = _counted(record, line)
        roles |= {"n": counted.value if counted else None, "total": record.n}
        # A survival of 84.0 % is 0.84 to some.
        if record.statistic.startswith("survival"):
            shares = {role: exact(x) / 100 if x is not None else None for role, x in roles.items() if role in _SHARES}
            yield Fact(result=record, kind="number", roles=shares)
    yield Fact(
        result=record, kind=kind, roles={k: v for k, v in roles.items() if v is not None or k in ("low", "high")}
    )
    for low, high in (("min", "max"), ("q1", "q3")):
        if record.statistic == "median" and low in line and high in line:
            beside = {"low": _limit(line[low].value), "high": _limit(line[high].value)}
            yield Fact(result=record, kind=kind, roles={"value": record.value, **beside})
    if record.statistic == "mean" and "sd" in line:
        yield Fact(result=record, kind=kind, roles={"value": record.value, "sd": line["sd"].value})


_SHARES = ("value", "low", "high")


def _p(record: Result, p: Number) -> Fact:
    texts = frozenset(_even(format_p(p, style, record.alpha)) for style in STYLES.values())
    # What P could be, or could have been, is no P of the data; it is quoted as such or as an end of a range.
    kind = "p of a range" if record.statistic in OF_A_RANGE else "p"
    return Fact(result=record, kind=kind, roles={"p": p, "value": p}, texts=texts)


def _even(text: str) -> str:
    text = text.replace("·", ".")
    return text.replace("<.", "<0.").replace(">.", ">0.")


def _kind(record: Result) -> str:
    statistic = record.statistic
    if "difference" in statistic:
        return "difference"
    if record.format == "percentage" or statistic.startswith("percent"):
        return "percent"
    if statistic == "best_change":
        return "change"
    if statistic == "hazard_ratio":
        return "hr"
    if statistic.endswith("_ratio"):
        return "ratio"
    if statistic in ("median", "follow_up"):
        return "median"
    return "mean" if statistic == "mean" or statistic.startswith("rmst") else "number"


def _counted(record: Result, line: Mapping[str, Result]) -> Result | None:
    """The count that a percentage is made from: ``n_missing`` of ``percent_missing``."""
    own = f"n{record.statistic.removeprefix('percent')}"
    for name in (own, "n_event", "events"):
        if name in line and line[name].format == "count":
            return line[name]
    return None


def _undefined(value: Number) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _limit(value: Number | None) -> Number | None:
    return None if value is None or (isinstance(value, float) and not math.isfinite(value)) else value
