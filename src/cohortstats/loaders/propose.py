"""A first study file: guessed from a table, or a template. Every guess is a line to be read, with its evidence."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cohortstats.errors import DataError, Problem
from cohortstats.files.folding import fold_name
from cohortstats.files.read import scan_table
from cohortstats.files.table import TextTable
from cohortstats.loaders.guess import Guess, guess_column
from cohortstats.loaders.patients import Patients, find_patients, numbered_table, patient_table, splits_rows
from cohortstats.loaders.plates import is_export, plate_sections, read_plate
from cohortstats.loaders.suggest import Proposed, suggest
from cohortstats.study import DataTable

__all__ = ["Proposal", "propose", "template_study", "template_table"]

_RESERVED = frozenset({"and", "or", "not", "in", "is", "missing", "yes", "no"})
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PROFILES = 'or "ezr", "sas", "lifelines": confidence limits, median rule, ties'
# What a number that sorts the rows of a patient is called.
_SORTS = re.compile(r"visit|week|day|month|time|seq|cycle|course|line|回|週|日", re.IGNORECASE)
_MOSTLY = 0.9
_PREAMBLE = 8  # rows above the names that are looked through


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A study file, and the tables that it names beside the one it was guessed from.

    Parameters
    ----------
    study
        Text of the study file. Questions are lines that begin with ``# ?``.
    files
        Name -> content of tables made for it: the patients of a table with many rows each, or a table whose rows had
        to be numbered.
    """

    study: str
    files: Mapping[str, bytes]


def propose(path: str | Path, *, sheet: str = "", header: int = 0) -> Proposal:
    """A study file for a table, to be read and corrected by a person, and the tables that it needs beside it.

    Parameters
    ----------
    path
        CSV or Excel file, SAS transport file, or another that can be read.
    sheet
        Sheet of a workbook; needed when several hold data.
    header
        Row of the column names; 0 looks for it.

    Returns
    -------
    Proposal
        Its study file reads without error.

    Raises
    ------
    DataError
        When the file cannot be read as a table.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "cases.csv"
    >>> _ = table.write_text("id,age,ER\\n001,62,+\\n002,71,-\\n003,NA,+\\n", encoding="utf-8")
    >>> print(propose(table).study.partition("[columns.patients]")[2].partition("# Endpoints")[0])
    <BLANKLINE>
    # 2 of 3 filled cells are numbers, 62 to 71
    age = { type = "number" }
    # + 2, - 1
    er = { from = "ER", type = "yes/no", yes = ["+"], no = ["-"], label = "ER" }
    <BLANKLINE>
    >>> visits = table.with_name("visits.csv")
    >>> _ = visits.write_text("patient,sex,day,response\\na,F,1,SD\\na,F,42,PD\\nb,M,1,PR\\n", encoding="utf-8")
    >>> propose(visits).files
    {'patients.csv': b'patient,sex\\na,F\\nb,M\\n'}
    """
    path = Path(path)
    comment = _find_comment(path)
    table, header = _read(path, sheet, header, comment)
    export = read_plate(path, sheet) if is_export(table) else None
    if export is not None:
        made = _free("patients.csv", path.name)
        sections, samples, n = plate_sections(path, export, made)
        return Proposal(study="\n".join([_head(path, n, ()), sections]), files={made: samples})
    patients = find_patients(table)
    guesses = {
        column: guess_column(table.cells[column].tolist(), table.rows.tolist(), table.source.epoch, name=column)
        for column in table.columns
        if column != patients.column
    }
    study_missing, guesses = _share_missing(guesses)
    names = _names(guesses)
    proposed = [
        Proposed(
            column=column,
            name=names[column],
            guess=guess,
            many=patients.many and column not in patients.shared,
            splits=patients.many and guess.n_values > 1 and splits_rows(table, patients.column, column),
        )
        for column, guess in guesses.items()
    ]
    order = _order(proposed, table) if patients.many else None
    kept = [each for each in proposed if order is not None or not each.many]
    files: dict[str, bytes] = {}
    data = _Data(path=path, table=table, header=header, comment=comment, patients=patients)
    if patients.many:
        files[_free("patients.csv", path.name)] = patient_table(table, patients)
    elif not patients.column:
        row = next(name for name in ("row", "row_number", "file_row") if name not in table.columns)
        files[_free(f"{path.name.partition('.')[0]}_numbered.csv", path.name)] = numbered_table(table, row)
        data = dataclasses.replace(data, number=row)
    name = next(iter(files), "")
    parts = [
        _head(path, patients.n, study_missing),
        data.text(name, order),
        _columns("patients", [each for each in proposed if not each.many], table, copied=bool(name)),
    ]
    if order is not None:
        parts.append(_columns("records", [each for each in proposed if each.many], table, copied=False))
    parts.append(suggest(kept))
    return Proposal(study="\n".join(parts), files=files)


def _free(name: str, taken: str) -> str:
    return name if name != taken else f"one_row_each_{name}"


def _find_comment(path: Path) -> str:
    """``#`` when at least two lines at the top begin with it; one alone may be a column name."""
    head = path.read_bytes()[:65_536].split(b"\n") if path.is_file() else []
    return "#" if len(head) > 2 and all(line.startswith(b"#") for line in head[:2]) else ""


def _read(path: Path, sheet: str, header: int, comment: str) -> tuple[TextTable, int]:
    """The table, and the row of its names: as given, as reading advises, or below lines that fit no table."""
    options = DataTable(
        name="patients",
        file=path.name,
        id="",
        rows="one per patient",
        sheet=sheet,
        header=header or 1,
        comment=comment,
    )
    for _ in range(5):
        try:
            table = scan_table(path, options)
            break
        except DataError as error:
            unclear = [problem for problem in error.problems if problem.code == "header-unclear"]
            told = re.search(r"header = ([0-9]+)", unclear[0].mend) if unclear and not header else None
            if told is None:
                raise
            options = dataclasses.replace(options, header=int(told[1]))
    else:
        table = scan_table(path, options)
    n_ragged = sum(problem.code == "row-ragged" for problem in table.problems)
    if not header and n_ragged > 1 and n_ragged > len(table):
        for lower in range(options.header + 1, options.header + _PREAMBLE):
            try:
                below = scan_table(path, dataclasses.replace(options, header=lower))
            except DataError:
                continue
            if len(below) and not any(problem.level == "error" for problem in below.problems):
                return below, lower
    if not len(table) and not table.problems:
        message = f"{path.name} has no rows below its names."
        raise DataError(
            [Problem(code="file-empty", message=message, mend="Check the file, or header.", file=path.name)]
        )
    return table, options.header


def _share_missing(guesses: dict[str, Guess]) -> tuple[tuple[str, ...], dict[str, Guess]]:
    """Codes that are missing everywhere they occur go to the study; ``-`` that is a value elsewhere stays local."""
    values: set[str] = set()
    codes: dict[str, None] = {}
    for guess in guesses.values():
        values |= {*guess.yes, *guess.no, *guess.order}
        codes |= dict.fromkeys(guess.missing)
    common = tuple(code for code in codes if code not in values)
    local = {
        column: dataclasses.replace(guess, missing=tuple(code for code in guess.missing if code in values))
        for column, guess in guesses.items()
    }
    return common, local


def _names(columns: Mapping[str, Guess]) -> dict[str, str]:
    """Names that expressions can use without quotes: letters, digits and ``_``."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for column, guess in columns.items():
        name = re.sub(r"\W+", "_", fold_name(column)).strip("_")
        name = name.lower() if name.isascii() else name
        if name == "cnsr" and guess.yes == ("0",):
            name = "event"  # yes is CNSR 0, which the name would deny
        if not name or name[0].isdigit() or name in _RESERVED:
            name = f"x_{name}"
        plain, number = name, 2
        while name in taken:
            name, number = f"{plain}_{number}", number + 1
        taken.add(name)
        names[column] = name
    return names


def _order(columns: Sequence[Proposed], table: TextTable) -> Proposed | None:
    """What sorts the rows of a patient: the date that most rows have; else a number, best one called so."""
    n_filled = {each.name: sum(bool(cell.strip()) for cell in table.cells[each.column]) for each in columns}

    def known(each: Proposed) -> float:
        missing = {*each.guess.missing, "NA"}
        empty = sum(cell.strip() in missing for cell in table.cells[each.column])
        return (n_filled[each.name] - empty) / max(len(table), 1)

    own = [each for each in columns if each.many and each.guess.n_values > 1]
    dates = sorted((each for each in own if each.guess.type == "date"), key=known, reverse=True)
    numbers = [each for each in own if each.guess.type == "number"]
    numbers.sort(key=lambda each: (known(each) < _MOSTLY, not each.is_called(_SORTS)))
    if dates and (known(dates[0]) >= _MOSTLY or not numbers):
        return dates[0]
    return numbers[0] if numbers else None


# ---------------------------------------------------------------------------------------------------------------------
# Text
# ---------------------------------------------------------------------------------------------------------------------


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_quote, texts))}]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quote(name)


def _remark(text: str) -> str:
    """A comment stays on its line, whatever a cell holds."""
    return "# " + "".join(letter if letter.isprintable() else " " for letter in text)


def _head(path: Path, n: int, missing: Sequence[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-") or "study"
    listed = _list(["", *missing])
    return f"""\
{_remark(f"Proposed from {path.name}. Nothing here is certain.")}
# Read every line, and answer the lines that begin with # ?
cohortstats = 1                       # version of this file's format

[study]
id          = {_quote(name)}
title       = {_quote(path.stem)}
n           = {n:<22}# patients; another count stops the run
conventions = "r"                     # {_PROFILES}
alpha       = 0.05
missing     = {listed}  # texts read as missing in every column; "" is the empty cell
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """What ``[data.NAME]`` sections are written from; ``number`` names the column of row numbers, if one is made."""

    path: Path
    table: TextTable
    header: int
    comment: str
    patients: Patients
    number: str = ""

    def text(self, made: str, order: Proposed | None) -> str:
        """One section for a table of patients, of many rows each a second one; ``made`` is the file written for it."""
        source, patients = self.table.source, self.patients
        facts = f"{source.n_rows} rows, {source.n_columns} columns"
        if source.kind == "csv":
            facts += f", {source.encoding}, line ends {source.newline}"
        lines = [_remark(f"{self.path.name}: {facts}")]
        if not made:
            lines += ["[data.patients]", *self._file(), *self._identity("one per patient")]
        elif patients.many:
            lines += [
                _remark(patients.evidence),
                _remark(
                    f"{made} is written from it: one row a patient, with the columns that never differ within one."
                ),
                "# When the file changes, make it again, or give a table of patients of your own.",
                "[data.patients]",
                f"file   = {_quote(made)}",
                f"id     = {_quote(patients.column)}",
                'rows   = "one per patient"',
                "",
            ]
            lines += self._records(order)
        else:
            lines += [
                _remark(f"{patients.evidence}: {made} is a copy of it with its row numbers in front."),
                *(_remark(f"? {question}") for question in patients.questions),
                "[data.patients]",
                f"file   = {_quote(made)}",
                f"id     = {_quote(self.number)}",
                'rows   = "one per patient"',
            ]
        lines += ["", *self._problems()]
        return "\n".join(lines)

    def _file(self) -> list[str]:
        source = self.table.source
        lines = [f"file   = {_quote(self.path.name)}"]
        if source.sheet:
            lines.append(f"sheet  = {_quote(source.sheet)}")
        if self.header != 1:
            lines.append(f"header = {self.header}                            # the rows above it are a title")
        if self.comment:
            about = "# lines above the names that begin so are skipped"
            lines.append(f"comment = {_quote(self.comment)}                        {about}")
        if source.delimiter == " ":
            lines.append('delimiter = " "')
        return lines

    def _identity(self, rows: str) -> list[str]:
        patients = self.patients
        return [
            _remark(patients.evidence),
            *(_remark(f"? {question}") for question in patients.questions),
            f"id     = {_quote(patients.column)}",
            f"rows   = {_quote(rows)}",
        ]

    def _records(self, order: Proposed | None) -> list[str]:
        if order is None:
            return [
                "# ? no date and no number sorts the rows of a patient: add one to the table, then take away the #",
                *(f"# {line}" for line in ["[data.records]", *self._file()]),
                _remark(f"id     = {_quote(self.patients.column)}"),
                '# rows   = "many per patient"',
                '# order  = "COLUMN"',
            ]
        kind = "date" if order.guess.type == "date" else "number"
        return [
            "[data.records]",
            *self._file(),
            f"id     = {_quote(self.patients.column)}",
            'rows   = "many per patient"',
            _remark(f"the {kind} that sorts the rows of a patient; check that it is the right one"),
            f"order  = {_quote(order.name)}",
        ]

    def _problems(self) -> list[str]:
        return [
            _remark(f"? {problem.file} row {problem.row}: {problem.message} {problem.mend}")
            for problem in self.table.problems
            if problem.level == "error"
        ]


def _columns(section: str, columns: Sequence[Proposed], table: TextTable, *, copied: bool) -> str:
    """The columns of a table; in a copy, day numbers of the workbook have lost what says from when they count."""
    lines = [f"[columns.{section}]"]
    for each in columns:
        guess, column, name = each.guess, each.column, each.name
        keys = [] if name == column else [f"from = {_quote(column)}"]
        keys.append(f"order = {_list(guess.order)}" if guess.order else f"type = {_quote(guess.type)}")
        if guess.type == "yes/no":
            keys += [f"yes = {_list(guess.yes)}"]
            if guess.no:
                keys += [f"no = {_list(guess.no)}"]
        if guess.labels:
            keys.append(f"labels = {_list(guess.labels)}")
        if guess.unit:
            keys.append(f"unit = {_quote(guess.unit)}")
        if guess.date_order:
            keys.append(f"date_order = {_quote(guess.date_order)}")
        if guess.serials and copied:
            keys.append(f"epoch = {table.source.epoch}")
        label = table.labels.get(column, "").strip() or (fold_name(column) if name != column else "")
        if label:
            keys.append(f"label = {_quote(label)}")
        if guess.missing:
            keys.append(f"missing = {_list(guess.missing)}")
        lines.append(_remark(guess.evidence))
        lines += [_remark(f"? {question.replace('NAME', name)}") for question in guess.questions]
        lines.append(f"{_key(name)} = {{ {', '.join(keys)} }}")
    return "\n".join([*lines, ""])


# ---------------------------------------------------------------------------------------------------------------------
# Template
# ---------------------------------------------------------------------------------------------------------------------


def template_table() -> str:
    """CSV text that goes with :func:`template_study`: three INVENTED patients, to be replaced.

    Examples
    --------
    >>> template_table().splitlines()[0]
    'patient,age,stage,hr_positive,start,best_response,progression,last_seen'
    """
    return (
        "patient,age,stage,hr_positive,start,best_response,progression,last_seen\n"
        "invented-1,62,Stage IV,yes,2016-03-04,PR,2017-01-20,2017-01-20\n"
        "invented-2,55,Recurrent,no,2016-05-11,PD,2016-06-22,2016-06-22\n"
        "invented-3,71,Recurrent,yes,2016-09-01,SD,,2017-03-31\n"
    )


def template_study() -> str:
    """Text of a study file to begin with, for the table of :func:`template_table`.

    Examples
    --------
    >>> "[endpoints.ttp]" in template_study()
    True
    """
    return _TEMPLATE


_TEMPLATE = """\
# What is read, derived, compared and printed. The three patients of patients.csv are INVENTED: replace them.
cohortstats = 1                       # version of this file's format

[study]
id          = "my-study"
title       = "Title of the study"
# n         = 34                      # number of patients; another count stops the run
conventions = "r"                     # or "ezr", "sas", "lifelines": confidence limits, median rule, ties
alpha       = 0.05
missing     = [""]                    # texts read as missing in every column; "" is the empty cell

[data.patients]
file = "patients.csv"                 # CSV or Excel, one row a patient
id   = "patient"
rows = "one per patient"

[columns.patients]                    # name = what its cells are; from = "..." when the file calls it otherwise
age           = { type = "number", unit = "years", range = [18, 110], label = "Age, years" }
stage         = { order = ["Stage IV", "Recurrent"], label = "Stage" }
hr_positive   = { type = "yes/no", labels = ["Positive", "Negative"], label = "Hormone receptor status" }
start         = { type = "date", label = "First dose" }
best_response = { order = ["CR", "PR", "SD", "PD"], label = "Best response" }
progression   = { type = "date", label = "Progression" }
last_seen     = { type = "date", label = "Last observation" }

[derive]
elderly = { when = "age >= 65", labels = ["65 or older", "Younger than 65"], label = "Age group" }

[endpoints.resistance]
kind    = "binary"
when    = "best_response == 'PD'"
unknown = "not an event"              # what a missing outcome counts as: "not an event", "event" or "exclude"
text    = "progressive disease as best response"
label   = "Primary resistance"

[endpoints.ttp]
kind    = "time to event"
start   = "start"
event   = "progression"               # a date: it happened; empty: censored
censor  = "last_seen"
unit    = "days"
unknown = "exclude"
text    = "days from the first dose to progression"
label   = "Time to progression"

[[check]]
when    = "start <= last_seen"
message = "The last observation is before the first dose."

[[characteristics]]
id    = "table1"
title = "Patient characteristics"
rows  = ["age", "elderly", "stage", "hr_positive"]

[[response]]
id       = "table2"
title    = "Best response"
variable = "best_response"
sums     = { "CR + PR" = ["CR", "PR"] }

[[association]]
id      = "table3"
title   = "Characteristics and primary resistance"
outcome = "resistance"
rows    = ["stage", "hr_positive"]

[[time_to_event]]
id       = "figure1"
title    = "Time to progression"
endpoint = "ttp"
groups   = "hr_positive"

[report]
lang = "en"                           # or "ja"
"""
