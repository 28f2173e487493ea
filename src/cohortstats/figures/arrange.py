"""From the plainest picture to the roomiest: the first in which no words touch anything is drawn.

Labels stand beside their curves, medians at their lines, P and stamp in free places.  If the plot is too full for
that, P and stamp move to a strip above the curves, then the labels to a key outside the plot; both always have room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cohortstats.figures.fonts import line_width
from cohortstats.figures.layout import LEADING, SIZES, Layout, lay_out, wrapped
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.figures.placement import Box
from cohortstats.figures.room import Room, Words
from cohortstats.figures.words import Line, clean

__all__ = ["Arrangement", "arrange"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A layout with all words of the plot area placed."""

    layout: Layout
    words: tuple[Words, ...]


def arrange(picture: KaplanMeierPicture, *, width: float, height: float | None) -> Arrangement:
    """Find the arrangement of a picture.

    Parameters
    ----------
    picture
        What is drawn.
    width, height
        Of the figure, in points; without a height it follows from the width.
    """
    for with_key in (False, True):
        for in_strip in (False, True):
            found = _attempt(picture, width, height, in_strip=in_strip, with_key=with_key)
            if found:
                return found
    raise AssertionError("strip and key have room for all words")


def _attempt(
    picture: KaplanMeierPicture, width: float, height: float | None, *, in_strip: bool, with_key: bool
) -> Arrangement | None:
    # If one median finds no place at its line, all are printed with the names: one picture, one way to read it.
    for with_names in (False, True):
        layout = lay_out(picture, width=width, height=height, with_key=with_key, medians_with_names=with_names)
        strip: tuple[Words, ...] = ()
        if in_strip:
            strip, headroom = _strip(picture, layout)
            layout = lay_out(
                picture,
                width=width,
                height=height,
                headroom=headroom,
                with_key=with_key,
                medians_with_names=with_names,
            )
            strip = tuple(_moved(words, layout) for words in strip)
        room = Room(picture, layout, medians_with_names=with_names)
        medians = () if with_names else room.place_medians()
        if medians is not None:
            found = room.place_all(medians, strip, in_strip=in_strip, with_labels=not with_key)
            return None if found is None else Arrangement(layout=layout, words=found)
    return None


def _strip(picture: KaplanMeierPicture, layout: Layout) -> tuple[tuple[Words, ...], float]:
    """P and stamp above the curves, and the height that they need; places count from the frame's upper corner.

    P stands at the right end, the stamp beside it, or below it where the plot is narrow.
    """
    inside = layout.frame.x1 - layout.frame.x0 - 12
    p_lines = wrapped(picture.p_text, inside, SIZES.axis, max_lines=3) if clean(picture.p_text) else ()
    p_width = max((line_width(line, SIZES.axis) for line in p_lines), default=0.0)
    p_height = LEADING * SIZES.axis * len(p_lines)
    room = inside - p_width - 24
    below = room < 0.5 * inside
    stamp: tuple[Line, ...] = ()
    if clean(picture.stamp):
        stamp = wrapped(picture.stamp, inside if below else room, SIZES.stamp, max_lines=8)
    stamp_width = max((line_width(line, SIZES.stamp) for line in stamp), default=0.0)
    stamp_height = LEADING * SIZES.stamp * len(stamp)
    words = []
    if p_lines:
        box = Box(-4 - p_width, -2 - p_height, -4, -2)
        words.append(Words(lines=p_lines, box=box, size=SIZES.axis, role="ink", align="right"))
    if stamp:
        top = -4 - (p_height if below else 0)
        box = Box(0, top - stamp_height, stamp_width, top)
        words.append(Words(lines=stamp, box=box, size=SIZES.stamp, role="muted"))
    return tuple(words), 8 + (p_height + stamp_height if below else max(p_height, stamp_height))


def _moved(words: Words, layout: Layout) -> Words:
    """Words of the strip in the layout that has room for it: from its left end, or back from its right end."""
    across = layout.frame.x1 if words.align == "right" else layout.zero
    box = words.box
    return replace(
        words,
        box=Box(box.x0 + across, box.y0 + layout.frame.y1, box.x1 + across, box.y1 + layout.frame.y1),
    )
