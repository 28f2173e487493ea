"""What a flow of patients shows, as plain values: boxes, and who was left out on the way to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cohortstats.errors import InputError

__all__ = ["FlowBox", "FlowPicture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBox:
    """Patients at one step.

    Parameters
    ----------
    label
        What they have in common; ``*word*`` is italic.
    n
        How many they are.
    parent
        Place of the box they come from, from 0; −1 for the first.
    out
        Who was left out on the way from there: words and number.

    Examples
    --------
    >>> FlowBox(label="Plasma available", n=16, parent=0, out=(("no plasma", 18),)).n_out
    18
    """

    label: str
    n: int
    parent: int = -1
    out: tuple[tuple[str, int], ...] = ()

    @property
    def n_out(self) -> int:
        """All that were left out on the way to the box."""
        return sum(n for _, n in self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPicture:
    """All that is drawn.

    Parameters
    ----------
    boxes
        Each after its parent. Numbers must add up on every arrow: those of the parent, less those left out.
    n_text
        How a number is written in a box, with ``{n}``.
    stamp
        Label of a synthetic study; empty for none.

    Examples
    --------
    >>> whole = FlowBox(label="Cohort", n=34)
    >>> FlowPicture(boxes=(whole, FlowBox(label="Plasma", n=16, parent=0, out=(("no plasma", 17),))))
    Traceback (most recent call last):
    ...
    cohortstats.errors.InputError: FlowPicture: 34 less 17 is not 16 on the way to 'Plasma'.
    """

    boxes: tuple[FlowBox, ...]
    n_text: str = "n = {n}"
    stamp: str = ""

    def __post_init__(self) -> None:
        problems = []
        if not self.boxes:
            problems.append("there is no box")
        for place, box in enumerate(self.boxes):
            if box.n < 0 or any(n < 0 for _, n in box.out):
                problems.append(f"a number at {box.label!r} is negative")
            if box.parent < 0:
                if place or box.out:
                    problems.append(f"{box.label!r} needs a parent")
            elif box.parent >= place:
                problems.append(f"{box.label!r} stands before its parent")
            elif self.boxes[box.parent].n - box.n_out != box.n:
                before = self.boxes[box.parent].n
                problems.append(f"{before} less {box.n_out} is not {box.n} on the way to {box.label!r}")
        if problems:
            raise InputError([f"FlowPicture: {problem}." for problem in problems])

    def children(self, place: int) -> tuple[int, ...]:
        """Places of the boxes that come from one."""
        return tuple(child for child, box in enumerate(self.boxes) if box.parent == place)

    def words(self) -> Iterator[str]:
        """Every text of the picture."""
        yield from (self.n_text, self.stamp)
        for box in self.boxes:
            yield box.label
            for text, _ in box.out:
                yield text
