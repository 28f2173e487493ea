"""Draw a flow of patients: boxes from top to bottom at the left, at the right who was left out on the way to each.

A single step stands under the one before it, with an arrow between them. Where ways part, each box is set in and hangs
on a line from the box it comes from; who was left out on that way stands beside the box.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cohortstats.figures.canvas import axes_in, check_width, mark, new_figure, stroke
from cohortstats.figures.flow_picture import FlowBox, FlowPicture
from cohortstats.figures.fonts import quiet_defaults
from cohortstats.figures.ink import Pen
from cohortstats.figures.layout import LEADING, wrapped
from cohortstats.figures.placement import Box
from cohortstats.figures.words import Line

__all__ = ["draw_flow"]

_LABEL, _OUT, _STAMP = 8.5, 8.0, 7.0
_MARGIN, _PAD, _INDENT = 6.0, 6.0, 18.0
_DOWN = 22.0  # length of an arrow that nobody leaves
_BETWEEN = 10.0  # from one branch to the next
_HEAD = 4.0
_MOST_LINES = 12


def draw_flow(picture: FlowPicture, *, width_inches: float = 7.2) -> Figure:
    """Draw the steps of a cohort with their numbers.

    Parameters
    ----------
    picture
        What is drawn; its numbers add up on every arrow.
    width_inches
        Width of the figure. Type keeps its size in points; the height follows from the boxes.

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
    >>> boxes = (FlowBox(label="Cohort", n=34), FlowBox(label="Plasma", n=16, parent=0, out=(("no plasma", 18),)))
    >>> sorted(text.get_text() for text in draw_flow(FlowPicture(boxes=boxes)).texts)
    ['Cohort', 'Plasma', 'n = 16', 'n = 34', 'no plasma (n = 18)']
    """
    width = check_width(width_inches)
    with quiet_defaults():
        plan = _Plan(picture, width)
        figure, pen = new_figure(width, plan.height)
        axes = axes_in(figure, Box(0.0, 0.0, width, plan.height), (0.0, width), (0.0, plan.height))
        for place in plan.places:
            _box(place, axes, pen)
        for number, place in enumerate(plan.places):
            _way(plan, number, place, axes)
        pen.block(plan.stamp, plan.stamp_box, _STAMP, "muted")
    return figure


_JOINT = "\u2423"  # stands for a blank at which no line breaks


def _number(picture: FlowPicture, n: int) -> str:
    return picture.n_text.replace("{n}", str(n))


def _together(text: str) -> str:
    return text.replace(" ", _JOINT)


def _left_out(text: str, number: str, room: float) -> tuple[Line, ...]:
    """Why patients were left out, in lines; their number is there however long the reason is."""
    lines = wrapped(f"{text} ({_together(number)})", room, _OUT, max_lines=_MOST_LINES)
    if lines and lines[-1] and lines[-1][-1].text.endswith("…"):
        lines += wrapped(f"({_together(number)})", room, _OUT)
    return tuple(map(_apart, lines))


def _apart(line: Line) -> Line:
    return tuple(run._replace(text=run.text.replace(_JOINT, " ")) for run in line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A box with its words; ``out`` is where those left out stand."""

    box: Box
    label: tuple[Line, ...]
    number: tuple[Line, ...]
    out: Box | None
    out_lines: tuple[Line, ...]
    hangs: bool


class _Plan:
    """Places of all boxes at one width."""

    def __init__(self, picture: FlowPicture, width: float) -> None:
        self.picture, self.width = picture, width
        self.right = width - _MARGIN
        # Boxes at the left, those left out at the right of the middle.
        self.main = _MARGIN + 0.52 * (width - 2 * _MARGIN)
        levels = self._levels()
        # However deep the ways part, the boxes keep most of their half: the steps inwards share a fifth of the width.
        self.indent = min(_INDENT, 0.2 * width / max(1, *levels))
        found: list[_Place] = []
        down = 4.0
        for number, box in enumerate(picture.boxes):
            hangs = self._hangs(box)
            place = self._place(box, levels[number] * self.indent, down, hangs)
            found.append(place)
            down = max(-place.box.y0, -(place.out.y0 if place.out else 0.0)) if hangs else -place.box.y0
            following = picture.boxes[number + 1] if number + 1 < len(picture.boxes) else None
            down += _BETWEEN if following is not None else 0.0
        self.stamp = wrapped(picture.stamp, width - 2 * _MARGIN, _STAMP, max_lines=8) if picture.stamp else ()
        lowest = down + (6 if self.stamp else 0)
        self.height = lowest + LEADING * _STAMP * len(self.stamp) + 4
        self.places = [self._lifted(place) for place in found]
        self.stamp_box = Box(_MARGIN, 4.0, self.right, 4.0 + LEADING * _STAMP * len(self.stamp))

    def _hangs(self, box: FlowBox) -> bool:
        """Whether the box is one of several that come from the same one."""
        return box.parent >= 0 and len(self.picture.children(box.parent)) > 1

    def _levels(self) -> list[int]:
        """How often the ways have parted before each box."""
        levels: list[int] = []
        for box in self.picture.boxes:
            levels.append(levels[box.parent] + self._hangs(box) if box.parent >= 0 else 0)
        return levels

    def _place(self, box: FlowBox, indent: float, down: float, hangs: bool) -> _Place:
        """A box whose place counts down from the top edge of the figure."""
        picture = self.picture
        left = _MARGIN + indent
        room = self.main - left - 2 * _PAD
        label = wrapped(box.label, room, _LABEL, bold=True, max_lines=_MOST_LINES)
        number = wrapped(_number(picture, box.n), room, _LABEL)
        tall = LEADING * _LABEL * (len(label) + len(number)) + 2 * _PAD - 3
        out_left = self.main + 16
        beside = self.right - out_left - _PAD
        lines = tuple(line for text, n in box.out if n for line in _left_out(text, _number(picture, n), beside))
        high = LEADING * _OUT * len(lines)
        if box.parent >= 0 and not hangs:
            down += max(_DOWN, high + 12) - _BETWEEN
        out = None
        if lines:
            middle = down + tall / 2 if hangs else down - max(_DOWN, high + 12) / 2
            top = middle - high / 2
            if hangs and top < down:  # more words than the box is high: both begin at the same height
                top = down
            out = Box(out_left + _PAD, -top - high, self.right, -top)
        return _Place(
            box=Box(left, -down - tall, self.main, -down),
            label=label,
            number=number,
            out=out,
            out_lines=lines,
            hangs=hangs,
        )

    def _lifted(self, place: _Place) -> _Place:
        def up(box: Box) -> Box:
            return Box(box.x0, box.y0 + self.height, box.x1, box.y1 + self.height)

        return _Place(
            box=up(place.box),
            label=place.label,
            number=place.number,
            out=up(place.out) if place.out else None,
            out_lines=place.out_lines,
            hangs=place.hangs,
        )


def _box(place: _Place, axes: Axes, pen: Pen) -> None:
    box = place.box
    stroke(
        axes,
        [box.x0, box.x1, box.x1, box.x0, box.x0],
        [box.y0, box.y0, box.y1, box.y1, box.y0],
        "ink-2",
        0.8,
        zorder=2,
    )
    inner = Box(box.x0 + _PAD, box.y0, box.x1 - _PAD, box.y1 - _PAD + 2)
    pen.block(place.label, inner, _LABEL, "ink", bold=True)
    under = inner._replace(y1=inner.y1 - LEADING * _LABEL * len(place.label))
    pen.block(place.number, under, _LABEL, "ink-2")
    if place.out is not None:
        pen.block(place.out_lines, place.out, _OUT, "ink-2")


def _way(plan: _Plan, number: int, place: _Place, axes: Axes) -> None:
    """The arrow to a box, and the line to those who left on it."""
    parent = plan.picture.boxes[number].parent
    if parent < 0:
        return
    start = plan.places[parent].box
    if place.hangs:
        x, y = start.x0 + plan.indent / 2, (place.box.y0 + place.box.y1) / 2
        stroke(axes, [x, x, place.box.x0 - _HEAD], [start.y0, y, y], "ink-2", 0.8, zorder=1.5)
        mark(axes, [place.box.x0 - _HEAD / 2 - 0.6], [y], ">", "ink-2", _HEAD - 0.8)
        if place.out is not None:
            level = min(y, place.out.y1 - LEADING * _OUT / 2)
            stroke(axes, [place.box.x1, place.out.x0 - 4], [level, level], "ink-2", 0.8, zorder=1.5)
        return
    x = (place.box.x0 + place.box.x1) / 2
    stroke(axes, [x, x], [start.y0, place.box.y1 + _HEAD], "ink-2", 0.8, zorder=1.5)
    mark(axes, [x], [place.box.y1 + _HEAD / 2 + 0.6], "v", "ink-2", _HEAD - 0.8)
    if place.out is not None:
        level = (place.out.y0 + place.out.y1) / 2
        stroke(axes, [x, place.out.x0 - 4 - _HEAD], [level, level], "ink-2", 0.8, zorder=1.5)
        mark(axes, [place.out.x0 - 4 - _HEAD / 2 - 0.6], [level], ">", "ink-2", _HEAD - 0.8)
