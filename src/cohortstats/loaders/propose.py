"""A first study file: guessed from a table, or a template. Every guess is a line to be read, with its evidence."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path

from cohortstats.errors import DataError
from cohortstats.files.folding import fold_name
from cohortstats.files.read import scan_table
from cohortstats.files.table import TextTable
from cohortstats.loaders.guess import RESPONSES, Guess, guess_column
from cohortstats.study import DataTable

__all__ = ["propose_study", "template_study", "template_table"]

_RESERVED = frozenset({"and", "or", "not", "in", "is", "missing", "yes", "no"})
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# Words that tell what a column is for; used for the suggestions that are commented out.
_START = re.compile(r"start|index|onstudy|random|first.?dose|開始|登録", re.IGNORECASE)
_EVENT = re.compile(r"progress|relapse|recur|death|died|event|status|\bpd\b|PD|増悪|再発|死亡|転帰", re.IGNORECASE)
_LAST = re.compile(r"last|follow|seen|censor|最終|追跡", re.IGNORECASE)
_TIME = re.compile(r"time|days|months|ttp|pfs|os$|期間|日数|月数", re.IGNORECASE)


def propose_study(path: str | Path, *, sheet: str = "", header: int = 0) -> str:
    """Text of a study file for a table, to be read and corrected by a person.

    Parameters
    ----------
    path
        CSV or Excel file.
    sheet
        Sheet of a workbook; needed when several hold data.
    header
        Row of the column names; 0 looks for it.

    Returns
    -------
    str
        A study file that reads without error. Questions are lines that begin with ``# ?``.

    Raises
    ------
    DataError
        When the file cannot be read as a table.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "cases.csv"
    >>> _ = table.write_text("id,age,ER\\n001,62,+\\n002,71,-\\n003,NA,+\\n", encoding="utf-8")
    >>> print(propose_study(table).partition("[columns.patients]")[2].partition("# Endpoints")[0])
    <BLANKLINE>
    # 2 of 3 filled cells are numbers, 62 to 71
    age = { type = "number" }
    # + 2, - 1
    er = { from = "ER", type = "yes/no", yes = ["+"], no = ["-"], label = "ER" }
    <BLANKLINE>
    """
    path = Path(path)
    comment = _find_comment(path)
    table, header = _read(path, sheet, header, comment)
    columns = list(table.columns)
    identifier, id_note = _find_id(table)
    guesses = {
        column: guess_column(table.cells[column].tolist(), table.rows.tolist(), table.source.epoch)
        for column in columns
        if column != identifier
    }
    study_missing, guesses = _share_missing(guesses)
    names = _names(list(guesses))
    parts = [
        _head(path, table, study_missing),
        _data(path, table, header, comment, identifier, id_note),
        _columns(guesses, names),
        _endpoints(guesses, names),
        _exhibits(guesses, names),
    ]
    return "\n".join(parts)


def _find_comment(path: Path) -> str:
    """``#`` when at least two lines at the top begin with it; one alone may be a column name."""
    head = path.read_bytes()[:65_536].split(b"\n") if path.is_file() else []
    return "#" if len(head) > 2 and all(line.startswith(b"#") for line in head[:2]) else ""


def _read(path: Path, sheet: str, header: int, comment: str) -> tuple[TextTable, int]:
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
            return scan_table(path, options), options.header
        except DataError as error:
            unclear = [problem for problem in error.problems if problem.code == "header-unclear"]
            told = re.search(r"header = ([0-9]+)", unclear[0].mend) if unclear and not header else None
            if told is None:
                raise
            options = dataclasses.replace(options, header=int(told[1]))
    return scan_table(path, options), options.header


def _find_id(table: TextTable) -> tuple[str, str]:
    for column in table.columns:
        cells = [cell.strip() for cell in table.cells[column]]
        if all(cells) and len(set(cells)) == len(cells):
            return column, "first column that is full and has no repeat"
    return table.columns[0], "? no column is full and without repeats: which one identifies the patient?"


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


def _names(columns: Sequence[str]) -> dict[str, str]:
    """Names that expressions can use without quotes: letters, digits and ``_``."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        name = re.sub(r"\W+", "_", fold_name(column)).strip("_")
        name = name.lower() if name.isascii() else name
        if not name or name[0].isdigit() or name in _RESERVED:
            name = f"x_{name}"
        plain, number = name, 2
        while name in taken:
            name, number = f"{plain}_{number}", number + 1
        taken.add(name)
        names[column] = name
    return names


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


def _head(path: Path, table: TextTable, missing: Sequence[str]) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-") or "study"
    listed = _list(["", *missing])
    return f"""\
{_remark(f"Proposed from {path.name}. Nothing here is certain.")}
# Read every line, and answer the lines that begin with # ?
cohortstats = 1                       # version of this file's format

[study]
id          = {_quote(name)}
title       = {_quote(path.stem)}
n           = {len(table):<22}# patients; another count stops the run
conventions = "r"                     # or "ezr": confidence limits, median rule, ties
alpha       = 0.05
missing     = {listed}  # texts read as missing in every column; "" is the empty cell
"""


def _data(path: Path, table: TextTable, header: int, comment: str, identifier: str, note: str) -> str:
    source = table.source
    facts = f"{source.n_rows} rows, {source.n_columns} columns"
    if source.kind == "csv":
        facts += f", {source.encoding}, line ends {source.newline}"
    lines = [_remark(facts), "[data.patients]", f"file   = {_quote(path.name)}"]
    if source.sheet:
        lines.append(f"sheet  = {_quote(source.sheet)}")
    if header != 1:
        lines.append(f"header = {header}                            # the rows above it are a title")
    if comment:
        lines.append(
            f"comment = {_quote(comment)}                        # lines above the names that begin so are skipped"
        )
    if source.delimiter == " ":
        lines.append('delimiter = " "')
    lines += [f"{_remark(note)}", f"id     = {_quote(identifier)}", 'rows   = "one per patient"', ""]
    lines += [
        _remark(f"? {problem.file} row {problem.row}: {problem.message} {problem.mend}")
        for problem in table.problems
        if problem.level == "error"
    ]
    return "\n".join(lines)


def _columns(guesses: dict[str, Guess], names: dict[str, str]) -> str:
    lines = ["[columns.patients]"]
    for column, guess in guesses.items():
        name = names[column]
        keys = [] if name == column else [f"from = {_quote(column)}"]
        keys.append(f"order = {_list(guess.order)}" if guess.order else f"type = {_quote(guess.type)}")
        if guess.type == "yes/no":
            keys += [f"yes = {_list(guess.yes)}", f"no = {_list(guess.no)}"]
            if guess.questions and guess.questions[0].endswith("is that right?"):
                keys.append(f"labels = {_list((*guess.yes, *guess.no))}")
        if guess.date_order:
            keys.append(f"date_order = {_quote(guess.date_order)}")
        if name != column:
            keys.append(f"label = {_quote(fold_name(column))}")
        if guess.missing:
            keys.append(f"missing = {_list(guess.missing)}")
        lines.append(_remark(guess.evidence))
        lines += [_remark(f"? {question}") for question in guess.questions]
        lines.append(f"{_key(name)} = {{ {', '.join(keys)} }}")
    return "\n".join([*lines, ""])


def _first(candidates: Sequence[tuple[str, str]], words: re.Pattern[str]) -> str:
    return next((name for column, name in candidates if words.search(column)), "")


def _endpoints(guesses: dict[str, Guess], names: dict[str, str]) -> str:
    """Suggestions, commented out: what counts as an event is for the study to say."""
    of_type = {
        kind: [(column, names[column]) for column, guess in guesses.items() if guess.type == kind]
        for kind in ("date", "number", "yes/no")
    }
    lines = ["# Endpoints. Take away the # of what the study needs, and correct it."]
    responses = [names[column] for column, guess in guesses.items() if guess.order == RESPONSES]
    if responses:
        lines += [
            "# [endpoints.resistance]",
            '# kind    = "binary"',
            f"# when    = \"{responses[0]} == 'PD'\"",
            '# unknown = "not an event"              # or "event", "exclude": there is no default',
        ]
    dates = of_type["date"]
    if len(dates) >= 2:
        event = _first(dates, _EVENT) or dates[1][1]
        rest = [pair for pair in dates if pair[1] != event]
        start = _first(rest, _START) or rest[0][1]
        later = [pair for pair in rest if pair[1] != start]
        last = _first(later, _LAST) or (later[-1][1] if later else "DATE_OF_LAST_OBSERVATION")
        form = [f"# start   = {_quote(start)}", f"# event   = {_quote(event)}   # a date: it happened; empty: censored"]
        form.append(f"# censor  = {_quote(last)}")
    else:
        time = _first(of_type["number"], _TIME) or "TIME"
        event = _first(of_type["yes/no"], _EVENT) or "EVENT"
        form = [f"# time    = {_quote(time)}", f"# event   = {_quote(event)}   # a yes/no column"]
    lines += ["# [endpoints.ttp]", '# kind    = "time to event"', *form, '# unit    = "days"', '# unknown = "exclude"']
    return "\n".join([*lines, ""])


def _exhibits(guesses: dict[str, Guess], names: dict[str, str]) -> str:
    rows = [names[column] for column, guess in guesses.items() if guess.type not in ("date", "text")]
    responses = [names[column] for column, guess in guesses.items() if guess.order == RESPONSES]
    groups = [names[column] for column, guess in guesses.items() if guess.type == "yes/no"]
    lines = []
    if rows:
        lines += [
            "[[characteristics]]",
            'id    = "table1"',
            'title = "Patient characteristics"',
            f"rows  = {_list(rows)}",
            "",
        ]
    if responses:
        lines += [
            "[[response]]",
            'id       = "table2"',
            'title    = "Best response"',
            f"variable = {_quote(responses[0])}",
            "",
            "# [[association]]",
            '# id      = "table3"',
            '# title   = "Characteristics and resistance"',
            '# outcome = "resistance"',
            f"# rows    = {_list(groups[:5])}",
        ]
    lines += ["# [[time_to_event]]", '# id       = "figure1"', '# endpoint = "ttp"']
    if groups:
        lines.append(f"# groups   = {_quote(groups[0])}")
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
conventions = "r"                     # or "ezr": confidence limits, median rule, ties
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
