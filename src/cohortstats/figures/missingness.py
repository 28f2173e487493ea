"""Draw which values are missing: a bar a variable, and a column a pattern with a square for each variable it lacks."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cohortstats.figures.canvas import axes_in, check_width, fill, mark, new_figure, stroke
from cohortstats.figures.fonts import line_width, quiet_defaults, text_width
from cohortstats.figures.ink import Pen
from cohortstats.figures.layout import LEADING, wrapped
from cohortstats.figures.missingness_picture import MissingnessPicture
from cohortstats.figures.placement import Box
from cohortstats.figures.words import clean

__all__ = ["draw_missingness"]

_LABEL, _NUMBER, _HEAD, _STAMP = 8.5, 8.0, 8.0, 7.0
_MARGIN, _GAP, _BETWEEN = 6.0, 12.0, 4.0
_LEAST_BAR, _MOST_BAR = 44.0, 150.0
_COLUMN = 15.0
_SQUARE = 6.4


def draw_missingness(picture: MissingnessPicture, *, width_inches: float = 7.2) -> Figure:
    """Draw bars of what is missing, and the patterns in which it is.

    A bar is as long as the share of patients without the value, on a line that stands for all of them. In the columns
    at the right a square is missing and a dot is known; the number above says for how many patients that holds. As
    many patterns are drawn as there is room for, the most frequent first.

    Parameters
    ----------
    picture
        What is drawn.
    width_inches
        Width of the figure. Type keeps its size in points; the height follows from the rows.

    Returns
    -------
    matplotlib.figure.Figure
        One Axes in points. `figure_bytes` and `inline_svg` write it.

    Raises
    ------
    InputError
        For a width below 2.5 inches, which leaves no room for words.

    Examples
    --------
    >>> from cohortstats.figures import MissingnessPattern, MissingnessRow
    >>> rows = (MissingnessRow(label="Ki-67", n_missing=3, text="3 (8.8)"),)
    >>> patterns = (MissingnessPattern(n=31, missing=(False,)), MissingnessPattern(n=3, missing=(True,)))
    >>> picture = MissingnessPicture(
    ...     rows=rows, n=34, patterns=patterns, missing_label="Missing, n (%)", patterns_label="Patients"
    ... )
    >>> sorted(text.get_text() for text in draw_missingness(picture).texts)
    ['3', '3 (8.8)', '31', 'Ki-67', 'Missing, n (%)', 'Patients']
    """
    width = check_width(width_inches)
    with quiet_defaults():
        plan = _Plan(picture, width)
        figure, pen = new_figure(width, plan.height)
        axes = axes_in(figure, Box(0.0, 0.0, width, plan.height), (0.0, width), (0.0, plan.height))
        _heads(plan, axes, pen)
        _rows(plan, axes, pen)
        _patterns(plan, axes)
        pen.block(plan.stamp, plan.stamp_box, _STAMP, "muted")
    return figure


class _Plan:
    """Places of all parts at one width, in points from the lower left corner."""

    def __init__(self, picture: MissingnessPicture, width: float) -> None:
        self.picture, self.width = picture, width
        widest = max(line_width(line, _LABEL) for row in picture.rows for line in wrapped(row.label, 1e6, _LABEL))
        label_room = min(widest, 0.34 * width) + 0.5
        self.labels = [wrapped(row.label, label_room, _LABEL, max_lines=3) for row in picture.rows]
        numbers = max(text_width(clean(row.text), _NUMBER) for row in picture.rows) + 0.5
        numbers = min(numbers, 0.3 * width)
        left = _MARGIN + label_room + _GAP
        counts = [text_width(str(pattern.n), _NUMBER) for pattern in picture.patterns]
        self.column = max([_COLUMN, *(count + 5 for count in counts)])
        # Columns take what labels, numbers and the shortest bar leave.
        room = width - _MARGIN - left - _LEAST_BAR - 5 - numbers - _GAP
        self.n_columns = max(0, min(len(picture.patterns), int(room / self.column)))
        columns = self.n_columns * self.column
        self.pattern_head_width = max(columns, min(room, 62.0)) if self.n_columns else 0.0
        right = width - _MARGIN - (self.pattern_head_width + _GAP if self.n_columns else 0.0)
        self.bar = Box(left, 0.0, min(right - numbers - 5, left + _MOST_BAR), 0.0)
        self.number_right = self.bar.x1 + 5 + numbers
        # Patterns stand next to the numbers, not at the far edge of the figure.
        self.first_column = self.number_right + _GAP
        bars = self.number_right - left
        self.missing_head = wrapped(picture.missing_label, bars, _HEAD, bold=True, max_lines=3)
        self.pattern_head = (
            wrapped(picture.patterns_label, width - _MARGIN - self.first_column, _HEAD, bold=True, max_lines=4)
            if self.n_columns
            else ()
        )
        over = LEADING * _HEAD * max(len(self.missing_head), len(self.pattern_head))
        down = 4 + over + (LEADING * _NUMBER + 2 if self.n_columns else 0.0) + 3
        self.rule = down
        down += 3
        self.tops: list[float] = []
        self.tall: list[float] = []
        for lines in self.labels:
            self.tops.append(down)
            self.tall.append(max(LEADING * _LABEL * len(lines), 10.0))
            down += self.tall[-1] + _BETWEEN
        self.end = down
        self.stamp = wrapped(picture.stamp, width - 2 * _MARGIN, _STAMP, max_lines=8) if picture.stamp else ()
        self.height = down + (6 + LEADING * _STAMP * len(self.stamp) if self.stamp else 0) + 3
        self.stamp_box = Box(_MARGIN, 3.0, width - _MARGIN, 3.0 + LEADING * _STAMP * len(self.stamp))

    def middle(self, row: int) -> float:
        """Of the first line of a label, at which bar and squares stand."""
        return self.height - self.tops[row] - LEADING * _LABEL / 2

    def column_x(self, place: int) -> float:
        return self.first_column + (place + 0.5) * self.column


def _heads(plan: _Plan, axes: Axes, pen: Pen) -> None:
    top = plan.height - 4
    pen.block(plan.missing_head, Box(plan.bar.x0, 0.0, plan.number_right, top), _HEAD, "ink", bold=True)
    pen.block(plan.pattern_head, Box(plan.first_column, 0.0, plan.width, top), _HEAD, "ink", bold=True)
    at = plan.height - plan.rule
    end = max(plan.number_right, plan.first_column + plan.n_columns * plan.column if plan.n_columns else 0.0)
    stroke(axes, [_MARGIN, end], [at, at], "hairline", 0.75, zorder=1)
    for place in range(plan.n_columns):
        n = plan.picture.patterns[place].n
        pen.text(str(n), plan.column_x(place), at + 4.5, _NUMBER, "ink-2", align="center")


def _rows(plan: _Plan, axes: Axes, pen: Pen) -> None:
    bars = []
    for number, (row, lines) in enumerate(zip(plan.picture.rows, plan.labels, strict=True)):
        top = plan.height - plan.tops[number]
        pen.block(lines, Box(_MARGIN, 0.0, plan.bar.x0, top), _LABEL, "ink")
        middle = plan.middle(number)
        stroke(axes, [plan.bar.x0, plan.bar.x1], [middle, middle], "hairline", 1.0, zorder=1)
        length = (plan.bar.x1 - plan.bar.x0) * row.n_missing / plan.picture.n
        if length:
            bars.append(Box(plan.bar.x0, middle - 3.2, plan.bar.x0 + max(length, 0.8), middle + 3.2))
        for line in wrapped(row.text, plan.number_right - plan.bar.x1 - 5, _NUMBER, max_lines=1):
            pen.line(line, plan.number_right, middle - 0.36 * _NUMBER, _NUMBER, "ink-2", align="right")
    fill(axes, bars, "group-1", zorder=2)


def _patterns(plan: _Plan, axes: Axes) -> None:
    squares: tuple[list[float], list[float]] = ([], [])
    dots: tuple[list[float], list[float]] = ([], [])
    for place in range(plan.n_columns):
        for row, missing in enumerate(plan.picture.patterns[place].missing):
            xs, ys = squares if missing else dots
            xs.append(plan.column_x(place))
            ys.append(plan.middle(row))
    mark(axes, *squares, "s", "group-1", _SQUARE - 1.2)
    mark(axes, *dots, "o", "muted", 0.6)
