"""Everything in a study file that refers to something else: names, levels, kinds, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from cohortstats.errors import InputError, did_you_mean
from cohortstats.expressions import ColumnKind, ExpressionError, Kind, parse_expression, resolve
from cohortstats.expressions.dependencies import evaluation_order
from cohortstats.expressions.plan import MANY
from cohortstats.schema import Problems, each_key, join_key
from cohortstats.study.event_references import check_event_dates
from cohortstats.study.protocol import parse_cutoff
from cohortstats.study.rules import Rule
from cohortstats.study.sections import (
    AnyRow,
    Association,
    BinaryEndpoint,
    Characteristics,
    Check,
    Column,
    Curves,
    DataTable,
    Derived,
    Endpoint,
    Exhibit,
    Flow,
    Measurements,
    Missingness,
    Regression,
    Response,
    Swimmer,
    SwimmerMarks,
    TimeToEvent,
    TimeToEventEndpoint,
    Trials,
    VariableRow,
    Waterfall,
    section_of,
)

__all__ = ["References"]

LEVELED: tuple[Kind, ...] = ("yes/no", "ordered", "category")
WORDS: Mapping[Kind, str] = {
    "number": "a number",
    "date": "a date",
    "yes/no": "yes/no",
    "ordered": "ordered",
    "category": "a category",
    "text": "text",
}


class References:
    """Names of one study file and what they are; notes a problem for every reference that does not hold."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.kinds: dict[str, ColumnKind | None] = {}  # None: it exists, but what it is could not be read
        self.endpoint_kinds: dict[str, str] = {}
        self.uses: dict[str, frozenset[str]] = {}
        self.known: dict[str, str] = {}  # column -> when it was known, where that is declared
        self.keys: dict[int, str] = {}  # id() of a section of a list -> its dotted key

    # ---- what there is

    def declare(self, name: str) -> None:
        self.kinds[name] = None

    def add_column(self, name: str, column: Column | None, *, many: str = "") -> None:
        """``many`` is the table of a column with many rows per patient."""
        kind = replace(column_kind(column), table=many) if column else None
        self.kinds.setdefault(name, kind)
        if column is not None and column.known:
            self.known.setdefault(name, column.known)

    def add_endpoint(self, name: str, endpoint: Endpoint | None, *, binary: bool) -> None:
        self.endpoint_kinds[name] = "binary" if binary else "time to event"
        if binary:
            self.kinds[name] = ColumnKind(kind="yes/no")
        if endpoint is not None and not binary:
            self.uses[name] = frozenset()

    def work_out(
        self, derive: Mapping[str, Derived], endpoints: Mapping[str, Endpoint], rules: Mapping[str, Rule]
    ) -> None:
        """Kinds of derived variables in the order in which they need each other; circles are problems."""
        needs: dict[str, set[str]] = {}
        for name, rule in rules.items():
            needs[name] = {there for used in rule.needs if (there := resolve(used, self.kinds)) is not None}
            for made, kind in rule.makes.items():
                self.kinds[made] = kind
                if made != name:
                    needs[made] = {name}  # made by the rule, so that it comes after it
                if rule.KNOWN:
                    self.known.setdefault(made, rule.KNOWN)
        for name, derived in derive.items():
            needs[name] = self.names_in(expressions_of(derived))
        for name, endpoint in endpoints.items():
            if isinstance(endpoint, BinaryEndpoint):
                needs[name] = self.names_in([endpoint.when])
        order, circles = evaluation_order(needs)
        for circle in circles:
            first = circle[0]
            fact = f"{' needs '.join([*circle, first])}."
            section = "endpoints" if first in endpoints else "derive"
            self.problems.add(join_key(section, first), "expression-cycle", fact, "Break the circle.")
        for name in order:
            if name in derive:
                self.kinds[name] = self.derived_kind(derive[name])
            self.uses[name] = frozenset(needs[name]).union(*(self.uses.get(used, frozenset()) for used in needs[name]))
        for name, endpoint in endpoints.items():
            if isinstance(endpoint, TimeToEventEndpoint):
                parts = {resolve(part, self.kinds) for part in endpoint_parts(endpoint)} - {None}
                known = frozenset(part for part in parts if part is not None)
                self.uses[name] = known.union(*(self.uses.get(part, frozenset()) for part in known))

    def names_in(self, expressions: Iterable[str]) -> set[str]:
        """Declared names that expressions use; what cannot be parsed is told elsewhere."""
        found: set[str] = set()
        for text in expressions:
            try:
                names = parse_expression(text).names
            except ExpressionError:
                continue
            found.update(name for used in names if (name := resolve(used, self.kinds)) is not None)
        return found

    def derived_kind(self, derived: Derived) -> ColumnKind | None:
        """Kind of a derived variable; its faults are told by :meth:`check_derived`."""
        if derived.when:
            return ColumnKind(kind="yes/no")
        if derived.cases:
            return ColumnKind(kind="category", levels=case_levels(derived))
        try:
            kind = parse_expression(derived.value).check(self.kinds)
        except ExpressionError:
            return None
        return ColumnKind(kind=kind.kind, levels=kind.levels, unit=derived.unit or kind.unit)

    # ---- expressions and names

    def expression(self, key: str, heading: str, word: str, text: str, want: Kind | None = None) -> ColumnKind | None:
        """Kind of an expression; every fault of it is a problem."""
        try:
            return parse_expression(text).check(self.kinds, want=want)
        except ExpressionError as error:
            for fault in error.faults:
                self.problems.add(key, fault.code, f"{heading} {word}: {fault.message}", fault.mend)
            return None

    def name(
        self,
        key: str,
        heading: str,
        word: str,
        name: str,
        kinds: Sequence[Kind] = (),
        *,
        columns_only: bool = False,
        records: bool = False,
    ) -> ColumnKind | None:
        """Kind of a variable that a key names; ``records`` lets one of many rows per patient in."""
        known = resolve(name, self.kinds)
        if known is None:
            near = did_you_mean(name, self.kinds)
            if name in self.endpoint_kinds:
                fact = f"{heading} {word}: {name} is a time-to-event endpoint, not a column or derived name."
            else:
                fact = f"{heading} {word}: {name} is no column or derived name."
            self.problems.add(key, "expression-name", fact, f"Did you mean {near}?" if near else "")
            return None
        kind = self.kinds[known]
        if columns_only and (known in self.uses or known in self.endpoint_kinds):
            self.problems.add(key, "expression-name", f"{heading} {word}: {name} is derived, a column is needed.")
            return None
        if kind is not None and kind.table and not records:
            fact = f"{heading} {word}: {name} has many rows per patient; use {MANY}."
            self.problems.add(key, "expression-many", fact, "Make it a [derive] entry, and name that.")
            return None
        if kind is not None and kinds and kind.kind not in kinds:
            wanted = " or ".join(WORDS[wanted] for wanted in kinds)
            fact = f"{heading} {word}: {name} is {WORDS[kind.kind]}, {wanted} is needed."
            self.problems.add(key, "expression-type", fact)
            return None
        return kind

    def order(self, key: str, heading: str, table: DataTable, columns: Mapping[str, Column]) -> None:
        """What orders the rows of a patient is a date or a number of the same table."""
        found = order_column(table, columns)
        if found is None:
            near = did_you_mean(table.order, columns)
            fact = f"{heading} order: {table.order} is no column of [{join_key('columns', table.name)}]."
            self.problems.add(key, "expression-name", fact, f"Did you mean {near}?" if near else "Declare it there.")
            return
        kind = self.kinds[found]
        if kind is not None and kind.kind not in ("date", "number"):
            fact = f"{heading} order: {found} is {WORDS[kind.kind]}, a date or a number is needed."
            self.problems.add(key, "expression-type", fact)

    def endpoint(self, key: str, heading: str, word: str, name: str, kind: str) -> None:
        found = self.endpoint_kinds.get(name)
        if found == kind:
            return
        choices = [known for known, its in self.endpoint_kinds.items() if its == kind]
        article = "a" if kind != "" else ""
        if found is not None:
            fact = f"{heading} {word}: {name} is {article} {found} endpoint, a {kind} endpoint is needed."
        else:
            fact = f"{heading} {word}: {name} is no {kind} endpoint."
        near = did_you_mean(name, choices)
        mend = f"Did you mean {near}?" if near else f"Endpoints: {', '.join(choices)}." if choices else ""
        self.problems.add(key, "expression-name", fact, mend or f"Declare [endpoints.{name}].")

    def levels(self, key: str, place: str, named: Iterable[str], levels: Sequence[str]) -> None:
        """Every named level must be among the levels, when these are known."""
        for level in named:
            if levels and level not in levels:
                near = did_you_mean(level, levels)
                listed = ", ".join(f"'{known}'" for known in levels)
                mend = f"Did you mean '{near}'?" if near else ""
                self.problems.add(key, "level-unknown", f"{place}: '{level}' is not among {listed}.", mend)

    # ---- sections

    def check_derived(self, derive: Mapping[str, Derived]) -> None:
        for name, derived in derive.items():
            key = join_key("derive", name)
            heading = f"[{key}]"
            for place, marker in enumerate(derived.markers):
                self.name(f"{key}.markers[{place}]", heading, "markers", marker, ("yes/no",))
            if derived.when:
                self.expression(f"{key}.when", heading, "when", derived.when, "yes/no")
            for place, (condition, _) in enumerate(derived.cases):
                self.expression(f"{key}.cases[{place}]", heading, "cases", condition, "yes/no")
            if not derived.value:
                continue
            kind = self.expression(f"{key}.value", heading, "value", derived.value)
            if kind is None:
                continue
            if kind.kind == "yes/no" and parse_expression(derived.value).names:
                self.problems.add(
                    f"{key}.value",
                    "expression-type",
                    f"{heading} value gives yes or no.",
                    "Write when instead of value.",
                )
            if derived.unit and kind.kind != "number":
                fact = f"{heading} unit does not apply: value gives {WORDS[kind.kind]}."
                self.problems.add(f"{key}.unit", "key-conflict", fact)
            if derived.labels and len(derived.labels) != len(kind.level_names):
                fact = f"{heading} labels has {len(derived.labels)} names for {len(kind.level_names)} levels."
                self.problems.add(f"{key}.labels", "key-conflict", fact)

    def check_endpoints(self, endpoints: Mapping[str, Endpoint], data: Mapping[str, DataTable | None]) -> None:
        for name, endpoint in endpoints.items():
            key = join_key("endpoints", name)
            heading = f"[{key}]"
            if isinstance(endpoint, BinaryEndpoint):
                self.expression(f"{key}.when", heading, "when", endpoint.when, "yes/no")
                if endpoint.confirm:
                    self.name(f"{key}.confirm", heading, "confirm", endpoint.confirm, ("yes/no",), columns_only=True)
                continue
            dates = bool(endpoint.start)
            wanted: Mapping[str, tuple[Kind, ...]] = {
                "time": ("number",),
                # Whether a number is a status, 0 and 1 only, is seen when the cells are read.
                "event": ("date",) if dates else ("yes/no", "number", "ordered", "category"),
                "start": ("date",),
                "censor": ("date",),
                "entry": ("date",) if dates else ("number",),
                "death": ("date",),
            }
            for word, kinds in wanted.items():
                named = getattr(endpoint, word)
                if named:
                    self.name(f"{key}.{word}", heading, word, named, kinds)
            check_event_dates(self, key, heading, endpoint, data)

    def check_checks(self, checks: Iterable[Check]) -> None:
        for check in checks:
            key = self.keys[id(check)]
            self.expression(f"{key}.when", "[[check]]", "when", check.when, "yes/no")

    def check_exhibits(
        self, exhibits: Sequence[Exhibit], endpoints: Mapping[str, Endpoint], derive: Mapping[str, Derived | Rule]
    ) -> None:
        responses = {exhibit.variable for exhibit in exhibits if isinstance(exhibit, Response)}
        for exhibit in exhibits:
            key, heading = self.keys[id(exhibit)], f"[[{section_of(exhibit)}]]"
            self.check_references(exhibit, key, heading)
            if isinstance(exhibit, Characteristics):
                self.check_rows(exhibit, key, heading)
            elif isinstance(exhibit, Response):
                kind = self.kinds.get(exhibit.variable)
                for name, levels in exhibit.sums.items():
                    place = f"{key}.sums.{join_key(name)}"
                    self.levels(place, f"{heading} sums", levels, kind.level_names if kind else ())
            elif isinstance(exhibit, Measurements):
                self.check_marks(exhibit, key, heading)
            elif isinstance(exhibit, Association):
                for name in exhibit.labels:
                    self.among(f"{key}.labels.{join_key(name)}", heading, "labels", name, exhibit.rows, "rows")
                for number, name in enumerate(exhibit.tested):
                    if name in exhibit.rows:
                        fact = f"{heading} tested: {name} is among the rows; tested names what is not shown."
                        self.problems.add(f"{key}.tested[{number}]", "key-conflict", fact)
            elif isinstance(exhibit, TimeToEvent):
                self.check_numbers(exhibit, key, heading)
                for word in ("groups", "strata"):
                    name = getattr(exhibit, word)
                    if name and not exhibit.landmark:  # from a landmark on, what came before it is known
                        self.check_formed(f"{key}.{word}", heading, name, exhibit, endpoints, derive, responses)
            elif isinstance(exhibit, Swimmer):
                self.check_swimmer(exhibit, key, heading, endpoints)
            elif isinstance(exhibit, Waterfall):
                self.check_waterfall(exhibit, key, heading)
            elif isinstance(exhibit, Flow):
                self.check_flow(exhibit, key, heading, exhibits)
            elif isinstance(exhibit, Missingness):
                if exhibit.patterns < 0:
                    fact = f"{heading} patterns must be 0 or more, not {exhibit.patterns}."
                    self.problems.add(f"{key}.patterns", "key-type", fact)
            elif isinstance(exhibit, Regression):
                self.check_regression(exhibit, key, heading)
                named = {f"covariates[{number}]": name for number, name in enumerate(exhibit.covariates)}
                named |= {"strata": exhibit.strata} if exhibit.strata else {}
                for word, name in named.items():
                    self.check_formed(f"{key}.{word}", heading, name, exhibit, endpoints, derive, responses)

    def check_references(self, exhibit: Exhibit, key: str, heading: str) -> None:
        """Every key that refers to something, by the declaration of the key."""
        wanted: Mapping[tuple[type, str], tuple[Kind, ...]] = {
            (Response, "variable"): ("ordered", "category"),
            (Measurements, "columns"): ("number",),
            (Association, "rows"): LEVELED,
            (Association, "tested"): LEVELED,
            (Characteristics, "by"): LEVELED,
            (TimeToEvent, "groups"): LEVELED,
            (TimeToEvent, "strata"): LEVELED,
            (Regression, "covariates"): ("number", *LEVELED),
            (Regression, "strata"): LEVELED,
            (Swimmer, "length"): ("number",),
            (Swimmer, "start"): ("date",),
            (Swimmer, "end"): ("date",),
            (Swimmer, "groups"): LEVELED,
            (Waterfall, "change"): ("number",),
            (Waterfall, "sum"): ("number",),
            (Waterfall, "date"): ("date", "number"),
            (Waterfall, "start"): ("date",),
            (Waterfall, "baseline"): ("number",),
            (Waterfall, "progression"): ("date", "number"),
            (Waterfall, "new_therapy"): ("date", "number"),
            (Waterfall, "response"): LEVELED,
        }
        for word, refers, value in each_key(exhibit):
            kinds = wanted.get((type(exhibit), word), ())
            if isinstance(value, str):
                if value:
                    self.reference(f"{key}.{word}", heading, word, value, refers, kinds)
            elif isinstance(value, tuple):
                for place, element in enumerate(value):
                    if isinstance(element, str):
                        self.reference(f"{key}.{word}[{place}]", heading, word, element, refers, kinds)

    def reference(self, key: str, heading: str, word: str, value: str, refers: str, kinds: Sequence[Kind]) -> None:
        if refers == "expression":
            self.expression(key, heading, word, value, "yes/no")
        elif refers.endswith("endpoint"):
            self.endpoint(key, heading, word, value, "binary" if refers.startswith("binary") else "time to event")
        else:
            self.name(key, heading, word, value, kinds, columns_only=refers == "column", records=refers == "record")

    def check_rows(self, exhibit: Characteristics, key: str, heading: str) -> None:
        for place, row in enumerate(exhibit.rows):
            here = f"{key}.rows[{place}]"
            if isinstance(row, AnyRow):
                for number, name in enumerate(row.any):
                    self.name(f"{here}.any[{number}]", heading, "any", name, ("yes/no",))
            elif isinstance(row, VariableRow):
                kind = self.name(f"{here}.variable", heading, "variable", row.variable)
                if kind is None:
                    continue
                if (row.omit or row.show) and kind.kind not in LEVELED:
                    word = "omit" if row.omit else "show"
                    fact = f"{heading} {word}: {row.variable} is {WORDS[kind.kind]} and has no levels."
                    self.problems.add(f"{here}.{word}", "key-conflict", fact)
                    continue
                self.levels(f"{here}.omit", f"{heading} omit", row.omit, kind.level_names)
                shown = (row.show,) if row.show else ()
                self.levels(f"{here}.show", f"{heading} show", shown, kind.level_names)

    def among(self, key: str, heading: str, word: str, name: str, named: Sequence[str], which: str) -> None:
        """A key of a table that names a variable of the exhibit."""
        if name not in named:
            near = did_you_mean(name, named)
            fact = f"{heading} {word}: {name} is not among the {which} of the exhibit."
            self.problems.add(key, "expression-name", fact, f"Did you mean {near}?" if near else "")

    def check_marks(self, exhibit: Measurements, key: str, heading: str) -> None:
        for column, cutoff in exhibit.mark.items():
            here = f"{key}.mark.{join_key(column)}"
            self.among(here, heading, "mark", column, exhibit.columns, "columns")
            try:
                parse_cutoff(cutoff)
            except InputError as error:
                self.problems.add(here, "key-type", f"{heading} mark: {error}")

    def check_numbers(self, exhibit: TimeToEvent, key: str, heading: str) -> None:
        """Times and counts are not negative."""
        numbers = {"ticks": exhibit.ticks, "min_at_risk": exhibit.min_at_risk}
        numbers |= {"rmst": exhibit.rmst, "landmark": exhibit.landmark}
        numbers |= {f"at[{place}]": time for place, time in enumerate(exhibit.at)}
        for word, number in numbers.items():
            if not 0 <= number < float("inf"):
                fact = f"{heading} {word.partition('[')[0]} must be 0 or more, not {number:g}."
                self.problems.add(f"{key}.{word}", "key-type", fact)

    def check_swimmer(self, exhibit: Swimmer, key: str, heading: str, endpoints: Mapping[str, Endpoint]) -> None:
        """One thing makes the bars, and each mark has one time."""
        self.one_of(key, heading, exhibit, ("endpoint", "length", "end"))
        outcome = endpoints.get(exhibit.endpoint)
        begins = exhibit.start or (outcome.start if isinstance(outcome, TimeToEventEndpoint) else "")
        if exhibit.end and not exhibit.start:
            self.problems.add(key, "key-missing", f"{heading} end needs start.", "Name the date on which bars begin.")
        if not 0 <= exhibit.ticks < float("inf"):
            self.problems.add(f"{key}.ticks", "key-type", f"{heading} ticks must be 0 or more, not {exhibit.ticks:g}.")
        length = self.kinds.get(exhibit.length)
        if length is not None and exhibit.unit and length.unit not in ("days", "weeks", "months", "years"):
            fact = f"{heading} unit: {exhibit.length} is in {length.unit or 'no unit'}, which has no {exhibit.unit}."
            self.problems.add(f"{key}.unit", "unit-mismatch", fact)
        for place, mark in enumerate(exhibit.marks):
            self.check_mark(mark, f"{key}.marks[{place}]", f"{heading} marks[{place}]", begins)

    def check_mark(self, mark: SwimmerMarks, key: str, heading: str, begins: str) -> None:
        self.one_of(key, heading, mark, ("date", "time", "endpoint"))
        if mark.time:
            self.name(f"{key}.time", heading, "time", mark.time, ("number",))
        if mark.endpoint:
            self.endpoint(f"{key}.endpoint", heading, "endpoint", mark.endpoint, "time to event")
        dated = self.name(f"{key}.date", heading, "date", mark.date, ("date",), records=True) if mark.date else None
        if mark.date and not begins:
            fact = f"{heading} date needs start, the date on which bars begin."
            self.problems.add(f"{key}.date", "key-missing", fact, "Give start to the exhibit.")
        if mark.where and not mark.date:
            self.problems.add(f"{key}.where", "key-conflict", f"{heading} where belongs to date.")
        for name, levels in mark.where.items():
            here = f"{key}.where.{join_key(name)}"
            kind = self.name(here, heading, "where", name, LEVELED, records=True)
            if kind is not None:
                self.levels(here, f"{heading} where", levels, kind.level_names)
                if dated is not None and kind.table != dated.table:
                    fact = f"{heading} where: {name} and {mark.date} are not in one table."
                    self.problems.add(here, "key-conflict", fact)

    def check_waterfall(self, exhibit: Waterfall, key: str, heading: str) -> None:
        """The change as it is, or what it is made from."""
        self.one_of(key, heading, exhibit, ("change", "sum"))
        for word in ("date", "start", "baseline", "progression", "new_therapy"):
            if exhibit.change and getattr(exhibit, word):
                self.problems.add(f"{key}.{word}", "key-conflict", f"{heading} {word} belongs to sum, not to change.")
        found = self.kinds.get(exhibit.sum)
        if found is not None and not found.table:
            fact = f"{heading} sum: {exhibit.sum} has one value a patient."
            mend = "Name a column of a table with many rows per patient, or give change."
            self.problems.add(f"{key}.sum", "key-conflict", fact, mend)
        dated = self.kinds.get(exhibit.date)
        if found is not None and dated is not None and found.table != dated.table:
            fact = f"{heading} date: {exhibit.date} and {exhibit.sum} are not in one table."
            self.problems.add(f"{key}.date", "key-conflict", fact)
        if not 0 <= exhibit.cap < float("inf"):
            self.problems.add(f"{key}.cap", "key-type", f"{heading} cap must be 0 or more, not {exhibit.cap:g}.")

    def check_flow(self, exhibit: Flow, key: str, heading: str, exhibits: Sequence[Exhibit]) -> None:
        """Steps are expressions, exhibits are there."""
        for place, step in enumerate(exhibit.steps):
            self.expression(f"{key}.steps[{place}].when", f"{heading} steps[{place}]", "when", step.when, "yes/no")
        ids = [other.id for other in exhibits]
        for place, name in enumerate(exhibit.exhibits):
            here = f"{key}.exhibits[{place}]"
            if name not in ids:
                near = did_you_mean(name, ids)
                fact = f"{heading} exhibits: '{name}' is no exhibit of the study."
                self.problems.add(here, "expression-name", fact, f"Did you mean '{near}'?" if near else "")
            elif name in exhibit.exhibits[:place]:
                self.problems.add(here, "key-conflict", f"{heading} exhibits names {name} twice.")
            elif isinstance(exhibits[ids.index(name)], (Trials, Curves)):
                fact = f"{heading} exhibits: {name} is not made of the patients of this study."
                self.problems.add(here, "key-conflict", fact)

    def one_of(self, key: str, heading: str, section: object, words: Sequence[str]) -> None:
        """Exactly one of several keys is given."""
        given = [word for word in words if getattr(section, word)]
        if not given:
            listed = f"{', '.join(words[:-1])} and {words[-1]}"
            self.problems.add(key, "key-missing", f"{heading} needs one of {listed}.")
        elif len(given) > 1:
            fact = f"{heading} {' and '.join(given)} exclude each other."
            self.problems.add(f"{key}.{given[1]}", "key-conflict", fact)

    def check_regression(self, exhibit: Regression, key: str, heading: str) -> None:
        """Covariates named once, and what is said of them; a model that has none cannot be made."""
        for word, named in (("covariates", exhibit.covariates), ("models", exhibit.models)):
            if not named:
                self.problems.add(f"{key}.{word}", "key-type", f"{heading} {word} must not be an empty list.")
        for word, variables in (("covariates", exhibit.covariates), ("multivariable", exhibit.multivariable)):
            for place, name in enumerate(variables):
                here = f"{key}.{word}[{place}]"
                if word == "multivariable":
                    self.among(here, heading, word, name, exhibit.covariates, "covariates")
                if name in variables[:place]:
                    self.problems.add(here, "key-conflict", f"{heading} {word} names {name} twice.")
        if exhibit.multivariable and "multivariable" not in exhibit.models:
            fact = f"{heading} multivariable does not apply: models does not name it."
            self.problems.add(f"{key}.multivariable", "key-conflict", fact)
        if exhibit.strata and exhibit.strata in exhibit.covariates:
            fact = f"{heading} strata: {exhibit.strata} is a covariate too; a stratum has no hazard ratio."
            self.problems.add(f"{key}.strata", "key-conflict", fact)
        if exhibit.strata and exhibit.penalty == "firth":
            fact = f"{heading} penalty and strata exclude each other: Firth's estimate has no strata here."
            self.problems.add(f"{key}.penalty", "key-conflict", fact)
        for word in ("reference", "per", "labels"):
            for name in getattr(exhibit, word):
                here = f"{key}.{word}.{join_key(name)}"
                self.among(here, heading, word, name, exhibit.covariates, "covariates")
                kind = self.kinds.get(name)
                if kind is None or name not in exhibit.covariates:
                    continue
                if word == "reference":
                    if kind.kind not in LEVELED:
                        fact = f"{heading} reference: {name} is {WORDS[kind.kind]} and has no levels."
                        self.problems.add(here, "key-conflict", fact)
                    else:
                        self.levels(here, f"{heading} reference", (exhibit.reference[name],), kind.level_names)
                elif word == "per":
                    self.check_step(here, f"{heading} per", name, kind, exhibit.per[name])

    def check_step(self, key: str, place: str, name: str, kind: ColumnKind, step: float) -> None:
        """The step of a hazard ratio belongs to a number and is above 0."""
        if kind.kind != "number":
            self.problems.add(key, "key-conflict", f"{place}: {name} is {WORDS[kind.kind]}, a number is needed.")
        elif not 0 < step < float("inf"):
            self.problems.add(key, "key-type", f"{place}: the step of {name} must be above 0, not {step:g}.")

    def check_formed(
        self,
        key: str,
        heading: str,
        name: str,
        exhibit: TimeToEvent | Regression,
        endpoints: Mapping[str, Endpoint],
        derive: Mapping[str, Derived | Rule],
        responses: set[str],
    ) -> None:
        """A group made from what happens after the start must say when it was formed."""
        if name in derive and derive[name].formed:
            return
        reached = self.uses.get(name, frozenset()) | {name}
        endpoint = endpoints.get(exhibit.endpoint)
        parts = set(endpoint_parts(endpoint)) if isinstance(endpoint, TimeToEventEndpoint) else set()
        # A start date is known at the start; only what ends the time tells of what came after.
        if isinstance(endpoint, TimeToEventEndpoint):
            parts.discard(endpoint.start)
        late = {column for column in reached if self.known.get(column) == "after start"}
        if isinstance(exhibit, TimeToEvent) and exhibit.landmark:
            late = set()  # the groups are those of the landmark
        baseline = {column for column in responses if self.known.get(column) == "baseline"}
        later = sorted(reached & (set(self.endpoint_kinds) | parts | (responses - baseline) | late))
        if later:
            start = "the start of time"
            fact = f"{heading} {name} uses what happened after {start}: {', '.join(later)}."
            section = join_key("derive", derive[name].name) if name in derive else ""
            mend = (
                f'Set formed = "after outcome" in [{section}], or "at baseline" if it was known then.'
                if section
                else "Make it a [derive] entry and set formed there."
            )
            self.problems.add(key, "formed-undeclared", fact, mend)


def column_kind(column: Column) -> ColumnKind:
    """Kind of a declared column: without a type, order makes it ordered, else it is a category.

    Examples
    --------
    >>> column_kind(Column(name="stage", table="patients", order=("I", "II"))).kind
    'ordered'
    """
    kind = column.type or ("ordered" if column.order else "category")
    match kind:
        case "number" | "integer":
            return ColumnKind(kind="number", unit=column.unit)
        case "ordered" | "category":
            return ColumnKind(kind=kind, levels=column.order)
        case "date" | "yes/no" | "text":
            return ColumnKind(kind=kind)
    raise InputError(f"{kind} is no type of a column.")


def order_column(table: DataTable, columns: Iterable[str]) -> str | None:
    """The declared column that ``order`` of a table names: as the study calls it, or without the table in front.

    Examples
    --------
    >>> table = DataTable(name="labs", file="labs.csv", id="id", rows="many per patient", order="date")
    >>> order_column(table, ["labs.date", "value"])
    'labs.date'
    """
    names = set(columns)
    return next((name for name in (table.order, f"{table.name}.{table.order}") if name in names), None)


def case_levels(derived: Derived) -> tuple[str, ...]:
    """Levels of a variable made by cases, in the order in which they are declared."""
    levels = [level for _, level in derived.cases]
    return tuple(dict.fromkeys([*levels, *([derived.otherwise] if derived.otherwise else [])]))


def endpoint_parts(endpoint: TimeToEventEndpoint) -> tuple[str, ...]:
    """Variables that an endpoint is made from."""
    return endpoint.parts


def expressions_of(derived: Derived) -> tuple[str, ...]:
    """Every expression of a derived variable."""
    cases = (condition for condition, _ in derived.cases)
    return tuple(text for text in chain((derived.when, derived.value), cases) if text)
