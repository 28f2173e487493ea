"""Lines of therapy: which regimens of a patient are one line, and how many lines came before a drug.

A line is not a regimen: maintenance with part of the drugs goes on with the line, a restart after progression does not.
Every regimen keeps what was decided about it and why, so that a count can be checked against the chart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import did_you_mean
from cohortstats.stats.doors import check_length, missing_rows, read_column, refuse
from cohortstats.stats.results import RichResult, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LineRule", "LinesOfTherapy", "Regimens", "count_lines", "lines_of_therapy", "split_drugs"]

Dates = NDArray[np.datetime64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]

NEVER = np.datetime64("NaT", "D")
LONG_GAP = 365  # days without a drug inside a line that are told

_DASHES = str.maketrans(dict.fromkeys("−–—‐‑", "-"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRule:
    """What makes a line.

    Parameters
    ----------
    index
        Drug whose line is asked for; empty where only its start is known.
    endocrine
        Endocrine drugs: alone they are no line, added to a line they open none.
    same_class
        Groups of drugs; a switch within a group without progression goes on with the line.
    intents
        Intents that count, such as palliative.
    separator
        Sign between the drugs of a regimen.

    Examples
    --------
    >>> LineRule(index="T-DM1", endocrine=("AI",)).method
    'lines before T-DM1; endocrine therapy alone (AI) is no line; maintenance without progression is the same line'
    """

    index: str = ""
    endocrine: tuple[str, ...] = ()
    same_class: tuple[tuple[str, ...], ...] = ()
    intents: tuple[str, ...] = ()
    separator: str = "+"

    @property
    def method(self) -> str:
        """The rule in words."""
        parts = [f"lines before {self.index or 'the index drug'}"]
        if self.endocrine:
            parts.append(f"endocrine therapy alone ({', '.join(self.endocrine)}) is no line")
        parts.append("maintenance without progression is the same line")
        parts += [
            f"a switch within {'/'.join(group)} without progression is the same line" for group in self.same_class
        ]
        return "; ".join(parts)

    def problems(self) -> list[str]:
        """Sentences about a rule that contradicts itself."""
        found = [] if self.separator.strip() else ["separator is empty; give the sign between two drugs, such as '+'."]
        index, hormones = fold_drug(self.index), [fold_drug(drug) for drug in self.endocrine]
        if index and index in hormones:
            found.append(f"index '{self.index}' is among endocrine; a drug that makes no line has no line of its own.")
        seen: dict[str, str] = {}
        for group in self.same_class:
            if len(group) < 2:
                found.append("same_class has a group of one drug; a switch needs two.")
            for drug in group:
                folded = fold_drug(drug)
                if folded in seen:
                    found.append(f"same_class has '{drug}' twice; a drug is in one group.")
                elif folded in hormones:
                    found.append(f"same_class has '{drug}', which is among endocrine.")
                seen[folded] = drug
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regimens:
    """Regimens, one element each, in any order.

    Parameters
    ----------
    patient
        Place of the patient.
    row
        Row of the file, for messages; breaks ties of start.
    start, end
        Days; ``NaT`` where not known.
    drugs, intent
        Texts; empty where not known. ``intent`` is None where none is declared.
    """

    patient: Ints
    row: Ints
    start: Dates
    end: Dates
    drugs: Texts
    intent: Texts | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LinesOfTherapy(RichResult):
    """Result of `lines_of_therapy`.

    ``prior_lines`` are the lines before the index drug and ``index_line`` is the line of it, one more; both nan where
    ``reason`` says why. ``regimens`` has one row a regimen, by patient and start: ``line`` (0: not counted), whether it
    ``opens`` the line, and ``why``. ``warnings`` has one row a doubt: ``patient, row, kind, message``.
    """

    patients: tuple[Any, ...]
    prior_lines: NDArray[np.float64]
    index_line: NDArray[np.float64]
    reason: Texts
    method: str
    regimens: pd.DataFrame
    warnings: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """One row a patient: patient, prior_lines, index_line, reason."""
        import pandas as pd

        return pd.DataFrame(
            {
                "patient": list(self.patients),
                "prior_lines": self.prior_lines.copy(),
                "index_line": self.index_line.copy(),
                "reason": self.reason.copy(),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """What `count_lines` finds; regimens are in the order of the input."""

    prior_lines: NDArray[np.float64]
    reason: Texts
    line: Ints
    opens: Mask
    why: Texts
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A regimen that a reader should look at; ``place`` is its position in the input, -1 for the patient."""

    kind: str
    patient: int
    place: int
    message: str


# ---------------------------------------------------------------------------------------------------------------------
# Drugs
# ---------------------------------------------------------------------------------------------------------------------


def fold_drug(name: str) -> str:
    """A drug as drugs are compared: width, case, kind of dash and runs of space say nothing.

    Examples
    --------
    >>> fold_drug("Ｔ-DM1 ") == fold_drug("t‑dm1")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", name).translate(_DASHES).casefold().split())


def split_drugs(text: str, separator: str) -> tuple[str, ...] | None:
    """The drugs of a cell, or None where one has no name.

    Examples
    --------
    >>> split_drugs("PTX + H", "+"), split_drugs("PTX++H", "+")
    (('PTX', 'H'), None)
    """
    parts = [part.strip() for part in unicodedata.normalize("NFKC", text).split(separator)]
    return tuple(parts) if all(parts) else None


@dataclass(slots=True)
class _Drugs:
    """Drugs as bits of a whole number: a regimen is a number, and a subset one operation."""

    rule: LineRule
    bits: dict[str, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    cells: dict[str, tuple[int, int]] = field(default_factory=dict)
    hormones: int = 0

    def __post_init__(self) -> None:
        for group in self.rule.same_class:
            shared = self.bit(group[0])
            self.classes |= {fold_drug(drug): shared for drug in group}
        for drug in self.rule.endocrine:
            self.hormones |= self.bit(drug)

    def bit(self, name: str) -> int:
        folded = fold_drug(name)
        if folded not in self.bits:
            self.bits[folded] = 1 << len(self.bits)
            self.names[self.bits[folded]] = name
        return self.bits[folded]

    def of(self, text: str) -> tuple[int, int]:
        """All drugs of a cell, and the same with one bit for each class."""
        if text not in self.cells:
            drugs = split_drugs(text, self.rule.separator) or () if text else ()
            plain = by_class = 0
            for drug in drugs:
                plain |= self.bit(drug)
                by_class |= self.classes.get(fold_drug(drug), self.bit(drug))
            self.cells[text] = plain, by_class
        return self.cells[text]

    def text(self, drugs: int) -> str:
        return ", ".join(name for bit, name in self.names.items() if bit & drugs)


# ---------------------------------------------------------------------------------------------------------------------
# Lines
# ---------------------------------------------------------------------------------------------------------------------


def count_lines(
    rule: LineRule,
    n: int,
    regimens: Regimens,
    progression: tuple[Ints, Dates],
    *,
    metastatic: Dates | None = None,
    index_start: Dates | None = None,
) -> Counted:
    """Lines of ``n`` patients.

    ``progression`` are known dates with the place of their patient. ``metastatic`` and ``index_start`` have one date a
    patient.
    """
    drugs = _Drugs(rule)
    sets = [drugs.of(text) for text in regimens.drugs.tolist()]
    index = drugs.bit(rule.index) if rule.index else 0
    doubts: list[Doubt] = []
    why = np.full(len(sets), "", dtype=object)
    unclear = np.full(len(sets), "", dtype=object)
    _place_in_window(rule, regimens, metastatic, why, unclear, doubts)
    for place, (plain, _) in enumerate(sets):
        if plain and not plain & ~drugs.hormones:
            if not why[place]:
                why[place] = "endocrine therapy only"
            unclear[place] = ""
        elif not plain and not why[place]:
            unclear[place] = "drugs of a regimen missing"
    unclear[why != ""] = ""
    why[unclear != ""] = unclear[unclear != ""]

    kept = np.flatnonzero(why == "")
    order = kept[np.lexsort((regimens.row[kept], regimens.start[kept], regimens.patient[kept]))]
    walk = _Walk(rule, regimens, drugs, sets, why, doubts)
    walk.run(order, _between(regimens, order, progression))
    prior, reason = _before_index(rule, n, regimens, walk, sets, index, unclear, index_start)
    return Counted(
        prior_lines=prior,
        reason=reason,
        line=walk.line,
        opens=walk.opens,
        why=why,
        doubts=tuple(doubts),
    )


def _place_in_window(
    rule: LineRule, regimens: Regimens, metastatic: Dates | None, why: Texts, unclear: Texts, doubts: list[Doubt]
) -> None:
    """Tell regimens before metastatic disease, and those of which it is not known."""
    n = len(why)
    start_known = ~np.isnat(regimens.start)
    before, dated = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    if metastatic is not None:
        since = metastatic[regimens.patient]
        dated = start_known & ~np.isnat(since)
        before = dated & (regimens.start < since)
    curative, meant = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    if regimens.intent is not None:
        counts = np.isin(regimens.intent.astype(str), rule.intents)
        meant = regimens.intent != ""
        curative = meant & ~counts
        for place in np.flatnonzero(meant & counts & before).tolist():
            message = f"The intent is {regimens.intent[place]}, and the start is before metastatic disease."
            doubts.append(Doubt(kind="intent", patient=int(regimens.patient[place]), place=place, message=message))
        if metastatic is not None:
            for place in np.flatnonzero(curative & dated & ~before).tolist():
                message = f"The intent is {regimens.intent[place]}, and the start is not before metastatic disease."
                doubts.append(Doubt(kind="intent", patient=int(regimens.patient[place]), place=place, message=message))
        why[curative] = [f"intent {intent}" for intent in regimens.intent[curative]]
    why[before] = "before metastatic disease"
    windowed = metastatic is not None or regimens.intent is not None
    if windowed:
        word = "date of metastatic disease missing" if metastatic is not None else "intent of a regimen missing"
        unclear[~dated & ~meant] = word
    unclear[~start_known] = "start of a regimen missing"


def _between(regimens: Regimens, order: Ints, progression: tuple[Ints, Dates]) -> Dates:
    """First progression after the start of the regimen before, up to the start of each regimen; ``NaT`` if none."""
    patient, start = regimens.patient[order], regimens.start[order]
    found = np.full(len(order), NEVER)
    if not len(order) or not len(progression[0]):
        return found
    days = progression[1].astype("datetime64[D]").astype(np.int64)
    base = min(int(days.min()), int(start.astype(np.int64).min()))
    span = max(int(days.max()), int(start.astype(np.int64).max())) - base + 2
    keys = np.sort(progression[0] * span + (days - base))
    own = patient * span + (start.astype("datetime64[D]").astype(np.int64) - base)
    # Regimens that start on one day are one: the one before is the last that starts earlier.
    first_of_day = np.concatenate(([True], own[1:] != own[:-1]))
    group = np.cumsum(first_of_day) - 1
    heads = own[first_of_day]
    earlier = np.where(group > 0, heads[group - 1], -1)
    same_patient = (earlier // span == patient) & (earlier >= 0)
    place = np.searchsorted(keys, earlier, side="right")
    inside = same_patient & (place < np.searchsorted(keys, own, side="right"))
    found[inside] = (keys[place[inside]] % span + base).astype("datetime64[D]")
    return found


class _Walk:
    """Goes through the regimens of each patient, and says which line each belongs to."""

    def __init__(
        self,
        rule: LineRule,
        regimens: Regimens,
        drugs: _Drugs,
        sets: Sequence[tuple[int, int]],
        why: Texts,
        doubts: list[Doubt],
    ) -> None:
        self.rule, self.regimens, self.drugs, self.sets = rule, regimens, drugs, sets
        self.why, self.doubts = why, doubts
        self.line = np.zeros(len(why), dtype=np.int64)
        self.opens = np.zeros(len(why), dtype=bool)
        self.groups: list[tuple[int, int, int, int]] = []  # patient, start, drugs, line

    def run(self, order: Ints, progressions: Dates) -> None:
        patients = self.regimens.patient[order].tolist()
        starts = self.regimens.start[order].astype(np.int64).tolist()
        places = order.tolist()
        first = 0
        while first < len(places):
            last = first + 1
            while last < len(places) and patients[last] == patients[first]:
                last += 1
            self._patient(patients[first], places[first:last], starts[first:last], progressions[first:last])
            first = last

    def _patient(self, patient: int, places: list[int], starts: list[int], progressions: Dates) -> None:
        """The regimens of one patient, by start; those of one day are one regimen."""
        rows, ends = self.regimens.row, self.regimens.end
        hormones = self.drugs.hormones
        number, so_far, so_far_class, previous = 0, 0, 0, 0
        latest: int | None = None  # last day of the line so far; None while a regimen has no end
        longest: tuple[int, int] | None = None  # latest end of any regimen before, and its place
        first = 0
        while first < len(places):
            last = first + 1
            while last < len(places) and starts[last] == starts[first]:
                last += 1
            here = places[first:last]
            plain = by_class = 0
            for place in here:
                plain |= self.sets[place][0]
                by_class |= self.sets[place][1]
            main, main_class = plain & ~hormones, by_class & ~hormones
            start, head = starts[first], here[0]
            if longest is not None and start < longest[0]:
                message = f"Starts before the regimen of row {rows[longest[1]]} ends."
                self.doubts.append(Doubt(kind="overlap", patient=patient, place=head, message=message))
            progression = progressions[first]
            if not number:
                word, new = "first regimen", True
            elif not np.isnat(progression):
                word, new = f"after progression on {progression}", True
            elif not main & ~so_far:
                new = False
                if plain & hormones & ~previous:
                    word = f"adds endocrine therapy only ({self.drugs.text(plain & hormones & ~previous)})"
                elif main & ~previous:
                    word = "restart without progression"
                else:
                    word = "maintenance, no progression" if main != previous & ~hormones else "the same drugs"
            elif not main_class & ~so_far_class:
                word, new = f"switch within a class ({self.drugs.text(main & ~so_far)}), no progression", False
            else:
                word, new = f"new drug {self.drugs.text(main & ~so_far)}", True
            known = [int(ends[place].astype(np.int64)) for place in here if not np.isnat(ends[place])]
            if new:
                number, so_far, so_far_class, latest = number + 1, 0, 0, start
            elif latest is not None and start - latest > LONG_GAP:
                message = f"Goes on with line {number} after {start - latest} days without a drug of it."
                self.doubts.append(Doubt(kind="gap", patient=patient, place=head, message=message))
            so_far, so_far_class, previous = so_far | main, so_far_class | main_class, plain
            if len(known) < len(here) or (latest is None and not new):
                latest = None
            else:
                latest = max(known) if new or latest is None else max(latest, *known)
            if known and (longest is None or max(known) > longest[0]):
                longest = max((int(ends[p].astype(np.int64)), p) for p in here if not np.isnat(ends[p]))
            self.opens[head] = new
            for place in here:
                self.line[place] = number
                self.why[place] = word if place == head else f"starts with row {rows[head]}"
            self.groups.append((patient, start, plain, number))
            first = last


def _before_index(
    rule: LineRule,
    n: int,
    regimens: Regimens,
    walk: _Walk,
    sets: Sequence[tuple[int, int]],
    index: int,
    unclear: Texts,
    index_start: Dates | None,
) -> tuple[NDArray[np.float64], Texts]:
    """Lines before the index drug of each patient, and why there is no number."""
    prior = np.full(n, np.nan)
    name = rule.index or "the index drug"
    given = np.full(n, NEVER) if index_start is None else index_start
    begun = np.where(np.isnat(given), np.iinfo(np.int64).max, given.astype(np.int64))  # day of the index drug
    opened: dict[int, list[int]] = {}  # patient -> day on which each line opened
    found = np.zeros(n, dtype=bool)
    for patient, start, plain, number in walk.groups:
        days = opened.setdefault(patient, [])
        if number > len(days):
            days.append(start)
        if plain & index and not found[patient]:
            found[patient] = True
            prior[patient] = number - 1
            if given[patient] < np.datetime64(days[-1], "D"):
                message = f"{name} starts on {given[patient]}, before its line opens on {np.datetime64(days[-1], 'D')}."
                walk.doubts.append(Doubt(kind="index-early", patient=patient, place=-1, message=message))
            begun[patient] = start
    reason = np.full(n, "", dtype=object)
    dated = ~found & ~np.isnat(given)
    for patient in np.flatnonzero(dated).tolist():
        prior[patient] = sum(day < begun[patient] for day in opened.get(patient, []))
    some = np.zeros(n, dtype=bool)
    some[regimens.patient] = True
    holds = np.array([bool(plain & index) for plain, _ in sets], dtype=bool)
    early = np.zeros(n, dtype=bool)
    for place in np.flatnonzero(holds & (walk.line == 0) & (unclear == "")).tolist():
        patient = int(regimens.patient[place])
        early[patient] = True
        if found[patient] and regimens.start[place] < np.datetime64(int(begun[patient]), "D"):
            message = f"{name} is given before the line that counts ({walk.why[place]})."
            walk.doubts.append(Doubt(kind="index-early", patient=patient, place=place, message=message))
    without = ~found & ~dated
    reason[without] = f"no regimen with {name}" if index else f"no start of {name}"
    reason[without & early] = f"{name} only outside the regimens that count"
    reason[without & ~some] = "no regimen"
    # What is not known of a regimen matters if it may lie before the index drug.
    for place in np.flatnonzero(unclear != "").tolist():
        patient = int(regimens.patient[place])
        start = regimens.start[place]
        if np.isnat(start) or start.astype(np.int64) < begun[patient]:
            prior[patient], reason[patient] = np.nan, unclear[place]
    return prior, reason


# ---------------------------------------------------------------------------------------------------------------------
# The public door
# ---------------------------------------------------------------------------------------------------------------------


def lines_of_therapy(
    regimens: pd.DataFrame,
    *,
    patient: str,
    start: str,
    drugs: str,
    index: str,
    end: str = "",
    separator: str = "+",
    intent: str = "",
    intents: Sequence[str] = (),
    progression: str | pd.Series[Any] = "",
    metastatic: str | pd.Series[Any] = "",
    endocrine: Sequence[str] = (),
    same_class: Sequence[Sequence[str]] = (),
) -> LinesOfTherapy:
    """Lines of chemotherapy before an index drug.

    Parameters
    ----------
    regimens
        One row a regimen, in any order.
    patient, start, drugs, end, intent
        Columns. ``drugs`` holds the drugs of a regimen in one cell; ``end`` is for the warnings only.
    index
        The drug whose line is asked for.
    separator
        Sign between two drugs of a cell.
    intents
        Values of ``intent`` that count, such as ``["metastatic"]``.
    progression
        Column of ``regimens``, or a series of dates indexed by patient, one or many a patient.
    metastatic
        Date of relapse, or of diagnosis in stage IV: a column of ``regimens`` with one date a patient, or a series
        indexed by patient. Regimens that start earlier do not count. Without it (and without ``intent``) all count.
    endocrine
        Endocrine drugs: a regimen of these only is no line, and adding one opens none.
    same_class
        Groups of drugs: a switch within a group without progression is the same line.

    Returns
    -------
    LinesOfTherapy
        One element a patient, in the order in which they first occur; patients of a ``metastatic`` series without a
        regimen follow.

    Raises
    ------
    InputError
        No such column, a patient or text that is missing or no date, an end before its start, a cell with an unnamed
        drug, a separator that is empty, an index drug that nobody had or that is endocrine, intent without intents.

    Notes
    -----
    In order: regimens before metastatic disease and with another intent do not count, nor do those of endocrine drugs
    only; regimens that start on one day are one. A regimen then opens a line if there was progression after the start
    of the one before, up to and including its own start; else if it has a drug that is neither endocrine, nor in the
    line already, nor (by class) a switch for one. Maintenance, a de-escalation and a restart without progression go on
    with the line; a restart after progression does not. Prior lines are the lines before the one of the index drug. The
    number is missing where a start, the drugs, or the date of metastatic disease are missing in a regimen that may lie
    before the index drug. Warned of: regimens that overlap, an index drug given before its line, more than a year
    inside a line without a drug, an intent that contradicts the date. No R package has this rule. Sakai et al. 2018,
    Breast Cancer 25:605, count paclitaxel plus trastuzumab and then trastuzumab as one.

    Examples
    --------
    >>> import pandas as pd
    >>> given = pd.DataFrame({
    ...     "id": ["a", "a", "a", "a", "b", "b", "b"],
    ...     "start": pd.to_datetime(["2015-01-05", "2015-06-01", "2015-10-01", "2016-02-01",
    ...                              "2013-01-07", "2015-03-02", "2016-01-04"]),
    ...     "drugs": ["PTX+H", "H", "H+LAP", "T-DM1", "AC", "H+AI", "T-DM1"],
    ...     "pd": pd.to_datetime([None, "2015-09-28", "2016-01-20", None, None, None, None])})
    >>> relapse = pd.Series(pd.to_datetime(["2014-12-01", "2015-02-01"]), index=["a", "b"])
    >>> lines = lines_of_therapy(given, patient="id", start="start", drugs="drugs", index="T-DM1", progression="pd",
    ...                          metastatic=relapse, endocrine=["AI"])
    >>> lines.to_frame()[["patient", "prior_lines", "index_line"]].values.tolist()
    [['a', 2.0, 3.0], ['b', 1.0, 2.0]]
    >>> lines.regimens[["patient", "line", "why"]].values.tolist()[1]
    ['a', 1, 'maintenance, no progression']
    """
    refuse(_unfit(regimens, metastatic, progression))
    rule = LineRule(
        index=index,
        endocrine=tuple(endocrine),
        same_class=tuple(tuple(group) for group in same_class),
        intents=tuple(intents),
        separator=separator,
    )
    problems = rule.problems()
    if not index:
        problems.append("index is empty; give the drug whose line is asked for.")
    if bool(intent) != bool(intents):
        problems.append("intent and intents go together: the column, and the values that count.")
    named = {"patient": patient, "start": start, "drugs": drugs, "end": end, "intent": intent}
    named |= {"progression": progression if isinstance(progression, str) else ""}
    named |= {"metastatic": metastatic if isinstance(metastatic, str) else ""}
    for role, column in named.items():
        if column and column not in regimens.columns:
            near = did_you_mean(column, map(str, regimens.columns))
            problems.append(f"{role}: regimens has no column {column}." + (f" Did you mean {near}?" if near else ""))
    refuse(problems)

    who = np.asarray(regimens[patient], dtype=object)
    absent = missing_rows(who)
    if absent.any():
        problems.append(f"{patient} is missing at {_positions(absent)}; a regimen needs its patient.")
    places: dict[Any, int] = dict.fromkeys(who[~absent].tolist(), 0)
    if not isinstance(metastatic, str):
        places |= dict.fromkeys(metastatic.index.tolist(), 0)
    places = {value: place for place, value in enumerate(places)}
    cells = _cells(drugs, regimens[drugs], problems)
    starts = _dates(start, regimens[start], problems)
    ends = _dates(end, regimens[end], problems) if end else np.full(len(regimens), NEVER)
    late = ends < starts
    if late.any():
        problems.append(f"{end} is before {start} at {_positions(late)}.")
    intended = _cells(intent, regimens[intent], problems) if intent else None
    unnamed = np.array([bool(text) and split_drugs(text, separator) is None for text in cells.tolist()], dtype=bool)
    if unnamed.any():
        problems.append(f"{drugs} has a drug without a name at {_positions(unnamed)}; the separator is '{separator}'.")
    known = {fold_drug(drug): drug for text in set(cells) if text for drug in split_drugs(text, separator) or ()}
    if index and fold_drug(index) not in known:
        near = did_you_mean(index, known.values())
        problems.append(f"index '{index}' is in no regimen." + (f" Did you mean {near}?" if near else ""))
    refuse(problems)

    patient_of = np.array([places[value] for value in who.tolist()], dtype=np.int64)
    since = _per_patient("metastatic", metastatic, regimens, patient_of, places, problems)
    progressed = _progression(progression, regimens, patient_of, places, problems)
    refuse(problems)
    table = Regimens(
        patient=patient_of,
        row=_labels(regimens),
        start=starts,
        end=ends,
        drugs=cells,
        intent=intended,
    )
    counted = count_lines(rule, len(places), table, progressed, metastatic=since)
    return _result(rule, tuple(places), table, counted, regimens)


def _result(
    rule: LineRule, patients: tuple[Any, ...], table: Regimens, counted: Counted, given: pd.DataFrame
) -> LinesOfTherapy:
    import pandas as pd

    order = np.lexsort((table.row, table.start, table.patient))
    names = np.empty(len(patients), dtype=object)
    names[:] = patients
    frame = pd.DataFrame(
        {
            "patient": names[table.patient[order]],
            "start": table.start[order].astype("datetime64[s]"),
            "drugs": table.drugs[order],
            "line": counted.line[order],
            "opens": counted.opens[order],
            "why": counted.why[order],
        },
        index=given.index[order],
    )
    doubts = [
        (patients[doubt.patient], given.index[doubt.place] if doubt.place >= 0 else None, doubt.kind, doubt.message)
        for doubt in counted.doubts
    ]
    return LinesOfTherapy(
        patients=patients,
        prior_lines=read_only(counted.prior_lines),
        index_line=read_only(counted.prior_lines + 1),
        reason=read_only(counted.reason, dtype=object),
        method=rule.method,
        regimens=frame,
        warnings=pd.DataFrame(doubts, columns=["patient", "row", "kind", "message"]),
    )


def _unfit(regimens: object, metastatic: object, progression: object) -> list[str]:
    """Sentences about arguments of another type."""
    import pandas as pd

    found = [] if isinstance(regimens, pd.DataFrame) else ["regimens is no pandas DataFrame; give one row a regimen."]
    for name, given in (("metastatic", metastatic), ("progression", progression)):
        if not isinstance(given, str | pd.Series):
            found.append(f"{name} is neither the name of a column nor a series of dates indexed by patient.")
    return found


def _labels(regimens: pd.DataFrame) -> Ints:
    """What messages call the rows: the frame's own whole numbers, else positions."""
    if regimens.index.dtype.kind == "i" and regimens.index.is_unique:
        return regimens.index.to_numpy(dtype=np.int64)
    return np.arange(len(regimens), dtype=np.int64)


def _positions(bad: Mask) -> str:
    where = [str(place + 1) for place in np.flatnonzero(bad).tolist()]
    more = f" and {len(where) - 10} more" if len(where) > 10 else ""
    return f"{'position' if len(where) == 1 else 'positions'} {', '.join(where[:10])}{more}"


def _cells(name: str, values: object, problems: list[str]) -> Texts:
    """Texts of a column, empty where missing."""
    array = read_column(name, np.asarray(values, dtype=object), problems)
    assert array is not None
    texts = np.where(missing_rows(array), "", array).astype(object)
    other = np.array([not isinstance(text, str) for text in texts.tolist()], dtype=bool)
    if other.any():
        problems.append(f"{name} holds no text at {_positions(other)}; give words.")
        texts[other] = ""
    return np.array([text.strip() for text in texts.tolist()], dtype=object)


def _dates(name: str, values: Any, problems: list[str]) -> Dates:
    """Days of a column of dates, ``NaT`` where missing."""
    import pandas as pd

    column = pd.Series(values)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        problems.append(
            f"{name} has a time zone; use .dt.tz_convert and .dt.tz_localize(None) for the day that counts."
        )
        return np.full(len(column), NEVER)
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.to_numpy().astype("datetime64[D]")
    cells = column.to_numpy(dtype=object)
    days = np.full(len(cells), NEVER)
    for place in np.flatnonzero(~missing_rows(cells)).tolist():
        if not hasattr(cells[place], "isoformat") or not hasattr(cells[place], "year"):
            problems.append(f"{name} holds {cells[place]!r}, which is no date; use pandas.to_datetime first.")
            break
        days[place] = np.datetime64(cells[place].isoformat()[:10], "D")  # also a day that no nanoseconds reach
    return days


def _per_patient(
    name: str,
    given: str | pd.Series[Any],
    regimens: pd.DataFrame,
    patient_of: Ints,
    places: Mapping[Any, int],
    problems: list[str],
) -> Dates | None:
    """One date a patient, from a column that repeats it or a series."""
    if isinstance(given, str):
        if not given:
            return None
        dates, where = _dates(given, regimens[given], problems), patient_of
    else:
        dates = _dates(name, given, problems)
        where = np.array([places[value] for value in given.index.tolist()], dtype=np.int64)
        problems += check_length(name, len(dates), "its index", len(where))
    found = np.full(len(places), NEVER)
    known = ~np.isnat(dates)
    found[where[known]] = dates[known]
    differs = known & (found[where] != dates)
    if differs.any():
        names = list(places)
        whom = ", ".join(str(names[place]) for place in np.unique(where[differs])[:10])
        problems.append(f"{name} has two dates for {whom}; give one a patient.")
    return found


def _progression(
    given: str | pd.Series[Any],
    regimens: pd.DataFrame,
    patient_of: Ints,
    places: Mapping[Any, int],
    problems: list[str],
) -> tuple[Ints, Dates]:
    if isinstance(given, str):
        if not given:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype="datetime64[D]")
        dates, where = _dates(given, regimens[given], problems), patient_of
    else:
        dates = _dates("progression", given, problems)
        where = np.array([places.get(value, -1) for value in given.index.tolist()], dtype=np.int64)
    known = ~np.isnat(dates) & (where >= 0)
    return where[known], dates[known]
