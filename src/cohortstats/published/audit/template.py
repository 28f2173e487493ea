"""An empty file of printed values: commented, or with the ids, variables and levels of a study."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cohortstats.study import Study
from cohortstats.study.sections import AnyRow, Association, Characteristics, Response, TimeToEvent, VariableRow

__all__ = ["published_template"]

HEAD = """# What a paper prints, as strings with addresses. Copy each cell as it stands: "9 (26.5)", "62 (38–84)".
# A cell of "" is not typed yet: it is skipped and counted. Check with: cohortstats audit {name}
cohortstats_published = 1

[paper]
id       = {id}
title    = {title}
# software = "EZR"          # picks the default interval of a survival block
# decimal  = ","            # when the paper has decimal commas

[cohort]
n     = ""                 # all patients
# where = "Abstract"        # where it is printed
"""

EMPTY = """
[columns]                  # every variable of a table; yes/no where nothing is said
# receptor  = { levels = ["positive", "negative"] }
# lines     = { levels = ["0", "1", ">=2"], ordered = true }
# age       = { type = "integer" }
# resistant = {}

# [define]                 # names made from others
# early = "lines <= '1'"

# [[table]]                # counts of patients
# id    = "table1"
# where = "Table 1"
# n     = ""               # number in the column head
# [[table.block]]
# variable = "age"
# whole    = true
# cells    = [["median (range)", ""]]
# [[table.block]]
# variable = "receptor"
# sums     = "all"         # all: exclusive and complete; part: some rows are not printed
# cells    = [["positive", ""], ["negative", ""]]
# [[table.block]]
# sums     = "any"         # each row is a yes/no column of its own
# cells    = [["resistant", ""]]

# [[table]]                # patients, and patients with an outcome (percent of the first)
# id      = "table2"
# where   = "Table 2"
# outcome = "resistant"
# all     = ""
# test    = "fisher"
# [[table.block]]
# variable = "receptor"
# sums     = "all"
# cells    = [["positive", "", ""], ["negative", "", ""]]
# p        = ""

# [[text]]                 # a number in running text; without `when` it counts all patients
# id      = "evaluable"
# where   = "Results"
# n       = ""
# when    = "not resistant"
# percent = ""

# [[test]]                 # a P value whose table is no block
# id    = "sex"
# p     = ""
# test  = "fisher"
# table = [[6, 17], [3, 17]]

# [[survival]]             # Kaplan-Meier medians: level, median (lower-upper)
# id    = "figure1"
# where = "Fig. 1"
# group = "receptor"
# unit  = "days"
# whole = true
# cells = [["positive", ""], ["negative", ""]]
# p     = ""

# [[trial]]                # one comparison; the first arm is the numerator of the ratio
# id       = "trial_pfs"
# trial    = "EMILIA"
# endpoint = "PFS"
# arms     = ["T-DM1", "lapatinib + capecitabine"]
# n        = ""
# unit     = "months"
# median   = ["", ""]
# hr       = ""
# ci       = ""
# p        = ""

# [[identity]]             # must hold by meaning
# id   = "one_status"
# rule = "not early or resistant"
# why  = ""

# [repeats]                # the same value printed again: where, printed, id
# rows = [["Abstract", "", "table2/all/percent"]]

# [known]                  # what a reader has looked into: id = reason
"""


def published_template(study: str | Path | None = None) -> str:
    """An empty file of printed values.

    Parameters
    ----------
    study
        A study file or its folder: its exhibits become tables and figures with all their rows, cells left empty.

    Returns
    -------
    Text of a ``published.toml``. Filled in it is valid; empty cells are skipped and counted as not typed.

    Raises
    ------
    DataError
        When the study cannot be read.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> text = published_template(shipped_study("sakai2018"))
    >>> [line for line in text.splitlines() if line.startswith('id ')][:3]
    ['id       = "sakai2018"', 'id    = "table1"', 'id    = "table2"']
    """
    if study is None:
        return HEAD.format(name="published.toml", id='""', title='""') + EMPTY
    return _of_study(Study.read(study))


def _of_study(study: Study) -> str:
    writing = _Writing(study)
    for exhibit in study.exhibits:
        if isinstance(exhibit, Characteristics):
            writing.characteristics(exhibit)
        elif isinstance(exhibit, Response):
            writing.response(exhibit)
        elif isinstance(exhibit, Association):
            writing.association(exhibit)
        elif isinstance(exhibit, TimeToEvent):
            writing.time_to_event(exhibit)
    return writing.text()


def _text(value: str) -> str:
    """A string of TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _comment(text: str) -> str:
    """Text that may stand behind #: one line of what can be seen."""
    return "".join(char if char.isprintable() else " " for char in text)


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return f"[{', '.join('[' + ', '.join(map(_text, row)) + ']' for row in rows)}]"


@dataclass(slots=True)
class _Writing:
    """A study on its way to an empty file of printed values."""

    study: Study
    columns: dict[str, str] = field(default_factory=dict)
    define: dict[str, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def text(self) -> str:
        study = self.study
        title = "".join(char for char in study.title if char != "*")
        head = HEAD.format(name="published.toml", id=_text(study.id), title=_text(title))
        parts = [head]
        if self.left_out:
            names = _comment(", ".join(dict.fromkeys(self.left_out)))
            parts.append(f"# Levels of these variables are in the data alone; add them by hand: {names}\n")
        parts.append("[columns]")
        parts += [f"{_key(name)} = {kind}" for name, kind in self.columns.items()]
        if self.define:
            parts += ["", "[define]", *(f"{_key(name)} = {_text(rule)}" for name, rule in self.define.items())]
        return "\n".join([*parts, *self.parts, ""])

    # ---- names

    def levels(self, name: str) -> tuple[str, ...]:
        """Levels of a variable, which is then a column; none where the study does not name them."""
        kind = self.study.kinds.get(name)
        if kind is None:
            return ()
        if kind.kind == "yes/no":
            self.columns[name] = "{}"
            return ("yes", "no")
        if not kind.levels:
            return ()
        ordered = ", ordered = true" if kind.kind == "ordered" else ""
        self.columns[name] = f"{{ levels = [{', '.join(map(_text, kind.levels))}]{ordered} }}"
        return tuple(kind.levels)

    def is_number(self, name: str) -> bool:
        kind = self.study.kinds.get(name)
        if kind is None or kind.kind != "number":
            return False
        declared = [
            column.type for table in self.study.columns.values() for key, column in table.items() if key == name
        ]
        unit = f", unit = {_text(kind.unit)}" if kind.unit else ""
        self.columns[name] = f"{{ type = {_text('integer' if declared == ['integer'] else 'number')}{unit} }}"
        return True

    def among(self, population: str) -> Iterator[str]:
        """The patients of an exhibit, where one yes/no name says who they are."""
        name = population.strip()
        if name in self.study.kinds and self.study.kinds[name].kind == "yes/no":
            self.levels(name)
            yield f"among = {_text(name)}"
        elif name:
            yield f"# among = …            # its patients, in the study: {_comment(name)}"

    # ---- exhibits

    def table(self, id: str, *more: str) -> None:
        self.parts += ["", "[[table]]", f"id    = {_text(id)}", 'where = ""', 'n     = ""', *more]

    def block(self, variable: str, rows: Iterable[tuple[str, ...]], sums: str, *more: str) -> None:
        named = [f"variable = {_text(variable)}"] if variable else []
        summed = [f"sums     = {_text(sums)}"] if sums else []
        self.parts += ["[[table.block]]", *named, *summed, f"cells    = {_rows(rows)}", *more]

    def characteristics(self, exhibit: Characteristics) -> None:
        self.table(exhibit.id)
        among = list(self.among(exhibit.population))
        for row in exhibit.rows:
            if isinstance(row, AnyRow):
                for name in row.any:
                    self.levels(name)
                self.block("", [(name, "") for name in row.any], "any", *among)
                continue
            name = row.variable if isinstance(row, VariableRow) else row
            if self.is_number(name):
                self.block(name, [(exhibit.continuous.casefold().replace("–", "-"), "")], "", *among)
                continue
            levels = self.levels(name)
            if not levels:
                self.left_out.append(name)
                continue
            omitted = row.omit if isinstance(row, VariableRow) else ()
            one = row.show if isinstance(row, VariableRow) else ""
            # A study may show a level of yes/no by its name in tables.
            shown = [level for level in levels if level not in omitted]
            if one:
                shown = [one] if one in levels else [levels[0]]
            sums = "all" if len(shown) == len(levels) else "part"
            self.block(name, [(level, "") for level in shown], sums, *among)

    def response(self, exhibit: Response) -> None:
        levels = self.levels(exhibit.variable)
        if not levels:
            self.left_out.append(exhibit.variable)
            return
        self.table(exhibit.id)
        among = list(self.among(exhibit.population))
        self.block(exhibit.variable, [(level, "") for level in levels], "all", *among)
        for label, parts in exhibit.sums.items():
            name = re.sub(r"\W+", "_", label).strip("_").casefold() or "sum"
            while name in self.columns or name in self.define:
                name += "_sum"
            quoted = [f"`{exhibit.variable}` == '{part}'" for part in parts if "'" not in part]
            if quoted and len(quoted) == len(parts):
                self.define[name] = " or ".join(quoted)
                self.block(name, [("yes", "")], "part", f"# {_comment(label)}", *among)

    def association(self, exhibit: Association) -> None:
        self.levels(exhibit.outcome)
        self.table(exhibit.id, f"outcome = {_text(exhibit.outcome)}", 'all   = ""', f"test  = {_text(exhibit.test)}")
        among = list(self.among(exhibit.population))
        for name in exhibit.rows:
            levels = self.levels(name)
            if levels:
                self.block(name, [(level, "", "") for level in levels], "all", 'p        = ""', *among)
            else:
                self.left_out.append(name)

    def time_to_event(self, exhibit: TimeToEvent) -> None:
        endpoint = self.study.endpoints.get(exhibit.endpoint)
        unit = getattr(endpoint, "unit", "")
        levels = self.levels(exhibit.groups) if exhibit.groups else ()
        if exhibit.groups and not levels:
            self.left_out.append(exhibit.groups)
            return
        rows = [(level, "") for level in levels] or [("all", "")]
        self.parts += ["", "[[survival]]", f"id    = {_text(exhibit.id)}", 'where = ""']
        self.parts += [f"group = {_text(exhibit.groups)}"] if levels else []
        self.parts += [f"unit  = {_text(unit)}"] if unit else []
        self.parts += [f"whole = {'true' if unit == 'days' else 'false'}", *self.among(exhibit.population)]
        sizes = ", ".join('""' for _ in rows)
        self.parts += [f"cells = {_rows(rows)}", f"n     = [{sizes}]"]
        if len(rows) > 1 and exhibit.test != "none":
            self.parts += [f"test  = {_text(exhibit.test)}", 'p     = ""']
