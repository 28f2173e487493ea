"""The sections of a study file: every key with its type, default and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cohortstats.schema import key

# ---------------------------------------------------------------------------------------------------------------------
# [data.NAME] and [columns.NAME]
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTable:
    """``[data.NAME]``: one table of the study, from a file, from several, or from a database."""

    name: str
    file: str | tuple[str, ...] = key(
        "File beside the study file (CSV, Excel, SAS, SPSS, Parquet); a list of names or a pattern such as plate*.csv "
        "puts the rows of several together.",
        default="",
    )
    id: str = key("Column, as named in the file, that identifies the patient.")
    rows: Literal["one per patient", "many per patient"] = key(
        "How many rows a patient has; the first table with one per patient lists the patients."
    )
    order: str = key("Date or number column that orders the rows of a patient; needed when they are many.", default="")
    label: str = key("What having a row here means, such as plasma ctDNA; its name in the report.", default="")
    join: Literal["left", "required", "inner"] = key(
        "left keeps patients of the first table without a row here; required refuses them; inner leaves them out.",
        default="left",
    )
    orphans: Literal["error", "drop"] = key("What happens to rows whose id is not in the first table.", default="error")
    sheet: str = key("Sheet of a workbook; needed when several hold data.", default="")
    header: int = key("Row of the column names, counted from 1.", default=1)
    encoding: str = key("Encoding of a text file that is neither UTF-8, UTF-16 nor cp932.", default="")
    delimiter: str = key("Delimiter of a text file when it cannot be told.", default="")
    comment: str = key("Lines above the header that start with this are skipped.", default="")
    merged: Literal["refuse", "fill"] = key("What to do with merged cells in the data.", default="refuse")
    hidden: Literal["read", "skip"] = key("Whether hidden rows of a workbook are data.", default="read")
    labels: bool = key("Whether the cells of an SPSS file are its value labels, not the codes.", default=True)
    timezone: str = key(
        "Place whose day counts where a Parquet file or a database holds instants, such as Asia/Tokyo.", default=""
    )
    sql: str = key("One SELECT, asked of connection or database instead of reading a file.", default="")
    connection: str = key("Name of the connection that load_cohort is given.", default="")
    database: str = key("DuckDB or SQLite file beside the study file that sql is asked of.", default="")
    kind: Literal["table", "ddpcr"] = key(
        "ddpcr: wells that QuantaSoft or QX Manager exports, whose droplets are called by [ctdna.NAME]; they have "
        "columns of their own, and [columns] none.",
        default="table",
    )
    map: str = key(
        "Table of droplets: a file with the columns well or sample, or both, file where there are several plates, and "
        'the one that id names; left out, id = "sample", and samples are called as the patients.',
        default="",
    )
    ntc: tuple[str, ...] = key("Samples without a template, beside the wells that the export calls so.", default=())
    ntc_max: int = key("Positive droplets of a well without a template that are let pass.", default=0)
    min_accepted: int = key("Accepted droplets below which a well is flagged low.", default=10_000)
    volume_nl: float | None = key(
        "Volume of a droplet; left out, the one of 0.85 and 0.91 nL that gives the printed concentrations.",
        default=None,
    )
    thresholds: Literal["same", "any"] = key(
        "Whether wells of one sample may have been read at different thresholds.", default="same"
    )
    unusable: Literal["refuse", "leave out"] = key(
        "What to do with replicates without a call or without a negative droplet.", default="refuse"
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The names and patterns of ``file``."""
        return self.file if isinstance(self.file, tuple) else (self.file,) if self.file else ()


ColumnType = Literal["number", "integer", "date", "yes/no", "ordered", "category", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """``[columns.TABLE.NAME]``: what the cells of one column are."""

    name: str
    table: str
    flag: str = ""  # what is said of the cells, instead of their value: beyond, interval, unit, footnote, imputed
    source: str = key("Column name in the file, when it differs.", name="from", default="")
    type: ColumnType | Literal[""] = key(  # noqa: RUF009
        "number, integer, date, yes/no, ordered, category or text; without it, order makes a column ordered, "
        "else it is a category.",
        default="",
    )
    unit: str = key("Unit of a number.", default="")
    range: tuple[float, float] | None = key("Smallest and largest value allowed, both included.", default=None)
    range_action: Literal["error", "warn"] = key("Whether a value outside the range stops the run.", default="error")
    order: tuple[str, ...] = key("All levels, in their order.", default=())
    values: Mapping[str, str] = key("Text in the file -> level.", default={})
    unknown: tuple[str, ...] = key("Levels that are rows in tables and missing in expressions.", default=())
    missing: tuple[str, ...] = key("Texts read as missing in this column, beside those of the study.", default=())
    yes: tuple[str, ...] = key("Texts that mean yes.", default=())
    no: tuple[str, ...] = key("Texts that mean no.", default=())
    label: str = key("Name in tables; *word* is italic.", default="")
    labels: tuple[str, ...] = key("Names of the levels in tables, in their order; yes first, then no.", default=())
    note: str = key("Footnote of the variable.", default="")
    keep_digits: bool = key("Print a number with the digits of the file.", default=False)
    date_order: Literal["", "mdy", "dmy"] = key("Order of dates such as 3/4/2016.", default="")
    epoch: Literal[0, 1900, 1904] = key("Day count of serial dates in a text file.", default=0)
    thousands: str = key("Sign between groups of three digits.", default="")
    decimal: str = key("Decimal sign, when it is not the full stop.", default="")
    units: Mapping[str, float] = key(
        "Other unit found in cells -> factor to the declared one; NAME_unit says which cells.", default={}
    )
    beyond: str | float = key(
        'What a limit such as <1 or ≥10 counts as: "limit", "half" (of a lower limit), "missing" or a number; '
        "NAME_beyond keeps its sign.",
        default="",
    )
    interval: Literal["", "low", "mid", "high"] = key(
        "What an interval such as 3-5 counts as; NAME_interval keeps it.", default=""
    )
    footnotes: tuple[str, ...] = key("Marks behind numbers, such as a; NAME_footnote keeps them.", default=())
    impute: Literal["", "first", "mid", "last"] = key(
        "Day of a date that lacks its day, or its month and day; NAME_imputed says what was put in.", default=""
    )
    known: Literal["", "baseline", "after start"] = key(
        "When the value was known; what is known after the start of time may not form groups in silence.", default=""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """``[derive.NAME]``: a variable made from others, in one of three forms; a fourth is ``rule`` (see rules.py)."""

    name: str
    when: str = key("Expression that is yes, no or missing.", default="", refers="expression")
    value: str = key("Expression that gives a number, a date or a level.", default="", refers="expression")
    cases: tuple[tuple[str, str], ...] = key("Pairs of expression and level; the first yes wins.", default=())
    otherwise: str = key("Level when no case is yes.", name="else", default="")
    label: str = key("Name in tables; *word* is italic.", default="")
    labels: tuple[str, ...] = key("Names of the levels in tables; yes first, then no.", default=())
    unit: str = key("Unit of a number.", default="")
    note: str = key("Footnote of the variable.", default="")
    formed: Literal["", "at baseline", "after outcome"] = key("When the grouping was formed.", default="")
    cutoff: Literal["", "literature", "protocol", "this data"] = key("Where a cut-off comes from.", default="")
    family: Literal["", "none", "singles", "pairs"] = key(
        "Groupings among which this one was chosen: single markers, or also their pairs; none if it was fixed "
        "beforehand.",
        default="",
    )
    markers: tuple[str, ...] = key(
        "Yes/no markers of that family; left out, those of the expression.", default=(), refers="variable"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """``[[check]]``: a rule that every patient must obey."""

    when: str = key("Expression that must not be no.", refers="expression")
    message: str = key("Sentence shown when it is.", default="")


# ---------------------------------------------------------------------------------------------------------------------
# [endpoints.NAME]
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryEndpoint:
    """``[endpoints.NAME]`` with ``kind = "binary"``."""

    name: str
    kind: Literal["binary"] = key("binary")
    when: str = key("Expression that says who had the event.", refers="expression")
    unknown: Literal["not an event", "event", "exclude"] = key("What a missing outcome counts as; there is no default.")
    confirm: str = key("Yes/no column that must equal the result, else an error.", default="", refers="column")
    text: str = key("Definition for the methods paragraph.", default="")
    label: str = key("Name in tables.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDate:
    """An entry of ``events`` in ``[endpoints.NAME]``: a date on which the event is seen."""

    date: str = key("Date of the event; of a table with many rows per patient, the first row.", refers="variable")
    reason: str = key("What happened, such as progression.")
    where: Mapping[str, tuple[str, ...]] = key(
        "Column of the table of date -> levels; rows with another level do not count.", default={}
    )
    status: str = key(
        "Yes/no: whether it happened; yes without a date is told, and the patient left out.",
        default="",
        refers="variable",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CensorDate:
    """An entry of ``censors`` in ``[endpoints.NAME]``: where follow-up ends without event; the latest counts."""

    date: str = key(
        "Date of the last observation, of many rows per patient the last; last assessment; or cutoff, which counts "
        "where no other date is known."
    )
    reason: str = key("What is said of such a patient, such as last adequate assessment.")
    where: Mapping[str, tuple[str, ...]] = key(
        "Column of the table of date -> levels; rows with another level do not count.", default={}
    )
    after_cutoff: Literal["not known", "cutoff"] = key(
        "What a date after the data cut-off is: not known, or a proof that follow-up went on up to the cut-off.",
        default="not known",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDate:
    """An entry of ``stops`` in ``[endpoints.NAME]``: what ends follow-up before the event; the earliest counts."""

    date: str = key("Date on which it began; of many rows per patient, the first.", refers="variable")
    reason: str = key("What it is, such as new therapy.")
    where: Mapping[str, tuple[str, ...]] = key(
        "Column of the table of date -> levels; rows with another level do not count.", default={}
    )
    at: Literal["date", "last assessment"] = key(
        "Whether time ends on that date or at the last adequate assessment before it.", default="date"
    )
    same_day: Literal["stop", "event"] = key("What counts when the event has the same date.", default="stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitGaps:
    """``gaps`` in ``[endpoints.NAME]``: after missed visits an event is not known to be on time."""

    interval: float = key("Days between visits.")
    missed: int = key("Visits that may be missed.")
    tolerance: float = key("Days that a visit may be late.", default=0)
    at: Literal["last assessment"] = key(
        "Where time ends when the event comes later than missed x interval + tolerance after the last adequate "
        "assessment.",
        default="last assessment",
    )
    reason: str = key("What is said of such a patient.", default="missed visits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessments:
    """``assessments`` in ``[endpoints.NAME]``: the visits at which progression is looked for."""

    table: str = key("Table with many rows per patient.")
    date: str = key("Date of the visit; left out, what orders the table.", default="")
    response: str = key("Response at the visit; without one the visit is not adequate.", default="")
    not_adequate: tuple[str, ...] = key("Responses that tell nothing.", default=("NE",))
    progression: tuple[str, ...] = key("Responses that are the event itself.", default=("PD",))
    where: Mapping[str, tuple[str, ...]] = key(
        "Column of the table -> levels, such as one reader; rows with another level do not count.", default={}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToEventEndpoint:
    """``[endpoints.NAME]`` with ``kind = "time to event"``: a time and a status, or dates."""

    name: str
    kind: Literal["time to event"] = key("time to event")
    unknown: Literal["exclude"] = key("What happens to patients without a time.")
    time: str = key("Number: time from the start.", default="", refers="variable")
    event: str = key(
        "Yes/no status; or, with start, the date of the event (missing = not seen).", default="", refers="variable"
    )
    start: str = key("Date from which time runs.", default="", refers="variable")
    censor: str = key("Date of last observation of those without the event.", default="", refers="variable")
    events: tuple[EventDate, ...] = key(
        "Dates of the event, instead of event: the earliest counts, of two on one day the first entry.", default=()
    )
    censors: tuple[CensorDate, ...] = key(
        "Where time ends without event, instead of censor: the latest date counts.", default=()
    )
    stops: tuple[StopDate, ...] = key("What ends follow-up before the event, such as a new therapy.", default=())
    gaps: VisitGaps | None = key("After how many missed visits an event does not count.", default=None)  # noqa: RUF009
    assessments: Assessments | None = key("Visits at which the event is looked for.", default=None)  # noqa: RUF009
    entry: str = key(
        "Delayed entry: date, or with time a number, from which a patient is under observation.",
        default="",
        refers="variable",
    )
    deaths: Literal["", "censor at death", "censor at last assessment", "competing"] = key(
        "What a death is that is no event; needed when there is a date of death that the endpoint does not use.",
        default="",
    )
    death: str = key("Date of death; left out, the one of the study.", default="", refers="variable")
    interval_censored: bool = key(
        "The event is dated at visits, so the curve steps at them; the interval is printed.", default=False
    )
    unit: Literal["days", "weeks", "months", "years"] = key(
        "Unit of time; dates give days / 7, / 30.4375, / 365.25.", default="days"
    )
    plus_one: bool = key("Count the first day as day 1, as ADaM does.", default=False)
    cutoff: str = key("Data cut-off (ISO date); nothing after it is known.", default="")
    text: str = key("Definition for the methods paragraph.", default="")
    label: str = key("Name in tables.", default="")
    axis: str = key("Title of the vertical axis, such as Progression-free.", default="")

    @property
    def event_entries(self) -> tuple[EventDate, ...]:
        """``events``, or the one entry that ``event`` is short for."""
        short = (EventDate(date=self.event, reason="event"),) if self.start and self.event else ()
        return self.events or short

    @property
    def censor_entries(self) -> tuple[CensorDate, ...]:
        """``censors``, or what ``censor`` is short for: a date after the cut-off, also of the event, proves it."""
        if self.censors or not self.start:
            return self.censors
        names = [name for name in (self.censor, "" if self.events else self.event) if name]
        return tuple(CensorDate(date=name, reason="censored", after_cutoff="cutoff") for name in names)

    @property
    def only_assessment(self) -> str:
        """Without a table of visits, the date that tells of assessments: that of the first entry of ``censors``."""
        first = self.censors[0].date if self.censors else self.censor
        return "" if first in (LAST_ASSESSMENT, CUTOFF, self.start) else first

    @property
    def event_names(self) -> tuple[str, ...]:
        """Dates that are empty where there was no event: empty is an answer."""
        dates = [entry.date for entry in self.event_entries] + [entry.date for entry in self.stops] + [self.death]
        return tuple(dict.fromkeys(name for name in dates if name)) if self.start else ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Variables that the endpoint is made from; what an entry has beside its date is not among them."""
        dates = [entry.date for entry in self.event_entries] + [entry.date for entry in self.stops]
        dates += [entry.date for entry in self.censor_entries if entry.date not in (LAST_ASSESSMENT, CUTOFF)]
        status = [entry.status for entry in self.event_entries]
        visits = [self.assessments.date, self.assessments.response] if self.assessments else []
        named = [self.time, self.event, self.start, self.censor, *dates, *status, *visits, self.entry, self.death]
        return tuple(dict.fromkeys(name for name in named if name))


LAST_ASSESSMENT, CUTOFF = "last assessment", "cutoff"
"""What may stand for a date in ``censors``."""


Endpoint = BinaryEndpoint | TimeToEventEndpoint

# ---------------------------------------------------------------------------------------------------------------------
# Exhibits: [[characteristics]] ... [[regression]]
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableRow:
    """A line of ``rows`` in ``[[characteristics]]``: one variable."""

    variable: str = key("Column or derived name.", refers="variable")
    omit: tuple[str, ...] = key("Levels without a line of their own; they stay in the denominator.", default=())
    show: str = key("The one level of a yes/no variable that has a line.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyRow:
    """A block of ``rows`` in ``[[characteristics]]``: yes/no variables, of which a patient may have several."""

    label: str = key("Heading of the block.")
    any: tuple[str, ...] = key("Yes/no variables.", refers="variable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristics:
    """``[[characteristics]]``: patients' characteristics (Table 1)."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    rows: tuple[str | VariableRow | AnyRow, ...] = key("Variables and blocks, in order.", refers="variable")
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    by: str = key("Grouping variable: one column a level beside the total.", default="", refers="variable")
    continuous: Literal["median (range)", "median (Q1–Q3)", "mean (SD)"] = key(
        "How numbers are summarised.", default="median (range)"
    )
    missing: Literal["not in denominator", "in denominator"] = key(
        "Whether patients without a value count in the percentages.", default="not in denominator"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """``[[response]]``: best response (Table 2)."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    variable: str = key("Ordered column with the responses.", refers="variable")
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    sums: Mapping[str, tuple[str, ...]] = key(
        "Sum rows: name -> levels; each stands in front of its parts.", default={}
    )
    unknown: Literal["in denominator", "not in denominator"] = key(
        "Whether unknown responses count in the percentages.", default="in denominator"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """``[[measurements]]``: one row a sample, digits as measured (Table 3)."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    columns: tuple[str, ...] = key("Number columns, in order.", refers="variable")
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    mark: Mapping[str, str] = key('Column -> side and cut-off, such as "> 1.25"; values beyond are marked.', default={})
    ids: Literal["", "hide", "show"] = key(
        "Whether patient ids are printed; left out, as privacy of [report] says.", default=""
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """``[[association]]``: a binary outcome by characteristics (Table 4)."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    outcome: str = key("Binary endpoint.", refers="binary endpoint")
    rows: tuple[str, ...] = key("Variables whose levels are compared.", refers="variable")
    labels: Mapping[str, str] = key("Variable -> its name in this table, where that differs.", default={})
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    test: Literal["fisher", "fisher-midp", "boschloo", "barnard", "chi2-n1"] = key(
        "Test of two levels; three and more are compared with the Freeman-Halton test.", default="fisher"
    )
    effect: Literal["risk difference", "odds ratio", "risk ratio", "none"] = key(
        "Effect, first level against second.", default="risk difference"
    )
    adjust: Literal["none", "bonferroni", "holm", "hochberg", "hommel", "BH", "BY"] = key(
        "Adjustment of the P values over all variables that were tested.", default="none"
    )
    tested: tuple[str, ...] = key(
        "Variables that were tested, too, and are not shown; they count among the comparisons.",
        default=(),
        refers="variable",
    )
    attainable: Literal["auto", "show", "hide"] = key(
        "Column with the smallest attainable P; auto shows it when an expected count is below 5.", default="auto"
    )
    missing: Literal["exclude"] = key(
        "What happens to patients without the characteristic, row by row.", default="exclude"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """``[[listing]]``: one row a patient (Table 5)."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    columns: tuple[str, ...] = key("Variables, in order.", refers="variable")
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    ids: Literal["", "hide", "show"] = key(
        "Whether patient ids are printed; left out, as privacy of [report] says.", default=""
    )
    printed: bool = key(
        "The paper prints or describes every cell of this listing, so a rebuilt study may show it.", default=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToEvent:
    """``[[time_to_event]]``: Kaplan-Meier curves, medians and the log-rank test (Figure 1)."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.", default="")
    endpoint: str = key("Time-to-event endpoint.", refers="time-to-event endpoint")
    groups: str = key("Grouping variable; without it, one curve.", default="", refers="variable")
    strata: str = key("Stratification variable of the test.", default="", refers="variable")
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    test: Literal["logrank", "peto-peto", "peto-prentice", "peto", "gehan", "tarone-ware", "trend", "exact", "none"] = (
        key(
            "Test between the groups; peto is what the program of the profile calls so, exact the permutation log-rank "
            "test of two groups.",
            default="logrank",
        )
    )
    pairwise: Literal["no", "none", "bonferroni", "holm", "hochberg", "hommel", "BH", "BY"] = key(
        "Log-rank tests of each pair of groups, and how their P values are adjusted.", default="no"
    )
    ticks: float = key("Distance of the ticks of the time axis; 0 chooses one.", default=0)
    at: tuple[float, ...] = key(
        "Times at which survival is printed; of two groups, its difference as well.", default=()
    )
    rmst: float = key("Time up to which the mean survival time is printed; 0 is off.", default=0)
    follow_up: bool = key("Print the median follow-up, by the reverse Kaplan-Meier method.", default=False)
    landmark: float = key(
        "Analyse those still under observation at this time, from then on; 0 starts at the beginning.", default=0
    )
    allow_immortal: bool = key(
        "Accept a grouping that was known only after the start; it is said in a footnote.", default=False
    )
    min_at_risk: int = key("Grey the curve where fewer remain; 0 is off.", default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """``[[regression]]``: hazard ratios by Cox regression, one by one and together, with a forest plot."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    endpoint: str = key("Time-to-event endpoint.", refers="time-to-event endpoint")
    covariates: tuple[str, ...] = key("Numbers, yes/no, ordered and category variables, in order.", refers="variable")
    models: tuple[Literal["univariable", "multivariable"], ...] = key(
        "univariable has one covariate a model, multivariable all of them in one.",
        default=("univariable", "multivariable"),
    )
    multivariable: tuple[str, ...] = key(
        "Covariates of the multivariable model, chosen beforehand; left out, all of them.", default=()
    )
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    reference: Mapping[str, str] = key(
        "Covariate -> level that the others are compared with; left out, the first level, and no of yes/no.",
        default={},
    )
    per: Mapping[str, float] = key(
        "Number -> step of its hazard ratio, such as 10 for a ratio per 10 years; left out, 1.", default={}
    )
    strata: str = key(
        "Stratification variable: each stratum has a baseline hazard of its own.", default="", refers="variable"
    )
    ties: Literal["", "breslow", "efron", "exact"] = key(
        "How ties are broken; left out, as cox_ties of the conventions.", default=""
    )
    penalty: Literal["none", "firth"] = key(
        "firth has a finite estimate where maximum likelihood has none; its ties are breslow.", default="none"
    )
    proportionality: bool = key("Whether proportional hazards are tested.", default=True)
    allow_few_events: bool = key("Fit a model with fewer than 5 events per parameter.", default=False)
    allow_immortal: bool = key(
        "Accept a covariate that was known only after the start; it is said in a footnote.", default=False
    )
    missing: Literal["exclude"] = key(
        "What happens to patients without a covariate, model by model.", default="exclude"
    )
    labels: Mapping[str, str] = key("Covariate -> its name in this exhibit, where that differs.", default={})


@dataclass(frozen=True, slots=True, kw_only=True)
class SwimmerMarks:
    """An entry of ``marks`` in ``[[swimmer]]``: something that happened, and where its time is found."""

    kind: Literal["response", "PD", "new therapy", "death", "plasma"] = key("What happened; it chooses the sign.")
    date: str = key(
        "Date on which it happened; of a table with many rows per patient, each row is one.",
        default="",
        refers="record",
    )
    time: str = key("Number: time from the start, in the unit of the bars.", default="", refers="variable")
    endpoint: str = key("Time-to-event endpoint whose event it is.", default="", refers="time-to-event endpoint")
    where: Mapping[str, tuple[str, ...]] = key(
        "Column of the table of date -> levels; rows with another level are no mark.", default={}
    )
    label: str = key("Its name in the key of the picture; left out, that of the kind.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swimmer:
    """``[[swimmer]]``: a bar a patient, the longest on top, with signs for what happened."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    endpoint: str = key(
        "Time-to-event endpoint: bars are its times, and go on for those still under observation.",
        default="",
        refers="time-to-event endpoint",
    )
    length: str = key("Number: the length of a bar, instead of endpoint.", default="", refers="variable")
    start: str = key("Date on which bars begin; left out, that of the endpoint.", default="", refers="variable")
    end: str = key("Date on which a bar ends, instead of endpoint or length.", default="", refers="variable")
    ongoing: str = key(
        "Expression: whose bar goes on; left out, those under observation to the end, or nobody.",
        default="",
        refers="expression",
    )
    groups: str = key("Variable by which bars are coloured.", default="", refers="variable")
    unit: Literal["", "days", "weeks", "months", "years"] = key(
        "Unit of the axis; left out, that of the endpoint or of the number, else days.", default=""
    )
    marks: tuple[SwimmerMarks, ...] = key("What is shown on the bars, one table an entry.", default=())
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    ticks: float = key("Distance of the ticks of the time axis; 0 chooses one.", default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """``[[waterfall]]``: best change of the sum of lesions from baseline, a bar a patient."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    change: str = key(
        "Number: best change in percent, where the file has it; instead of sum.", default="", refers="variable"
    )
    sum: str = key(
        "Number: sum of lesions at each visit, in a table with many rows per patient.", default="", refers="record"
    )
    date: str = key(
        "Date of the visit, or day since the start; left out, what orders the table.", default="", refers="record"
    )
    start: str = key(
        "Date of the start: the last sum on or before it is the baseline; left out, the first sum is, or, with days "
        "instead of dates, the last one up to day 0.",
        default="",
        refers="variable",
    )
    baseline: str = key("Number: the sum at baseline, where it is not among the visits.", default="", refers="variable")
    progression: str = key("Date, or day, of progression: later visits do not count.", default="", refers="variable")
    at_progression: Literal["count", "leave out"] = key(
        "Whether the visit counts at which progression was found.", default="count"
    )
    new_therapy: str = key(
        "Date, or day, on which new therapy began: visits before it count.", default="", refers="variable"
    )
    response: str = key("Response shown under the bars.", default="", refers="variable")
    cap: float = key("Percent at which larger bars are cut, and marked; 0 cuts none.", default=100)
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStage:
    """An entry of ``steps`` in ``[[flow]]``: a condition that patients must meet to go on."""

    when: str = key("Expression; those for whom it is yes go on.", refers="expression")
    label: str = key("Words in the box; left out, the label of the variable or the expression.", default="")
    reason: str = key("Words for those for whom it is no.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """``[[flow]]``: patients from the rows of the file to each exhibit, and who was left out on the way."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    steps: tuple[FlowStage, ...] = key("Conditions one after the other, in front of the exhibits.", default=())
    exhibits: tuple[str, ...] = key("Ids of the exhibits shown; left out, all.", default=())
    outcome: str = key(
        "Binary endpoint compared between those in each population and those not in it.",
        default="",
        refers="binary endpoint",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Missingness:
    """``[[missingness]]``: which values are missing, why, and which are missing together."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    variables: tuple[str, ...] = key(
        "Variables, in order; left out, all columns but dates of events.", default=(), refers="variable"
    )
    population: str = key("Expression; those for whom it is yes.", default="", refers="expression")
    outcome: str = key(
        "Binary endpoint by which the number of missing values is given.", default="", refers="binary endpoint"
    )
    tested: str = key(
        "Expression by which it is given, too, such as whether there was plasma.", default="", refers="expression"
    )
    patterns: int = key("Most patterns in the table; the others are counted together.", default=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """``[[trials]]``: comparisons that trials printed, as a table and a forest plot."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    file: str = key(
        "File of printed values beside the study file, with [[trial]] sections; left out, that of [study] published.",
        default="",
    )
    rows: tuple[str, ...] = key("Ids of the comparisons, in their order; left out, all that have a ratio.", default=())
    method: Literal["none", "fixed", "dersimonian-laird", "paule-mandel", "reml"] = key(
        "How the rows are pooled, by inverse variance on the log scale.", default="none"
    )
    interval: Literal["normal", "hartung-knapp"] = key("Limits of the pooled ratio.", default="normal")
    unit: Literal["", "days", "weeks", "months"] = key(
        "Unit that medians are converted to, a month being 30.4375 days; left out, each keeps its own.", default=""
    )
    allow_conflicts: bool = key("Pool rows whose ratio, interval and P cannot all be right, too.", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveArm:
    """An entry of ``arms`` in ``[[curves]]``: one arm of a published Kaplan-Meier curve."""

    label: str = key("Name of the arm.")
    curve: str = key("CSV file beside the study file with the digitised curve: time, survival.")
    risk: str = key("CSV file with the numbers at risk: time, n_at_risk.", default="")
    n: int | None = key("Patients, when the numbers at risk do not start at 0.", default=None)
    events: int | None = key("Total of events, when it is printed.", default=None)
    arm: str = key("Which arm it is in files that hold several.", default="")
    trial: str = key("Trial; arms of one trial were randomised against each other.", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """``[[curves]]``: arms rebuilt from published curves, side by side."""

    id: str = key("Address of the exhibit.")
    title: str = key("Caption.")
    early: float = key("Time by which the share with an event is given.", default=2)
    arms: tuple[CurveArm, ...] = key("Arms, one to six; the first of two is the numerator of the hazard ratio.")
    unit: Literal["days", "weeks", "months", "years"] = key("Unit of the times.", default="months")
    ticks: float = key("Distance of the ticks of the time axis; 0 chooses one.", default=0)
    accept_poor: bool = key("Compare arms even when one is rebuilt poorly.", default=False)


Exhibit = (
    Characteristics
    | Response
    | Measurements
    | Association
    | Listing
    | TimeToEvent
    | Regression
    | Swimmer
    | Waterfall
    | Flow
    | Missingness
    | Trials
    | Curves
)

EXHIBITS: Mapping[str, type[Exhibit]] = {
    "characteristics": Characteristics,
    "response": Response,
    "measurements": Measurements,
    "association": Association,
    "listing": Listing,
    "time_to_event": TimeToEvent,
    "regression": Regression,
    "swimmer": Swimmer,
    "waterfall": Waterfall,
    "flow": Flow,
    "missingness": Missingness,
    "trials": Trials,
    "curves": Curves,
}
"""Section name -> its class."""


def section_of(exhibit: Exhibit) -> str:
    """Name of the section that an exhibit was declared in, such as ``association``."""
    return next(name for name, cls in EXHIBITS.items() if isinstance(exhibit, cls))


# ---------------------------------------------------------------------------------------------------------------------
# [report] and [study]
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """``privacy`` of ``[report]``."""

    hide_ids: bool = key(
        "Number the rows of listings instead of printing ids, unless a listing says show.", default=True
    )
    min_cell: int = key(
        "Counts of 1 to one less are not printed, nor what they could be had from: 0 for off, else 3 or more.",
        default=0,
    )
    curve_csv: bool = key("Write every step of the curves, which gives event times away.", default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """``[report]``: how the report is written."""

    style: Literal["default", "paper", "jama", "nejm", "lancet"] = key(
        "How numbers are written; paper is Sakai et al. 2018.", default="default"
    )
    lang: Literal["en", "ja"] = key("Language of headings, footnotes and methods.", default="en")
    formats: tuple[Literal["html", "docx", "latex", "md", "csv", "pdf"], ...] = key(
        "What is written; pdf needs the extra pdf.", default=("html", "md", "csv")
    )
    figures: tuple[str, ...] = key("svg, pdf, png; png@600 sets the resolution.", default=("svg", "pdf", "png@300"))
    privacy: Privacy = key("Privacy switches.", default=Privacy())  # noqa: RUF009


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySection:
    """``[study]``: what holds for the whole study."""

    id: str = key("Short name of the study; letters, digits, - and _.")
    title: str = key("Title of the report.")
    n: int | None = key("Number of patients; another count stops the run.", default=None)
    synthetic: str = key("Label of everything made from data that are no patients' records.", default="")
    published: str = key("File with what was printed.", default="")
    period: str = key("Time in which patients were treated.", default="")
    conventions: str | Mapping[str, str | float | bool] = key(
        'Profile of statistical conventions: "ezr", "r", "sas" or "lifelines"; or a table with profile and those '
        "switches that differ from it."
    )
    alpha: float = key("Level of significance.", default=0.05)
    missing: tuple[str, ...] | Mapping[str, str] = key(
        "Texts read as missing in every column; as a table, text -> reason.", default=()
    )
    allow_outside: bool = key("Whether files may lie outside the study's folder.", default=False)
    cutoff: str = key("Data cut-off of the whole study (ISO date).", default="")
