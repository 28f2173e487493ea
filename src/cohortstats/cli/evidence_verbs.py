"""Verbs on evidence that exists only in print: audit, rebuild, bounds, curve."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from cohortstats.cli.curve_verb import add_words, curve
from cohortstats.cli.terminal import DISAGREES, OK, Common, Terminal, Verb
from cohortstats.errors import InputError

__all__ = ["VERBS", "declare"]


def audit(arguments: argparse.Namespace, terminal: Terminal) -> int:
    if arguments.template or arguments.study:
        return _template(arguments, terminal)
    from cohortstats.published.audit import audit

    result = audit(arguments.published or ".")
    if arguments.output:
        path = Path(arguments.output)
        if path.suffix.casefold() not in (".html", ".htm"):
            raise InputError(f"{path} is no .html file; the findings are written as a page.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(result.to_html(), encoding="utf-8", newline="\n")
        terminal.message(f"wrote {path.as_posix()}")
    if terminal.json:
        terminal.value({"counts": dict(result.counts), "findings": result.records()})
    else:
        for line in result.lines(everything=arguments.all):
            terminal.result(_painted(line, terminal))
        for sentence in result.sentences:
            terminal.result(sentence)
        if not arguments.all and len(result.shown) < len(result.items):
            terminal.message("Only what does not hold is listed; --all lists every finding.")
    return DISAGREES if arguments.strict and result.fails else OK


def _painted(line: str, terminal: Terminal) -> str:
    from cohortstats.published.audit.finding import VERDICTS

    colours = {"cannot hold": "differs", "paper differs from itself": "differs", "doubtful": "last digit"}
    for verdict in VERDICTS:
        if f"  {verdict}" in line:
            return line.replace(f"  {verdict}", f"  {terminal.paint(verdict, colours.get(verdict, verdict))}", 1)
    return line


def _template(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from cohortstats.published.audit.template import published_template

    if not arguments.template:
        raise InputError("--from goes with --template.")
    if arguments.published or arguments.output:
        raise InputError("--template prints an empty file; it takes neither PUBLISHED nor -o.")
    text = published_template(arguments.study)
    if terminal.json:
        terminal.value({"template": text})
    else:
        terminal.result(text.rstrip("\n"))
    return OK


def rebuild(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from cohortstats.published.rebuild.rebuild import rebuild

    rebuilt = rebuild(
        arguments.published, seed=arguments.seed, without=arguments.without, time_limit=arguments.time_limit
    )
    written = rebuilt.write(arguments.output, label_line=arguments.label_line)
    if terminal.json:
        terminal.value(rebuilt.as_dict())
    else:
        terminal.result(repr(rebuilt))
    for path in written:
        terminal.message(f"wrote {path.as_posix()}")
    return OK


def bounds(arguments: argparse.Namespace, terminal: Terminal) -> int:
    tiers = ("published", "derived", *(("assumed",) if arguments.assume else ()))
    if arguments.statistic.strip() == "patients":
        return _patients(arguments, terminal, tiers)
    from cohortstats.printed import Printed
    from cohortstats.published.bounds.bounds import check_door, range_of_statistic

    check_door(tiers, arguments.time_limit)
    printed = Printed.read(arguments.published)
    found = range_of_statistic(
        printed,
        arguments.statistic,
        tiers,
        where=arguments.where,
        without=arguments.without,
        time_limit=arguments.time_limit,
    )
    if terminal.json:
        terminal.value(found.as_dict())
    else:
        terminal.result(str(found))
    return OK


def _patients(arguments: argparse.Namespace, terminal: Terminal, tiers: tuple[str, ...]) -> int:
    from cohortstats.published.bounds.bounds import bounds

    frame = bounds(
        arguments.published,
        "patients",
        tiers,
        where=arguments.where,
        without=arguments.without,
        time_limit=arguments.time_limit,
    )
    if terminal.json:
        facts = frame.to_dict("records")
        proven = not (frame["verdict"] == "not proven").any()
        terminal.value({"statistic": "patients", "proven": bool(proven), "facts": facts})
        return OK
    told = frame[frame["verdict"] != "open"]
    levels = {
        (row["patient"], row["fact"].partition(" == ")[0])
        for row in told.to_dict("records")
        if row["verdict"] == "forced yes" and " == " in row["fact"]
    }
    for row in told.to_dict("records"):
        # One level of a column told, the others are told as well.
        if row["verdict"] == "forced no" and (row["patient"], row["fact"].partition(" == ")[0]) in levels:
            continue
        because = f"  ({row['because']}; {row['tier']})" if row["because"] else ""
        terminal.result(f"patient {row['patient']}  {row['fact']}  {row['verdict']}{because}")
    open_facts = len(frame) - len(told)
    terminal.result(f"{len(told)} facts about {told['patient'].nunique()} patients are told, {open_facts} are open")
    return OK


VERBS: Mapping[str, Verb] = {
    "audit": (audit, "can the printed numbers be right, alone and beside each other; no patient data needed"),
    "rebuild": (rebuild, "one patient table for which every printed statement holds that can hold at once"),
    "bounds": (bounds, "smallest and largest value of a statistic over all cohorts that fit the print"),
    "curve": (curve, "patients behind a digitised Kaplan-Meier curve, with how well they give it back"),
}


def declare(verb: Callable[..., argparse.ArgumentParser], common: Common) -> None:
    """The words that each verb takes."""
    audit = verb("audit", common.json)
    audit.add_argument("published", metavar="PUBLISHED", nargs="?", default="", help="a published.toml, or its folder")
    audit.add_argument("--strict", action="store_true", help="exit 1 on a fault that is not in [known]")
    audit.add_argument("--all", action="store_true", help="list every finding, not only what does not hold")
    audit.add_argument("-o", "--output", metavar="FILE", help="also write the findings as one HTML page")
    audit.add_argument("--template", action="store_true", help="print an empty, commented published.toml")
    audit.add_argument("--from", dest="study", metavar="STUDY", help="with --template: rows of a study.toml")
    rebuild = verb("rebuild", common.json)
    rebuild.add_argument("published", metavar="PUBLISHED", help="a published.toml, or its folder")
    rebuild.add_argument("-o", "--output", metavar="FILE", required=True, help="CSV file to write")
    rebuild.add_argument("--seed", type=int, default=1, metavar="N", help="which of the possible cohorts; default 1")
    rebuild.add_argument(
        "--without", action="append", default=[], metavar="ID", help="give up a statement; may be repeated"
    )
    rebuild.add_argument(
        "--time-limit", type=float, default=20, metavar="S", help="seconds for each question to the solver; default 20"
    )
    rebuild.add_argument("--label-line", action="store_true", help="write the label on the first line, behind #")
    bounds = verb("bounds", common.json)
    bounds.add_argument("published", metavar="PUBLISHED", help="a published.toml, or its folder")
    bounds.add_argument(
        "statistic",
        metavar="STATISTIC",
        help="count(expression), percent(expression), fisher(group; outcome), odds(group; outcome), n(figure/level), "
        "events(figure/level), survival(figure/level, time), hr(figure), an address, or patients",
    )
    bounds.add_argument("--assume", action="store_true", help="also hold what the file only assumes")
    bounds.add_argument(
        "--where", action="append", default=[], metavar="CONDITION", help="also hold count(expression) == 1; repeatable"
    )
    bounds.add_argument(
        "--without", action="append", default=[], metavar="ID", help="give up a statement; may be repeated"
    )
    bounds.add_argument(
        "--time-limit", type=float, default=20, metavar="S", help="seconds for each question to the solver; default 20"
    )
    add_words(verb("curve", common.json))
