"""A forest plot on the page: its finding in words, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cohortstats.analysis.results import Result
from cohortstats.figures.forest_picture import ForestEstimate, ForestPicture, ForestRow
from cohortstats.tables.language import Words
from cohortstats.tables.table import Cell, Column, Row, RowGroup, Table

__all__ = ["forest_finding", "forest_table"]


def forest_finding(picture: ForestPicture, say: Words) -> str:
    """Every estimate in words, for those who do not see the picture."""
    return "; ".join(
        say("finding_ratio", name=name, model=picture.series[estimate.series - 1], ratio=estimate.texts[0])
        if picture.series[estimate.series - 1]
        else say("finding_ratio_alone", name=name, ratio=estimate.texts[0])
        for name, _, estimate in _lines(picture, say)
    )


def forest_table(picture: ForestPicture, table: Table, say: Words, records: Sequence[Result] = ()) -> Table:
    """The numbers that the plot is drawn from, with the addresses of the results that have them."""
    addresses = {
        (record.value, record.ci_lower, record.ci_upper): record.address
        for record in records
        if record.ci_level is not None and not record.withheld
    }
    groups: dict[int, list[Row]] = {}
    named = any(picture.series)
    for name, place, estimate in _lines(picture, say):
        numbers = (estimate.value, estimate.ci_lower, estimate.ci_upper)
        found = (addresses[numbers],) if numbers in addresses else ()
        cells = (
            Cell(value=name),
            *([Cell(value=picture.series[estimate.series - 1])] if named else []),
            *(Cell(value=number, format="hazard ratio", results=found) for number in numbers),
        )
        groups.setdefault(place, []).append(Row(kind="line", cells=cells))
    return Table(
        id=f"{table.id}-forest",
        number=table.number,
        caption=say("forest_data"),
        columns=(
            Column(label=say("characteristic" if named else "trial"), align="left", kind="stub"),
            *([Column(label=say("forest_model"), align="left")] if named else []),
            *(Column(label=say(key)) for key in ("hazard_ratio", "forest_lower", "forest_upper")),
        ),
        groups=tuple(RowGroup(rows=tuple(rows)) for rows in groups.values()),
        label=table.label,
        style=table.style,
        lang=table.lang,
    )


def _lines(picture: ForestPicture, say: Words) -> Iterator[tuple[str, int, ForestEstimate]]:
    """Each estimate with its name and the position of its variable."""
    heading = ForestRow(label="")
    place = 0
    for row in picture.rows:
        if not row.indent:
            heading, place = row, place + 1
        name = f"{heading.label}{say('ledger_colon')}{row.label}" if row.indent else row.label
        for estimate in row.estimates:
            yield name, place, estimate
