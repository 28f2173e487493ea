"""A file of printed values in an order of its own, so that moving its tables about changes no finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cohortstats.printed import Printed, PrintedBlock

__all__ = ["canonical"]


def canonical(printed: Printed) -> Printed:
    """The same statements sorted by address; lines are places in that order.

    Examples
    --------
    >>> from cohortstats.shipped import shipped_study
    >>> [block.id for block in canonical(Printed.read(shipped_study("sakai2018"))).blocks][:3]
    ['table1/any1', 'table1/adjuvant_endocrine', 'table1/adjuvant_regimen']
    """
    blocks = sorted(printed.blocks, key=lambda block: (block.table, block.variable, sorted(block.counts.items())))
    values = sorted(printed.values, key=lambda value: value.id)

    def by_id(sections: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(sorted(sections, key=lambda section: section.id))

    survivals, texts = by_id(printed.survivals), by_id(printed.texts)
    derived, assumed, identities = by_id(printed.derived), by_id(printed.assumed), by_id(printed.identities)
    keys = [f"survival[{i}]" for i in range(len(survivals))] + [f"text[{i}]" for i in range(len(texts))]
    for name, sections in (("derived", derived), ("assumed", assumed), ("identity", identities)):
        keys += [f"{name}[{i}]" for i in range(len(sections))]
    lines = {key: 1 + len(blocks) + len(values) + place for place, key in enumerate(keys)}
    kinds = {name: printed.kinds[name] for name in sorted(printed.kinds)}
    return replace(
        printed,
        columns=MappingProxyType({name: printed.columns[name] for name in sorted(printed.columns)}),
        values=tuple(replace(value, line=1 + len(blocks) + place) for place, value in enumerate(values)),
        blocks=tuple(_block(printed, block, 1 + place) for place, block in enumerate(blocks)),
        survivals=survivals,
        texts=texts,
        tests=by_id(printed.tests),
        trials=by_id(printed.trials),
        identities=identities,
        derived=derived,
        assumed=assumed,
        repeats=tuple(sorted(printed.repeats, key=lambda repeat: (repeat.id, repeat.where, repeat.text))),
        kinds=MappingProxyType(kinds),
        lines=MappingProxyType(lines),
    )


def _block(printed: Printed, block: PrintedBlock, line: int) -> PrintedBlock:
    """Rows in the order of the levels of their column; rows that are columns themselves by name."""
    kind = printed.kinds.get(block.variable)
    place = {level: i for i, level in enumerate(kind.level_names if kind else ())}

    def by_level(counts: Mapping[str, int]) -> Mapping[str, int]:
        order = sorted(counts, key=lambda level: (place.get(level, len(place)), level))
        return MappingProxyType({level: counts[level] for level in order})

    return replace(block, line=line, counts=by_level(block.counts), outcomes=by_level(block.outcomes))
