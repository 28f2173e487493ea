"""Numbers at risk, events and censored under the plot, in the columns of its ticks."""

from __future__ import annotations

from cohortstats.figures.ink import Pen
from cohortstats.figures.layout import LEADING, RISK_ROW, SIZES, Layout
from cohortstats.figures.picture import KaplanMeierPicture, RiskTable

__all__ = ["draw_risk_rows"]


def draw_risk_rows(picture: KaplanMeierPicture, table: RiskTable, layout: Layout, pen: Pen) -> None:
    """Write one block per group: its name, then three rows of numbers.

    Parameters
    ----------
    picture
        Names, colours and the words of the rows.
    table
        The numbers.
    layout
        Places of columns and blocks.
    pen
        Writes on the figure.
    """
    size = SIZES.risk
    y = layout.risk_top - 3
    for index, rows in enumerate(table.rows):
        for line in layout.risk_heads[index]:
            pen.line(line, 6, y - 0.8 * LEADING * size, size, f"group-{picture.slot(index)}-text", bold=True)
            y -= LEADING * size
        for row, (word, numbers) in enumerate(zip(picture.risk_labels, rows, strict=True)):
            bold, role = row == 0, "ink" if row == 0 else "ink-2"
            baseline = y - 0.78 * RISK_ROW
            pen.text(word, layout.frame.x0 - layout.risk_inset, baseline, size, role, bold=bold, align="right")
            for place in layout.risk_columns:
                x = layout.x(table.ticks[place])
                pen.text(str(numbers[place]), x, baseline, size, role, bold=bold, align="center")
            y -= RISK_ROW
        y -= 7
