"""Rules over pathology reports and regimens: receptor, HER2, lines of therapy."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from cohortstats.cohort import Cohort, LinkedTable, level_codes
from cohortstats.derivations.findings import Findings
from cohortstats.derivations.lines import Counted, LineRule, Regimens, count_lines, fold_drug, split_drugs
from cohortstats.derivations.made import with_made
from cohortstats.derivations.occasions import Dated, Dates, Ints, Mask, Occasions
from cohortstats.derivations.receptors import ReceptorRule, call_her2, either_positive, ihc_score, wrong_signals
from cohortstats.errors import did_you_mean
from cohortstats.expressions import Values
from cohortstats.study import Her2, LinesOfTherapyRule, ProgressionDate, Receptor

__all__ = ["her2_rule", "lines_rule", "receptor_rule"]

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]

NEVER = np.datetime64("NaT", "D")

# ---------------------------------------------------------------------------------------------------------------------
# Receptors
# ---------------------------------------------------------------------------------------------------------------------


def receptor_rule(cohort: Cohort, rule: Receptor, found: Findings) -> Cohort | None:
    """Receptor status of each patient, of one receptor or of several together."""
    key = f"derive.{rule.name}"
    how = ReceptorRule.of(
        guideline=rule.guideline, positive_from=rule.positive_from, scale=rule.scale, levels=rule.levels
    )
    called, wrong = [], False
    for place, name in enumerate(rule.columns):
        here = f"{key}.percent[{place}]" if isinstance(rule.percent, tuple) else f"{key}.percent"
        scores, signs = _numbers(cohort, name)
        if rule.scale == "percent" and not _percents(cohort, name, scores, here, found):
            wrong = True
            continue
        bad = how.wrong(scores)
        _tell_cells(cohort, name, bad, f"{{value}} is no score: {how.scale_text}.", here, found)
        wrong |= bool(bad.any())
        called.append(how.call(np.where(bad, np.nan, scores), signs))
    if wrong:
        return None
    levels = called[0] if len(called) == 1 else either_positive(tuple(called))
    method = how.method if len(called) == 1 else f"{how.method}; positive where one receptor is"
    beside = {
        "guideline": np.full(cohort.n, how.guideline, dtype=object),
        "year": np.full(cohort.n, how.year),
        "method": np.full(cohort.n, method, dtype=object),
    }
    return with_made(cohort, rule, {rule.name: _levels(levels, rule.kind.levels)}, _rows(cohort, rule.columns), beside)


def _percents(cohort: Cohort, name: str, scores: Floats, key: str, found: Findings) -> bool:
    """Whether a column holds percents; a share of 1 would be read as 1 %."""
    variable = cohort.variable(name)
    if variable.unit.strip().casefold() in ("fraction", "proportion"):
        message = f"{name} is a fraction, a percent is needed."
        found.study("unit-mismatch", key, message, 'Where cells carry %, set unit = "percent"; else derive 100 * it.')
        return False
    known = scores[~np.isnan(scores)]
    if known.size and known.max() <= 1 and ((known > 0) & (known < 1)).any():
        message = f"{name} is nowhere above 1; as percents these are all but unstained."
        found.study("unit-mismatch", key, message, "If they are fractions, derive 100 * it.", level="warning")
    return True


def her2_rule(cohort: Cohort, rule: Her2, found: Findings) -> Cohort | None:
    """HER2 status of each patient, the ISH group and what decided."""
    key = f"derive.{rule.name}"
    wrong = False
    ihc = np.full(cohort.n, -1, dtype=np.int64)
    if rule.ihc:
        cells = _cells(cohort, rule.ihc)
        scores = {cell: ihc_score(cell) for cell in set(cells.tolist()) if cell != ""}
        unread = np.array([cell != "" and scores[cell] is None for cell in cells.tolist()], dtype=bool)
        mend = 'Declare values of the column, such as values = { "2+/FISH+" = "2+" }.'
        fact = "{value} is no IHC score; 0, 1+, 2+ and 3+ are."
        _tell_cells(cohort, rule.ihc, unread, fact, f"{key}.ihc", found, code="level-unknown", mend=mend)
        wrong = bool(unread.any())
        ihc = np.array([-1 if cell == "" else scores[cell] for cell in np.where(unread, "", cells)], dtype=np.int64)
    numbers: dict[str, tuple[Floats, Texts | None]] = {}
    for word in ("ratio", "copies"):
        name = getattr(rule, word)
        if name:
            numbers[word] = _numbers(cohort, name)
            bad = wrong_signals(numbers[word][0])
            _tell_cells(cohort, name, bad, "{value} is below 0.", f"{key}.{word}", found)
            wrong |= bool(bad.any())
    if wrong:
        return None
    ish = None
    if rule.ish:
        answer = cohort.known(rule.ish)
        ish = np.where(answer.missing, -1, answer.data.astype(bool)).astype(np.int64)
    status = call_her2(
        ihc,
        ratio=numbers["ratio"][0] if "ratio" in numbers else None,
        copies=numbers["copies"][0] if "copies" in numbers else None,
        ish=ish,
        guideline=rule.guideline,
        ratio_signs=numbers["ratio"][1] if "ratio" in numbers else None,
        copies_signs=numbers["copies"][1] if "copies" in numbers else None,
    )
    groups = np.where(status.group > 0, status.group.astype(str), "").astype(object)
    values = {
        rule.name: _levels(status.status, rule.kind.levels),
        f"{rule.name}_group": _levels(groups, rule.COMPANIONS["group"].levels),
        f"{rule.name}_comment": Values(kind="text", data=status.comment.copy(), missing=np.zeros(cohort.n, dtype=bool)),
    }
    beside = {
        "group": groups,
        "comment": status.comment.copy(),
        "guideline": np.full(cohort.n, status.guideline, dtype=object),
        "year": np.full(cohort.n, status.year),
        "method": np.full(cohort.n, status.method, dtype=object),
    }
    return with_made(cohort, rule, values, _rows(cohort, rule.needs), beside)


def _rows(cohort: Cohort, names: tuple[str, ...]) -> Dated:
    """The row of each patient in the table of the first of some columns; derived variables have none."""
    record = Dated.never(cohort.n)
    table = next((cohort.variable(name).table for name in names if cohort.variable(name).table), "")
    if not table:
        return record
    file = cohort.tables[table]
    here = file.position >= 0
    row, named = record.row.copy(), record.table.copy()
    row[here], named[here] = file.rows[file.position[here]], table
    return dataclasses.replace(record, row=row, table=named)


def _numbers(cohort: Cohort, name: str) -> tuple[Floats, Texts | None]:
    """Numbers with nan where missing; signs of those that the study file lets count as their limit."""
    variable = cohort.variable(name)
    values = cohort.known(name)
    numbers = np.where(values.missing, np.nan, values.data.astype(float))
    column = cohort.study.columns.get(variable.table, {}).get(variable.name)
    flag = f"{variable.name}_beyond"
    if column is None or column.beyond != "limit" or flag not in cohort.data:
        return numbers, None
    return numbers, _cells(cohort, flag)


def _cells(cohort: Cohort, name: str) -> Texts:
    """Levels or texts, empty where missing; a number stays one."""
    values = cohort.known(name)
    return np.where(values.missing, "", _words(values)).astype(object)


def _words(values: Values) -> Texts:
    if values.kind == "ordered":
        return np.asarray([*values.levels, ""], dtype=object)[np.where(values.missing, -1, level_codes(values))]
    if values.kind == "yes/no":
        return np.where(values.data.astype(bool), "yes", "no").astype(object)
    return np.asarray(values.data, dtype=object)


def _levels(texts: Texts, levels: tuple[str, ...]) -> Values:
    return Values(kind="category", data=texts.astype(object), missing=texts == "", levels=levels)


def _tell_cells(
    cohort: Cohort,
    name: str,
    bad: Mask,
    message: str,
    key: str,
    found: Findings,
    *,
    code: str = "out-of-range",
    mend: str = "Correct the cell.",
) -> None:
    """Every wrong cell, with its row; of a derived variable the patient."""
    variable = cohort.variable(name)
    shown = _cells(cohort, variable.name)
    for patient in np.flatnonzero(bad).tolist():
        value = shown[patient]
        text = f"{value:g}" if isinstance(value, float) else f"'{value}'"
        found.patient(
            code,
            patient,
            variable.name,
            message.replace("{value}", text),
            mend,
            key=key,
            because=variable.given_names,
        )


# ---------------------------------------------------------------------------------------------------------------------
# Lines of therapy
# ---------------------------------------------------------------------------------------------------------------------


def lines_rule(cohort: Cohort, rule: LinesOfTherapyRule, found: Findings) -> Cohort | None:
    """Lines before the index drug, and the line of it."""
    key = f"derive.{rule.name}"
    how = LineRule(
        index=rule.index,
        endocrine=rule.endocrine,
        same_class=rule.same_class,
        intents=rule.intents,
        separator=rule.separator,
    )
    before = len(found.problems)
    for sentence in how.problems():
        found.study("key-conflict", key, f"[{key}] {sentence}")
    table = cohort.tables[rule.table]
    assert table.records is not None and table.places is not None
    drugs = _cells(cohort, rule.drugs)
    starts, ends = _days(cohort, rule.start), _days(cohort, rule.end)
    nothing = np.full(len(table.places), NEVER)
    regimens = Regimens(
        patient=table.records.patient,
        row=table.rows[table.places] if len(table.rows) else table.places,
        start=nothing if starts is None else starts,
        end=nothing if ends is None else ends,
        drugs=np.array([str(text).strip() for text in drugs.tolist()], dtype=object),
        intent=_cells(cohort, rule.intent) if rule.intent else None,
    )
    _tell_drugs(cohort, rule, table, regimens, found)
    _tell_ends(cohort, rule, table, regimens, found)
    if any(problem.level == "error" for problem in found.problems[before:]):
        return None
    counted = count_lines(
        how,
        cohort.n,
        regimens,
        _progression(cohort, rule),
        metastatic=_days(cohort, rule.metastatic),
        index_start=_days(cohort, rule.index_start),
    )
    _tell_doubts(cohort, rule, table, counted, found)
    missing = np.isnan(counted.prior_lines)
    prior = np.where(missing, 0.0, counted.prior_lines)
    values = {
        rule.name: Values(kind="number", data=prior, missing=missing),
        f"{rule.name}_index": Values(kind="number", data=prior + 1, missing=missing.copy()),
    }
    beside = {
        "lines": _opened(cohort.n, regimens, counted),
        "reason": counted.reason.copy(),
        "method": np.full(cohort.n, how.method, dtype=object),
    }
    record = _index_record(cohort, table, regimens, counted, how)
    return with_made(cohort, rule, values, record, beside)


def _days(cohort: Cohort, name: str) -> Dates | None:
    if not name:
        return None
    values = cohort.known(name)
    return np.where(values.missing, NEVER, values.data.astype("datetime64[D]"))


def _progression(cohort: Cohort, rule: LinesOfTherapyRule) -> tuple[Ints, Dates]:
    if not rule.progression:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype="datetime64[D]")
    declared = rule.progression
    if not isinstance(declared, ProgressionDate):
        declared = ProgressionDate(date=declared)
    visits = Occasions.of(cohort, declared.date, declared.where)
    return visits.patient, visits.date


def _tell_drugs(
    cohort: Cohort, rule: LinesOfTherapyRule, table: LinkedTable, regimens: Regimens, found: Findings
) -> None:
    """Cells with a drug that has no name, and drugs of the study file that nobody had."""
    assert table.places is not None
    name = cohort.variable(rule.drugs).name
    key = f"derive.{rule.name}"
    split = {text: split_drugs(text, rule.separator) for text in set(regimens.drugs.tolist()) if text}
    for place, text in enumerate(regimens.drugs.tolist()):
        if text and split[text] is None:
            found.record(
                "drugs-invalid",
                int(regimens.patient[place]),
                int(table.places[place]),
                name,
                f"'{text}' has a drug without a name beside a {rule.separator}.",
                "Name it, or take the sign out.",
                key=f"{key}.drugs",
                because=(name,),
            )
    if None in split.values():
        return  # drugs that nobody had may be in these cells
    drugs = {fold_drug(drug): drug for some in split.values() for drug in some or ()}
    if rule.index and fold_drug(rule.index) not in drugs and not rule.index_start:
        near = did_you_mean(rule.index, drugs.values())
        fact = f"[{key}] index: {rule.index} is in no regimen."
        mend = f"Did you mean {near}?" if near else "Give index_start, its first day, if regimens end before it."
        found.study("level-unknown", f"{key}.index", fact, mend)
    listed = [("endocrine", drug) for drug in rule.endocrine]
    listed += [("same_class", drug) for group in rule.same_class for drug in group]
    for word, drug in listed:
        if fold_drug(drug) not in drugs:
            near = did_you_mean(drug, drugs.values())
            fact = f"[{key}] {word}: {drug} is in no regimen."
            found.study("value-unused", f"{key}.{word}", fact, f"Did you mean {near}?" if near else "", level="warning")


def _tell_ends(
    cohort: Cohort, rule: LinesOfTherapyRule, table: LinkedTable, regimens: Regimens, found: Findings
) -> None:
    assert table.places is not None
    for place in np.flatnonzero(regimens.end < regimens.start).tolist():
        found.record(
            "date-before-start",
            int(regimens.patient[place]),
            int(table.places[place]),
            cohort.variable(rule.end).name,
            f"{rule.end} {regimens.end[place]} is before {rule.start} {regimens.start[place]}.",
            "Correct the one that is wrong.",
            key=f"derive.{rule.name}.end",
            because=(cohort.variable(rule.end).name, cohort.variable(rule.start).name),
        )


def _tell_doubts(
    cohort: Cohort, rule: LinesOfTherapyRule, table: LinkedTable, counted: Counted, found: Findings
) -> None:
    """Regimens that a reader should look at."""
    assert table.places is not None
    columns = {"overlap": rule.start, "gap": rule.start, "intent": rule.intent, "index-early": rule.drugs}
    mends = {
        "overlap": "If they were given together, give them one start, or one row.",
        "gap": "If a new line began, add the progression before it.",
        "intent": "Correct the intent, or the date of metastatic disease.",
        "index-early": "Look at which of them is the one whose line is asked for.",
    }
    for doubt in counted.doubts:
        code, mend, key = f"lines-{doubt.kind}", mends[doubt.kind], f"derive.{rule.name}"
        if doubt.place < 0:
            name = cohort.variable(rule.index_start).name
            found.patient(code, doubt.patient, name, doubt.message, mend, key=key, because=(name,), level="warning")
            continue
        name = cohort.variable(columns[doubt.kind]).name
        found.record(
            code,
            doubt.patient,
            int(table.places[doubt.place]),
            name,
            doubt.message,
            mend,
            key=key,
            because=(name,),
            level="warning",
        )


def _opened(n: int, regimens: Regimens, counted: Counted) -> Texts:
    """Which regimen opened which line, in words."""
    texts: list[list[str]] = [[] for _ in range(n)]
    opening = np.flatnonzero(counted.opens)
    for place in opening[np.lexsort((counted.line[opening], regimens.patient[opening]))].tolist():
        texts[regimens.patient[place]].append(
            f"{counted.line[place]}: row {regimens.row[place]}, {regimens.drugs[place]} from {regimens.start[place]}, "
            f"{counted.why[place]}"
        )
    found = np.empty(n, dtype=object)
    found[:] = ["; ".join(text) for text in texts]
    return found


def _index_record(
    cohort: Cohort,
    table: LinkedTable,
    regimens: Regimens,
    counted: Counted,
    how: LineRule,
) -> Dated:
    """The regimen that has the index drug first, where the number rests on it."""
    never = Dated.never(cohort.n)
    if not how.index:
        return never
    index = fold_drug(how.index)
    holds: dict[str, bool] = {
        text: any(fold_drug(drug) == index for drug in split_drugs(text, how.separator) or ())
        for text in set(regimens.drugs.tolist())
        if text
    }
    here = np.array([holds.get(text, False) for text in regimens.drugs.tolist()], dtype=bool) & (counted.line > 0)
    places = np.flatnonzero(here)
    places = places[np.lexsort((regimens.row[places], regimens.start[places], regimens.patient[places]))]
    patients, first = np.unique(regimens.patient[places], return_index=True)
    known = ~np.isnan(counted.prior_lines[patients])
    patients, chosen = patients[known], places[first[known]]
    changed: dict[str, Any] = {
        "date": (regimens.start[chosen], never.date.copy()),
        "table": (table.name, never.table.copy()),
        "row": (regimens.row[chosen], never.row.copy()),
        "reason": ("index drug", never.reason.copy()),
    }
    for new, array in changed.values():
        array[patients] = new
    return dataclasses.replace(never, **{name: array for name, (_, array) in changed.items()})
