"""The protocol of a study: what was declared, whole and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cohortstats.errors import InputError, Problem, did_you_mean
from cohortstats.expressions import ColumnKind
from cohortstats.printed import Printed
from cohortstats.schema import Problems
from cohortstats.study.ctdna_sections import Assay
from cohortstats.study.rules import Rule
from cohortstats.study.sections import (
    Check,
    Column,
    DataTable,
    Derived,
    Endpoint,
    Exhibit,
    ReportOptions,
)

if TYPE_CHECKING:
    from cohortstats.stats.conventions import Conventions

__all__ = ["Study", "parse_cutoff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Everything that a study file declares; made by :meth:`read`.

    Parameters
    ----------
    path, folder
        The study file and the folder that holds it and its tables.
    id, title, n, synthetic, period, cutoff, conventions, alpha
        The keys of ``[study]``.
    missing
        Text read as missing in every column -> its reason, empty when none is given.
    data
        Table name -> file.
    columns
        Table name -> column name -> what its cells are.
    ctdna
        What is called from droplets, by name.
    derive, rules, endpoints
        By name; rules are the ``[derive]`` entries that have ``rule``.
    checks
        Rules that every patient must obey.
    exhibits
        In the order of the file.
    report
        How the report is written.
    printed
        What was printed, when ``[study] published`` names a file.
    lines
        Dotted key -> line of the study file. An exhibit is there under its place (``association[0].rows``) and under
        its id (``association.table4.rows``).
    kinds
        Kind of every column, derived variable and binary endpoint.
    uses
        Name -> every name that it depends on, directly or through others.

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = Study.read(cs.shipped_study("sakai2018"))
    >>> study.n, study.conventions.describe(), study.exhibit("table4").outcome
    (34, 'ezr', 'primary_resistance')
    """

    path: Path
    folder: Path
    id: str
    title: str
    n: int | None
    synthetic: str
    period: str
    cutoff: str
    conventions: Conventions
    alpha: float
    missing: Mapping[str, str]
    data: Mapping[str, DataTable]
    columns: Mapping[str, Mapping[str, Column]]
    ctdna: Mapping[str, Assay]
    derive: Mapping[str, Derived]
    rules: Mapping[str, Rule]
    endpoints: Mapping[str, Endpoint]
    checks: tuple[Check, ...]
    exhibits: tuple[Exhibit, ...]
    report: ReportOptions
    printed: Printed | None
    lines: Mapping[str, int]
    kinds: Mapping[str, ColumnKind]
    uses: Mapping[str, frozenset[str]]

    def __repr__(self) -> str:
        exhibits = ", ".join(exhibit.id for exhibit in self.exhibits)
        text = f"Study {self.id}: {self.title}; conventions {self.conventions.describe()}; exhibits {exhibits}"
        return f"{text} ({self.synthetic})" if self.synthetic else text

    @classmethod
    def read(cls, path: str | Path) -> Study:
        """Read and check a study file; no table is opened.

        Parameters
        ----------
        path
            The file, or a folder with a ``study.toml``.

        Raises
        ------
        DataError
            With every problem of the file, and of the file of printed values, at once. ``missing_file`` is true when
            one of the two is not there.
        """
        from cohortstats.study.reading import read_study

        return read_study(Path(path))

    def exhibit(self, id: str) -> Exhibit:
        """The exhibit with an id.

        Raises
        ------
        InputError
            When there is none, with the nearest spelling and the list.
        """
        for exhibit in self.exhibits:
            if exhibit.id == id:
                return exhibit
        ids = [exhibit.id for exhibit in self.exhibits]
        near = did_you_mean(id, ids)
        listed = f"Exhibits: {', '.join(ids)}." if ids else "The study declares none."
        hint = f"Did you mean '{near}'? " if near else ""
        raise InputError(f"'{id}' is no exhibit of {self.id}. {hint}{listed}")

    def variable_kind(self, name: str) -> ColumnKind:
        """Kind, levels and unit of a column, a derived variable or a binary endpoint.

        Raises
        ------
        InputError
            When the name is none of these, with the nearest spelling.
        """
        if name in self.kinds:
            return self.kinds[name]
        near = did_you_mean(name, self.kinds)
        raise InputError(f"{name} is no column or derived name.{f' Did you mean {near}?' if near else ''}")

    def column(self, name: str) -> Column | None:
        """The declared column with a name, from whichever table; None for a derived variable or an endpoint."""
        return next((columns[name] for columns in self.columns.values() if name in columns), None)

    def depends_on(self, name: str) -> frozenset[str]:
        """Columns of the tables that a name is made from, through all derived variables and endpoints on the way."""
        if name not in self.uses and name not in self.kinds:
            self.variable_kind(name)  # raises, with the nearest spelling
        reached = self.uses.get(name, frozenset()) | {name}
        return frozenset(used for used in reached if self.column(used) is not None)

    def problem(
        self,
        key: str,
        code: str,
        message: str,
        mend: str = "",
        level: Literal["error", "warning"] = "error",
        **place: Any,
    ) -> Problem:
        """A problem of a later stage, with the study file and the line of ``key`` unless ``place`` says otherwise.

        Parameters
        ----------
        key
            Dotted key that the problem belongs to, such as ``columns.patients.age.range``.
        code, message, mend, level
            As in :class:`~cohortstats.errors.Problem`.
        place
            ``file``, ``sheet``, ``row``, ``column``, ``patient``, ``value``.
        """
        if "file" in place:
            place.setdefault("row", None)  # a line of the study file would be read as a row of that file
        return Problems(self.path.name, self.lines).make(key, code, message, mend, level=level, **place)


SIDES = {">=": ">=", "<=": "<=", "≥": ">=", "≤": "<=", "≧": ">=", "≦": "<=", ">": ">", "<": "<"}


def parse_cutoff(text: str) -> tuple[str, str]:
    """Side and number of a cut-off; the number stays text, so that its digits are kept.

    Examples
    --------
    >>> parse_cutoff("> 1.25")
    ('>', '1.25')
    >>> parse_cutoff("1.25")
    Traceback (most recent call last):
    ...
    cohortstats.errors.InputError: '1.25' is no cut-off. Write the side and the number, such as "> 1.25".
    """
    stripped = text.strip()
    side = next((sign for sign in SIDES if stripped.startswith(sign)), "")
    number = stripped.removeprefix(side).strip()
    digits = number.removeprefix("-").replace(".", "", 1)
    whole, _, part = number.removeprefix("-").partition(".")
    if not side or not (digits.isascii() and digits.isdigit() and whole and (part or "." not in number)):
        raise InputError(f"'{text}' is no cut-off. Write the side and the number, such as \"> 1.25\".")
    return SIDES[side], number
