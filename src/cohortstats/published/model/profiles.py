"""Outer bounds of counts from numbers of patients with each combination of a few columns.

Patients of whom the same is printed are alike, so over a few columns a cohort is nothing but numbers of patients with
each combination. An integer program over these numbers is small and has no symmetries; it leaves out what is said of
other columns, so its ranges hold for every cohort, and may be wider than they need be. What it excludes is impossible;
what it allows is asked again of the model of all columns.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cohortstats.errors import CohortStatsError
from cohortstats.expressions import parse_expression, resolve
from cohortstats.expressions.tree import Name, Node, parts_of
from cohortstats.printed import Printed
from cohortstats.published.model.cohort_model import CohortModel
from cohortstats.published.model.encode import Row
from cohortstats.published.model.evaluate import patients_of
from cohortstats.published.model.solve import Program
from cohortstats.published.model.statements import Statement

__all__ = ["FEW_COMBINATIONS", "MOST_COMBINATIONS", "Limits", "Part", "Profiles", "alike"]

FEW_COMBINATIONS, MOST_COMBINATIONS = 400, 2_000
FAR = 99

Part = tuple[str, str]
"""An expression and among whom."""
Limits = tuple[str, str, int | None, int | None]
"""An expression, among whom, and the smallest and largest number for whom it is yes; None is open."""
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """Numbers of patients with each combination of a few columns; made by :meth:`of`.

    Parameters
    ----------
    columns
        The columns.
    rows
        What is printed of them.
    upper
        Largest number of each combination.
    parts
        For each part that is asked about, whether each combination counts.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    upper: tuple[int, ...]
    parts: Mapping[Part, npt.NDArray[np.int64]]
    time_limit: float | None

    @classmethod
    def of(
        cls,
        model: CohortModel,
        parts: Sequence[Part],
        limits: Sequence[Limits] = (),
        *,
        most: int = FEW_COMBINATIONS,
    ) -> Profiles:
        """Combinations of the columns that some expressions need, and of those that most bear on them.

        Parameters
        ----------
        model
            A model of the cohort.
        parts
            What will be asked about.
        limits
            Further conditions.
        most
            Most combinations of columns.

        Examples
        --------
        >>> from cohortstats.printed import Printed
        >>> from cohortstats.shipped import shipped_study
        >>> printed = Printed.read(shipped_study("sakai2018"))
        >>> model = CohortModel.of(printed, ("published", "derived"), ("text/evaluable", "text/received_tdm1"))
        >>> part = ("adjuvant_trastuzumab and primary_resistance", "")
        >>> profiles = Profiles.of(model, [part])
        >>> profiles.range_of(part)
        (1, 9)
        """
        needs = _Needs(model)
        texts = [text for part in parts for text in part] + [text for one in limits for text in one[:2]]
        chosen = needs.chosen(texts, most)
        table = _Table(model, needs, chosen)
        return table.profiles(parts, limits)

    def range_of(self, part: Part) -> tuple[int, int] | None:
        """Outer bounds of a count; None when no cohort has these combinations."""
        count = self.parts[part]
        ends = []
        for sign in (1, -1):
            objective = {i: float(sign * c) for i, c in enumerate(count.tolist()) if c}
            answer = self._program().solve(objective, time_limit=self.time_limit)
            if answer.status == "infeasible":
                return None
            bound = answer.bound if np.isfinite(answer.bound) else (0 if sign > 0 else -sum(self.upper))
            ends.append(sign * int(np.ceil(bound - 1e-6)))
        return ends[0], ends[1]

    def excludes(self, asked: Iterable[Limits]) -> bool:
        """Whether no cohort can have some counts."""
        program = self._program()
        for expression, among, low, high in asked:
            count = self.parts[expression, among]
            places = np.flatnonzero(count)
            ends = (-np.inf if low is None else low, np.inf if high is None else high)
            program.rows.append(Row(tuple(places.tolist()), tuple(count[places].tolist()), *ends))
        return program.solve(time_limit=self.time_limit).status == "infeasible"

    def _program(self) -> Program:
        program = Program.of(len(self.upper), self.rows)
        program.upper.update({i: float(most) for i, most in enumerate(self.upper) if most != 1})
        return program


class _Needs:
    """Which open columns an expression reads, and how columns hang together by statements."""

    def __init__(self, model: CohortModel) -> None:
        self.model, self.printed = model, model.printed
        self.open = set(model.columns)
        self._known: dict[str, frozenset[str]] = {}
        self.statements: list[tuple[Statement, frozenset[str]]] = []
        near: dict[str, set[str]] = {name: set() for name in self.open}
        for unit in model.units:
            for statement in unit.statements:
                if statement.kind in ("count", "rule") and statement.id not in model.not_modelled:
                    texts = [statement.when, statement.among, statement.variable and f"`{statement.variable}`"]
                    texts.append(statement.outcome and f"`{statement.outcome}`")
                    columns = frozenset().union(*(self.of(text) for text in texts))
                    self.statements.append((statement, columns))
                    for name in columns:
                        near[name] |= columns - {name}
        self.near = near

    def of(self, text: str) -> frozenset[str]:
        """Open columns that an expression reads, also through defined names and conditions of columns."""
        if not text:
            return frozenset()
        known = self._known.get(text)
        if known is None:
            found: set[str] = set()
            seen: set[str] = set()
            waiting = list(parse_expression(text).names)
            while waiting:
                name = resolve(waiting.pop(), self.printed.kinds)
                if name is None or name in seen:
                    continue
                seen.add(name)
                if name in self.printed.define:
                    waiting.extend(self.printed.define[name].names)
                elif name in self.open:
                    found.add(name)
                    among = self.printed.columns[name].among
                    waiting.extend(parse_expression(among).names if among else ())
            known = self._known[text] = frozenset(found)
        return known

    def chosen(self, texts: Iterable[str], most: int) -> tuple[str, ...]:
        """The columns of some expressions, those of statements between them, then their neighbours."""
        wanted = sorted(frozenset().union(*(self.of(text) for text in texts)))
        far = {name: self._distances(name) for name in wanted}
        order = list(self.printed.columns)
        between: set[str] = set()
        for one, other in itertools.combinations(wanted, 2):
            shortest = far[one].get(other, FAR)
            for _, columns in self.statements:
                # On a shortest way: the ends of the statement are as far from both as the way is long.
                ends = [min((far[name].get(column, FAR) for column in columns), default=FAR) for name in (one, other)]
                if len(columns) > 1 and sum(ends) + 1 <= shortest < FAR:
                    between |= columns
        others = sorted(
            (name for name in self.open if name not in wanted and any(name in some for some in far.values())),
            key=lambda name: (
                name not in between,
                sum(some.get(name, FAR) for some in far.values()),
                order.index(name),
            ),
        )
        if most <= FEW_COMBINATIONS:
            # What lies between them, and one neighbour.
            others = others[: len(between - set(wanted)) + 1]
        chosen, size = list(wanted), self.size(wanted)
        for name in others:
            more = self.size([name])
            if size * more <= most:
                chosen.append(name)
                size *= more
        return tuple(chosen)

    def size(self, names: Iterable[str]) -> int:
        product = 1
        for name in names:
            product *= len(self.levels(name))
        return product

    def levels(self, name: str) -> tuple[str, ...]:
        """Levels of a column as texts; no value is the empty one, where there may be none."""
        kind = self.printed.kinds[name]
        levels = ("yes", "no") if kind.kind == "yes/no" else self.model.encoder.column(name).levels
        given = self.model.encoder.given.get(name, [])
        may_lack = bool(self.printed.columns[name].among) or any(not text.strip() for text in given)
        return (*levels, "") if may_lack else levels

    def _distances(self, start: str) -> dict[str, int]:
        found = {start: 0}
        waiting = deque([start])
        while waiting:
            name = waiting.popleft()
            for other in self.near[name]:
                if other not in found:
                    found[other] = found[name] + 1
                    waiting.append(other)
        return found


class _Table:
    """Every combination of the columns, for each class of patients that are alike."""

    def __init__(self, model: CohortModel, needs: _Needs, columns: tuple[str, ...]) -> None:
        self.model, self.printed, self.needs, self.columns = model, model.printed, needs, columns
        levels = [needs.levels(name) for name in columns]
        combinations = list(itertools.product(*levels))
        self.n = len(combinations)
        self.cells = {name: [combination[place] for combination in combinations] for place, name in enumerate(columns)}
        self.statements = [one for one, needed in needs.statements if needed <= set(columns)]

    def profiles(self, parts: Sequence[Part], limits: Sequence[Limits]) -> Profiles:
        counted: list[npt.NDArray[np.int64]] = []
        sizes: list[int] = []
        owners: list[npt.NDArray[np.int64]] = []
        counts = [one for one in self.statements if one.kind == "count"]
        rules = [one for one in self.statements if one.kind == "rule"]
        asked = [*parts, *((one[0], one[1]) for one in limits)]
        for place, members in enumerate(self._classes([text for part in asked for text in part])):
            patient, size = members[0], len(members)
            cells = dict(self.cells)
            for name, texts in self.model.encoder.constants.items():
                cells[name] = [texts[patient]] * self.n
            if not cells:
                cells[""] = [""] * self.n
            valid = self._valid(patient, cells)
            for rule in rules:
                result = self.printed.evaluate(rule.when, cells)
                valid &= np.asarray(result.data, dtype=bool) | result.missing
            columns = [self._counts(one, cells) for one in counts]
            columns += [patients_of(self.printed, e, cells) & patients_of(self.printed, a, cells) for e, a in asked]
            matrix = np.array(columns, dtype=np.int64).reshape(len(columns), self.n).T[valid]
            matrix = np.unique(matrix, axis=0)
            counted.append(matrix)
            owners.append(np.full(len(matrix), place))
            sizes.append(size)
        matrix, owner = np.concatenate(counted), np.concatenate(owners)
        rows = [_row((owner == place).astype(np.int64), size, size) for place, size in enumerate(sizes)]
        rows += [_row(matrix[:, place], one.n, one.n) for place, one in enumerate(counts)]
        start = len(counts)
        for place, (_, _, low, high) in enumerate(limits):
            count = matrix[:, start + len(parts) + place]
            rows.append(_row(count, -np.inf if low is None else low, np.inf if high is None else high))
        return Profiles(
            columns=self.columns,
            rows=tuple(rows),
            upper=tuple(sizes[place] for place in owner.tolist()),
            parts={part: matrix[:, start + place] for place, part in enumerate(parts)},
            time_limit=self.model.time_limit,
        )

    def _classes(self, texts: Sequence[str]) -> list[list[int]]:
        return _Classes(self.model, self.columns, self.statements, texts).members

    def _valid(self, patient: int, cells: Mapping[str, Sequence[str]]) -> Bools:
        """Combinations that a patient can have: printed cells as printed, no value exactly where there can be none."""
        valid = np.ones(self.n, dtype=bool)
        for name in self.columns:
            texts = np.array(cells[name], dtype=object)
            given = self.model.encoder.given.get(name)
            if given is not None and patient < len(given):
                text = given[patient].strip()
                regions = self.model.encoder.column(name).regions if text else ()
                wanted = next((region.example for region in regions if region.holds(text)), text)
                valid &= texts == wanted
                continue
            among = self.printed.columns[name].among
            if not among:
                valid &= texts != ""
            elif self.needs.of(among) <= set(self.columns):
                valid &= (texts != "") == patients_of(self.printed, among, cells)
        return valid

    def _counts(self, statement: Statement, cells: Mapping[str, Sequence[str]]) -> Bools:
        counts = patients_of(self.printed, statement.when, cells) & patients_of(self.printed, statement.among, cells)
        if statement.outcome:
            counts &= patients_of(self.printed, f"`{statement.outcome}`", cells)
        if statement.variable:
            counts &= at_level(self.printed, statement.variable, statement.level, cells)
        return counts


class _Classes:
    """Patients who are alike: of whom the same is printed, as far as some statements can tell."""

    def __init__(
        self, model: CohortModel, columns: Sequence[str], statements: Sequence[Statement], texts: Sequence[str]
    ) -> None:
        self.model, self.printed, self.columns, self.statements = model, model.printed, columns, statements
        self.members = self._classes(texts)

    def _classes(self, texts: Sequence[str]) -> list[list[int]]:
        encoder = self.model.encoder
        signs: list[Sequence[object]] = []
        for name in self.columns:
            given = encoder.given.get(name)
            if given is not None:
                signs.append([given[i].strip() if i < len(given) else None for i in range(self.model.n)])
        for text, node in self._constant_parts(texts):
            names = {str(resolve(name.name, self.printed.kinds)) for name in _names(node)}
            try:
                result = self.printed.evaluate(text[node.start : node.end], encoder.constants)
                signs.append(list(zip(np.asarray(result.data).tolist(), result.missing.tolist(), strict=True)))
            except CohortStatsError:
                signs.extend(encoder.constants[name] for name in sorted(names & set(encoder.constants)))
        classes: dict[tuple[str, ...], list[int]] = {}
        for patient in range(self.model.n):
            classes.setdefault(tuple(str(sign[patient]) for sign in signs), []).append(patient)
        return list(classes.values())

    def _constant_parts(self, texts: Sequence[str]) -> list[tuple[str, Node]]:
        """Largest parts of all expressions in use that read nothing but what is printed patient by patient."""
        used = [text for text in texts if text]
        for statement in self.statements:
            used += [text for text in (statement.when, statement.among) if text]
            used += [f"`{name}`" for name in (statement.variable, statement.outcome) if name]
        used += [self.printed.columns[name].among for name in self.columns if self.printed.columns[name].among]
        found: dict[str, tuple[str, Node]] = {}
        seen: set[str] = set()
        waiting: list[tuple[str, Node]] = [(text, parse_expression(text).tree) for text in dict.fromkeys(used)]
        while waiting:
            text, node = waiting.pop()
            leaves = self._leaves(node)
            if not leaves & set(self.model.encoder.constants):
                continue
            name = resolve(node.name, self.printed.kinds) if isinstance(node, Name) else None
            if leaves <= set(self.model.encoder.constants) and (name is None or name not in self.printed.define):
                found.setdefault(text[node.start : node.end], (text, node))
            elif name is not None:
                if name not in seen:
                    seen.add(name)
                    inner = self.printed.define[name]
                    waiting.append((inner.text, inner.tree))
            else:
                waiting.extend((text, part) for part in parts_of(node))
        return list(found.values())

    def _leaves(self, node: Node) -> set[str]:
        """Columns that a part reads, through defined names."""
        found: set[str] = set()
        waiting = [name.name for name in _names(node)]
        while waiting:
            name = resolve(waiting.pop(), self.printed.kinds)
            if name is None or name in found:
                continue
            found.add(name)
            if name in self.printed.define:
                waiting.extend(self.printed.define[name].names)
        return {name for name in found if name not in self.printed.define}


def alike(model: CohortModel) -> list[list[int]]:
    """Patients who can change places in every cohort of a model, by class.

    Examples
    --------
    >>> from cohortstats.printed import Printed
    >>> from cohortstats.shipped import shipped_study
    >>> model = CohortModel.of(Printed.read(shipped_study("sakai2018")))
    >>> [len(members) for members in alike(model)]
    [9, 2, 5, 18]
    """
    statements = [statement for unit in model.units for statement in unit.statements]
    return _Classes(model, model.columns, statements, ()).members


def _names(node: Node) -> list[Name]:
    found, waiting = [], [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Name):
            found.append(part)
        waiting.extend(parts_of(part))
    return found


def at_level(printed: Printed, variable: str, level: str, cells: Mapping[str, Sequence[str]]) -> Bools:
    """Those who have a level of a column or a defined name."""
    values = printed.evaluate(f"`{variable}`", cells)
    wanted: object = level
    if values.kind == "yes/no":
        wanted = level == "yes"
    elif values.kind == "ordered":
        wanted = values.levels.index(level)
    return np.asarray(values.data == wanted, dtype=bool) & ~values.missing


def _row(count: npt.NDArray[np.int64], low: float, high: float) -> Row:
    places = np.flatnonzero(count)
    return Row(tuple(places.tolist()), tuple(count[places].tolist()), low, high)
