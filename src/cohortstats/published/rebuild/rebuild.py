"""One cohort for which everything that a paper printed about its patients holds, as far as it can hold at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel, Solution
from cohortstats.published.model.conflict_sets import ConflictSet, find_conflicts, known_corrections, soften
from cohortstats.published.model.evaluate import Check, broken_rules, evaluate
from cohortstats.published.model.given import given_cells
from cohortstats.published.model.statements import TIERS, unit_of
from cohortstats.published.provenance import (
    DEFAULT_LABEL,
    digest,
)
from cohortstats.published.rebuild.number_columns import place_numbers
from cohortstats.published.rebuild.rebuilt import Rebuilt
from cohortstats.published.rebuild.survival_part import SurvivalPart, place_survival

if TYPE_CHECKING:
    pass

__all__ = ["rebuild"]

MOST_BINARIES = 5_000


def rebuild(path: str | Path | Printed, seed: int = 1, without: Sequence[str] = (), time_limit: float = 20) -> Rebuilt:
    """A table of patients that satisfies every printed statement that can hold at once.

    Parameters
    ----------
    path
        A ``published.toml``, its folder, or what :meth:`Printed.read` made of it.
    seed
        Which of the possible cohorts; the same seed gives the same bytes in one installation.
    without
        Addresses of statements that are given up where some exclude each other: ``identity/x``, ``table1/stage``,
        ``text/x``. Those that ``[known]`` names need not be repeated.
    time_limit
        Seconds for each question to the solver.

    Returns
    -------
    Rebuilt
        ``.patients``, ``.satisfied``, ``.total``, ``.exceptions``, ``.conflicts``, ``.tiers_used``.

    Raises
    ------
    DataError
        When the file has errors, or statements exclude each other and none of them is given up.
    InputError
        When the file lacks what a table needs, an address does not exist, or the solver stopped.

    Notes
    -----
    The cohort is a solution of a 0/1 program: one variable a patient and level, an equation a printed count, a row a
    patient for every rule. Nothing of it is trusted: the table is decoded and every printed value is evaluated on it by
    code that knows nothing of the program. Rules of the assumed tier only make the cohort plausible; those that cannot
    hold are dropped, and named. Medians and ranges are placed as order statistics, times of a survival block as an
    order that prints its medians, limits and P. A mean with its standard deviation is not rebuilt.

    A rebuilt cohort is a sound test fixture for printed statistics and says nothing else about patients.

    Examples
    --------
    >>> import cohortstats as cs
    >>> from cohortstats.shipped import shipped_study
    >>> rebuilt = cs.rebuild(shipped_study("sakai2018") / "published.toml", seed=1)
    >>> rebuilt.satisfied, rebuilt.total
    (158, 162)
    >>> [check.id for check in rebuilt.exceptions][-1]
    'figure1/yes/median'
    """
    printed = path if isinstance(path, Printed) else Printed.read(path)
    _check_door(printed, seed, time_limit)
    asked = tuple(dict.fromkeys(unit_of(address, printed) for address in without))
    found = find_conflicts(printed, time_limit=time_limit)
    given_up = _given_up(printed, found, asked)
    gone = tuple(dict.fromkeys([*asked, *(one for some in given_up.values() for one in some)]))
    choices = [f"given up: {address}" for address in gone]
    limits = _limits(found, given_up)
    model, dropped, said = _model(printed, gone, limits, time_limit)
    choices += said
    rng = np.random.default_rng(seed)
    model, parts = place_survival(printed, model, seed=seed)
    solution = model.solve(seed)
    if solution is None:
        raise RuntimeError("a model that has a solution lost it; this is an internal error.")
    cells, not_written = _cells(printed, model, solution, parts, rng)
    _check_rows(printed, model, cells)
    table = {name: cells[name] for name, column in printed.columns.items() if name in cells and not column.hidden}
    checks = evaluate(printed, cells)
    exceptions = tuple(check for check in checks if check.verdict != "agrees")
    exceptions = tuple(_explained(check, printed, gone, not_written, parts) for check in exceptions)
    import pandas as pd

    return Rebuilt(
        patients=pd.DataFrame(table, dtype=object),
        satisfied=len(checks) - len(exceptions),
        total=len(checks),
        exceptions=exceptions,
        conflicts=found,
        given_up=given_up,
        tiers_used=tuple(tier for tier in TIERS if any(unit.tier == tier for unit in model.units)),
        dropped=dropped,
        label=printed.synthetic or DEFAULT_LABEL,
        seed=seed,
        not_written=not_written,
        free=_free(printed, model, not_written, parts),
        choices=tuple(choices),
        structure=tuple(part.as_dict() for part in parts),
        source=_sources(printed),
        _printed_path=printed.path,
    )


def _check_door(printed: Printed, seed: int, time_limit: float) -> None:
    problems = []
    if printed.n is None:
        problems.append(f"{printed.path.name} does not say how many patients there are. Give [cohort] n.")
    if not printed.columns:
        problems.append(f"{printed.path.name} has no [columns]; they are what a rebuilt table has.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        problems.append(f"seed is {seed!r}; give a whole number from 0.")
    if not time_limit > 0:
        problems.append(f"time_limit is {time_limit!r}; give seconds above 0.")
    if printed.n is not None and not problems:
        size = sum(max(1, len(kind.level_names)) if kind.kind != "yes/no" else 1 for kind in _open_kinds(printed))
        binaries = printed.n * size
        if binaries > MOST_BINARIES:
            problems.append(
                f"{printed.path.name} needs {binaries} 0/1 cells ({printed.n} patients x {size}); "
                f"rebuild stops at {MOST_BINARIES}. Leave out columns that no statement needs."
            )
    if problems:
        raise InputError(problems)


def _open_kinds(printed: Printed) -> Iterable[Any]:
    return (printed.kinds[name] for name in printed.columns if printed.kinds[name].kind not in ("number", "text"))


# ---- conflicts and assumptions


def _given_up(printed: Printed, found: Sequence[ConflictSet], asked: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What is given up in each conflict: as asked for, else as ``[known]`` names it.

    Raises
    ------
    DataError
        When a conflict is left.
    """
    known = known_corrections(printed, found)
    chosen: dict[str, tuple[str, ...]] = {}
    problems = []
    for conflict in found:
        by_hand = [some for some in conflict.corrections if set(some) <= set(asked)]
        if by_hand:
            chosen[conflict.id] = by_hand[0]
        elif conflict.id in known:
            chosen[conflict.id] = known[conflict.id]
        else:
            problems.append(_problem(printed, conflict))
    if problems:
        raise DataError(problems)
    return chosen


def _problem(printed: Printed, conflict: ConflictSet) -> Problem:
    ways = []
    for some, patients in zip(conflict.corrections, conflict.repairs, strict=True):
        words = " ".join(f"--without {one}" for one in some)
        counted = "" if patients is None else f" ({patients} patient{' differs' if patients == 1 else 's differ'})"
        ways.append(f"{words}{counted}")
    left = f" Not proven to be all: {len(ways)} ways found." if not conflict.proven else ""
    return Problem(
        code="print-conflict",
        message=f"{printed.path.name} cannot be satisfied: {conflict.sentence}",
        mend=f"Give one up: {', '.join(ways)}.{left}" if ways else "",
    )


def _model(
    printed: Printed, gone: Sequence[str], limits: Mapping[str, int], time_limit: float
) -> tuple[CohortModel, tuple[str, ...], list[str]]:
    """The strongest model that has a solution: with assumed rules as far as they hold, and other readings."""
    said: list[str] = []
    dropped: tuple[str, ...] = ()
    for strict in (True, False):
        model = CohortModel.of(printed, TIERS, gone, strict=strict, time_limit=time_limit)
        held = {address: patients for address, patients in limits.items() if address not in model.readings}
        near = model
        for address, patients in held.items():
            near = near.nearly(address, patients)
        if near.feasible():
            model = near
            words = [f"{one} fails by {k} patient{'' if k == 1 else 's'}" for one, k in held.items()]
            said += words
            break
        if held and model.feasible():
            model, words = _nearest(model, limits)
            said += words
            break
        soft = [unit.address for unit in model.units if unit.tier == "assumed" or unit.address in model.readings]
        hard = [unit.address for unit in model.units if unit.address not in soft]
        program, switch = soften(model, hard=hard, soft=soft)
        # A reading is worth more than any number of assumptions.
        cost = {v: float(1000 if one in model.readings else 1) for one, v in switch.items()}
        answer = program.solve(cost, time_limit=time_limit)
        if answer.values is None and answer.status != "infeasible":
            raise InputError(f"not proven: no cohort found after {time_limit:g} s. Raise --time-limit.")
        if answer.values is not None:
            dropped = tuple(one for one in soft if answer.values[switch[one]])
            model, words = _nearest(_leave(model, dropped), limits)
            said += [
                f"the reading of {one} cannot hold and was dropped"
                if one in model.readings
                else f"{one} cannot hold beside the rest and was dropped"
                for one in dropped
            ]
            said += words
            break
    else:
        raise DataError(
            [
                Problem(
                    code="print-conflict",
                    message=f"{printed.path.name} cannot be satisfied, also without what is given up.",
                )
            ]
        )
    said += [f"{one} holds by its other reading" for one in model.readings if one not in dropped]
    if not model.strict:
        said.append("the middle values of a median may lie on both sides of it")
    return model, dropped, said


def _limits(found: Sequence[ConflictSet], given_up: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """By how many patients each statement that was given up must fail, where that is known."""
    limits: dict[str, int] = {}
    for conflict in found:
        correction = given_up.get(conflict.id, ())
        patients = dict(zip(conflict.corrections, conflict.repairs, strict=True)).get(correction)
        if patients is not None:
            limits |= dict.fromkeys(correction, patients)
    return limits


def _nearest(model: CohortModel, limits: Mapping[str, int]) -> tuple[CohortModel, list[str]]:
    """What was given up fails by as few patients as it must; ``model`` itself has a solution."""
    said = []
    for address, patients in limits.items():
        if address in model.readings:
            continue
        # Assumed rules may need some more patients than the conflict alone.
        for most in (patients, patients + 1, patients + 2, patients + 4, patients + 8):
            near = model.nearly(address, most)
            if near.feasible():
                model = near
                said.append(f"{address} fails by {most} patient{'' if most == 1 else 's'}")
                break
    return model, said


def _leave(model: CohortModel, addresses: Sequence[str]) -> CohortModel:
    import dataclasses

    return dataclasses.replace(
        model,
        units=tuple(unit for unit in model.units if unit.address not in addresses),
        unit_rows={one: rows for one, rows in model.unit_rows.items() if one not in addresses},
        _kept={},
        _columns={},
    )


# ---- the table


def _cells(
    printed: Printed,
    model: CohortModel,
    solution: Solution,
    parts: Sequence[SurvivalPart],
    rng: np.random.Generator,
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Cells of every column, and why some columns have none."""
    cells = {name: list(column) for name, column in solution.cells.items()}
    given = given_cells(printed)
    for name, column in given.items():
        if name not in cells:
            cells[name] = [*column, *[""] * (model.n - len(column))]
    not_written: dict[str, str] = {}
    means = {value.variable: value.statistic for value in printed.values if value.statistic in ("mean", "sd")}
    times = {survival.time: survival for survival in printed.survivals if survival.time}
    for name in printed.columns:
        if name in means:
            not_written[name] = "a mean or standard deviation is not rebuilt"
        elif name in solution.regions and name not in times:
            regions = model.encoder.column(name).regions
            if len(regions) == 1 and name not in given:
                not_written[name] = "nothing is printed of it"
                continue
            cells[name] = place_numbers(printed, name, regions, solution.regions[name], model.units, cells, rng)
    for part in parts:
        part.place(printed, cells)
        if part.reason and part.survival.time:
            not_written[part.survival.time] = part.reason
    for name in times:
        if name in printed.columns and name not in cells:
            not_written.setdefault(name, "no order of times was found")
    for name in not_written:
        cells.pop(name, None)
    return cells, not_written


def _check_rows(printed: Printed, model: CohortModel, cells: Mapping[str, Sequence[str]]) -> None:
    """Nothing that the solver said is taken on trust: every modelled count and rule is evaluated on the table.

    Raises
    ------
    RuntimeError
        When one of them fails: a fault of this program, not of the file.
    """
    held = {unit.address for unit in model.units if unit.address not in model.readings}
    counts = {
        statement.id
        for unit in model.units
        if unit.address in held
        for statement in unit.statements
        if statement.kind == "count" and statement.id not in model.not_modelled
    }
    values = [value for value in printed.values if value.id in counts]
    wrong = [check.id for check in evaluate(printed, cells, values) if check.verdict != "agrees"]
    rules = {
        statement.id
        for unit in model.units
        if unit.address in held
        for statement in unit.statements
        if statement.kind in ("rule", "count") and statement.id not in model.not_modelled
    }
    wrong += list(broken_rules(printed, cells, rules & held))
    if wrong:
        raise RuntimeError(f"the rebuilt table breaks {', '.join(wrong[:5])}; this is an internal error.")


def _explained(
    check: Check,
    printed: Printed,
    gone: Sequence[str],
    not_written: Mapping[str, str],
    parts: Sequence[SurvivalPart],
) -> Check:
    """An exception with its reason."""
    import dataclasses

    if check.note and check.id in printed.known:
        return check
    value = printed.value(check.id)
    try:
        owner = unit_of(check.id, printed)
    except InputError:
        owner = ""
    note = check.note
    if owner in gone:
        note = f"{owner} was given up"
    elif value.variable in not_written:
        note = not_written[value.variable]
    elif value.about:
        note = "printed with ~, which holds no number fast"
    elif value.source == "survival":
        part = next((part for part in parts if part.id == value.exhibit), None)
        said = [] if part is None else [one for one in part.notes if one.startswith(f"{check.id}: ")]
        note = said[0].removeprefix(f"{check.id}: ") if said else (part.reason if part else "") or note
    return dataclasses.replace(check, note=note)


def _free(
    printed: Printed, model: CohortModel, not_written: Mapping[str, str], parts: Sequence[SurvivalPart]
) -> tuple[str, ...]:
    """What no statement constrains."""
    owner = dict(model.encoder.base)
    rows = [row for some in model.unit_rows.values() for _, row in some]
    named = {owner[v] for row in [*rows, *model.meaning(rows)] for v in row.variables if v in owner}
    timed = {name for part in parts for name in (part.survival.time, part.survival.event)}
    free = []
    for name, column in printed.columns.items():
        if name in not_written or column.hidden or column.type == "id" or name in timed:
            continue
        if printed.kinds[name].kind == "number":
            free.append(f"{name}, beyond its printed order statistics")
        elif name not in named:
            free.append(name)
    free += [f"{part.survival.time}, beyond the printed medians, limits and P" for part in parts if not part.reason]
    return (*free, "how columns pair up, where no statement says so")


def _sources(printed: Printed) -> dict[str, str]:
    path = printed.path / "published.toml" if printed.path.is_dir() else printed.path
    found = {path.name: digest(path.read_bytes())}
    if printed.given is not None:
        found[printed.given.file] = digest(printed.given.path.read_bytes())
    return found
