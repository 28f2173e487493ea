"""``[derive.NAME]`` with ``rule``: definitions of the field that make variables from records.

One frozen class a rule. It declares its keys; which of them name variables, and of what kind; and which variables the
rule makes. How they are made is in :mod:`cohortstats.derivations.rules`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from cohortstats.errors import Problem
from cohortstats.expressions import ColumnKind, Kind, iso_date
from cohortstats.schema import each_key, key

if TYPE_CHECKING:
    from cohortstats.study.sections import Column, DataTable

__all__ = [
    "RULES",
    "BestResponse",
    "FirstEvaluation",
    "Her2",
    "LinesOfTherapyRule",
    "ProgressionDate",
    "Receptor",
    "Rule",
    "VisitRule",
    "rule_of",
]

LEVELED: tuple[Kind, ...] = ("yes/no", "ordered", "category")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What all rules have.

    A key that names a variable is declared with ``refers``: ``"variable"`` has one value a patient, ``"record"`` is a
    column of ``table``, ``"table"`` a table with many rows per patient.
    """

    KINDS: ClassVar[Mapping[str, tuple[Kind, ...]]] = {}
    """Key -> kinds that the variable it names may have; any kind where the key is not here."""
    COMPANIONS: ClassVar[Mapping[str, ColumnKind]] = {}
    """What the rule makes beside NAME: ``date`` stands for the variable ``NAME_date``."""
    KNOWN: ClassVar[str] = ""
    """``after start`` where the value tells of what happened after the start of treatment."""
    FORMED: ClassVar[str] = ""
    """When a grouping made by the rule was formed, where the study file does not say."""

    name: str
    rule: str = key("Which rule makes the variable, instead of when, value and cases.")
    label: str = key("Name in tables; *word* is italic.", default="")
    labels: tuple[str, ...] = key("Names of the levels in tables; yes first, then no.", default=())
    note: str = key("Footnote of the variable.", default="")
    formed: Literal["", "at baseline", "after outcome"] = key("When the grouping was formed.", default="")

    @property
    def kind(self) -> ColumnKind:
        """What NAME is."""
        raise NotImplementedError

    @property
    def makes(self) -> Mapping[str, ColumnKind]:
        """Every variable that the rule makes, NAME first, and what it is."""
        beside = {f"{self.name}_{suffix}": kind for suffix, kind in self.COMPANIONS.items()}
        return MappingProxyType({self.name: self.kind, **beside})

    @property
    def needs(self) -> tuple[str, ...]:
        """Variables that the rule is made from, as the study file writes them."""
        named: list[str] = []
        for _, refers, value in each_key(self):
            if refers in ("variable", "record"):
                named += [value] if isinstance(value, str) else list(_texts(value))
        where = getattr(self, "where", None)
        named += list(where) if isinstance(where, Mapping) else []
        for _, date, conditions in self.elsewhere():
            named += [date, *conditions]
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def event_names(self) -> tuple[str, ...]:
        """Dates that are empty where there was no event: empty is an answer."""
        return ()

    def completed(self, table: DataTable | None, columns: Mapping[str, Column]) -> Self:
        """The same rule with what the table that it names says: ``columns`` are those of that table."""
        del table, columns
        return self

    def faults(self) -> Iterator[tuple[str, Problem]]:
        """Key and problem (code, message, mend) of values that do not fit each other."""
        yield from ()

    def named_levels(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Key, column and levels that the key says the column has."""
        yield from ()

    def elsewhere(self) -> Iterator[tuple[str, str, Mapping[str, tuple[str, ...]]]]:
        """Key, variable and conditions (column -> levels) of records that may be in any table."""
        yield from ()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, tuple):
        yield from (element for element in value if isinstance(element, str))


# ---------------------------------------------------------------------------------------------------------------------
# Responses at visits
# ---------------------------------------------------------------------------------------------------------------------

READER_NAMES = frozenset({"reader", "rseval", "evaluator", "assessor", "判定者", "読影者"})
"""Columns that are taken for the reader's where the rule names none, whatever their case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRule(Rule):
    """What rules over visits with a RECIST 1.1 response have."""

    KINDS: ClassVar[Mapping[str, tuple[Kind, ...]]] = {
        "response": ("ordered", "category"),
        "date": ("date",),
        "start": ("date",),
        "readers": (*LEVELED, "text"),
        "accepted": ("yes/no",),
    }
    KNOWN: ClassVar[str] = "after start"
    FORMED: ClassVar[str] = "after outcome"

    table: str = key("Table of the visits, with many rows per patient.", refers="table")
    response: str = key(
        "Response at the visit: CR, PR, SD, NON-CR/NON-PD, PD or NE; levels declared unknown count as NE.",
        refers="record",
    )
    start: str = key("Date from which days are counted; visits before it are errors.", refers="variable")
    date: str = key("Date of the visit; left out, what orders the table.", default="", refers="record")
    reader: str = key("Whose responses count, a level of readers; readers are never put together.", default="")
    readers: str = key(
        "Column that says who read the scan; left out, the one called reader, evaluator, assessor or RSEVAL.",
        default="",
        refers="record",
    )
    accepted: str = key(
        "Yes/no column that marks the responses that count, of whichever reader, after adjudication.",
        default="",
        refers="record",
    )
    where: Mapping[str, tuple[str, ...]] = key(
        "Column of the table -> levels; rows with another level do not count.", default={}
    )
    duplicates: Literal["", "worst"] = key(
        "What counts of two responses on one day: worst, which is the first of PD, NON-CR/NON-PD, SD, PR, CR and NE; "
        "left out, they are errors.",
        default="",
    )
    cutoff: str = key(
        "Data cut-off (ISO date), when it is not that of the study; later visits do not count.", default=""
    )

    def completed(self, table: DataTable | None, columns: Mapping[str, Column]) -> Self:
        """The date is what orders the table, and the reader's column the one that is called so."""
        date, readers = self.date, self.readers
        if not date and table is not None:
            date = next((name for name in (table.order, f"{table.name}.{table.order}") if name in columns), "")
        if not readers and not self.accepted:
            called = [
                name
                for name, column in columns.items()
                if {name.rpartition(".")[2].casefold(), column.source.casefold()} & READER_NAMES and not column.flag
            ]
            readers = called[0] if len(called) == 1 and called[0] not in self.where else ""
        return dataclasses.replace(self, date=date, readers=readers)

    def faults(self) -> Iterator[tuple[str, Problem]]:
        if self.reader and self.accepted:
            yield "accepted", Problem(code="key-conflict", message="reader and accepted exclude each other.")
        elif self.reader and not self.readers:
            fact = "reader needs readers, the column that says who read the scan."
            yield "reader", Problem(code="key-missing", message=fact)
        if self.cutoff and iso_date(self.cutoff) is None:
            fact = f"cutoff must be a date, not '{self.cutoff}'."
            yield "cutoff", Problem(code="key-type", message=fact, mend="Write year-month-day, such as 2017-04-30.")

    def named_levels(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if self.reader and self.readers:
            yield "reader", self.readers, (self.reader,)


@dataclass(frozen=True, slots=True, kw_only=True)
class BestResponse(VisitRule):
    """``rule = "best response"``: best overall response by RECIST 1.1, confirmed or not."""

    COMPANIONS: ClassVar[Mapping[str, ColumnKind]] = {"date": ColumnKind(kind="date")}

    rule: Literal["best response"] = key("best response")
    min_sd: int = key("Days from start from which SD and NON-CR/NON-PD count; no value holds for all studies.")
    confirmed: bool = key("Whether CR and PR must be confirmed at a later visit.", default=False)
    confirm: int = key("Days from a response to the visit that confirms it, at least.", default=28)
    max_ne: int = key("Most NE between a response and its confirmation.", default=1)
    accept_sd: bool = key("Whether one SD may lie between PR and its confirmation.", default=True)
    none: Literal["NE", "missing"] = key("What patients without a visit have.", default="missing")
    levels: tuple[str, ...] = ()  # responses that the visits can have, where their column says so

    @property
    def kind(self) -> ColumnKind:
        """Ordered from the best to NE."""
        return ColumnKind(kind="ordered", levels=self.levels or RESPONSES)

    def completed(self, table: DataTable | None, columns: Mapping[str, Column]) -> Self:
        """NON-CR/NON-PD is no level of patients who all have measured lesions."""
        rule = VisitRule.completed(self, table, columns)
        column = columns.get(rule.response)
        measured = column is not None and column.order and NON_MEASURED not in column.order
        levels = tuple(level for level in RESPONSES if level != NON_MEASURED) if measured else ()
        return dataclasses.replace(rule, levels=levels)

    def faults(self) -> Iterator[tuple[str, Problem]]:
        # The base class by name: zero-argument super() is that of the class before slots were added.
        yield from VisitRule.faults(self)
        for word, least in (("min_sd", 0), ("confirm", 1), ("max_ne", 0)):
            number = getattr(self, word)
            if number < least:
                yield word, Problem(code="key-type", message=f"{word} must be {least} or more, not {number}.")


NON_MEASURED = "NON-CR/NON-PD"
RESPONSES = ("CR", "PR", "SD", NON_MEASURED, "PD", "NE")
"""Responses of RECIST 1.1, the best first; NON-CR/NON-PD is that of patients without a measured lesion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstEvaluation(VisitRule):
    """``rule = "first evaluation"``: progression at the first evaluation, which is primary resistance."""

    KINDS: ClassVar[Mapping[str, tuple[Kind, ...]]] = {
        **VisitRule.KINDS,
        "death": ("date",),
        "clinical_progression": ("date",),
    }
    COMPANIONS: ClassVar[Mapping[str, ColumnKind]] = {
        "date": ColumnKind(kind="date"),
        "basis": ColumnKind(kind="category", levels=("scan", "NE", "none", "before scan", "excluded")),
    }

    rule: Literal["first evaluation"] = key("first evaluation")
    evaluation: Literal["recorded first", "skip NE"] = key(
        "Which visit is the first: the first recorded one, and then NE is unknown; or the first that is not NE.",
        default="recorded first",
    )
    death: str = key(
        "Date of death; one before the first scan is what before_scan says.", default="", refers="variable"
    )
    clinical_progression: str = key(
        "Date of progression without a scan; one before the first scan is what before_scan says.",
        default="",
        refers="variable",
    )
    before_scan: Literal["", "resistant", "unknown", "exclude"] = key(
        "What death or clinical progression before the first scan is; needed when one of them is named. NAME_basis "
        "tells those excluded from those unknown.",
        default="",
    )

    @property
    def kind(self) -> ColumnKind:
        """Yes where the first evaluation found progression."""
        return ColumnKind(kind="yes/no")

    @property
    def event_names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.death, self.clinical_progression) if name)

    def faults(self) -> Iterator[tuple[str, Problem]]:
        yield from VisitRule.faults(self)
        named = [word for word in ("death", "clinical_progression") if getattr(self, word)]
        choices = '"resistant", "unknown" or "exclude"'
        if named and not self.before_scan:
            fact = f"{named[0]} needs before_scan = {choices}; there is no default."
            yield named[0], Problem(code="key-missing", message=fact)
        if self.before_scan and not named:
            fact = "before_scan needs death or clinical_progression, a date."
            yield "before_scan", Problem(code="key-missing", message=fact)


# ---------------------------------------------------------------------------------------------------------------------
# Pathology
# ---------------------------------------------------------------------------------------------------------------------

RECEPTOR_LEVELS = ("positive", "low", "negative")
HER2_LEVELS = ("positive", "equivocal", "negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receptor(Rule):
    """``rule = "receptor"``: estrogen or progesterone receptor status from the share of stained cells."""

    KINDS: ClassVar[Mapping[str, tuple[Kind, ...]]] = {"percent": ("number",)}

    rule: Literal["receptor"] = key("receptor")
    percent: str | tuple[str, ...] = key(
        "Number: percent of stained cells. Of a list the answer is positive where one of them is, low counted so.",
        refers="variable",
    )
    guideline: Literal["", "ASCO/CAP 2010", "ASCO/CAP 2020"] = key(
        "Both are positive from 1 %; in that of 2020 up to 10 % is low.", default=""
    )
    positive_from: float | None = key(
        "Percent from which on, itself included, a receptor is positive, instead of a guideline.", default=None
    )
    scale: Literal["percent", "Allred", "H-score"] = key(
        "What percent holds; an Allred or H-score needs levels.", default="percent"
    )
    levels: Mapping[str, float] = key(
        "Level (positive, low, negative) -> its lowest score, instead of a guideline.", default={}
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The variables of ``percent``."""
        return self.percent if isinstance(self.percent, tuple) else (self.percent,)

    @property
    def kind(self) -> ColumnKind:
        """Positive, low where the rule has it, negative."""
        low = "low" in self.levels or self.guideline == "ASCO/CAP 2020"
        skipped = set() if low and len(self.columns) == 1 else {"low"}
        return ColumnKind(kind="category", levels=tuple(level for level in RECEPTOR_LEVELS if level not in skipped))

    def faults(self) -> Iterator[tuple[str, Problem]]:
        given = (("guideline", self.guideline), ("positive_from", self.positive_from), ("levels", self.levels))
        named = [word for word, value in given if value or value == 0]
        if not self.columns:
            yield "percent", Problem(code="key-type", message="percent names no variable.")
        if self.scale != "percent" and named != ["levels"]:
            fact = f'scale "{self.scale}" needs levels, the lowest score of each level, and nothing else.'
            start = 3 if self.scale == "Allred" else 1
            mend = f"Write levels = {{ negative = 0, positive = {start} }} with the scores of the study."
            yield "scale", Problem(code="key-missing", message=fact, mend=mend)
        elif len(named) > 1:
            fact = f"{named[0]} and {named[1]} exclude each other."
            yield named[1], Problem(code="key-conflict", message=fact)
        elif not named:
            fact = "Neither guideline nor positive_from says from which percent on a receptor is positive."
            yield "rule", Problem(code="key-missing", message=fact)
        top = {"percent": 100, "Allred": 8, "H-score": 300}[self.scale]
        if self.positive_from is not None and not 0 < self.positive_from <= 100:
            fact = f"positive_from must be above 0 and at most 100, not {self.positive_from:g}."
            yield "positive_from", Problem(code="key-type", message=fact)
        starts = [self.levels[level] for level in reversed(RECEPTOR_LEVELS) if level in self.levels]
        wrong = set(self.levels) - set(RECEPTOR_LEVELS) or not {"positive", "negative"} <= set(self.levels)
        rising = starts == sorted(set(starts)) and all(0 <= start <= top for start in starts)
        if self.levels and (wrong or not rising or starts[0] != 0):
            fact = f"levels must be negative at 0, then low if there is one, then positive, rising, at most {top}."
            yield "levels", Problem(code="key-type", message=fact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Her2(Rule):
    """``rule = "HER2"``: HER2 status from immunohistochemistry and in situ hybridisation."""

    KINDS: ClassVar[Mapping[str, tuple[Kind, ...]]] = {
        "ihc": ("number", "ordered", "category", "text"),
        "ratio": ("number",),
        "copies": ("number",),
        "ish": ("yes/no",),
    }
    COMPANIONS: ClassVar[Mapping[str, ColumnKind]] = {
        "group": ColumnKind(kind="category", levels=("1", "2", "3", "4", "5")),
        "comment": ColumnKind(kind="text"),
    }

    rule: Literal["HER2"] = key("HER2")
    ihc: str = key("Score 0, 1+, 2+ or 3+.", default="", refers="variable")
    ratio: str = key("Number: HER2 signals over CEP17 signals, dual probe.", default="", refers="variable")
    copies: str = key("Number: HER2 signals per cell; without ratio a single probe.", default="", refers="variable")
    ish: str = key(
        "Yes/no: the laboratory's own ISH call, instead of ratio, copies and guideline; positive is IHC 3+, or 2+ with "
        "ISH positive.",
        default="",
        refers="variable",
    )
    guideline: Literal["", "2007", "2013", "2018"] = key(
        "Year of the ASCO/CAP guideline; that of 2018 was kept in 2023, and gives NAME_group, the ISH group.",
        default="",
    )

    @property
    def kind(self) -> ColumnKind:
        """Positive, equivocal, negative."""
        return ColumnKind(kind="category", levels=HER2_LEVELS)

    def faults(self) -> Iterator[tuple[str, Problem]]:
        counted = [word for word in ("ratio", "copies") if getattr(self, word)]
        other = [*counted, *(["guideline"] if self.guideline else [])]
        if self.ish and other:
            fact = f"ish and {other[0]} exclude each other; ish is the laboratory's own call of its counts."
            yield "ish", Problem(code="key-conflict", message=fact)
        elif self.ish and not self.ihc:
            yield (
                "ish",
                Problem(code="key-missing", message="ish needs ihc: positive is IHC 3+, or 2+ with ISH positive."),
            )
        elif counted and not self.guideline:
            fact = f'{counted[0]} needs guideline = "2007", "2013" or "2018".'
            yield counted[0], Problem(code="key-missing", message=fact)
        elif not (self.ihc or other):
            yield "rule", Problem(code="key-missing", message="No test is named: ihc, ratio, copies or ish.")


# ---------------------------------------------------------------------------------------------------------------------
# Treatment
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressionDate:
    """``progression`` of ``rule = "lines of therapy"``: dates of progression among other visits."""

    date: str = key("Date of the visit, a column of any table.")
    where: Mapping[str, tuple[str, ...]] = key(
        "Column of the same table -> levels that are progression, such as response = [PD].", default={}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesOfTherapyRule(Rule):
    """``rule = "lines of therapy"``: lines before an index drug; NAME_index is the line of the drug, one more."""

    KINDS: ClassVar[Mapping[str, tuple[Kind, ...]]] = {
        "start": ("date",),
        "end": ("date",),
        "drugs": ("category", "ordered", "text"),
        "intent": LEVELED,
        "progression": ("date",),
        "metastatic": ("date",),
        "index_start": ("date",),
    }
    COMPANIONS: ClassVar[Mapping[str, ColumnKind]] = {"index": ColumnKind(kind="number")}

    rule: Literal["lines of therapy"] = key("lines of therapy")
    table: str = key("Table of the regimens, with many rows per patient.", refers="table")
    drugs: str = key("Drugs of the regimen, all in one cell.", refers="record")
    start: str = key("First day of the regimen; left out, what orders the table.", default="", refers="record")
    end: str = key("Last day of the regimen, for the warnings.", default="", refers="record")
    separator: str = key("Sign between the drugs of a cell.", default="+")
    intent: str = key("What the regimen was given for, such as adjuvant.", default="", refers="record")
    intents: tuple[str, ...] = key("Levels of intent that count, such as palliative.", default=())
    progression: str | ProgressionDate = key(  # noqa: RUF009
        "Date of progression, of the regimen or of any table; or date and where, such as visits with PD.", default=""
    )
    metastatic: str = key(
        "Date of relapse, or of diagnosis in stage IV; regimens that start before it do not count.",
        default="",
        refers="variable",
    )
    index: str = key("Drug whose line is asked for.", default="")
    index_start: str = key(
        "Date of its first dose, for patients in whose regimens it is not.", default="", refers="variable"
    )
    endocrine: tuple[str, ...] = key(
        "Endocrine drugs: alone they are no line, added to a line they open none.", default=()
    )
    same_class: tuple[tuple[str, ...], ...] = key(
        "Groups of drugs: a switch within a group without progression is the same line.", default=()
    )

    @property
    def kind(self) -> ColumnKind:
        """Number of lines before the index drug."""
        return ColumnKind(kind="number")

    def completed(self, table: DataTable | None, columns: Mapping[str, Column]) -> Self:
        """The start is what orders the table."""
        start = self.start
        if not start and table is not None:
            start = next((name for name in (table.order, f"{table.name}.{table.order}") if name in columns), "")
        return dataclasses.replace(self, start=start)

    def elsewhere(self) -> Iterator[tuple[str, str, Mapping[str, tuple[str, ...]]]]:
        if isinstance(self.progression, ProgressionDate):
            yield "progression", self.progression.date, self.progression.where
        elif self.progression:
            yield "progression", self.progression, {}

    def faults(self) -> Iterator[tuple[str, Problem]]:
        if not (self.index or self.index_start):
            fact = "Nothing says which drug's line is asked for; give index, the drug, or index_start, its first day."
            yield "rule", Problem(code="key-missing", message=fact)
        if bool(self.intent) != bool(self.intents):
            fact = "intent and intents go together: the column, and the levels that count."
            yield "intent" if self.intent else "intents", Problem(code="key-missing", message=fact)
        if not self.separator.strip():
            fact = "separator is empty; give the sign between two drugs, such as +."
            yield "separator", Problem(code="key-type", message=fact)
        if any(len(group) < 2 for group in self.same_class):
            fact = "same_class has a group of one drug; a switch needs two."
            yield "same_class", Problem(code="key-type", message=fact)

    def named_levels(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if self.intent and self.intents:
            yield "intents", self.intent, self.intents


RULES: Mapping[str, type[Rule]] = {
    "HER2": Her2,
    "best response": BestResponse,
    "first evaluation": FirstEvaluation,
    "lines of therapy": LinesOfTherapyRule,
    "receptor": Receptor,
}
"""Value of ``rule`` -> its class."""


def rule_of(name: object) -> type[Rule] | None:
    """The class of a rule, by its name in the study file."""
    return RULES.get(name) if isinstance(name, str) else None
