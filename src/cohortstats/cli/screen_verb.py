"""The verb ``screen``: one row per marker of a table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from cohortstats.cli.terminal import INTERRUPTED, OK, Common, Terminal, Verb
from cohortstats.errors import DataError, InputError, Problem

__all__ = ["VERBS", "declare"]

SHOWN = 20
ADJUST = ("holm", "bonferroni", "hochberg", "hommel", "BH", "BY", "none")
EFFECTS = ("risk difference", "odds ratio")


def screen(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from cohortstats.analysis.screen import Parts, plan_screen
    from cohortstats.analysis.screen_columns import Fault
    from cohortstats.files import read_table

    if arguments.block < 1:
        raise InputError(f"--block is {arguments.block}; give a number of markers, such as 1000.")
    table = read_table(arguments.table)
    outcome, of_outcome = _with_level(arguments.outcome, table.columns)
    event, of_event = _with_level(arguments.event, table.columns)
    faults: list[Fault] = []
    plan = plan_screen(
        table.cells,
        arguments.markers,
        Parts(
            outcome=outcome,
            time=arguments.time,
            event=event,
            by=arguments.by,
            strata=arguments.strata,
            level=of_outcome or of_event,
        ),
        effect=arguments.effect,
        adjust=arguments.adjust,
        ci_level=arguments.ci_level,
        missing=frozenset(arguments.missing.split(",")) | {""},
        faults=faults,
    )
    if plan is None:
        file = Path(arguments.table).name
        raise DataError(Problem(code=code, file=file, column=column, message=line) for code, column, line in faults)
    del table  # the markers are held as one byte a cell from here on
    if arguments.output:
        return _to_file(plan, arguments, terminal)
    return _to_terminal(plan, arguments, terminal)


def _with_level(word: str | None, columns: tuple[str, ...]) -> tuple[str | None, str]:
    """A column, and the value that counts, of ``COL`` or ``COL=VALUE``."""
    if not word or word in columns or "=" not in word:
        return word, ""
    name, _, level = word.partition("=")
    return name.strip(), level.strip().lstrip("=").strip()


def _to_file(plan: object, arguments: argparse.Namespace, terminal: Terminal) -> int:
    from cohortstats.analysis.screen import ScreenPlan
    from cohortstats.analysis.screen_file import part_path, write_screen

    assert isinstance(plan, ScreenPlan)
    try:
        path = write_screen(
            plan, arguments.output, at_once=arguments.block, watch=terminal.progress, told=terminal.message
        )
    except KeyboardInterrupt:
        part = part_path(Path(arguments.output)).name
        terminal.message(f"interrupted; the same command goes on from {part}")
        return INTERRUPTED
    if terminal.json:
        return _to_terminal(plan, arguments, terminal)
    terminal.result(path.as_posix())
    terminal.message(f"{plan.n_rows:,} rows; {plan.method}")
    return OK


def _to_terminal(plan: object, arguments: argparse.Namespace, terminal: Terminal) -> int:
    import numpy as np

    from cohortstats.analysis.screen import ScreenPlan, adjusted
    from cohortstats.analysis.screen_file import finite_records
    from cohortstats.tables.writers.text import align

    assert isinstance(plan, ScreenPlan)
    pieces = list(plan.blocks(at_once=arguments.block))
    columns = adjusted({name: np.concatenate([piece[name] for piece in pieces]) for name in plan.names}, plan)
    if terminal.json:
        terminal.value(finite_records(columns))
        return OK
    order = np.argsort(columns["p_value"], kind="stable")[:SHOWN]  # nan comes last
    hidden = ("effect", "method")
    shown = {name: values[order].tolist() for name, values in columns.items() if name not in hidden}
    rows = [list(shown), *([_cell(value) for value in row] for row in zip(*shown.values(), strict=True))]
    for line in align(rows, left=[name in ("by", "marker", "level", "reason") for name in shown]):
        terminal.result(line.rstrip())
    terminal.message(f"{plan.method}; {'not adjusted' if plan.adjust == 'none' else f'adjusted by {plan.adjust}'}")
    if plan.n_rows > SHOWN:
        terminal.message(f"The {SHOWN} smallest P of {plan.n_rows:,} are shown; -o FILE writes all rows.")
    return OK


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


VERBS: Mapping[str, Verb] = {
    "screen": (screen, "one row per marker: effect, interval, P and adjusted P against one outcome"),
}


def declare(verb: Callable[..., argparse.ArgumentParser], common: Common) -> None:
    """The words that the verb takes."""
    screen = verb("screen", common.json)
    screen.add_argument("table", metavar="TABLE", help="a table with one row a patient: csv, xlsx, Parquet, SAS, SPSS")
    screen.add_argument("--markers", metavar="GLOB", required=True, help="columns to test, such as 'mut_*'")
    screen.add_argument("--outcome", metavar="COL", help="yes/no outcome, or COL=VALUE: Fisher's exact test")
    screen.add_argument("--time", metavar="COL", help="follow-up, with --event: log-rank test")
    screen.add_argument("--event", metavar="COL", help="whether the event happened, or COL=VALUE")
    screen.add_argument("--by", metavar="COL", help="screen each level of a column apart")
    screen.add_argument("--strata", metavar="COL", help="compare times within the levels of a column")
    screen.add_argument("--effect", default="risk difference", metavar="E", help=" or ".join(EFFECTS))
    screen.add_argument("--adjust", default="holm", metavar="METHOD", help=", ".join(ADJUST))
    screen.add_argument(
        "--ci-level", type=float, default=0.95, metavar="L", help="level of the intervals; default 0.95"
    )
    screen.add_argument("--missing", default="NA", metavar="CODES", help="cells that are gaps, beside empty ones")
    screen.add_argument("--block", type=int, default=1_000, metavar="N", help="markers tested between two writes")
    screen.add_argument(
        "-o", "--output", metavar="FILE", help=".csv or .parquet; after a kill the same command goes on where it was"
    )
