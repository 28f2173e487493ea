"""Where the parts of a Kaplan-Meier picture stand, in points from the lower left corner of the figure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from cohortstats.figures.fonts import line_width, text_width
from cohortstats.figures.palette import PALETTE
from cohortstats.figures.picture import CurveGroup, KaplanMeierPicture
from cohortstats.figures.placement import Box
from cohortstats.figures.words import Line, clean, wrap

__all__ = [
    "LEADING",
    "RISK_ROW",
    "SIZES",
    "Layout",
    "Sizes",
    "lay_out",
    "name_of",
    "number_text",
    "scaled_ticks",
    "wrapped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of type in points."""

    label: float = 9.0
    axis: float = 8.5
    median: float = 8.0
    stamp: float = 7.0
    risk: float = 8.0


SIZES = Sizes()
LEADING = 1.28
RISK_ROW = 11.5
KEY_GAP = 3.0
KEY_LINE = 22.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Places of all parts.

    `frame` is the plot area; curves live in it from `zero` (time 0) to `last` (`x_max`) and from the bottom (0) to
    `top` (survival 1).  What is left between `top` and the frame's upper edge is headroom for words.
    """

    width: float
    height: float
    frame: Box
    zero: float
    last: float
    top: float
    x_max: float
    ticks: tuple[float, ...]
    risk_columns: tuple[int, ...]
    y_title: tuple[Line, ...]
    x_title: tuple[Line, ...]
    key: tuple[tuple[Line, ...], ...]
    key_box: Box | None
    risk_heads: tuple[tuple[Line, ...], ...]
    risk_top: float
    risk_inset: float

    def x(self, time: float) -> float:
        """Points across of a time."""
        return self.zero + (self.last - self.zero) * time / self.x_max

    def y(self, survival: float) -> float:
        """Points up of a survival."""
        return self.frame.y0 + (self.top - self.frame.y0) * survival

    def point(self, time: float, survival: float) -> tuple[float, float]:
        """Points across and up of a time and a survival."""
        return self.x(time), self.y(survival)

    @property
    def resolution(self) -> float:
        """Time that a third of a point stands for: finer steps cannot be seen."""
        return self.x_max / (self.last - self.zero) / 3

    def data(self, x: float, y: float) -> tuple[float, float]:
        """Time and survival of a point, the reverse of `x` and `y`."""
        time = (x - self.zero) / (self.last - self.zero) * self.x_max
        return time, (y - self.frame.y0) / (self.top - self.frame.y0)


def number_text(value: float, point: str = ".") -> str:
    """A tick as people write it: no ``.0``, a real minus, the decimal point of the style.

    Examples
    --------
    >>> number_text(90.0), number_text(0.5), number_text(0.5, "·")
    ('90', '0.5', '0·5')
    """
    text = str(int(value)) if float(value).is_integer() else repr(float(value))
    return text.replace("-", "−").replace(".", point)


def scaled_ticks(picture: KaplanMeierPicture, room: float) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Ticks inside follow-up, and columns of the risk table, thinned until no two of their texts touch."""
    ticks = tuple(tick for tick in picture.ticks if 0 <= tick <= picture.x_max)
    table = picture.risk_table
    columns = tuple(place for place, tick in enumerate(table.ticks if table else ()) if 0 <= tick <= picture.x_max)
    widths = [text_width(number_text(tick), SIZES.axis) for tick in ticks]
    gaps = [later - earlier for earlier, later in pairwise(ticks)]
    if table:
        widths += [
            text_width(str(row[place]), SIZES.risk, True) for group in table.rows for row in group for place in columns
        ]
        shown = [table.ticks[place] for place in columns]
        gaps += [later - earlier for earlier, later in pairwise(shown)]
    if not gaps or min(gaps) <= 0:
        return ticks, columns
    every = 1
    while min(gaps) * every / picture.x_max * room < max(widths) + 5 and every < len(ticks) + len(columns):
        every += 1
    return ticks[::every], columns[::every]


def wrapped(label: str, width: float, size: float, *, bold: bool = False, max_lines: int = 6) -> tuple[Line, ...]:
    """A label in lines no wider than `width` points."""
    return wrap(label, width, lambda text, italic: text_width(text, size, bold, italic), max_lines=max_lines)


def name_of(group: CurveGroup, with_median: bool) -> str:
    """A group's label, with its median where that is not printed at its line."""
    return f"{group.label} ({group.median_text})" if with_median and clean(group.median_text) else group.label


def lay_out(
    picture: KaplanMeierPicture,
    *,
    width: float,
    height: float | None,
    headroom: float = 0.0,
    with_key: bool = False,
    medians_with_names: bool = False,
) -> Layout:
    """Divide the figure: key, axis title, plot, ticks, axis title, numbers at risk; from top to bottom.

    Parameters
    ----------
    picture
        What is drawn.
    width, height
        Of the figure, in points; without a height the plot has a pleasant shape and the rest is added.
    headroom
        Points inside the frame and above survival 1, for words that found no place among the curves.
    with_key
        Whether the groups are named in a key instead of beside their curves.
    medians_with_names
        Whether medians are printed after the groups' names.
    """
    y_ticks = max(text_width(text, SIZES.axis) for text in ("100%", "0.75"))
    left = y_ticks + 12
    risk_inset = 6.0
    if picture.risk_table:
        # The first column stands under time 0, a little right of the frame; a large number reaches left of it.
        first = max(
            (text_width(str(row[0]), SIZES.risk, True) for rows in picture.risk_table.rows for row in rows if row),
            default=0.0,
        )
        risk_inset = max(6.0, first / 2 + 1)
        left = max(
            left, 6 + risk_inset + max(text_width(clean(word), SIZES.risk, True) for word in picture.risk_labels)
        )
    left = min(left, 0.4 * width)
    ticks, columns = scaled_ticks(picture, width - left - 24)
    right = max(8.0, text_width(number_text(ticks[-1]), SIZES.axis) / 2 + 2 if ticks else 0.0)
    x_title = wrapped(picture.x_label, width - left - right, SIZES.axis, max_lines=2)
    y_title = wrapped(picture.y_label, width - 12, SIZES.axis, max_lines=2)

    key: tuple[tuple[Line, ...], ...] = ()
    key_width = key_height = 0.0
    beside = False
    if with_key:
        names = [name_of(group, medians_with_names) for group in picture.groups]
        room = 0.24 * width
        key = tuple(wrapped(name, room, SIZES.label, bold=True, max_lines=3) for name in names)
        beside = width > 400 and all(len(lines) < 3 for lines in key)
        if not beside:
            room = width - 44
            key = tuple(wrapped(name, room, SIZES.label, bold=True, max_lines=3) for name in names)
        key_height = sum(LEADING * SIZES.label * len(lines) + KEY_GAP for lines in key) + 8
        widest = max((line_width(line, SIZES.label, True) for lines in key for line in lines), default=0.0)
        key_width = widest + 38 if beside else 0.0
    heads: tuple[tuple[Line, ...], ...] = ()
    if picture.risk_table:
        heads = tuple(wrapped(group.label, width - 12, SIZES.risk, bold=True, max_lines=2) for group in picture.groups)

    above = 4 + LEADING * SIZES.axis * len(y_title) + 5 + (0 if beside else key_height)
    under = 18 + LEADING * SIZES.axis * len(x_title) + 3
    risk = sum(LEADING * SIZES.risk * len(lines) + 3 * RISK_ROW + 7 for lines in heads) + (6 if heads else 0)
    if height is None:
        height = above + under + risk + headroom + max(150.0, (0.45 if width > 400 else 0.62) * width)
    least = max(100 + headroom, key_height if beside else 0)
    frame = Box(left, under + risk, width - right - key_width, max(height - above, under + risk + least))
    height = frame.y1 + above
    key_box = None
    if with_key:
        top = frame.y1 if beside else height - 3
        key_box = Box(frame.x1 + 10 if beside else 6.0, frame.y0 if beside else top - key_height, width, top)
    return Layout(
        width=width,
        height=height,
        frame=frame,
        zero=frame.x0 + 7,
        last=frame.x1 - 4,
        top=frame.y1 - headroom - 5,
        x_max=picture.x_max,
        ticks=ticks,
        risk_columns=columns,
        y_title=y_title,
        x_title=x_title,
        key=key,
        key_box=key_box,
        risk_heads=heads,
        risk_top=risk,
        risk_inset=risk_inset,
    )


def shade(role: str) -> str:
    """The light colour of a role; an inline SVG gets its CSS variable later."""
    return PALETTE[role].light
