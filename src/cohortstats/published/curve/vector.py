"""A curve read from a vector graphic: the corners of a path, by two calibration points an axis."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.published.curve.clicks import PERCENT_FROM, Clicks
from cohortstats.stats.doors import number_text

__all__ = ["Axis", "Drawn", "path_corners", "read_vector_curve"]

Point = tuple[float, float]
Axis = tuple[Point, Point]
Matrix = tuple[float, float, float, float, float, float]

IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
MOST_BYTES = 50_000_000
_TOKEN = re.compile(r"\s*,?\s*(?:([A-Za-z])|([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))")
_TRANSFORM = re.compile(r"([A-Za-z]+)\s*\(([^)]*)\)")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
FEWEST_CORNERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One path of a file.

    Parameters
    ----------
    name
        Its id, or its place among the paths, counted from 1.
    corners
        Its points in page coordinates.
    grain
        Smallest difference across and up that its coordinates can show, in page coordinates.
    """

    name: str
    corners: tuple[Point, ...]
    grain: Point


def read_vector_curve(
    file: str | Path, *, x: Axis, y: Axis, path: str | None = None, page: int = 1, arm: str = ""
) -> Clicks:
    """The steps of a curve in an SVG file, or on a page of a PDF file, to the file's own decimals.

    Parameters
    ----------
    file
        SVG, or PDF with the extra ``cohortstats[vector]``.
    x, y
        Two calibration points an axis, each (page coordinate, value): a tick and what it says. Survival as a share or
        in percent.
    path
        Id of the path, or its number among the paths; needed when several could be the curve.
    page
        Page of a PDF file, counted from 1.
    arm
        Name of the curve.

    Returns
    -------
    Clicks
        For `reconstruct_curve`.

    Raises
    ------
    DataError
        A file that is missing or no SVG, a path that is not there, or one that holds anything but straight lines.
    InputError
        Calibration points that coincide or are no numbers.

    Notes
    -----
    Of a path M, m, L, l, H, h, V, v and Z, z are read, and of its transformations translate, scale and matrix; others
    are refused by name. The longest of several pieces is the curve; short ones are marks. R has no equivalent.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "figure.svg"
    >>> _ = file.write_text('<svg xmlns="http://www.w3.org/2000/svg"><path id="km" d="M50 20 H90 V120 h40 v50"/></svg>')
    >>> curve = read_vector_curve(file, x=((50, 0), (450, 100)), y=((220, 0), (20, 1)))
    >>> curve.to_frame()
       time  survival
    0   0.0      1.00
    1  10.0      1.00
    2  10.0      0.50
    3  20.0      0.50
    4  20.0      0.25
    """
    problems = [*_axis_faults("x", x), *_axis_faults("y", y)]
    if problems:
        raise InputError(problems)
    file = Path(file)
    if not file.is_file():
        missing = Problem(
            code="file-missing", file=file.name, message=f"{file} is not there.", mend="Correct the path."
        )
        raise DataError([missing], missing_file=True)
    if file.stat().st_size > MOST_BYTES:
        raise _fault(
            file, "file-too-large", f"{file.name} has {file.stat().st_size:,} bytes.", "Save the figure alone."
        )
    if file.read_bytes()[:5] == b"%PDF-":
        from cohortstats.published.curve.pdf_page import page_paths

        drawn = page_paths(file, page)
        chosen = _chosen(file, drawn, path, x, y)
    else:
        chosen = _chosen(file, list(_svg_paths(file, path)), path, x, y)
    return _calibrated(file, chosen, x, y, arm)


def _axis_faults(name: str, axis: Any) -> list[str]:
    try:
        (page_1, value_1), (page_2, value_2) = axis
        numbers = [float(number) for number in (page_1, value_1, page_2, value_2)]
    except (TypeError, ValueError):
        return [f"{name} is {axis!r}; give two points, each (page coordinate, value)."]
    if not all(math.isfinite(number) for number in numbers):
        return [f"{name} has a point that is no number."]
    if numbers[0] == numbers[2] or numbers[1] == numbers[3]:
        return [f"{name} has the same point twice; two ticks are needed."]
    return []


def _fault(file: Path, code: str, message: str, mend: str = "") -> DataError:
    return DataError([Problem(code=code, file=file.name, message=message, mend=mend)])


def _svg_paths(file: Path, wanted: str | None) -> Iterator[Drawn]:
    """Paths and polylines of straight lines; one that is asked for must be one."""
    content = file.read_bytes()
    if b"<!ENTITY" in content:
        raise _fault(file, "file-unreadable", "the SVG declares entities, which are not read.")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise _fault(file, "file-unreadable", f"it is no SVG: {error}.") from error
    number = 0
    for element, transform in _walk(root):
        tag = element.tag.rpartition("}")[2]
        if tag not in ("path", "polyline"):
            continue
        number += 1
        name = element.get("id") or str(number)
        asked = wanted is not None and wanted in (name, str(number))
        text = element.get("d") or "" if tag == "path" else "M " + (element.get("points") or "")
        try:
            pieces = path_corners(text)
            matrix = _matrix(transform)
        except InputError as error:
            if asked:
                raise _fault(file, "format-unsupported", f"path {name}: {error}") from error
            continue
        longest = max(pieces, key=len, default=[])
        unit = 10.0 ** -_decimals(text)
        grain = abs(matrix[0]) * unit, abs(matrix[3]) * unit
        yield Drawn(name=name, corners=tuple(_moved(matrix, corner) for corner in longest), grain=grain)


def _walk(element: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, list[str]]]:
    """Every element that is drawn, with the transformations around it from the outside in."""
    stack: list[tuple[ElementTree.Element, list[str]]] = [(element, [])]
    while stack:
        one, around = stack.pop()
        if one.tag in ("{http://www.w3.org/2000/svg}defs", "defs", "{http://www.w3.org/2000/svg}clipPath", "clipPath"):
            continue
        inside = [*around, one.get("transform") or ""]
        yield one, inside
        stack += [(child, inside) for child in reversed(list(one))]


def path_corners(text: str) -> list[list[Point]]:
    """Corners of each piece of an SVG path.

    Raises
    ------
    InputError
        Anything but M, m, L, l, H, h, V, v, Z, z.

    Examples
    --------
    >>> path_corners("M10 20h5v-2.5 L 20,10")
    [[(10.0, 20.0), (15.0, 20.0), (15.0, 17.5), (20.0, 10.0)]]
    """
    pieces: list[list[Point]] = []
    command, at = "", (0.0, 0.0)
    numbers: list[float] = []
    start = at
    place = 0
    text = text.strip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise InputError(f"'{text[place : place + 10]}' is no part of a path.")
        place = token.end()
        letter, number = token.groups()
        if letter:
            if letter not in "MmLlHhVvZz":
                raise InputError(f"'{letter}' is not read: a curve of steps has straight lines only (M, L, H, V, Z).")
            if numbers:
                raise InputError(f"a number is missing before '{letter}'.")
            command = letter
            if letter in "Zz":
                at = start
            continue
        if not command or command in "Zz":
            raise InputError(f"'{number}' follows no command.")
        numbers.append(float(number))
        if len(numbers) < (1 if command in "HhVv" else 2):
            continue
        at = _next(command, at, numbers)
        numbers = []
        if command in "Mm":
            pieces.append([at])
            start, command = at, "L" if command == "M" else "l"
        elif pieces:
            pieces[-1].append(at)
        else:
            raise InputError("the path does not begin with M.")
    if numbers:
        raise InputError("a number is missing at the end.")
    return pieces


def _next(command: str, at: Point, numbers: Sequence[float]) -> Point:
    base = at if command.islower() else (0.0, 0.0)
    if command in "Hh":
        return base[0] + numbers[0], at[1]
    if command in "Vv":
        return at[0], base[1] + numbers[0]
    return base[0] + numbers[0], base[1] + numbers[1]


def _matrix(transforms: Sequence[str]) -> Matrix:
    """All transformations as one matrix; what turns or skews is refused by name."""
    whole = IDENTITY
    for text in transforms:
        for name, inside in _TRANSFORM.findall(text):
            v = [float(number) for number in _NUMBER.findall(inside)]
            if name == "translate" and len(v) in (1, 2):
                one: Matrix = (1, 0, 0, 1, v[0], v[1] if len(v) == 2 else 0.0)
            elif name == "scale" and len(v) in (1, 2):
                one = (v[0], 0, 0, v[-1], 0, 0)
            elif name == "matrix" and len(v) == 6 and not v[1] and not v[2]:
                one = (v[0], 0, 0, v[3], v[4], v[5])
            else:
                raise InputError(
                    f"transformation '{name}' is not read; only translate, scale and matrix without a turn."
                )
            a, b, c, d, e, f = whole
            whole = (a * one[0], b, c, d * one[3], a * one[4] + e, d * one[5] + f)
    return whole


def _moved(matrix: Matrix, point: Point) -> Point:
    return matrix[0] * point[0] + matrix[4], matrix[3] * point[1] + matrix[5]


def _decimals(text: str) -> int:
    """Most decimals of the coordinates of a path."""
    return max((len(number.partition(".")[2].partition("e")[0]) for number in _NUMBER.findall(text)), default=0)


def _chosen(file: Path, drawn: Sequence[Drawn], wanted: str | None, x: Axis, y: Axis) -> Drawn:
    """The path that was asked for, or the only one that can be a curve."""
    if wanted is not None:
        named = [one for one in drawn if one.name == wanted]
        if not named:
            there = ", ".join(one.name for one in drawn[:20]) or "none"
            raise _fault(file, "label-missing", f"there is no path {wanted} of straight lines; there are {there}.")
        if len(named[0].corners) < 2:
            raise _fault(file, "format-unsupported", f"path {wanted} has fewer than 2 corners.")
        return named[0]
    curves = [one for one in drawn if _could_be_curve(one, x, y)]
    if len(curves) != 1:
        names = ", ".join(f"{one.name} ({len(one.corners)} corners)" for one in curves[:20])
        found = f"{len(curves)} paths could be the curve: {names}." if curves else "no path could be the curve."
        raise _fault(file, "label-missing", found, "Name the one with path, or check the calibration.")
    return curves[0]


def _could_be_curve(one: Drawn, x: Axis, y: Axis) -> bool:
    """Whether a path has corners enough and falls from left to right, as its axes are calibrated."""
    if len(one.corners) < FEWEST_CORNERS:
        return False
    time, level = _values(one.corners, x, y)
    steps = np.diff(level)
    return bool((np.diff(time) >= 0).all() and (steps <= 1e-9).all() and steps.min() < 0)


def _values(corners: Sequence[Point], x: Axis, y: Axis) -> tuple[Any, Any]:
    points = np.array(corners, dtype=np.float64)
    values = []
    for column, ((page_1, value_1), (page_2, value_2)) in zip(points.T, (x, y), strict=True):
        values.append(value_1 + (column - page_1) * ((value_2 - value_1) / (page_2 - page_1)))
    level = values[1] / 100 if max(abs(y[0][1]), abs(y[1][1])) > PERCENT_FROM else values[1]
    return values[0], level


def _calibrated(file: Path, chosen: Drawn, x: Axis, y: Axis, arm: str) -> Clicks:
    time, level = _values(chosen.corners, x, y)
    diagonal = np.flatnonzero((np.diff(time) != 0) & (np.abs(np.diff(level)) > 1e-12))
    if diagonal.size:
        start, stop = (number_text(float(f"{time[at]:.6g}")) for at in (diagonal[0], diagonal[0] + 1))
        message = f"path {chosen.name} slopes from {start} to {stop}: a Kaplan-Meier curve has level lines and drops."
        raise _fault(file, "format-unsupported", message)
    share = abs(y[1][1] - y[0][1]) / abs(y[1][0] - y[0][0])
    if max(abs(y[0][1]), abs(y[1][1])) > PERCENT_FROM:
        share /= 100
    # Half a unit of the last digit is as far as a corner can be off; levels a hair beside 0 and 1 are these.
    unit = max(share * chosen.grain[1], 1e-9)
    for exact in (0.0, 1.0):
        level = np.where(np.abs(level - exact) <= unit, exact, level)
    scale = abs(x[1][1] - x[0][1]) / abs(x[1][0] - x[0][0])
    time = np.where(np.abs(time) <= scale * chosen.grain[0], 0.0, time)
    return Clicks(arm=arm, time=time, survival=level, name=file.name, is_file=True, unit=unit, located=True)
