"""Every exception and warning of the package, under one root.

A message says what is wrong, where, and what to do. Problems are collected and raised together: nobody should mend a
file ten times to learn of ten mistakes.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CohortStatsError",
    "CohortStatsWarning",
    "DataError",
    "InputError",
    "Problem",
    "did_you_mean",
]


class CohortStatsError(Exception):
    """Root of every error that this package raises on purpose.

    Examples
    --------
    >>> issubclass(InputError, CohortStatsError), issubclass(DataError, CohortStatsError)
    (True, True)
    """


class CohortStatsWarning(UserWarning):
    """Root of every warning that this package raises on purpose.

    Examples
    --------
    >>> issubclass(CohortStatsWarning, UserWarning)
    True
    """


class InputError(CohortStatsError, ValueError):
    """Arrays, counts or arguments that cannot be used as they are.

    Parameters
    ----------
    problems
        One sentence a problem; all problems of one call come together.

    Examples
    --------
    >>> InputError(["time holds text ('36 d'); give numbers.", "event is missing at position 3."]).problems
    ("time holds text ('36 d'); give numbers.", 'event is missing at position 3.')
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of a file or a study file: what, where, and how to mend it.

    Parameters
    ----------
    level
        ``"error"`` stops, ``"warning"`` does not.
    code
        Stable name of the fault, such as ``date-invalid``.
    message
        One sentence of fact.
    mend
        One sentence of advice.
    file, sheet, row, column, patient, value, study_key
        The place. ``row`` is the number that the user's own program shows, the header counted. For a study file
        ``row`` is the line of the key.

    Examples
    --------
    >>> print(Problem(level="error", code="date-invalid", file="cases.xlsx", row=19, patient="P17", column="PD date",
    ...               value="2016/13/4", message="'2016/13/4' is not a date.", mend="Correct the cell."))
    error   cases.xlsx row 19 (P17), PD date: '2016/13/4' is not a date. Correct the cell.
    """

    level: Literal["error", "warning"] = "error"
    code: str
    message: str
    mend: str = ""
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    patient: str = ""
    value: str = ""
    study_key: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f" {'line' if self.file.endswith('.toml') else 'row'} {self.row}"
        if self.patient:
            place += f" ({self.patient})"
        if self.column:
            place += f", {self.column}"
        sentence = f"{self.message} {self.mend}".strip()
        return f"{self.level:<7} {place.lstrip(', ')}: {sentence}" if place else f"{self.level:<7} {sentence}"

    def as_dict(self) -> dict[str, str | int | None]:
        """Fields in the order in which ``check --json`` prints them."""
        order = ("level", "code", "file", "sheet", "row", "column", "patient", "value", "message", "mend", "study_key")
        fields = dataclasses.asdict(self)
        return {name: fields[name] for name in order}


class DataError(CohortStatsError):
    """Files or a study file that cannot be used as they are; ``failures`` holds every problem found.

    Parameters
    ----------
    problems
        All problems found in one pass, errors and warnings.
    missing_file
        True when a file that the study names is not there, which is another exit code on the command line.

    Examples
    --------
    >>> fault = Problem(code="n-mismatch", file="study.toml", row=7, message="study.n is 35, the file has 34 patients.")
    >>> DataError([fault]).failures[["code", "row"]].values.tolist()
    [['n-mismatch', 7]]
    """

    def __init__(self, problems: Iterable[Problem], *, missing_file: bool = False) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda p: p.level != "error"))
        self.missing_file = missing_file
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def failures(self) -> pd.DataFrame:
        """One row a problem: level, code, file, sheet, row, column, patient, value, message, mend, study_key."""
        import pandas as pd

        columns = list(Problem(code="", message="").as_dict())
        return pd.DataFrame([problem.as_dict() for problem in self.problems], columns=columns)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Nearest spelling of ``word`` among ``choices``, or an empty string when nothing is near.

    Examples
    --------
    >>> did_you_mean("effekt", ["effect", "test", "outcome"])
    'effect'
    >>> did_you_mean("zzz", ["effect"])
    ''
    """
    known = list(choices)
    folded = {choice.casefold().replace("_", "-").replace(" ", "-"): choice for choice in known}
    near = difflib.get_close_matches(word.casefold().replace("_", "-").replace(" ", "-"), list(folded), n=1, cutoff=0.6)
    return folded[near[0]] if near else ""
