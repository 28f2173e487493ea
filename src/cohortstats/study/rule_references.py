"""What a rule of ``[derive.NAME]`` refers to: its table, the columns of it, and variables with one value a patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cohortstats.schema import each_key, join_key
from cohortstats.study.event_references import check_where, visits_table
from cohortstats.study.rules import Rule
from cohortstats.study.sections import Column, DataTable

if TYPE_CHECKING:
    from cohortstats.study.references import References

__all__ = ["check_rules", "complete_rules"]


def complete_rules(
    rules: Mapping[str, Rule],
    data: Mapping[str, DataTable | None],
    columns: Mapping[str, Mapping[str, Column]],
) -> dict[str, Rule]:
    """Rules with what the tables that they name say, such as the date that orders the visits."""
    found = {}
    for name, rule in rules.items():
        table = getattr(rule, "table", "")
        found[name] = rule.completed(data.get(table), columns.get(table, {})) if table else rule
    return found


def check_rules(references: References, rules: Mapping[str, Rule], data: Mapping[str, DataTable | None]) -> None:
    """Everything that the keys of a rule name is there, of the right kind, and in its table."""
    for name, rule in rules.items():
        key = join_key("derive", name)
        heading = f"[{key}]"
        for word, problem in rule.faults():
            references.problems.add(f"{key}.{word}", problem.code, f"{heading} {problem.message}", problem.mend)
        table = getattr(rule, "table", "")
        if table and not visits_table(references, key, heading, table, data):
            continue
        for word, refers, value in each_key(rule):
            several = isinstance(value, tuple)
            for place, named in enumerate(value if isinstance(value, tuple) else (value,)):
                if isinstance(named, str) and named and refers in ("variable", "record"):
                    here = f"{key}.{word}[{place}]" if several else f"{key}.{word}"
                    _variable(references, here, heading, word, named, rule, table if refers == "record" else "")
        where = getattr(rule, "where", None)
        if isinstance(where, Mapping):
            check_where(references, key, heading, where, table, f"rows of {table}")
        for word, date, conditions in rule.elsewhere():
            kind = references.name(f"{key}.{word}", heading, word, date, rule.KINDS.get(word, ()), records=True)
            if kind is not None:
                check_where(references, f"{key}.{word}", heading, conditions, kind.table, date)
        for word, column, levels in rule.named_levels():
            kind = references.kinds.get(column)
            if kind is not None:
                references.levels(f"{key}.{word}", f"{heading} {word}", levels, kind.level_names)


def _variable(references: References, key: str, heading: str, word: str, name: str, rule: Rule, table: str) -> None:
    """A variable of the right kind; of a table, when the key wants a column of it."""
    kind = references.name(key, heading, word, name, rule.KINDS.get(word, ()), records=bool(table))
    if kind is not None and table and kind.table != table:
        fact = f"{heading} {word}: {name} is no column of {table}."
        references.problems.add(key, "key-conflict", fact)
