"""Lines drawn on a page of a PDF file, by the optional package pypdf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cohortstats.errors import DataError, InputError, Problem
from cohortstats.published.curve.vector import Drawn, Point

__all__ = ["page_paths"]

Matrix = tuple[float, float, float, float, float, float]
GRAIN = (0.001, 0.001)  # what programs that draw write: thousandths of a point
MOST_CORNERS = 1_000_000


def page_paths(file: Path, page: int) -> list[Drawn]:
    """Every piece of straight lines that is stroked on a page, in points from the lower left corner.

    Parameters
    ----------
    file
        The PDF file.
    page
        Its page, counted from 1.

    Raises
    ------
    InputError
        pypdf is not installed, or there is no such page.
    DataError
        The file cannot be read.
    """
    try:
        import pypdf
        from pypdf.generic import ContentStream
    except ImportError as error:
        mend = "Install cohortstats[vector], or save the figure as SVG."
        message = "PDF pages are read by pypdf, which is not installed."
        raise DataError([Problem(code="reader-missing", file=file.name, message=message, mend=mend)]) from error
    try:
        reader = pypdf.PdfReader(str(file))
        pages = len(reader.pages)
        if not 1 <= page <= pages:
            raise InputError(f"{file.name} has {pages} pages, there is no page {page}.")
        sheet = reader.pages[page - 1]
        content = sheet.get_contents()
        operations = ContentStream(content, reader).operations if content is not None else []
    except InputError:
        raise
    except Exception as error:  # the reader raises many kinds, also plain ones
        message = f"it cannot be read as PDF ({type(error).__name__})."
        raise DataError([Problem(code="file-unreadable", file=file.name, message=message)]) from error
    return _drawn(operations)


def _drawn(operations: Any) -> list[Drawn]:
    matrix: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    stack: list[Matrix] = []
    pieces: list[list[Point] | None] = []
    found: list[Drawn] = []
    for operands, operator in operations:
        name = operator.decode("latin-1") if isinstance(operator, bytes) else str(operator)
        if name == "q":
            stack.append(matrix)
        elif name == "Q":
            matrix = stack.pop() if stack else matrix
        elif name == "cm":
            matrix = _times(matrix, [float(value) for value in operands])
        elif name == "m":
            pieces.append([_at(matrix, operands)])
        elif name == "l" and pieces:
            if pieces[-1] is not None:
                pieces[-1].append(_at(matrix, operands))
        elif name in ("c", "v", "y") and pieces:
            pieces[-1] = None  # bent: a letter or a round mark, not a curve of steps
        elif name in ("S", "s", "B", "B*", "b", "b*", "f", "F", "f*", "n"):
            if name in ("S", "s", "B", "B*", "b", "b*"):
                for piece in pieces:
                    if piece is not None and len(piece) > 1 and len(found) < MOST_CORNERS:
                        found.append(Drawn(name=str(len(found) + 1), corners=tuple(piece), grain=GRAIN))
            pieces = []
    return found


def _times(matrix: Matrix, inner: list[float]) -> Matrix:
    a, b, c, d, e, f = matrix
    p, q, r, s, t, u = inner
    return (p * a + q * c, p * b + q * d, r * a + s * c, r * b + s * d, t * a + u * c + e, t * b + u * d + f)


def _at(matrix: Matrix, operands: Any) -> Point:
    x, y = float(operands[0]), float(operands[1])
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f
