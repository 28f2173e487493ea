"""Verbs on a study: start, check, report, show, reproduce, and its manuscript."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cohortstats.cli.terminal import BAD_DATA, DISAGREES, IN_PART, MISSING_FILE, OK, Common, Terminal, Verb
from cohortstats.errors import DataError, InputError, Problem

if TYPE_CHECKING:
    from cohortstats.report.agreement import LedgerItem

__all__ = ["VERBS", "declare"]


def init(arguments: argparse.Namespace, terminal: Terminal) -> int:
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


def check(arguments: argparse.Namespace, terminal: Terminal) -> int:
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


def report(arguments: argparse.Namespace, terminal: Terminal) -> int:
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


def show(arguments: argparse.Namespace, terminal: Terminal) -> int:
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


def reproduce(arguments: argparse.Namespace, terminal: Terminal) -> int:
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


def manuscript(arguments: argparse.Namespace, terminal: Terminal) -> int:
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


def _ledger_lines(items: Sequence[LedgerItem], terminal: Terminal) -> list[str]:
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


VERBS: Mapping[str, Verb] = {
    "init": (init, "start a study folder: commented study.toml, data template, README"),
    "check": (check, "read and validate a study; all problems at once"),
    "report": (report, "every exhibit, methods text, ledger and manifest into one folder"),
    "show": (show, "one exhibit in the terminal"),
    "reproduce": (reproduce, "published against computed, for the shipped study when none is given"),
    "manuscript": (manuscript, "numbers of an edited manuscript that are no results of the study, or no longer"),
}


def declare(verb: Callable[..., argparse.ArgumentParser], common: Common) -> None:
    """The words that each verb takes."""
    init = verb("init")
    init.add_argument("dir", metavar="DIR", help="folder to make")
    init.add_argument(
        "--from", dest="table", metavar="TABLE", help="guess columns, types and missing codes from a table"
    )
    init.add_argument("--sheet", default="", help="sheet of a workbook")
    init.add_argument("--header", type=int, default=0, help="row of the column names, counted from 1")
    init.add_argument("--example", action="store_true", help="copy the invented example instead")
    init.add_argument("--force", action="store_true", help="replace files that are there")
    check = verb("check", common.json)
    check.add_argument("study", metavar="STUDY", nargs="?", default=".")
    check.add_argument("--strict", action="store_true", help="warnings fail, too")
    report = verb("report", common.json, common.looks)
    report.add_argument("study", metavar="STUDY", nargs="?", default=".")
    report.add_argument("-o", "--output", metavar="DIR", help="folder to write; default reports/<study id>")
    report.add_argument("--formats", metavar="F", help="html,docx,latex,md,csv,pdf")
    show = verb("show", common.json, common.looks)
    show.add_argument("study", metavar="STUDY")
    show.add_argument("exhibit", metavar="EXHIBIT", help="id of an exhibit, such as table4")
    show.add_argument(
        "--conventions", metavar="C", default="", help="ezr, r, sas or lifelines; all shows one column a profile"
    )
    reproduce = verb("reproduce", common.json)
    reproduce.add_argument("study", metavar="STUDY", nargs="?", default="")
    reproduce.add_argument("--strict", action="store_true", help="exit 1 on a disagreement that is not in [known]")
    reproduce.add_argument("--all", action="store_true", help="list every value, not only what does not agree")
    manuscript = verb("manuscript", common.json)
    manuscript.add_argument("file", metavar="FILE", help="a .docx, .tex or .md file")
    manuscript.add_argument("--study", metavar="STUDY", default=".", help="folder of the study, or its study.toml")
    manuscript.add_argument("--strict", action="store_true", help="exit 1 when a number is no result")
