"""A study file to a :class:`~cohortstats.study.Study`: sections first, then everything that refers to something.

Every problem of the file comes in one pass. A section that could not be read still exists for those that name it, so
that one slip is told once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from cohortstats.errors import DataError, InputError, did_you_mean
from cohortstats.expressions import iso_date
from cohortstats.printed import Printed
from cohortstats.schema import Problems, join_key, read_document, read_section
from cohortstats.study.ctdna_references import droplet_table, read_assays, refuse_droplet_keys
from cohortstats.study.event_references import with_deaths
from cohortstats.study.evidence_references import EvidenceReferences
from cohortstats.study.protocol import Study
from cohortstats.study.queries import holds_secret, is_one_select
from cohortstats.study.references import References, case_levels
from cohortstats.study.rule_references import check_rules, complete_rules
from cohortstats.study.rules import RULES, Rule, rule_of
from cohortstats.study.sections import (
    EXHIBITS,
    BinaryEndpoint,
    Check,
    Column,
    DataTable,
    Derived,
    Endpoint,
    Exhibit,
    ReportOptions,
    StudySection,
    TimeToEventEndpoint,
)

if TYPE_CHECKING:
    from cohortstats.stats.conventions import Conventions

__all__ = ["read_study"]

T = TypeVar("T")

SECTIONS = ("cohortstats", "study", "data", "columns", "ctdna", "derive", "endpoints", "check", *EXHIBITS, "report")
VERSION = 1

# Keys that only some types of column take.
TYPE_KEYS: Mapping[str, frozenset[str]] = {
    "unit": frozenset({"number", "integer"}),
    "range": frozenset({"number", "integer"}),
    "range_action": frozenset({"number", "integer"}),
    "keep_digits": frozenset({"number", "integer"}),
    "thousands": frozenset({"number", "integer"}),
    "decimal": frozenset({"number", "integer"}),
    "units": frozenset({"number", "integer"}),
    "beyond": frozenset({"number", "integer"}),
    "interval": frozenset({"number", "integer"}),
    "footnotes": frozenset({"number", "integer"}),
    "impute": frozenset({"date"}),
    "date_order": frozenset({"date"}),
    "epoch": frozenset({"date"}),
    "yes": frozenset({"yes/no"}),
    "no": frozenset({"yes/no"}),
    "order": frozenset({"ordered", "category"}),
    "values": frozenset({"ordered", "category", "yes/no"}),
    "unknown": frozenset({"ordered", "category"}),
    "labels": frozenset({"ordered", "category", "yes/no"}),
}
# A rule that changes what a cell says leaves its mark in a column of its own: key -> suffix of its name.
FLAGS = {"beyond": "beyond", "interval": "interval", "units": "unit", "footnotes": "footnote", "impute": "imputed"}
BEYOND = ("limit", "half", "missing")
DATE_FORM = (
    "start",
    "censor",
    "events",
    "censors",
    "stops",
    "gaps",
    "assessments",
    "deaths",
    "death",
    "interval_censored",
    "plus_one",
    "cutoff",
)
FIGURE = re.compile(r"svg|pdf|png(@[1-9][0-9]{0,3})?")
NAME = re.compile(r"\w[\w.-]*")


def read_study(path: Path) -> Study:
    """Read a study file, or the ``study.toml`` of a folder."""
    document = read_document(path / "study.toml" if path.is_dir() else path)
    lines = _with_ids(document.data, document.lines)
    reading = _Reading(document.path, document.data, Problems(document.path.name, lines))
    study = reading.read()
    if study is None:
        raise DataError(reading.problems.found, missing_file=reading.missing)
    return study


def _with_ids(data: Mapping[str, Any], lines: Mapping[str, int]) -> dict[str, int]:
    """Lines also under the ids of exhibits: ``association.table4.rows`` beside ``association[0].rows``."""
    more = dict(lines)
    for section in EXHIBITS:
        tables = data.get(section)
        for place, table in enumerate(tables if isinstance(tables, list) else []):
            name = table.get("id") if isinstance(table, Mapping) else None
            if not isinstance(name, str):
                continue
            numbered, named = join_key(section, place), join_key(section, name)
            for dotted, line in lines.items():
                if dotted == numbered or dotted.startswith((f"{numbered}.", f"{numbered}[")):
                    more.setdefault(named + dotted[len(numbered) :], line)
    return more


class _Reading:
    """One study file on its way to a :class:`Study`."""

    def __init__(self, path: Path, raw: Mapping[str, Any], problems: Problems) -> None:
        self.path = path
        self.raw = dict(raw)
        self.problems = problems
        self.missing = False
        self.references = References(problems)
        self.printed: Printed | None = None

    def read(self) -> Study | None:
        if not self.version():
            return None
        self.sections()
        study = self.study_section()
        outside = study.allow_outside if study else bool(self.table("study").get("allow_outside") is True)
        data = self.data(outside=outside)
        columns = self.columns(data)
        self.records(data, columns)
        assays = read_assays(self.references, self.table("ctdna"), data)
        derive, rules = self.derive()
        rules = complete_rules(rules, data, columns)
        endpoints = self.endpoints()
        checks = self.checks()
        exhibits = self.exhibits()
        report = self.report()
        references = self.references
        references.work_out(derive, endpoints, rules)
        references.check_derived(derive)
        check_rules(references, rules, data)
        references.check_endpoints(endpoints, data)
        endpoints = with_deaths(references, endpoints, columns)
        references.check_checks(checks)
        made = {name: rule for rule in rules.values() for name in rule.makes}
        references.check_exhibits(exhibits, endpoints, {**derive, **made})
        if study is not None:
            self.published(study)
        self.evidence(exhibits, outside=outside)
        conventions = self.conventions(study)
        if self.problems.found or study is None or conventions is None or report is None:
            return None
        return Study(
            path=self.path,
            folder=self.path.parent,
            id=study.id,
            title=study.title,
            n=study.n,
            synthetic=study.synthetic,
            period=study.period,
            cutoff=study.cutoff,
            conventions=conventions,
            alpha=study.alpha,
            missing=_reasons(study.missing),
            data=MappingProxyType({name: table for name, table in data.items() if table is not None}),
            columns=MappingProxyType({table: MappingProxyType(found) for table, found in columns.items()}),
            ctdna=MappingProxyType(assays),
            derive=MappingProxyType(derive),
            rules=MappingProxyType(rules),
            endpoints=MappingProxyType(endpoints),
            checks=tuple(checks),
            exhibits=tuple(exhibits),
            report=report,
            printed=self.printed,
            lines=MappingProxyType(dict(self.problems.lines)),
            kinds=MappingProxyType({name: kind for name, kind in references.kinds.items() if kind is not None}),
            uses=MappingProxyType(references.uses),
        )

    # ---- the file

    def version(self) -> bool:
        version = self.raw.get("cohortstats")
        if version is None:
            fact = f"{self.path.name} needs cohortstats = {VERSION}."
            self.problems.add("", "key-missing", fact, "Write it as the first line.")
        elif isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
            fact = f"cohortstats = {version} is newer than this program."
            self.problems.add("cohortstats", "version-unknown", fact, "Install a newer cohortstats.")
        elif version != VERSION or not isinstance(version, int) or isinstance(version, bool):
            self.problems.add("cohortstats", "version-unknown", f"cohortstats must be {VERSION}.")
        return not self.problems.found

    def sections(self) -> None:
        for name in list(self.raw):
            if name not in SECTIONS:
                near = did_you_mean(name, SECTIONS)
                if near and near not in self.raw:
                    # Read as what was meant, so that what refers to it is not told as well.
                    self.problems.meant(join_key(name), near)
                    self.raw[near] = self.raw[name]
                mend = f"Did you mean '{near}'?" if near else f"Known sections: {', '.join(SECTIONS[1:])}."
                self.problems.add(join_key(name), "key-unknown", f"{name} is not a known section.", mend)

    def table(self, name: str) -> Mapping[str, Any]:
        """A section that is a table; anything else is a problem."""
        raw = self.raw.get(name, {})
        if isinstance(raw, Mapping):
            return raw
        self.problems.add(name, "key-type", f"{name} must be a table.", f"Write [{name}] or [{name}.NAME].")
        return {}

    def tables(self, name: str) -> list[Any]:
        """A section that is a list of tables; anything else is a problem."""
        raw = self.raw.get(name, [])
        if isinstance(raw, list):
            return raw
        self.problems.add(name, "key-type", f"{name} must be a list of tables.", f"Write [[{name}]].")
        return []

    def number_of_levels(self, key: str, heading: str, labels: tuple[str, ...], levels: tuple[str, ...]) -> None:
        if labels and len(labels) != len(levels):
            fact = f"{heading} labels has {len(labels)} names for {len(levels)} levels."
            mend = f"Levels: {', '.join(levels)}." if levels else "Only levels have labels."
            self.problems.add(f"{key}.labels", "key-conflict", fact, mend)

    def iso(self, key: str, heading: str, text: str) -> None:
        if text and iso_date(text) is None:
            fact = f"{heading} cutoff must be a date, not '{text}'."
            self.problems.add(f"{key}.cutoff", "key-type", fact, "Write year-month-day, such as 2017-04-30.")

    # ---- [study]

    def study_section(self) -> StudySection | None:
        if "study" not in self.raw:
            self.problems.add("", "key-missing", f"{self.path.name} needs [study].")
            return None
        study = read_section(StudySection, self.table("study"), path="study", problems=self.problems)
        if study is None:
            return None
        self.file_name("study.id", "[study]", study.id)
        if study.n is not None and study.n < 1:
            self.problems.add("study.n", "key-type", f"[study] n must be 1 or more, not {study.n}.")
        if not 0 < study.alpha < 1:
            self.problems.add("study.alpha", "key-type", f"[study] alpha must lie between 0 and 1, not {study.alpha}.")
        self.iso("study", "[study]", study.cutoff)
        return study

    def file_name(self, key: str, heading: str, text: str) -> None:
        """Ids become names of files, so they hold no slash and do not begin with a full stop."""
        if not NAME.fullmatch(text):
            fact = f"{heading} id '{text}' cannot name a file."
            self.problems.add(key, "key-type", fact, "Use letters, digits, - and _.")

    def conventions(self, study: StudySection | None) -> Conventions | None:
        """The profile; imported here because it is not needed to name the sections of a file."""
        from cohortstats.stats.conventions import Conventions

        if study is None:
            return None
        declared = study.conventions
        if isinstance(declared, str):
            profile, overrides = declared, {}
        else:
            overrides = dict(declared)
            profile = str(overrides.pop("profile", ""))
            if not profile:
                fact = "[study] conventions needs profile."
                self.problems.add("study.conventions", "key-missing", fact, 'Write profile = "ezr" in it.')
                return None
        try:
            return Conventions.of(profile, **overrides)
        except InputError as error:
            for sentence in error.problems:
                self.problems.add("study.conventions", "key-type", f"[study] conventions: {sentence}")
            return None

    def published(self, study: StudySection) -> None:
        if not study.published:
            return
        if self.leaves("study.published", study.published, outside=False):
            return
        try:
            self.printed = Printed.read(self.path.parent / study.published)
        except DataError as error:
            self.missing = self.missing or error.missing_file
            self.problems.found.extend(error.problems)

    def evidence(self, exhibits: Sequence[Exhibit], *, outside: bool) -> None:
        """Files that exhibits of printed evidence name, and what they name in them."""

        def leaves(key: str, file: str) -> bool:
            return self.leaves(key, file, outside=outside)

        found = EvidenceReferences(self.problems, self.path.parent, leaves, self.printed)
        found.check(exhibits, self.references.keys)
        self.missing = self.missing or found.missing

    def leaves(self, key: str, file: str, *, outside: bool) -> bool:
        """Whether a path leaves the study's folder, which is a problem unless it is allowed."""
        folder = self.path.parent.resolve()
        try:
            inside = (folder / file.replace("\\", "/")).resolve().is_relative_to(folder)
        except (OSError, ValueError, RuntimeError):
            inside = False
        if inside or outside:
            return False
        mend = "Move it, or set [study] allow_outside = true." if key != "study.published" else "Move it."
        self.problems.add(key, "file-outside", f"{file} leaves the study folder.", mend)
        return True

    # ---- [data] and [columns]

    def data(self, *, outside: bool) -> dict[str, DataTable | None]:
        raw = self.table("data")
        if not raw:
            self.problems.add("data", "key-missing", f"{self.path.name} needs [data.NAME].", "Name a file of patients.")
        found: dict[str, DataTable | None] = {}
        for name, table in raw.items():
            key = join_key("data", name)
            read = read_section(DataTable, table, path=key, problems=self.problems, fixed={"name": name})
            found[name] = read
            if read is None:
                continue
            if read.kind == "ddpcr":
                read, table = droplet_table(self.problems, key, read, table)
                found[name] = read
                if read.map:
                    self.leaves(f"{key}.map", read.map, outside=outside)
            else:
                refuse_droplet_keys(self.problems, key, table)
            self.table_source(key, read, table, outside=outside)
            if read.header < 1:
                fact = f"[{key}] header must be 1 or more, not {read.header}."
                self.problems.add(f"{key}.header", "key-type", fact)
        base = next((name for name, table in found.items() if table is None or table.rows == "one per patient"), "")
        if raw and not base:
            fact = '[data] needs a table with rows = "one per patient", which lists the patients.'
            self.problems.add("data", "key-missing", fact, "Name a file that has each patient once.")
        # Every stage takes the first table as the one that lists the patients.
        return {name: found[name] for name in sorted(found, key=lambda name: name != base)}

    def records(self, data: Mapping[str, DataTable | None], columns: Mapping[str, Mapping[str, Column]]) -> None:
        """A table with many rows per patient says what orders them; another has no order."""
        for name, table in data.items():
            if table is None or table.kind == "ddpcr":
                continue
            key = join_key("data", name)
            many = table.rows == "many per patient"
            if many and not table.order:
                mend = "Name the column with the date, or the number, of each row."
                self.problems.add(key, "key-missing", f"[{key}] needs order.", mend)
            elif table.order and not many:
                fact = f'[{key}] order belongs to rows = "many per patient".'
                self.problems.add(f"{key}.order", "key-conflict", fact)
            elif many:
                self.references.order(f"{key}.order", f"[{key}]", table, columns.get(name, {}))
            if many and "row" in columns.get(name, {}):
                here = join_key("columns", name, "row")
                fact = f"[{here}] row is the number of the row where a patient has many."
                self.problems.add(here, "key-conflict", fact, 'Give it another name, with from = "row".')

    def table_source(self, key: str, table: DataTable, raw: Mapping[str, Any], *, outside: bool) -> None:
        """Files, or a query and whom to ask; never both, never neither."""
        heading, add = f"[{key}]", self.problems.add
        listed = isinstance(table.file, tuple)
        for place, file in enumerate(table.files):
            here = f"{key}.file[{place}]" if listed else f"{key}.file"
            if not file.strip() or file in table.files[:place]:
                fact = f"{heading} file names '{file}' twice." if file.strip() else f"{heading} file is empty."
                add(here, "key-conflict" if file.strip() else "key-type", fact)
                continue
            self.leaves(here, file, outside=outside)
        if len(table.delimiter) > 1 or table.delimiter in ('"', "\r", "\n"):
            fact = f"{heading} delimiter must be one sign, not '{table.delimiter}'."
            add(f"{key}.delimiter", "key-type", fact, r'A tab is "\t".' if "tab" in table.delimiter.lower() else "")
        if table.timezone and not _is_timezone(table.timezone):
            fact = f"{heading} timezone '{table.timezone}' is not known."
            add(f"{key}.timezone", "key-type", fact, "Write a name such as Asia/Tokyo or UTC.")
        askers = [name for name in ("connection", "database") if name in raw]
        if "sql" not in raw:
            if not table.files:
                fact = f"{heading} needs file, or sql with connection or database."
                add(key, "key-missing", fact)
            for name in askers:
                add(f"{key}.{name}", "key-conflict", f"{heading} {name} belongs to sql.")
            return
        for name in ("file", "sheet", "header", "encoding", "delimiter", "comment", "merged", "hidden", "labels"):
            if name in raw:
                add(f"{key}.{name}", "key-conflict", f"{heading} sql and {name} exclude each other.")
        if len(askers) == 2:
            add(f"{key}.database", "key-conflict", f"{heading} connection and database exclude each other.")
        elif not askers:
            add(key, "key-missing", f"{heading} needs connection or database beside sql.")
        if not is_one_select(table.sql):
            add(f"{key}.sql", "sql-not-select", f"{heading} sql: one SELECT is allowed.", "Begin with SELECT or WITH.")
        for name, text in (("sql", table.sql), ("connection", table.connection), ("database", table.database)):
            if holds_secret(text):
                fact = f"{heading} {name}: a study file may not hold a password or an address."
                add(f"{key}.{name}", "sql-secret", fact, "Open the connection in Python and give it to load_cohort.")
                break
        else:
            if table.database:
                self.leaves(f"{key}.database", table.database, outside=outside)

    def columns(self, data: Mapping[str, DataTable | None]) -> dict[str, dict[str, Column]]:
        found: dict[str, dict[str, Column]] = {name: {} for name in data}
        home: dict[str, str] = {}
        for table, raw in self.table("columns").items():
            key = join_key("columns", table)
            if table not in data:
                near = did_you_mean(table, data)
                mend = f"Did you mean '{near}'?" if near else f"Declare [{join_key('data', table)}]."
                self.problems.add(key, "key-unknown", f"[{key}] has no table of that name in [data].", mend)
            if not isinstance(raw, Mapping):
                self.problems.add(key, "key-type", f"[{key}] must be a table.")
                continue
            file = data.get(table)
            if file is not None and file.kind == "ddpcr":
                fact = f'[{key}] does not apply to kind = "ddpcr": the wells have columns of their own.'
                self.problems.add(key, "key-conflict", fact, "Use [ctdna.NAME].")
            many = table if file is not None and file.rows == "many per patient" else ""
            for name, declared in raw.items():
                here = join_key("columns", table, name)
                column = self.column(here, table, name, declared)
                if column is not None and not column.source and name.startswith(f"{table}."):
                    # A name that two tables have is written table.column in the study; the file has it plain.
                    column = dataclasses.replace(column, source=name[len(table) + 1 :])
                if name in home:
                    fact = f"[{here}] {name} is a column of {home[name]} too."
                    mend = f'Give one another name, with from = "{name}".'
                    self.problems.add(here, "key-conflict", fact, mend)
                home.setdefault(name, table)
                if column is not None:
                    found.setdefault(table, {})[name] = column
                self.references.add_column(name, column, many=many)
                for flag in self.flags(here, column, home) if column is not None else ():
                    home[flag.name] = table
                    found[table][flag.name] = flag
                    self.references.add_column(flag.name, flag, many=many)
        return found

    def flags(self, key: str, column: Column, home: Mapping[str, str]) -> list[Column]:
        """Columns that keep what a rule has changed: the sign of a limit, the part of a date that was put in."""
        made = []
        for word, suffix in FLAGS.items():
            if getattr(column, word) in ("", (), {}):
                continue
            name = f"{column.name}_{suffix}"
            if name in home:
                self.problems.add(
                    f"{key}.{word}", "key-conflict", f"[{key}] {word} makes {name}, which is there already."
                )
                continue
            # The rules stay, since they say what the flag is; the name in the file stays, since the cells are the same.
            made.append(
                dataclasses.replace(
                    column,
                    name=name,
                    source=column.source or column.name,
                    flag=suffix,
                    type="category",
                    order=(),
                    label=f"{column.label or column.name}, {suffix}",
                    labels=(),
                    note="",
                    range=None,
                    unit=column.unit,
                )
            )
        return made

    def column(self, key: str, table: str, name: str, raw: object) -> Column | None:
        fixed = {"name": name, "table": table}
        column = read_section(Column, raw, path=key, problems=self.problems, fixed=fixed)
        if column is None or not isinstance(raw, Mapping):
            return None
        heading = f"[{key}]"
        kind = column.type or ("ordered" if column.order else "category")
        for taken, types in TYPE_KEYS.items():
            if taken in raw and kind not in types:
                fact = f"{heading} {taken} does not apply to a column of type {kind}."
                mend = f"It belongs to {' or '.join(sorted(types))}."
                self.problems.add(f"{key}.{taken}", "key-conflict", fact, mend)
        if column.type == "ordered" and not column.order:
            self.problems.add(key, "key-missing", f"{heading} needs order.", "List all levels, in their order.")
        if len(set(column.order)) < len(column.order):
            twice = next(level for level in column.order if column.order.count(level) > 1)
            self.problems.add(f"{key}.order", "key-conflict", f"{heading} order lists '{twice}' twice.")
        if column.range is not None and column.range[0] > column.range[1]:
            low, high = column.range
            self.problems.add(
                f"{key}.range", "key-conflict", f"{heading} range begins at {low:g} and ends at {high:g}."
            )
        both = [text for text in column.yes if text in column.no]
        if both:
            self.problems.add(f"{key}.no", "key-conflict", f"{heading} '{both[0]}' cannot mean both yes and no.")
        if column.thousands and column.thousands == column.decimal:
            fact = f"{heading} thousands and decimal exclude each other: both are '{column.decimal}'."
            self.problems.add(f"{key}.decimal", "key-conflict", fact)
        if isinstance(column.beyond, str) and column.beyond not in ("", *BEYOND):
            fact = f'{heading} beyond must be "limit", "half", "missing" or a number, not "{column.beyond}".'
            self.problems.add(f"{key}.beyond", "key-type", fact)
        if column.units and not column.unit:
            self.problems.add(
                f"{key}.units", "key-conflict", f"{heading} units needs unit, to which they are converted."
            )
        self.column_levels(key, heading, kind, column)
        return column

    def column_levels(self, key: str, heading: str, kind: str, column: Column) -> None:
        levels = ("yes", "no") if kind == "yes/no" else column.order
        if levels:
            self.references.levels(f"{key}.unknown", f"{heading} unknown", column.unknown, levels)
            for text, level in column.values.items():
                self.references.levels(join_key_at(f"{key}.values", text), f"{heading} values", (level,), levels)
        if kind in TYPE_KEYS["labels"] and (levels or kind != "category"):
            self.number_of_levels(key, heading, column.labels, levels)
        elif kind == "category" and column.labels:
            self.problems.add(f"{key}.labels", "key-missing", f"{heading} labels needs order.", "List all levels.")

    # ---- [derive], [endpoints], [[check]]

    def derive(self) -> tuple[dict[str, Derived], dict[str, Rule]]:
        found: dict[str, Derived] = {}
        rules: dict[str, Rule] = {}
        for name, raw in self.table("derive").items():
            key = join_key("derive", name)
            if name in self.references.kinds:
                fact = f"[{key}] {name} hides a column."
                self.problems.add(key, "key-conflict", fact, "Use another name.")
                continue
            self.references.declare(name)
            if isinstance(raw, Mapping) and "rule" in raw:
                rule = self.rule(key, name, raw)
                if rule is not None:
                    rules[name] = rule
                continue
            fixed = {"name": name}
            derived = read_section(Derived, raw, path=key, problems=self.problems, fixed=fixed, also=("rule",))
            if derived is None or not isinstance(raw, Mapping):
                continue
            forms = [form for form in ("when", "value", "cases") if form in raw]
            if len(forms) != 1:
                fact = f"[{key}] {' and '.join(forms)} exclude each other." if forms else ""
                fact = fact or f"[{key}] needs one of when, value and cases."
                code = "key-conflict" if forms else "key-missing"
                self.problems.add(join_key_at(key, forms[1]) if forms else key, code, fact)
                continue
            self.derived_form(key, derived, raw, forms[0])
            found[name] = derived
        return found, rules

    def rule(self, key: str, name: str, raw: Mapping[str, Any]) -> Rule | None:
        """A variable that a rule makes, and the names of what it makes beside it."""
        heading = f"[{key}]"
        cls = rule_of(raw["rule"])
        if cls is None:
            near = did_you_mean(raw["rule"], RULES) if isinstance(raw["rule"], str) else ""
            *others, last = [f'"{rule}"' for rule in RULES]
            fact = f"{heading} rule must be {', '.join(others)} or {last}, not {raw['rule']!r}."
            self.problems.add(f"{key}.rule", "key-type", fact, f'Did you mean "{near}"?' if near else "")
            return None
        forms = [form for form in ("when", "value", "cases") if form in raw]
        if forms:
            fact = f"{heading} rule and {forms[0]} exclude each other."
            self.problems.add(f"{key}.{forms[0]}", "key-conflict", fact)
        for suffix in cls.COMPANIONS:
            made = f"{name}_{suffix}"
            if made in self.references.kinds:
                fact = f"{heading} makes {made}, which is there already."
                self.problems.add(key, "key-conflict", fact, "Use another name.")
            self.references.declare(made)
        keys = {word: value for word, value in raw.items() if word not in forms}
        rule: Rule | None = read_section(cls, keys, path=key, problems=self.problems, fixed={"name": name})
        if rule is not None:
            self.number_of_levels(key, heading, rule.labels, rule.kind.level_names)
        return rule

    def derived_form(self, key: str, derived: Derived, raw: Mapping[str, Any], form: str) -> None:
        heading = f"[{key}]"
        if "else" in raw and form != "cases":
            self.problems.add(f"{key}.else", "key-conflict", f"{heading} else belongs to cases.")
        if "unit" in raw and form != "value":
            self.problems.add(f"{key}.unit", "key-conflict", f"{heading} unit belongs to value.")
        if form == "cases" and not derived.cases:
            self.problems.add(
                f"{key}.cases", "key-type", f"{heading} cases must be a list of pairs, not an empty list."
            )
        if form == "when":
            self.number_of_levels(key, heading, derived.labels, ("yes", "no"))
        elif form == "cases":
            self.number_of_levels(key, heading, derived.labels, case_levels(derived))

    def endpoints(self) -> dict[str, Endpoint]:
        found: dict[str, Endpoint] = {}
        for name, raw in self.table("endpoints").items():
            key = join_key("endpoints", name)
            if name in self.references.kinds:
                fact = f"[{key}] {name} hides a column or derived name."
                mend = 'Rename it, or the column with from = "…".'
                self.problems.add(key, "key-conflict", fact, mend)
                continue
            kind = raw.get("kind") if isinstance(raw, Mapping) else None
            classes: dict[Any, type[Endpoint]] = {"binary": BinaryEndpoint, "time to event": TimeToEventEndpoint}
            if isinstance(raw, Mapping) and not (isinstance(kind, str) and kind in classes):
                known = '"binary" or "time to event"'
                near = did_you_mean(kind, classes) if isinstance(kind, str) else ""
                if kind is None:
                    self.problems.add(key, "key-missing", f"[{key}] needs kind = {known}.")
                else:
                    mend = f'Did you mean "{near}"?' if near else ""
                    self.problems.add(f"{key}.kind", "key-type", f"[{key}] kind must be {known}, not {kind!r}.", mend)
                self.references.declare(name)
                continue
            cls = classes.get(kind, BinaryEndpoint)
            endpoint: Endpoint | None = read_section(cls, raw, path=key, problems=self.problems, fixed={"name": name})
            self.references.add_endpoint(name, endpoint, binary=cls is BinaryEndpoint)
            if isinstance(endpoint, TimeToEventEndpoint):
                self.time_form(key, endpoint, raw)
            if endpoint is not None:
                found[name] = endpoint
        return found

    def time_form(self, key: str, endpoint: TimeToEventEndpoint, raw: Mapping[str, Any]) -> None:
        """A time and a status, or dates; never both, never neither."""
        heading = f"[{key}]"
        if "time" in raw and "start" in raw:
            fact = f"{heading} time and start exclude each other."
            self.problems.add(f"{key}.start", "key-conflict", fact, "Give a time and a status, or dates.")
        elif "time" not in raw and "start" not in raw:
            self.problems.add(key, "key-missing", f"{heading} needs time, or start and censor.")
        elif "time" in raw:
            for name in DATE_FORM:
                if name in raw and name != "start":
                    fact = f"{heading} {name} belongs to start, not to time."
                    self.problems.add(f"{key}.{name}", "key-conflict", fact)
        for short, long in (("event", "events"), ("censor", "censors")):
            if short in raw and long in raw:
                fact = f"{heading} {short} and {long} exclude each other."
                self.problems.add(f"{key}.{short}", "key-conflict", fact)
        if not raw.get("event") and not endpoint.events:
            also = " or events" if "time" not in raw else ""
            self.problems.add(key, "key-missing", f"{heading} needs event{also}.")
        self.iso(key, heading, endpoint.cutoff)

    def checks(self) -> list[Check]:
        found = []
        for place, raw in enumerate(self.tables("check")):
            key = join_key("check", place)
            check = read_section(Check, raw, path=key, problems=self.problems, heading="[[check]]")
            if check is not None:
                self.references.keys[id(check)] = key
                found.append(check)
        return found

    # ---- exhibits and [report]

    def exhibits(self) -> list[Exhibit]:
        """Exhibits of all sections in the order of the file."""
        found: list[tuple[int, Exhibit | None, str, str, object]] = []
        for section, cls in EXHIBITS.items():
            for place, raw in enumerate(self.tables(section)):
                name = raw.get("id") if isinstance(raw, Mapping) else None
                numbered = join_key(section, place)
                named = join_key(section, name) if isinstance(name, str) else numbered
                # The second exhibit with an id is told about under its place, else its lines would be the first's.
                same_line = self.problems.lines.get(named) == self.problems.lines.get(numbered)
                key, heading = named if same_line else numbered, f"[[{section}]]"
                exhibit: Exhibit | None = read_section(cls, raw, path=key, problems=self.problems, heading=heading)
                found.append((self.problems.line(key) or 0, exhibit, key, heading, name))
        found.sort(key=lambda entry: entry[0])
        ids: set[str] = set()
        for _, exhibit, key, heading, name in found:
            if exhibit is not None:
                self.references.keys[id(exhibit)] = key
            if not isinstance(name, str):
                continue
            self.file_name(f"{key}.id", heading, name)
            # Case does not tell files apart on every system.
            if name.casefold() in ids:
                fact = f"{heading} id '{name}' is used twice."
                self.problems.add(f"{key}.id", "key-conflict", fact, "Give each exhibit its own id.")
            ids.add(name.casefold())
        return [exhibit for _, exhibit, *_ in found if exhibit is not None]

    def report(self) -> ReportOptions | None:
        raw = self.table("report")
        report = read_section(ReportOptions, raw, path="report", problems=self.problems)
        for place, figure in enumerate(report.figures if report else ()):
            if not FIGURE.fullmatch(figure):
                fact = f"[report] figures must be svg, pdf, png or png@600, not '{figure}'."
                self.problems.add(f"report.figures[{place}]", "key-type", fact)
        if report is not None and (report.privacy.min_cell < 0 or report.privacy.min_cell in (1, 2)):
            fact = f"[report] privacy: min_cell must be 0, or 3 or more, not {report.privacy.min_cell}."
            mend = "Of fewer than 2 patients there is 1, so nothing would be hidden."
            self.problems.add("report.privacy.min_cell", "key-type", fact, mend)
        return report


def _is_timezone(name: str) -> bool:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def _reasons(missing: tuple[str, ...] | Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(missing) if isinstance(missing, Mapping) else dict.fromkeys(missing, ""))


def join_key_at(key: str, part: str) -> str:
    """A key below another."""
    return f"{key}.{join_key(part)}"
