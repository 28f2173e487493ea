"""Visits from a data frame: checked at the door, all faults at once, and counted in days from the start."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.derivations.occasions import Dates, Ints, Mask
from cohortstats.derivations.visits import RESPONSES, Visits, is_irecist, response_codes
from cohortstats.errors import did_you_mean
from cohortstats.expressions import iso_date
from cohortstats.stats.doors import SHOWN, check_choice, check_present, missing_rows, refuse

__all__ = ["FrameVisits", "column_of", "dates_of", "positions"]

NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameVisits:
    """Visits of a data frame, one stream for each patient, or for each patient and reader.

    Parameters
    ----------
    visits
        ``source`` is the position in the frame.
    streams
        The columns that name the streams, one row a stream.
    when
        The dates, or days, as the frame has them, one element a row.
    labels
        Index of the frame.
    started
        Streams whose patient has a start.
    """

    visits: Visits
    streams: pd.DataFrame
    when: pd.Series[Any]
    labels: pd.Index[Any]
    started: Mask

    @classmethod
    def read(
        cls,
        frame: pd.DataFrame,
        *,
        patient: str,
        date: str,
        response: str,
        start: object,
        reader: str | None,
        unknown: Collection[str],
        duplicates: str,
        choices: Mapping[str, tuple[str, tuple[str, ...]]],
        numbers: Mapping[str, tuple[object, int]],
    ) -> FrameVisits:
        """Check everything, then count.

        ``choices`` are further words of the caller with what they may be, ``numbers`` his numbers with the least that
        they may be.
        """
        problems = [fault for name, (word, known) in choices.items() for fault in check_choice(name, word, known)]
        problems += check_choice("duplicates", duplicates, ("refuse", "worst"))
        for name, (number, least) in numbers.items():
            if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
                problems.append(f"{name} is {number!r}; give a whole number, {least} or more.")
        named = {"patient": patient, "date": date, "response": response}
        named |= {"reader": reader} if reader is not None else {}
        named |= {"start": start} if isinstance(start, str) else {}
        columns = {word: column_of(frame, word, name, problems) for word, name in named.items()}
        refuse(problems)
        words = _words(columns["response"], unknown, problems)
        given = np.flatnonzero(words != -1)
        ids = columns["patient"].iloc[given]
        problems += _present(patient, ids)
        who = columns["reader"].iloc[given] if reader is not None else pd.Series("", index=ids.index)
        problems += _present(str(reader), who) if reader is not None else []
        days, starts = _days(columns, date, start, given, problems)
        refuse(problems)

        people = pd.Index(dict.fromkeys([*(starts.index if starts is not None else ()), *columns["patient"].dropna()]))
        readers = pd.Index(dict.fromkeys(who))
        stream = people.get_indexer(ids).astype(np.int64)
        if reader is not None:
            stream = stream * max(len(readers), 1) + readers.get_indexer(pd.Index(who))
        if duplicates == "refuse":
            problems += _clashes(stream, days, words[given], columns["date"].iloc[given])
        refuse(problems)
        n = len(people) * (max(len(readers), 1) if reader is not None else 1)
        streams = pd.DataFrame({"patient": people.repeat(n // max(len(people), 1))})
        if reader is not None:
            streams["reader"] = np.tile(readers.to_numpy(dtype=object), len(people)) if len(readers) else ""
        visits = Visits.of(n, stream, days, words[given])
        began = np.ones(len(people), dtype=bool)
        if starts is not None:
            began = pd.Index(starts.index[starts.notna().to_numpy()]).get_indexer(people) >= 0
        return cls(
            visits=Visits(n=n, patient=visits.patient, day=visits.day, code=visits.code, source=given[visits.source]),
            streams=streams,
            when=columns["date"],
            labels=frame.index,
            started=began.repeat(n // max(len(people), 1)),
        )

    def at(self, source: Ints) -> tuple[Any, Any]:
        """Date, or day, and label of some rows of the frame; missing where the place is negative."""
        none = source < 0
        place = np.where(none, 0, source)
        if not len(self.labels):
            return pd.array([pd.NA] * len(source)), pd.array([pd.NA] * len(source))
        when = self.when.iloc[place].reset_index(drop=True)
        labels = self.labels[place].to_series(index=pd.RangeIndex(len(source)))
        return _masked(when, none), _masked(labels, none)


def _masked(values: pd.Series[Any], none: Mask) -> Any:
    if values.dtype.kind in "iu":
        return values.astype("Int64").mask(none).array
    return values.mask(none).array


def column_of(frame: pd.DataFrame, word: str, name: object, problems: list[str]) -> pd.Series[Any]:
    """A column of a frame; an empty one, and a sentence, when it is not there."""
    if name not in frame.columns:
        near = did_you_mean(str(name), [str(column) for column in frame.columns])
        advice = f"did you mean '{near}'?" if near else f"name it with {word} = …"
        problems.append(f"the frame has no column '{name}'; {advice}")
        return pd.Series(dtype=object)
    found = frame[name]
    if isinstance(found, pd.DataFrame):
        problems.append(f"the frame has {found.shape[1]} columns '{name}'; keep one.")
        return pd.Series(dtype=object)
    return found


def positions(where: npt.NDArray[np.int64]) -> str:
    """Positions in a sentence, counted from 1: the first few and how many there are more."""
    listed = ", ".join(str(int(place) + 1) for place in where[:SHOWN])
    more = f" and {len(where) - SHOWN} more" if len(where) > SHOWN else ""
    return f"position{'' if len(where) == 1 else 's'} {listed}{more}"


def _present(name: str, values: pd.Series[Any]) -> list[str]:
    return check_present(name, values.isna().to_numpy())


def _words(responses: pd.Series[Any], unknown: Collection[str], problems: list[str]) -> Ints:
    """Codes of the responses; -1 where there is none."""
    words = responses.astype(object).where(responses.notna(), "").map(str).to_numpy(dtype=object)
    codes = response_codes(words, frozenset(unknown))
    for word in dict.fromkeys(words[codes == -2]):
        at = positions(np.flatnonzero(words == word))
        if is_irecist(word):
            problems.append(f"response '{word}' at {at} is an iRECIST code; this rule reads RECIST 1.1.")
        else:
            near = did_you_mean(word, RESPONSES) or did_you_mean(word.upper(), RESPONSES)
            advice = f"did you mean '{near}'?" if near else "name it in unknown, or correct it."
            problems.append(f"response '{word}' at {at} is not a RECIST 1.1 response; {advice}")
    return codes


def dates_of(name: str, values: pd.Series[Any], problems: list[str]) -> Dates | None:
    """Days of a column of dates; ISO texts are dates too. None after a sentence about what is none."""
    if values.dtype.kind == "M":
        return values.to_numpy(dtype="datetime64[D]")
    array = values.to_numpy(dtype=object)
    gaps = missing_rows(array)
    bad = np.array([isinstance(one, str) and iso_date(one) is None for one in array], dtype=bool) & ~gaps
    bad |= np.array([not isinstance(one, str) and not hasattr(one, "isoformat") for one in array], dtype=bool) & ~gaps
    if bad.any():
        first = np.flatnonzero(bad)[0]
        problems.append(f"{name} is '{array[first]}' at {positions(np.flatnonzero(bad))}; give dates, or days.")
        return None
    texts = [None if gap else str(one)[:10] for gap, one in zip(gaps, array, strict=True)]
    return np.array(texts, dtype="datetime64[D]")


def _days(
    columns: Mapping[str, pd.Series[Any]], date: str, start: object, given: Ints, problems: list[str]
) -> tuple[Ints, pd.Series[Any] | None]:
    """Days from the start of the visits that have a response, and the start of each patient where it is a date."""
    when, ids = columns["date"], columns["patient"]
    nobody = np.zeros(len(given), dtype=np.int64)
    if start is None:
        if when.dtype.kind not in "iuf":
            problems.append(f"{date} does not hold days; give start, the date from which they are counted.")
            return nobody, None
        days = when.iloc[given].to_numpy(dtype=np.float64, na_value=np.nan)
        problems += check_present(date, np.isnan(days))
        if (np.nan_to_num(days) % 1 != 0).any():
            problems.append(f"{date} holds parts of days; give whole days.")
        early = given[days < 0]
        if len(early):
            problems.append(f"{date} is before the start, a day below 0, at {positions(early)}; correct the cells.")
        return np.nan_to_num(days).astype(np.int64), None
    dates = dates_of(date, when, problems)
    if isinstance(start, str):
        own = dates_of(start, columns["start"], problems)
        if own is None:
            return nobody, None
        one = pd.Series(own, index=ids.array).groupby(level=0, sort=False)
        several = one.nunique()
        for name in several.index[several > 1]:
            problems.append(f"{start} has {several[name]} dates for patient '{name}'; give one.")
        starts = one.first()
    else:
        starts = pd.Series(start, dtype=object) if not isinstance(start, pd.Series) else start
        if starts.index.has_duplicates:
            problems.append("start names a patient twice; give one date a patient.")
            return nobody, None
        own = dates_of("start", starts, problems)
        if own is None:
            return nobody, None
        starts = pd.Series(own, index=starts.index)
        absent = ~ids.iloc[given].isin(starts.index[starts.notna()]).to_numpy()
        if absent.any():
            problems.append(
                f"start has no date for the patients at {positions(given[absent])}; give one, or drop them."
            )
    if dates is None:
        return nobody, None
    begun = starts.reindex(ids.iloc[given]).to_numpy(dtype="datetime64[D]")
    dates = dates[given]
    problems += check_present(date, np.isnat(dates))
    if isinstance(start, str):
        problems += check_present(start, np.isnat(begun))
    late = (dates - begun).astype("timedelta64[D]")
    early = given[~np.isnat(late) & (late < np.timedelta64(0, "D"))]
    if len(early):
        problems.append(f"{date} is before the start at {positions(early)}; correct one of the two dates.")
    return np.where(np.isnat(late), 0, late.astype(np.int64)), starts


def _clashes(stream: Ints, days: Ints, codes: Ints, when: pd.Series[Any]) -> list[str]:
    pairs = Visits.clashes(stream, days, codes)
    problems = []
    for one, two in pairs[:SHOWN]:
        answers = f"{RESPONSES[codes[one]]} and {RESPONSES[codes[two]]}"
        date = str(when.iloc[two])[:10]
        problems.append(f'{answers} on one day ({date}); correct one, name the reader, or set duplicates = "worst".')
    if len(pairs) > SHOWN:
        problems.append(f"and {len(pairs) - SHOWN} more pairs on one day.")
    return problems
