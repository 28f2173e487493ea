"""Swimmer, waterfall, flow and missing values on the page: what a picture shows in words, and how it is read."""

from __future__ import annotations

from cohortstats.figures.flow_picture import FlowPicture
from cohortstats.figures.missingness_picture import MissingnessPicture
from cohortstats.figures.pictures import Picture
from cohortstats.figures.swimmer_picture import SwimmerPicture
from cohortstats.figures.waterfall_picture import WaterfallPicture
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import Style, format_number

__all__ = ["picture_finding", "picture_how", "shows_table"]


def shows_table(picture: Picture) -> bool:
    """Whether the table of the exhibit says more than its picture, so that it stands open on the page."""
    return isinstance(picture, MissingnessPicture)


def picture_finding(picture: Picture, say: Words, style: Style) -> str:
    """The picture in words, for those who do not see it."""
    if isinstance(picture, SwimmerPicture):
        return say("ledger_semicolon").join(_swimmer(picture, say, style))
    if isinstance(picture, WaterfallPicture):
        return say("ledger_semicolon").join(_waterfall(picture, say, style))
    if isinstance(picture, FlowPicture):
        return say("ledger_semicolon").join(_flow(picture, say))
    if isinstance(picture, MissingnessPicture):
        return say("ledger_semicolon").join(_missingness(picture, say))
    return ""


def picture_how(picture: Picture, say: Words) -> str:
    """How the picture is read."""
    if isinstance(picture, SwimmerPicture):
        return say("swimmer_how")
    if isinstance(picture, WaterfallPicture):
        return say("waterfall_how" if picture.responses else "waterfall_how_plain")
    if isinstance(picture, FlowPicture):
        return say("flow_how")
    return say("missing_how") if isinstance(picture, MissingnessPicture) else ""


def _swimmer(picture: SwimmerPicture, say: Words, style: Style) -> list[str]:
    lengths = [bar.length for bar in picture.bars]
    ends = {
        name: format_number(length, style) for name, length in (("shortest", min(lengths)), ("longest", max(lengths)))
    }
    found = [say("finding_swimmer", n=len(lengths), **ends)]
    going = sum(bar.ongoing for bar in picture.bars)
    found += [say("finding_ongoing", n=going)] if going else []
    for place, (_, label) in enumerate(picture.kinds, start=1):
        n = sum(any(mark.kind == place for mark in bar.marks) for bar in picture.bars)
        found.append(say("finding_mark", label=label, n=n))
    return found


def _waterfall(picture: WaterfallPicture, say: Words, style: Style) -> list[str]:
    changes = [bar.change for bar in picture.bars]
    up, down = sum(change >= 20 for change in changes), sum(change <= -30 for change in changes)
    return [
        say(
            "finding_waterfall",
            n=len(changes),
            largest=format_number(max(changes), style),
            smallest=format_number(min(changes), style),
        ),
        say("finding_guides", up=up, down=down),
    ]


def _flow(picture: FlowPicture, say: Words) -> list[str]:
    found = []
    for box in picture.boxes:
        out = say("ledger_comma").join(say("flow_reason_n", reason=reason, n=n) for reason, n in box.out)
        key = "finding_flow_out" if out else "finding_flow"
        found.append(say(key, label=box.label, n=box.n, out=out))
    return found


def _missingness(picture: MissingnessPicture, say: Words) -> list[str]:
    found = [say("finding_missing", label=row.label, text=row.text) for row in picture.rows]
    if picture.patterns:
        found.append(say("finding_patterns", n=len(picture.patterns), most=picture.patterns[0].n))
    return found
