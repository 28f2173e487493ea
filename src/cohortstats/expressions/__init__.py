"""The small three-valued language of ``[derive]``, ``when`` and ``population``.

An expression is text such as ``hr_positive and not her2_amplified``. It is parsed by our own grammar, checked against
the kinds of the columns before any table is opened, and evaluated on whole columns at once. Every yes/no value is yes,
no or missing, after strong Kleene logic: what is missing stays missing unless the known parts decide.

Columns of a table with many rows per patient are read by ``any_of``, ``all_of``, ``count_of``, ``first``, ``last``,
``min_of`` and ``max_of``, which give one value a patient: ``first(date, response == 'PD')`` is the date of the first
record with progression. The second argument, which all of them take, says which records count; columns of the patient
may stand beside those of the record. Without a record that counts ``count_of`` is 0, all others are missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cohortstats.errors import CohortStatsWarning, InputError
from cohortstats.expressions.faults import ExpressionError, ExpressionFault
from cohortstats.expressions.plan import DTYPES, Plan, Planner, iso_date
from cohortstats.expressions.syntax import parse
from cohortstats.expressions.tree import Name, Node, parts_of
from cohortstats.expressions.values import ColumnKind, Kind, Records, Rows, Values, fold_name, resolve

__all__ = [
    "ColumnKind",
    "Expression",
    "ExpressionError",
    "ExpressionFault",
    "Kind",
    "Records",
    "Values",
    "fold_name",
    "iso_date",
    "parse_expression",
    "resolve",
]

# What stands under the mask of a result, so that two equal results are equal arrays.
PLACE_HOLDERS: Mapping[Kind, Any] = {
    "number": np.nan,
    "date": np.datetime64("NaT"),
    "yes/no": False,
    "ordered": -1,
    "category": "",
    "text": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A parsed expression.

    Parameters
    ----------
    text
        The expression as it was written.
    names
        Columns and derived names that it uses, as written.
    tree
        Its parts; see :mod:`cohortstats.expressions.tree`.
    """

    text: str
    names: frozenset[str]
    tree: Node

    def check(self, columns: Mapping[str, ColumnKind | None], *, want: Kind | None = None) -> ColumnKind:
        """Kind, levels and unit of the result, without data.

        Parameters
        ----------
        columns
            Kind of every column by name. None stands for a column whose kind is not known: it exists, and nothing
            more is checked of it.
        want
            Kind that the result must have.

        Raises
        ------
        ExpressionError
            With every fault: unknown names, kinds that do not fit, levels that do not exist.

        Examples
        --------
        >>> columns = {"prior_lines": ColumnKind(kind="ordered", levels=("0", "1", "2"))}
        >>> parse_expression("prior_lines <= '1'").check(columns).kind
        'yes/no'
        >>> parse_expression("prior_lines <= '9'").check(columns)
        Traceback (most recent call last):
        ...
        cohortstats.expressions.faults.ExpressionError: '9' is not among the levels of prior_lines: '0', '1', '2'.
        """
        plan = self._plan(columns)
        if want is not None and plan.kind not in (None, want):
            article = {"yes/no": "yes or no", "number": "a number", "date": "a date", "ordered": "ordered"}
            fault = ExpressionFault(
                code="expression-type",
                position=1,
                message=f"'{self.text}' gives {article.get(str(plan.kind), str(plan.kind))}, "
                f"{article.get(want, want)} is needed.",
            )
            raise ExpressionError((fault,))
        return ColumnKind(kind=plan.kind or want or "text", levels=plan.levels, unit=plan.unit)

    def kind(self, columns: Mapping[str, ColumnKind | None]) -> Kind:
        """Kind of the result, without data; raises as :meth:`check` does."""
        return self.check(columns).kind

    def evaluate(self, columns: Mapping[str, Values], n: int) -> Values:
        """Result for each of ``n`` patients.

        Parameters
        ----------
        columns
            The columns by name, each of length ``n``; those with many rows per patient carry their records.
        n
            Number of patients, needed when the expression uses no column.

        Notes
        -----
        A text that is not among the levels of a category equals no patient's value; :meth:`check` refuses it where the
        levels are declared. The levels of an ordered column are always declared, so there it is refused here too.

        Examples
        --------
        >>> ratio = Values(kind="number", data=np.array([0.9, 1.25, 2.0, np.nan]), missing=np.array([0, 0, 0, 1]) > 0)
        >>> result = parse_expression("her2_ratio > 1.25").evaluate({"her2_ratio": ratio}, 4)
        >>> result.data.tolist(), result.missing.tolist()
        ([False, False, True, False], [False, False, False, True])
        """
        plan = self._plan({name: values.column_kind for name, values in columns.items()}, evaluating=True)
        kind = plan.kind or "text"
        for name in self.names:
            column = resolve(name, columns)
            if column is not None:
                _check_length(column, columns[column], n)
        rows = Rows(columns=columns, n=n)
        cells = plan.run(rows)
        if rows.zero_divisions:
            warnings.warn(
                f"'{self.text}' divides by zero for {rows.zero_divisions} of {n} patients; they have no result.",
                CohortStatsWarning,
                stacklevel=2,
            )
        missing = cells.missing.copy()
        if plan.kind is None:
            data = np.full(n, PLACE_HOLDERS[kind], dtype=DTYPES[kind])
        else:
            data = np.asarray(cells.data).astype(DTYPES[kind], copy=True)
            data[missing] = PLACE_HOLDERS[kind]
        return Values(kind=kind, data=data, missing=missing, levels=plan.levels, unit=plan.unit)

    def _plan(self, columns: Mapping[str, ColumnKind | None], *, evaluating: bool = False) -> Plan:
        planner = Planner(self.text, columns, evaluating=evaluating)
        plan = planner.plan(self.tree)
        if planner.faults:
            raise ExpressionError(tuple(sorted(planner.faults, key=lambda fault: fault.position)))
        return plan


def _check_length(name: str, values: Values, n: int) -> None:
    records = values.records
    wanted = n if records is None else len(records)
    if len(values) != wanted:
        raise InputError(f"{name} has {len(values)} values, not {wanted}.")
    if records is not None and wanted and not 0 <= records.patient[0] <= records.patient[-1] < n:
        raise InputError(f"{name} has records of patients who are not among the {n}.")


def parse_expression(text: str) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text
        At most 4,000 characters and 50 levels of nesting.

    Raises
    ------
    ExpressionError
        With the code, the position counted from 1, and what to write instead.

    Examples
    --------
    >>> sorted(parse_expression("hr_positive and not her2_amplified").names)
    ['her2_amplified', 'hr_positive']
    >>> parse_expression("1 < age < 9")
    Traceback (most recent call last):
    ...
    cohortstats.expressions.faults.ExpressionError: position 9: two comparisons in a row. Write 1 < age and age < 9.
    """
    tree = parse(text)
    names = frozenset(node.name for node in _nodes(tree) if isinstance(node, Name))
    return Expression(text=text, names=names, tree=tree)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for part in parts_of(node):
        yield from _nodes(part)
