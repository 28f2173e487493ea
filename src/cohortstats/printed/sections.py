"""The sections of a file of printed values: every key with its type, default and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cohortstats.schema import key

# A P value's test is named in words of the paper; reading does not judge it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """``[paper]``: whose numbers these are."""

    id: str = key("Short name.")
    title: str = key("Title of the paper.", default="")
    authors: str = key("Authors.", default="")
    year: int | None = key("Year of publication.", default=None)
    doi: str = key("DOI.", default="")
    software: str = key("Program of the paper; picks the default interval of a survival block.", default="")
    decimal: Literal[".", ","] = key("Decimal mark of the paper.", default=".")
    synthetic: str = key("Label put on everything that is rebuilt from this file.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFile:
    """``given`` of ``[cohort]``: patients printed one by one, held fixed in every rebuild."""

    file: str = key("CSV file beside this one.")
    rows: int | None = key("Number of its patients.", default=None)
    where: str = key("Where they are printed.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """``[cohort]``: all patients of the paper."""

    n: str = key("Number of patients.")
    where: str = key("Where it is printed.", default="")
    id: str = key("Column that identifies a patient.", default="")
    given: GivenFile | None = key("Patients printed one by one.", default=None)  # noqa: RUF009


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedColumn:
    """``[columns] NAME``: yes/no where nothing is said."""

    name: str
    levels: tuple[str, ...] = key("All levels.", default=())
    ordered: bool = key("Whether the levels have an order.", default=False)
    type: Literal["", "integer", "number", "time", "id"] = key("Kind of a column without levels.", default="")
    unit: str = key("Unit of a number.", default="")
    whole: bool = key("Whether values are whole numbers.", default=False)
    among: str = key("Expression; others have no value.", default="", refers="expression")
    hidden: bool = key("Needed by a rule, not written to a rebuilt table.", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """``[[table.block]]``: the rows of one variable."""

    variable: str = key("Column or defined name; none when each row names its own yes/no column.", default="")
    cells: tuple[tuple[str, ...], ...] = key("Rows: level, then the cells as printed.")
    sums: Literal["", "all", "part", "any"] = key(
        "all: exclusive and complete; part: exclusive, some rows not printed; any: each row its own yes/no column.",
        default="",
    )
    among: str = key("Expression; the patients of the block.", default="", refers="expression")
    p: str = key("P value of the block.", default="")
    test: str = key("Test of the P value.", default="")
    of: str = key("Printed denominator of the block.", default="")
    unit: str = key("Unit of a number.", default="")
    whole: bool = key("Whether values are whole numbers.", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``[[table]]``: a printed table."""

    id: str = key("First part of every address.")
    where: str = key("Place in the paper.", default="")
    n: str = key("Number in the column head.", default="")
    outcome: str = key("Yes/no variable; cells are then patients, and patients with the outcome.", default="")
    all: str = key("Printed cell of all patients with the outcome.", default="")
    test: str = key("Test of the P values.", default="")
    block: tuple[Block, ...] = key("Blocks of the table.", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """``[[text]]``: a number in running text, or a statement without one."""

    id: str = key("Address of the statement.")
    where: str = key("Place in the paper.", default="")
    n: str = key("Printed count.", default="")
    of: str = key("Printed denominator.", default="")
    percent: str = key("Printed percentage.", default="")
    when: str = key("Expression that is counted; without it all are.", default="", refers="expression")
    among: str = key("Expression; the patients of the statement.", default="", refers="expression")
    about: bool = key("Printed with ~.", default=False)
    cohort: Literal["", "other"] = key("other: another study, arithmetic only.", default="")
    rule: str = key("Expression that holds for every patient.", default="", refers="expression")
    reading: str = key("Expression under which the statement can hold.", default="", refers="expression")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTest:
    """``[[test]]``: a P value whose table is not a block."""

    id: str = key("Address of the test.")
    where: str = key("Place in the paper.", default="")
    p: str = key("Printed P value.")
    test: str = key("Test of the P value.", default="")
    table: tuple[tuple[str | int, ...], ...] = key(
        "[[a, n1], [b, n2]] for two groups; anything larger is the rows of an r by c table of counts.", default=()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """``[[survival]]``: medians and limits of a Kaplan-Meier figure."""

    id: str = key("First part of every address.")
    where: str = key("Place in the paper.", default="")
    among: str = key("Expression; the patients of the figure.", default="", refers="expression")
    time: str = key("Column of the time.", default="", refers="column")
    event: str = key("Yes/no column of the event.", default="", refers="column")
    unit: str = key("Unit of time.", default="")
    whole: bool = key("Whether times are whole.", default=False)
    ci: str = key("Type of the interval.", default="")
    level: str | float = key("Level of the interval: 95 or 0.95.", default=0.95)
    group: str = key("Grouping variable.", default="", refers="variable")
    cells: tuple[tuple[str, ...], ...] = key("Rows: level, median (lower-upper).", default=())
    test: str = key("Test between the groups.", default="")
    p: str = key("P value.", default="")
    first: str = key("Expression; those whose events precede all others.", default="", refers="expression")
    n: tuple[str, ...] = key("Patients in each group.", default=())
    events: tuple[str, ...] = key("Events in each group.", default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """``[[identity]]``: must hold by meaning."""

    id: str = key("Address of the identity.")
    rule: str = key("Expression that holds for every patient.", default="", refers="expression")
    sum: tuple[str, ...] = key("Addresses whose values are added.", default=())
    equals: str = key("Number or address that the sum must equal.", default="")
    why: str = key("Reason.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``[[derived]]`` and ``[[assumed]]``: a rule for every patient, or a count."""

    id: str = key("Address of the rule.")
    rule: str = key("Expression that holds for every patient.", default="", refers="expression")
    n: str = key("Count of those for whom when is yes.", default="")
    when: str = key("Expression that is counted.", default="", refers="expression")
    among: str = key("Expression; the patients that are counted.", default="", refers="expression")
    why: str = key("Reason.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """``[[trial]]``: one comparison of a trial; the first arm is the numerator of the ratio."""

    id: str = key("Address of the comparison.")
    where: str = key("Place in the paper.", default="")
    trial: str = key("Name of the trial.", default="")
    endpoint: str = key("Endpoint.", default="")
    arms: tuple[str, ...] = key("Arms.", default=())
    n: str = key("Patients.", default="")
    arm_n: tuple[str, ...] = key("Patients in each arm.", default=())
    unit: str = key("Unit of the medians.", default="")
    median: tuple[str, ...] = key("Median of each arm.", default=())
    hr: str = key("Hazard ratio.", default="")
    ci: str = key("Its interval.", default="")
    level: str | float = key("Level of the interval: 95 or 0.95.", default=0.95)
    p: str = key("P value.", default="")
    test: str = key("Test of the P value.", default="")
    cross: bool = key("Whether the arms come from different trials.", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """``[repeats]``: the same value printed again elsewhere."""

    rows: tuple[tuple[str, str, str], ...] = key("Rows: place, printed string, address.", default=())


SECTIONS: Mapping[str, type] = {
    "paper": Paper,
    "cohort": Cohort,
    "columns": PrintedColumn,
    "table": Table,
    "text": Text,
    "test": PrintedTest,
    "survival": Survival,
    "identity": Identity,
    "derived": Rule,
    "assumed": Rule,
    "trial": Trial,
    "repeats": Repeats,
}
"""Section name -> its class, for the reference page; ``define`` and ``known`` map names to text."""
