"""Which column names the patient, and whether he has one row or many: what ``init`` proposes, and why."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from cohortstats.files.folding import fold_name
from cohortstats.files.table import TextTable

__all__ = ["Patients", "find_patients", "numbered_table", "patient_table", "splits_rows"]

# Best first: what a column that names the patient is called.
_NAMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"usubjid",
        r"subjid|(?:bcr[_. ])?(?:patient|subject|case|participant)(?:[_. -]?(?:id|no\.?|number|code|barcode))?",
        r"(?:患者|症例|被験者)(?:id|番号|no\.?|コード)?",
        r"pid|mrn|pt[_. ]?id|id",
        r".*[_. ]id",
    )
)
_SURE = 3  # of these, how many name a patient and nothing else
# A counter of rows, as programs write it in front of a table.
_COUNTER = re.compile(r"^(?:row.?names?|row|unnamed: 0|x|index|obs|#)?$", re.IGNORECASE)
_FEW = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Patients:
    """What names the patient.

    Parameters
    ----------
    column
        Name of the column; empty when no column can be it, and the rows must be numbered.
    many
        Whether a patient has many rows.
    n
        Patients.
    evidence
        What was seen.
    questions
        What a person has to decide.
    shared
        With many rows: columns that are the same in all rows of a patient.
    """

    column: str
    many: bool
    n: int
    evidence: str
    questions: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


def find_patients(table: TextTable) -> Patients:
    """The first column that is full and has no repeat, unless one that is called patient repeats; else none."""
    cells = {column: [cell.strip() for cell in table.cells[column]] for column in table.columns}
    n_different = {column: len(set(texts)) for column, texts in cells.items()}
    full = [column for column in table.columns if all(cells[column])]
    unique = [column for column in full if n_different[column] == len(table)]
    named = _named([column for column in table.columns if n_different[column] > 1])
    repeated = next((column for column in named if column in full and _repeats(cells[column])), "")
    counts_rows = bool(unique) and _is_counter(unique[0], cells[unique[0]])
    # A column that is called patient and repeats says more than one that happens to have no repeat, such as a day.
    surely = any(pattern.fullmatch(fold_name(repeated)) for pattern in _NAMES[:_SURE])
    if repeated and (not unique or counts_rows or (surely and not set(unique) & set(named))):
        return _many(table, repeated, n_different[repeated], unique)
    if unique:
        return Patients(
            column=unique[0],
            many=False,
            n=len(table),
            evidence="first column that is full and has no repeat",
            questions=_others(unique, named, repeated, n_different, len(table)),
        )
    nearly = next((column for column in [*named, table.columns[0]] if _nearly(cells[column])), "")
    if nearly:
        return Patients(
            column=nearly,
            many=False,
            n=len(table),
            evidence=f"{n_different[nearly]} different texts in {len(table)} rows",
            questions=(f"{nearly} names the patient, but not every row has its own: correct the file",),
        )
    return Patients(
        column="",
        many=False,
        n=len(table),
        evidence="no column is full and without repeats",
        questions=("no column names the patient: is every row another one? If not, add a column to the table",),
    )


def _named(columns: list[str]) -> list[str]:
    """Columns called like an id, the clearest name first."""
    found = []
    for place, pattern in enumerate(_NAMES):
        found += [(place, column) for column in columns if pattern.fullmatch(fold_name(column))]
    return list(dict.fromkeys(column for _, column in sorted(found, key=lambda pair: pair[0])))


def _repeats(texts: list[str]) -> bool:
    """Whether so many ids repeat that it is no slip."""
    counts = Counter(texts)
    return sum(count > 1 for count in counts.values()) > _FEW * len(counts)


def _nearly(texts: list[str]) -> bool:
    filled = [text for text in texts if text]
    return len(filled) >= (1 - _FEW) * len(texts) and len(set(filled)) >= (1 - _FEW) * len(filled)


def _is_counter(column: str, texts: list[str]) -> bool:
    return bool(_COUNTER.search(fold_name(column))) and texts == [str(n) for n in range(1, len(texts) + 1)]


def _others(unique: list[str], named: list[str], repeated: str, n_different: dict[str, int], n: int) -> tuple[str, ...]:
    if unique[0] in named:
        return ()
    better = next((column for column in named if column in unique), "")
    if better:
        return (f"{better} is full and has no repeat, too: does it name the patient better than {unique[0]}?",)
    if repeated:
        return (
            f"{repeated} has {n_different[repeated]} different texts in {n} rows: if it names the patient, the table "
            'has rows = "many per patient", and another table lists the patients',
        )
    return ()


def _many(table: TextTable, column: str, n: int, unique: list[str]) -> Patients:
    shared = [other for other in table.columns if other != column and _n_pairs(table, column, other) == n]
    evidence = f"{column} names {n} patients in {len(table)} rows"
    questions = tuple(f"{other} has no repeat: is each {other} a patient?" for other in unique[:1])
    if unique and _is_counter(unique[0], [cell.strip() for cell in table.cells[unique[0]]]):
        evidence, questions = f"{evidence}; {unique[0]} only counts the rows", ()
    return Patients(column=column, many=True, n=n, evidence=evidence, questions=questions, shared=tuple(shared))


def _n_pairs(table: TextTable, first: str, second: str) -> int:
    """How many different pairs of texts two columns have."""
    left, right = (pd.factorize(pd.Series(table.cells[column]).str.strip())[0] for column in (first, second))
    return int(pd.Series(left * (len(right) + 1) + right).nunique())


def splits_rows(table: TextTable, patient: str, column: str) -> bool:
    """Whether no patient has two rows with the same text in a column."""
    return _n_pairs(table, patient, column) == len(table)


def patient_table(table: TextTable, patients: Patients) -> bytes:
    """CSV with one row a patient: the id, and the columns that are the same in all of his rows."""
    seen: dict[str, int] = {}
    for place, cell in enumerate(table.cells[patients.column]):
        seen.setdefault(cell.strip(), place)
    columns = [patients.column, *patients.shared]
    return _csv(columns, [[table.cells[column][place] for column in columns] for place in seen.values()])


def numbered_table(table: TextTable, column: str) -> bytes:
    """CSV of the whole table with the row numbers of the file in front."""
    rows = [
        [str(table.rows[place]), *(table.cells[name][place] for name in table.columns)] for place in range(len(table))
    ]
    return _csv([column, *table.columns], rows)


def _csv(columns: list[str], rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue().encode()
