"""The command line: thin verbs over the public functions.

stdout carries the result, stderr progress and messages. Heavy packages are imported inside the verbs, so that
``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortstats.errors import CohortStatsError, DataError, InputError, Problem, did_you_mean

if TYPE_CHECKING:
    from cohortstats.report.agreement import LedgerItem

__all__ = ["main"]

OK, DISAGREES, MISUSE, BAD_DATA, MISSING_FILE, IN_PART, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
MOST_ALIKE = 20
COLOURS = {"error": "31", "warning": "33", "agrees": "32", "last digit": "33", "differs": "31"}


class _Parser(argparse.ArgumentParser):
    """One sentence for a wrong word on the command line, with the nearest right one."""

    def error(self, message: str) -> Any:
        if "invalid choice" in message:
            word = message.split("'")[1]
            near = did_you_mean(word, VERBS)
            message = f"{word!r} is not a verb." + (
                f" Did you mean {near!r}?" if near else f" Verbs: {', '.join(VERBS)}."
            )
        self.exit(MISUSE, f"{self.prog}: {message} See {self.prog} --help.\n")


class _Terminal:
    """What is printed, and where."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.quiet: bool = arguments.quiet
        self.json: bool = getattr(arguments, "json", False)
        self.colour = not arguments.no_color and not self.json and "NO_COLOR" not in os.environ and sys.stdout.isatty()

    def result(self, text: str) -> None:
        print(text)

    def value(self, content: object) -> None:
        print(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False))

    def message(self, text: str) -> None:
        if not self.quiet:
            print(text, file=sys.stderr)

    def progress(self, steps: Iterable[Any]) -> Iterable[Any]:
        """A bar on stderr for what takes longer than a second, on a terminal only."""
        if self.quiet or self.json or not sys.stderr.isatty():
            return steps
        from tqdm import tqdm

        bar: Iterable[Any] = tqdm(steps, delay=1, leave=False, file=sys.stderr)
        return bar

    def paint(self, text: str, kind: str) -> str:
        code = COLOURS.get(kind, "")
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text

    def problems(self, problems: Sequence[Problem], write: Callable[[str], None]) -> None:
        """One line a problem; of those alike in code and column at most twenty."""
        seen: dict[tuple[str, str, str], int] = {}
        for problem in problems:
            kind = (problem.code, problem.file, problem.column)
            seen[kind] = seen.get(kind, 0) + 1
            if seen[kind] <= MOST_ALIKE:
                line = str(problem)
                write(self.paint(line[:7], problem.level) + line[7:])
        for (_, file, column), count in seen.items():
            if count > MOST_ALIKE:
                write(f"        {file}, {column}: and {count - MOST_ALIKE} more like this")


# ---------------------------------------------------------------------------------------------------------------------
# Verbs
# ---------------------------------------------------------------------------------------------------------------------


def _init(arguments: argparse.Namespace, terminal: _Terminal) -> int:
    from cohortstats.report.start import start_study

    written, notes = start_study(
        arguments.dir,
        table=arguments.table,
        sheet=arguments.sheet,
        header=arguments.header,
        example=arguments.example,
        force=arguments.force,
    )
    for path in written:
        terminal.result(str(path))
    for note in notes:
        terminal.message(note)
    return OK


def _check(arguments: argparse.Namespace, terminal: _Terminal) -> int:
    from cohortstats.loaders import load_cohort

    try:
        cohort = load_cohort(arguments.study, watch=terminal.progress)
    except DataError as error:
        if terminal.json:
            problems = [problem.as_dict() for problem in error.problems]
            terminal.value({"ok": False, "n_patients": None, "problems": problems})
        else:
            terminal.problems(error.problems, terminal.result)
            terminal.result(_totals(error.problems))
        return MISSING_FILE if error.missing_file else BAD_DATA
    if terminal.json:
        problems = [problem.as_dict() for problem in cohort.problems]
        terminal.value({"ok": True, "n_patients": cohort.n, "problems": problems})
    else:
        terminal.problems(cohort.problems, terminal.result)
        terminal.result(f"{cohort.n} patients, {_count(len(cohort.sources), 'table')}, {_totals(cohort.problems)}")
    return DISAGREES if arguments.strict and cohort.problems else OK


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _totals(problems: Sequence[Problem]) -> str:
    errors = sum(problem.level == "error" for problem in problems)
    return f"{_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}"


def _report(arguments: argparse.Namespace, terminal: _Terminal) -> int:
    from cohortstats.report.write import write_report
    from cohortstats.study import Study

    study = Study.read(arguments.study)
    folder = Path(arguments.output) if arguments.output else Path("reports") / study.id
    formats = arguments.formats.split(",") if arguments.formats else None
    report = write_report(
        study, folder, formats=formats, style=arguments.style, lang=arguments.lang, watch=terminal.progress
    )
    terminal.problems(report.cohort.problems, terminal.message)
    for sentence in report.messages:
        terminal.message(f"warning {sentence}")
    if terminal.json:
        terminal.value({"written": [path.as_posix() for path in report.written]})
    else:
        for path in report.written:
            terminal.result(path.as_posix())
    if report.agreement.items:
        terminal.message(report.agreement.summary())
    for sentence in report.not_written:
        print(sentence, file=sys.stderr)
    return IN_PART if report.not_written else OK


def _show(arguments: argparse.Namespace, terminal: _Terminal) -> int:
    from cohortstats.loaders import load_cohort
    from cohortstats.report.compare_conventions import compare_conventions
    from cohortstats.report.files import frame_records
    from cohortstats.report.plan import make_exhibit
    from cohortstats.report.write import with_options
    from cohortstats.stats.conventions import Conventions
    from cohortstats.study import Study

    study = with_options(Study.read(arguments.study), style=arguments.style, lang=arguments.lang)
    entry = study.exhibit(arguments.exhibit)
    if arguments.conventions == "all":
        compared = compare_conventions(load_cohort(study), entry)
        if terminal.json:
            terminal.value(compared.lines())
        else:
            terminal.result(repr(compared))
        return OK
    if arguments.conventions and study.synthetic:
        raise InputError(
            f"{study.id} is {study.synthetic}: what other conventions give is not determined by the paper. "
            "Use --conventions all, which shows where they agree."
        )
    if arguments.conventions:
        study = dataclasses.replace(study, conventions=Conventions.of(arguments.conventions))
    analysis = make_exhibit(load_cohort(study), entry)
    if terminal.json:
        terminal.value(frame_records(analysis))
    else:
        terminal.result(repr(analysis))
    return OK


def _reproduce(arguments: argparse.Namespace, terminal: _Terminal) -> int:
    from cohortstats.report.reproduce import reproduce

    agreement = reproduce(arguments.study or None)
    if terminal.json:
        names = ("id", "where", "quantity", "published", "computed", "verdict", "note")
        items = [{name: getattr(item, name) for name in names} for item in agreement.items]
        terminal.value({"study": agreement.study, "counts": dict(agreement.counts), "items": items})
    else:
        for line in _ledger_lines(
            agreement.items if arguments.all else [i for i in agreement.items if i.verdict != "agrees"], terminal
        ):
            terminal.result(line)
        terminal.result(agreement.summary())
        if not arguments.all:
            terminal.message("Only what does not agree is listed; --all lists every value.")
    return DISAGREES if arguments.strict and agreement.fails else OK


def _manuscript(arguments: argparse.Namespace, terminal: _Terminal) -> int:
    from cohortstats.report.manuscript import check_manuscript

    found = check_manuscript(arguments.file, study=arguments.study, watch=terminal.progress)
    if terminal.json:
        unmatched = [one.as_dict() for one in found.unmatched]
        terminal.value({"checked": found.checked, "matched": found.matched, "unmatched": unmatched})
    else:
        from cohortstats.tables.writers.text import align

        rows = [["Number", "Where", "Nearest result"], *([one.text, one.where, one.nearest] for one in found.unmatched)]
        for line in align(rows, left=[True, True, True]) if found.unmatched else []:
            terminal.result(line)
        terminal.result(repr(found))
    return DISAGREES if arguments.strict and found.unmatched else OK


def _ledger_lines(items: Sequence[LedgerItem], terminal: _Terminal) -> list[str]:
    from cohortstats.tables.writers.text import align

    rows = [["Where", "Quantity", "Published", "Computed", "Verdict", "Note"]]
    rows += [
        [
            item.where,
            item.quantity,
            item.published,
            item.computed,
            item.verdict,
            f"known: {item.note}" if item.known and item.note else item.note,
        ]
        for item in items
    ]
    head, *lines = align(rows, left=[True, True, False, False, True, True])
    painted = [
        line.replace(item.verdict, terminal.paint(item.verdict, item.verdict), 1)
        for line, item in zip(lines, items, strict=True)
    ]
    return [head, *painted]


VERBS: dict[str, tuple[Callable[[argparse.Namespace, _Terminal], int], str]] = {
    "init": (_init, "start a study folder: commented study.toml, data template, README"),
    "check": (_check, "read and validate a study; all problems at once"),
    "report": (_report, "every exhibit, methods text, ledger and manifest into one folder"),
    "show": (_show, "one exhibit in the terminal"),
    "reproduce": (_reproduce, "published against computed, for the shipped study when none is given"),
    "manuscript": (_manuscript, "numbers of an edited manuscript that are no results of the study, or no longer"),
}


def _parser() -> argparse.ArgumentParser:
    from cohortstats.version import __version__

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--quiet", action="store_true", help="no messages on stderr")
    common.add_argument("--no-color", action="store_true", help="no colour, also without a terminal and under NO_COLOR")
    common.add_argument("--debug", action="store_true", help="show the traceback of an unexpected failure")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    looks = argparse.ArgumentParser(add_help=False)
    looks.add_argument("--style", metavar="S", help="how numbers are written: default, paper, jama, nejm, lancet")
    looks.add_argument("--lang", metavar="L", help="language: en, ja")

    parser = _Parser(
        prog="cohortstats",
        description="Retrospective cohort studies: tables, Kaplan-Meier curves, methods text, a ledger against print.",
        epilog="STUDY is a folder with a study.toml, or the file; without it, the current folder. "
        "Exit: 0 done, 1 disagreement under --strict, 2 misuse, 3 errors in data or study file, 4 file missing, "
        "5 written only in part.",
    )
    parser.add_argument("--version", action="version", version=f"cohortstats {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)

    def verb(name: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=VERBS[name][1], description=VERBS[name][1], parents=[common, *parents])  # type: ignore[list-item]  # the stubs ask for the subclass

    init = verb("init")
    init.add_argument("dir", metavar="DIR", help="folder to make")
    init.add_argument(
        "--from", dest="table", metavar="TABLE", help="guess columns, types and missing codes from a table"
    )
    init.add_argument("--sheet", default="", help="sheet of a workbook")
    init.add_argument("--header", type=int, default=0, help="row of the column names, counted from 1")
    init.add_argument("--example", action="store_true", help="copy the invented example instead")
    init.add_argument("--force", action="store_true", help="replace files that are there")
    check = verb("check", as_json)
    check.add_argument("study", metavar="STUDY", nargs="?", default=".")
    check.add_argument("--strict", action="store_true", help="warnings fail, too")
    report = verb("report", as_json, looks)
    report.add_argument("study", metavar="STUDY", nargs="?", default=".")
    report.add_argument("-o", "--output", metavar="DIR", help="folder to write; default reports/<study id>")
    report.add_argument("--formats", metavar="F", help="html,docx,latex,md,csv,pdf")
    show = verb("show", as_json, looks)
    show.add_argument("study", metavar="STUDY")
    show.add_argument("exhibit", metavar="EXHIBIT", help="id of an exhibit, such as table4")
    show.add_argument(
        "--conventions", metavar="C", default="", help="ezr, r, sas or lifelines; all shows one column a profile"
    )
    reproduce = verb("reproduce", as_json)
    reproduce.add_argument("study", metavar="STUDY", nargs="?", default="")
    reproduce.add_argument("--strict", action="store_true", help="exit 1 on a disagreement that is not in [known]")
    reproduce.add_argument("--all", action="store_true", help="list every value, not only what does not agree")
    manuscript = verb("manuscript", as_json)
    manuscript.add_argument("file", metavar="FILE", help="a .docx, .tex or .md file")
    manuscript.add_argument("--study", metavar="STUDY", default=".", help="folder of the study, or its study.toml")
    manuscript.add_argument("--strict", action="store_true", help="exit 1 when a number is no result")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb and return its exit code.

    Parameters
    ----------
    arguments
        Words of the command line; those of the process when None.
    """
    chosen = _parser().parse_args(arguments)
    terminal = _Terminal(chosen)
    try:
        code = VERBS[chosen.verb][0](chosen, terminal)
        sys.stdout.flush()  # a full disk behind stdout is told here, not after the end
        return code
    except DataError as error:
        if terminal.json:
            terminal.value({"ok": False, "problems": [problem.as_dict() for problem in error.problems]})
        terminal.problems(error.problems, lambda line: print(line, file=sys.stderr))
        return MISSING_FILE if error.missing_file else BAD_DATA
    except InputError as error:
        for sentence in error.problems:
            print(f"error   {sentence}", file=sys.stderr)
        return MISUSE
    except CohortStatsError as error:
        print(f"error   {error}", file=sys.stderr)
        return DISAGREES
    except KeyboardInterrupt:
        print("interrupted; nothing was left half-written", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has left: nothing more to say, and Python may not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        if chosen.debug:
            raise
        print(f"error   {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        if not error.filename:  # perhaps stdout: Python may not complain of it a second time
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DISAGREES
    except Exception as error:
        if chosen.debug:
            raise
        print(f"error   unexpected failure ({type(error).__name__}: {error}); --debug shows where", file=sys.stderr)
        return DISAGREES
