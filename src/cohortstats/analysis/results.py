"""What an exhibit found: one :class:`Result` a number, with its address, method and origin.

A number of a rebuilt cohort is shown only where the paper determines it. That rule lives here, where results are made,
so that pages, files, the command line and notebooks obey it alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from cohortstats.analysis.guards import Guard
from cohortstats.errors import InputError
from cohortstats.study import Association, Exhibit, Regression, Study, TimeToEvent
from cohortstats.tables.language import words
from cohortstats.tables.numbers import FORMATS, STYLES, Number
from cohortstats.tables.table import Cell, Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from cohortstats.figures.pictures import Picture
    from cohortstats.printed import PrintedValue

__all__ = [
    "CI_LEVEL",
    "RESULT_COLUMNS",
    "WITHHELD",
    "Analysis",
    "CurvePoint",
    "Origin",
    "Recorder",
    "Result",
    "printed_level",
    "result_key",
]

CI_LEVEL = 0.95

RESULT_COLUMNS = (
    "study",
    "exhibit",
    "row",
    "group",
    "statistic",
    "value",
    "ci_lower",
    "ci_upper",
    "ci_level",
    "p_value",
    "method",
    "n",
    "reason",
)

WITHHELD = "not printed by the paper and not determined by it"

Origin = Literal["data", "printed", "from printed", "rebuilt"]
"""Where a number comes from: patient records (``data``); or, in a rebuilt cohort, the paper itself, a function of what
the paper printed, or rows that the paper does not determine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One number with everything needed to read it without its table.

    Parameters
    ----------
    exhibit, row, group, statistic
        Address. ``row`` is a variable, ``variable/level``, an endpoint or a line number; ``group`` a level, a column
        or ``all``, empty on a comparison.
    value, ci_lower, ci_upper
        Number at full precision; None means not applicable, ``nan`` undefined (see ``reason``).
    p_value
        P of a comparison; the test statistic, if there is one, is ``value``.
    n
        Patients behind the number.
    origin
        See :data:`Origin`; ``rebuilt`` numbers are withheld.
    format
        Name of the format that writes it.
    alpha
        Level of significance that the text of a P may not cross.
    shown_as
        What is printed instead, where small cells are hidden: ``<5`` or a dash; else empty.

    Examples
    --------
    >>> count = Result(exhibit="table4", row="hr_positive", group="yes", statistic="n", value=6)
    >>> count.address, count.text("default")
    ('table4/hr_positive/yes/n', '6')
    """

    exhibit: str
    row: str
    group: str
    statistic: str
    value: Number | None = None
    ci_lower: Number | None = None
    ci_upper: Number | None = None
    ci_level: float | None = None
    p_value: Number | None = None
    method: str = ""
    n: int | None = None
    reason: str = ""
    origin: Origin = "data"
    format: str = "number"
    alpha: float = 0.05
    shown_as: str = ""

    @property
    def address(self) -> str:
        """``exhibit/row/group/statistic``."""
        return f"{self.exhibit}/{self.row}/{self.group}/{self.statistic}"

    @property
    def withheld(self) -> bool:
        """Whether the number is left out: the paper does not determine it, or it would give a small count away."""
        return self.origin == "rebuilt" or bool(self.shown_as)

    def text(self, style: str) -> str:
        """The number alone, written in a style."""
        if self.shown_as:
            return self.shown_as
        if self.statistic == "p_value":
            return FORMATS["p"]((self.p_value, self.alpha), STYLES[style])
        return self.write(self.value, style)

    def write(self, number: Number | None, style: str) -> str:
        """The number itself, or a limit of it, as this result is written."""
        beside = {"percentage": self.n, "p": self.alpha}
        value = (number, beside[self.format]) if self.format in beside else number
        return FORMATS[self.format](value, STYLES[style])

    def row_values(self, study: str) -> tuple[object, ...]:
        """Values in the order of :data:`RESULT_COLUMNS`; fractions become floats, None stays None."""
        return (
            study,
            self.exhibit,
            self.row,
            self.group,
            self.statistic,
            *(_plain_number(x) for x in (self.value, self.ci_lower, self.ci_upper)),
            self.ci_level,
            _plain_number(self.p_value),
            self.method,
            self.n,
            self.reason,
        )


def _plain_number(value: Number | None) -> float | int | None:
    if isinstance(value, Fraction):
        return float(value)
    return value


def printed_level(study: Study, value: PrintedValue) -> str:
    """Level of a printed value as the study calls it: printed levels are those of the file, before ``values``."""
    for columns in study.columns.values():
        if value.variable in columns:
            return columns[value.variable].values.get(value.level, value.level)
    return value.level


def result_key(study: Study, value: PrintedValue) -> tuple[str, str, str, str] | None:
    """Address of the result that computes a printed value, or None when no exhibit does."""
    entry = next((exhibit for exhibit in study.exhibits if exhibit.id == value.exhibit), None)
    if entry is None:
        return None
    level = printed_level(study, value)
    if isinstance(entry, TimeToEvent):
        return entry.id, entry.endpoint, value.level, value.statistic
    if isinstance(entry, Regression):
        # Print does not say which model a number is of: it is known where the exhibit has one kind only.
        row = f"{value.variable}/{level}" if level else value.variable
        statistic = "hazard_ratio" if value.statistic == "hr" else value.statistic
        return (entry.id, row, entry.models[0], statistic) if len(entry.models) == 1 else None
    if isinstance(entry, Association):
        # The line of all patients has the variable `all` and no level; so has a P, which is of no level.
        whole = value.variable == "all"
        return entry.id, value.variable, "all" if whole else level, value.statistic
    return entry.id, f"{value.variable}/{level}" if level else value.variable, "all", value.statistic


class Recorder:
    """Collects the results of one exhibit, and withholds what a rebuilt cohort does not determine.

    Parameters
    ----------
    study
        Its ``synthetic`` label says that the cohort is rebuilt, ``printed`` what the paper printed.
    exhibit
        Id of the exhibit.
    """

    def __init__(self, study: Study, exhibit: str) -> None:
        self.study = study
        self.exhibit = exhibit
        self.records: list[Result] = []
        self._printed: frozenset[tuple[str, str, str, str]] = frozenset()
        if study.synthetic and study.printed is not None:
            keys = (result_key(study, value) for value in study.printed.values)
            self._printed = frozenset(key for key in keys if key is not None)

    @property
    def rebuilt(self) -> bool:
        """Whether the cohort is rebuilt from print, so that origins matter."""
        return bool(self.study.synthetic)

    @property
    def cohort_size_printed(self) -> bool:
        """Whether the paper prints how many patients the cohort has."""
        return self.study.printed is not None and "cohort/n" in self.study.printed.addresses

    def is_printed(self, row: str, group: str, statistic: str) -> bool:
        """Whether the paper prints the number at this address."""
        return (self.exhibit, row, group, statistic) in self._printed

    def add(self, row: str, group: str, statistic: str, *, determined: bool = False, **fields: Any) -> Result:
        """Record a number; ``determined`` says that it is a function of printed numbers alone."""
        origin: Origin = "data"
        if self.rebuilt:
            printed = self.is_printed(row, group, statistic)
            origin = "printed" if printed else "from printed" if determined else "rebuilt"
        if origin == "rebuilt":
            fields = {"value": math.nan, "reason": WITHHELD, "format": fields.get("format", "number")}
            if statistic == "p_value":
                fields = {"p_value": math.nan, "reason": WITHHELD}
        result = Result(
            exhibit=self.exhibit,
            row=row,
            group=group,
            statistic=statistic,
            origin=origin,
            alpha=self.study.alpha,
            **fields,
        )
        self.records.append(result)
        return result

    def cell(self, format: str, value: Any, *results: Result, **cell: Any) -> Cell:
        """A cell that prints these results, or a dash when one of them is withheld."""
        addresses = tuple(result.address for result in results)
        if any(result.withheld for result in results):
            return Cell(value="\u2014", format="text", results=addresses)
        return Cell(value=value, format=format, results=addresses, **cell)

    def footnotes(self) -> list[str]:
        """The line that says why numbers are missing, when some are."""
        if any(result.withheld for result in self.records):
            return [words(self.study.report.lang)("withheld")]
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One step of a survival curve, as shares; limits that are not defined are nan."""

    group: str
    time: float
    n_at_risk: int
    survival: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """An exhibit: its table, its results, and its picture where it has one.

    Examples
    --------
    >>> import cohortstats as cs
    >>> study = cs.Study.read(cs.shipped_study("sakai2018"))
    >>> table4 = cs.association(cs.load_cohort(study), study.exhibit("table4"))
    >>> frame = table4.results
    >>> frame[(frame.row == "pik3ca_mutated") & (frame.statistic == "p_value")].p_value.item()
    0.05
    """

    study_id: str
    entry: Exhibit
    table: Table
    records: tuple[Result, ...]
    picture: Picture | None = None
    methods: Mapping[str, object] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    curve: tuple[CurvePoint, ...] = ()

    @property
    def id(self) -> str:
        """Address of the exhibit."""
        return self.entry.id

    @property
    def results(self) -> pd.DataFrame:
        """One number a row, in the columns of ``results.csv``."""
        import pandas as pd

        return pd.DataFrame(
            [record.row_values(self.study_id) for record in self.records], columns=list(RESULT_COLUMNS)
        ).astype({"n": "Int64"})

    def lines(self) -> list[dict[str, object]]:
        """One line of the exhibit an entry: ``row``, ``group``, then its statistics and their limits."""
        lines: dict[tuple[str, str], dict[str, object]] = {}
        for record in self.records:
            line = lines.setdefault((record.row, record.group), {"row": record.row, "group": record.group})
            if record.statistic == "p_value":
                line["p_value"] = _plain_number(record.p_value)
                if record.value is not None:
                    line["test_statistic"] = _plain_number(record.value)
            else:
                line[record.statistic] = _plain_number(record.value)
                if record.p_value is not None:  # a test beside another number, such as that of the whole model
                    line[f"{record.statistic}_p"] = _plain_number(record.p_value)
            if record.ci_level is not None:
                line[f"{record.statistic}_ci_lower"] = _plain_number(record.ci_lower)
                line[f"{record.statistic}_ci_upper"] = _plain_number(record.ci_upper)
        return list(lines.values())

    def to_frame(self) -> pd.DataFrame:
        """The exhibit line by line: ``row``, ``group``, a column a statistic, ``_ci_lower``, ``_ci_upper``, ``_p``."""
        import pandas as pd

        return pd.DataFrame(self.lines())

    def to_table(self) -> Table:
        """The table as it is printed."""
        return self.table

    def plot(self) -> Figure:
        """The picture, a ``matplotlib.figure.Figure``; an exhibit without one raises :class:`InputError`."""
        if self.picture is None:
            raise InputError(f"{self.id} is a table; it has no picture. Use to_table().")
        from cohortstats.figures import draw_picture

        return draw_picture(self.picture)

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(self.table._repr_mimebundle_())
        if self.picture is not None:
            from cohortstats.figures import figure_bytes

            figure = self.plot()
            bundle["image/svg+xml"] = figure_bytes(figure, "svg").decode()
            bundle["image/png"] = figure_bytes(figure, "png", dpi=110)
        return bundle
