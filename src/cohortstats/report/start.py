"""A new study folder: study file, data template, README, and a ``.gitignore`` that keeps patients out of git."""

from __future__ import annotations

import shutil
from pathlib import Path

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.loaders.propose import propose, template_study, template_table
from cohortstats.shipped import shipped_study

__all__ = ["start_study"]

GITIGNORE = """# Patient data stays on this machine: only the protocol is for version control.
*
!.gitignore
!study.toml
!published.toml
!README.md
"""

README = """# {name}

- `study.toml` says what is read, derived, compared and printed. {advice}
- {tables}

```
cohortstats check .         # all problems at once, each with its row and what to do
cohortstats report . -o results
```
"""


GUESSED = """Read it once from top to bottom: every guess
  has its evidence beside it, and questions are marked `# ?`."""
TEMPLATE = """It is a template: keep what the study
  needs, and name your own columns."""


def start_study(
    folder: str | Path,
    *,
    table: str | Path | None = None,
    sheet: str = "",
    header: int = 0,
    example: bool = False,
    force: bool = False,
) -> tuple[list[Path], list[str]]:
    """Write a study folder.

    Parameters
    ----------
    folder
        Made when it is not there.
    table
        CSV or Excel file from which columns, types, levels and missing codes are guessed; it is copied into the
        folder. Without it a template with three invented rows is written.
    sheet, header
        Sheet and row of the column names of a workbook.
    example
        Copy the shipped example instead.
    force
        Replace files that are there.

    Returns
    -------
    tuple
        Paths written, and sentences on what is left to do.

    Raises
    ------
    InputError
        When files are there already, or ``table`` and ``example`` are both given.
    DataError
        When the table cannot be read.

    Examples
    --------
    >>> import cohortstats as cs, tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "cases.csv").write_text("id,er,days\\n1,+,120\\n2,-,84\\n3,-,95\\n")
    >>> written, left = cs.start_study(folder / "mystudy", table=folder / "cases.csv")
    >>> [path.name for path in written]
    ['study.toml', 'cases.csv', 'README.md', '.gitignore']
    >>> cs.load_cohort(folder / "mystudy").n
    3
    """
    target = Path(folder)
    if example and table is not None:
        raise InputError("--example and --from exclude each other; leave one out.")
    if table is not None and not Path(table).is_file():
        raise DataError(
            [Problem(code="file-missing", message=f"{table} is not there.", mend="Check the path.")],
            missing_file=True,
        )
    if example:
        contents = {
            path.name: path.read_bytes() for path in sorted(shipped_study("example").iterdir()) if path.is_file()
        }
        notes = [f"Next: cohortstats report {target}"]
    else:
        data = Path(table).name if table is not None else "patients.csv"
        proposal = propose(table, sheet=sheet, header=header) if table is not None else None
        text = proposal.study if proposal is not None else template_study()
        questions = sum(line.lstrip().startswith("# ?") for line in text.splitlines())
        contents = {
            "study.toml": text.encode(),
            data: Path(table).read_bytes() if table is not None else template_table().encode(),
            **(proposal.files if proposal is not None else {}),
            "README.md": README.format(
                name=target.resolve().name,
                tables=_tables(data, list(proposal.files) if proposal is not None else []),
                advice=GUESSED if table is not None else TEMPLATE,
            ).encode(),
        }
        notes = (
            [f"{questions} question{'s' if questions != 1 else ''} left in study.toml, marked '# ?'."]
            if questions
            else []
        )
        notes.append(f"Next: read study.toml, then cohortstats check {target}")
    contents[".gitignore"] = GITIGNORE.encode()
    return _write(target, contents, table, force), notes


def _tables(data: str, made: list[str]) -> str:
    if not made:
        return f"`{data}` holds one row a patient."
    return f"`{data}` holds the data; `{made[0]}` was made from it, with one row a patient."


def _write(target: Path, contents: dict[str, bytes], table: str | Path | None, force: bool) -> list[Path]:
    own_table = None if table is None else Path(table).resolve()
    # A table that lies in the folder already is the user's: it stays as it is.
    new = {name: content for name, content in contents.items() if (target / name).resolve() != own_table}
    present = [name for name in new if (target / name).exists()]
    if target.is_file():
        raise InputError(f"{target} is a file; name a folder.")
    if present and not force:
        raise InputError(f"{target} already holds {', '.join(present)}; name another folder, or add --force.")
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in new.items():
        path = target / name
        temporary = path.with_name(f".{name}.new")
        temporary.write_bytes(content)
        shutil.move(temporary, path)
        written.append(path)
    return written
