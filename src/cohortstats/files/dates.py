"""Dates of a file: every form that has one reading only, the Japanese eras among them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from cohortstats.files.table import Fault

__all__ = ["DateRules", "imputed_part", "parse_date"]

FIRST, LAST = dt.date(1900, 1, 1), dt.date(2100, 12, 31)

_YMD = re.compile(r"(?P<y>[0-9]{4})(?P<sep>[-/.])(?P<m>[0-9]{1,2})(?P=sep)(?P<d>[0-9]{1,2})")
_KANJI = re.compile(r"(?P<y>[0-9]{4})\s*年\s*(?P<m>[0-9]{1,2})\s*月\s*(?P<d>[0-9]{1,2})\s*日")
_COMPACT = re.compile(r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})")
_NAMED = re.compile(r"(?P<d>[0-9]{1,2})[ -]?(?P<m>[A-Za-z]{3})[ -]?(?P<y>[0-9]{4})")
_YEAR_LAST = re.compile(r"(?P<a>[0-9]{1,2})(?P<sep>[-/.])(?P<b>[0-9]{1,2})(?P=sep)(?P<y>[0-9]{4})")
_ERA = re.compile(
    r"(?P<era>明治|大正|昭和|平成|令和|[MTSHRmtshr])\.?\s*(?P<y>[0-9]{1,2}|元)\s*[-/.年]\s*(?P<m>[0-9]{1,2})\s*[-/.月]\s*"
    r"(?P<d>[0-9]{1,2})\s*日?"
)
_PARTIAL = re.compile(
    r"(?P<y>[0-9]{4})([-/.](?P<m>0?[1-9]|1[0-2]))?|(?P<ky>[0-9]{4})年((?P<km>[0-9]{1,2})月)?|"
    r"(?P<era>明治|大正|昭和|平成|令和|[MTSHR])\.?(?P<ey>[0-9]{1,2}|元)[-/.年](?P<em>[0-9]{1,2})?月?"
)
_TIME = re.compile(r"[T ]\s*(?P<h>[0-9]{1,2}):(?P<min>[0-9]{2})(:(?P<s>[0-9]{2})(\.[0-9]+)?)?$")
_SERIAL = re.compile(r"(?P<days>[0-9]{1,7})(\.(?P<part>[0-9]+))?")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
# Letter: year before year 1, first day, first day of the next era.
_ERAS: dict[str, tuple[int, dt.date, dt.date | None]] = {
    "M": (1867, dt.date(1873, 1, 1), dt.date(1912, 7, 30)),  # the Gregorian calendar came in 1873
    "T": (1911, dt.date(1912, 7, 30), dt.date(1926, 12, 25)),
    "S": (1925, dt.date(1926, 12, 25), dt.date(1989, 1, 8)),
    "H": (1988, dt.date(1989, 1, 8), dt.date(2019, 5, 1)),
    "R": (2018, dt.date(2019, 5, 1), None),
}
_ERA_LETTERS = {"明治": "M", "大正": "T", "昭和": "S", "平成": "H", "令和": "R"}
_ADD = "Correct the cell, or add it to study.missing."


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRules:
    """What a column and its file say of dates.

    Order of day and month, first year of the day count (0: none), which day stands in for one that is not written.
    """

    order: str = ""
    epoch: int = 0
    impute: str = ""


def parse_date(text: str, rules: DateRules) -> tuple[dt.date | None, Fault | None]:
    """The date that a folded cell holds, and what is to be said about it.

    Examples
    --------
    >>> rules = DateRules()
    >>> {str(parse_date(text, rules)[0]) for text in ("2016/3/4", "2016年3月4日", "H28.3.4", "20160304", "04MAR2016")}
    {'2016-03-04'}
    >>> parse_date("42433", DateRules(epoch=1900))[0], parse_date("40971", DateRules(epoch=1904))[0]
    (datetime.date(2016, 3, 4), datetime.date(2016, 3, 4))
    >>> parse_date("2016/13/4", rules)[1].message
    "'2016/13/4' is not a date."
    >>> parse_date("3/4/2016", rules)[1].message
    "'3/4/2016' could be 2016-03-04 or 2016-04-03."
    """
    day, fault = _without_time(text, rules)
    if day is None and fault is None:
        clock = _TIME.search(text)
        if clock is not None:
            day, fault = _without_time(text[: clock.start()], rules, dated_only=True)
            if day is not None and fault is None:
                if int(clock["h"]) > 23 or int(clock["min"]) > 59:
                    day = None
                elif int(clock["h"]) or int(clock["min"]) or int(clock["s"] or 0):
                    fault = Fault(
                        code="time-dropped", message=f"'{text}' has a time; the day is read.", level="warning"
                    )
    if fault is not None and fault.level == "error":
        return None, fault
    if day is None:
        return None, Fault(code="date-invalid", message=f"'{text}' is not a date.", mend=_ADD)
    if not FIRST <= day <= LAST:
        return None, Fault(code="out-of-range", message=f"'{text}' is outside 1900 to 2100.", mend=_ADD)
    return day, fault


def _without_time(text: str, rules: DateRules, *, dated_only: bool = False) -> tuple[dt.date | None, Fault | None]:
    found = _YMD.fullmatch(text) or _KANJI.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is not None:
        return _day(found["y"], found["m"], found["d"]), None
    found = _NAMED.fullmatch(text)
    if found is not None:
        month = _MONTHS.get(found["m"].lower(), 0)
        return _day(found["y"], month, found["d"]), None
    found = _YEAR_LAST.fullmatch(text)
    if found is not None:
        return _year_last(text, found, rules)
    found = _ERA.fullmatch(text)
    if found is not None:
        return _era_day(text, found)
    if dated_only:
        return None, None
    partial = _PARTIAL.fullmatch(text)
    # A bare number is a serial, save where it looks like a year: 2016 as a serial is 8 July 1905.
    if partial is not None and not (text.isdigit() and not 1873 <= int(text) <= 2100):
        if rules.impute:
            return _imputed(partial, rules.impute), None
        part = "day" if imputed_part(text) == "day" else "month and day"
        mend = "Correct the cell, declare impute, or add it to study.missing."
        return None, Fault(code="date-partial", message=f"'{text}' lacks its {part}.", mend=mend)
    found = _SERIAL.fullmatch(text)
    return (None, None) if found is None else _serial(text, found, rules)


def imputed_part(text: str) -> str:
    """What a folded date lacks: ``day``, ``month`` (and day), or nothing.

    Examples
    --------
    >>> imputed_part("2014-02"), imputed_part("2014"), imputed_part("2014-02-03")
    ('day', 'month', '')
    """
    partial = _PARTIAL.fullmatch(text)
    if partial is None or (text.isdigit() and not 1873 <= int(text) <= 2100):
        return ""
    return "day" if partial["m"] or partial["km"] or partial["em"] else "month"


def _imputed(partial: re.Match[str], rule: str) -> dt.date | None:
    """First, middle or last day: of the month 1, 15 or its last; of the year 1 January, 30 June or 31 December."""
    if partial["era"]:
        letter = _ERA_LETTERS.get(partial["era"], partial["era"])
        year = _ERAS[letter][0] + (1 if partial["ey"] == "元" else int(partial["ey"]))
    else:
        year = int(partial["y"] or partial["ky"])
    month = partial["m"] or partial["km"] or partial["em"]
    if not month:
        return _day(year, *{"first": (1, 1), "mid": (6, 30), "last": (12, 31)}[rule])
    first = _day(year, month, 1)
    if first is None or rule == "first":
        return first
    if rule == "mid":
        return first.replace(day=15)
    after = first.replace(day=28) + dt.timedelta(days=4)  # some day of the next month
    return after - dt.timedelta(days=after.day)


def _day(year: str | int, month: str | int, day: str | int) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _year_last(text: str, found: re.Match[str], rules: DateRules) -> tuple[dt.date | None, Fault | None]:
    month_first = _day(found["y"], found["a"], found["b"])
    day_first = _day(found["y"], found["b"], found["a"])
    if rules.order:
        return (month_first if rules.order == "mdy" else day_first), None
    readings = list(dict.fromkeys(day for day in (month_first, day_first) if day is not None))
    if not readings:
        return None, None
    if len(readings) == 2:
        message = f"'{text}' could be {readings[0]} or {readings[1]}."
    else:
        message = f"'{text}' is written with the year last, and no order is declared."
    return None, Fault(code="date-order", message=message, mend='Declare date_order = "mdy" or "dmy".')


def _era_day(text: str, found: re.Match[str]) -> tuple[dt.date | None, Fault | None]:
    letter = _ERA_LETTERS.get(found["era"], found["era"].upper())
    before, first, end = _ERAS[letter]
    number = 1 if found["y"] == "元" else int(found["y"])
    day = _day(before + number, found["m"], found["d"]) if number else None
    if day is None or day < first:
        return None, None
    if end is not None and day >= end:
        message = f"'{text}' lies after the era's end; {day} is read."
        return day, Fault(code="era-overrun", message=message, mend="Write the era of that day.", level="warning")
    return day, None


def _serial(text: str, found: re.Match[str], rules: DateRules) -> tuple[dt.date | None, Fault | None]:
    if not rules.epoch:
        message = f"'{text}' is a number, not a date."
        return None, Fault(code="date-serial", message=message, mend="Declare epoch = 1900 or 1904, or write the date.")
    days = int(found["days"])
    if rules.epoch == 1900 and days in (0, 60):
        return None, None  # serial 60 is 29 February 1900, which never was
    start = dt.date(1904, 1, 1) if rules.epoch == 1904 else dt.date(1899, 12, 31 if days < 60 else 30)
    try:
        day = start + dt.timedelta(days=days)
    except OverflowError:
        return None, None
    if found["part"] and int(found["part"]):
        return day, Fault(code="time-dropped", message=f"'{text}' has a time; the day is read.", level="warning")
    return day, None
