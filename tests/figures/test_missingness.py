"""The picture of missing values: bars as long as their share, squares where a pattern lacks a variable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from cohortstats.errors import InputError
from cohortstats.figures import MissingnessPattern, MissingnessPicture, MissingnessRow, draw_missingness
from cohortstats.figures.palette import PALETTE

PICTURE = MissingnessPicture(
    rows=(
        MissingnessRow(label="Ki-67", n_missing=8, text="8 (40.0)"),
        MissingnessRow(label="Age", n_missing=2, text="2 (10.0)"),
    ),
    n=20,
    patterns=(
        MissingnessPattern(n=11, missing=(False, False)),
        MissingnessPattern(n=7, missing=(True, False)),
        MissingnessPattern(n=1, missing=(False, True)),
        MissingnessPattern(n=1, missing=(True, True)),
    ),
    missing_label="Missing",
    patterns_label="Patients",
)


def bars(figure: Figure) -> list[float]:
    return [
        float(np.ptp(polygon[:, 0]))
        for patch in figure.axes[0].patches
        for polygon in patch.get_path().to_polygons(closed_only=False)
    ]


def marks(figure: Figure, marker: str) -> set[tuple[float, float]]:
    return {
        (float(x), float(y))
        for line in figure.axes[0].lines
        if line.get_marker() == marker
        for x, y in zip(np.asarray(line.get_xdata()), np.asarray(line.get_ydata()), strict=True)
    }


def test_a_bar_is_as_long_as_its_share_of_the_line() -> None:
    figure = draw_missingness(PICTURE)
    whole = max(
        float(np.ptp(line.get_xdata()))
        for line in figure.axes[0].lines
        if line.get_color() == PALETTE["hairline"].light and line.get_linewidth() == 1.0
    )
    assert [length / whole for length in bars(figure)] == pytest.approx([0.4, 0.1])


def test_squares_are_missing_and_dots_are_known() -> None:
    figure = draw_missingness(PICTURE)
    squares, dots = marks(figure, "s"), marks(figure, "o")
    columns = sorted({x for x, _ in squares | dots})
    heights = sorted({y for _, y in squares | dots}, reverse=True)
    drawn = tuple(tuple((x, y) in squares for y in heights) for x in columns)
    assert drawn == tuple(pattern.missing for pattern in PICTURE.patterns)
    assert len(squares) + len(dots) == 8


def test_patterns_are_as_many_as_have_room_the_most_frequent_first() -> None:
    many = tuple(MissingnessPattern(n=40 - place, missing=(True, False)) for place in range(30))
    picture = replace(PICTURE, n=2000, patterns=many)
    shown = [text.get_text() for text in draw_missingness(picture, width_inches=3.7).texts]
    numbers = [int(text) for text in shown if text.isdigit()]
    assert numbers == list(range(40, 40 - len(numbers), -1))
    wide = [text.get_text() for text in draw_missingness(picture).texts]
    assert 2 <= len(numbers) < len([text for text in wide if text.isdigit()]) < 30


def test_without_patterns_there_are_bars_only() -> None:
    figure = draw_missingness(replace(PICTURE, patterns=()))
    assert "Patients" not in [text.get_text() for text in figure.texts]
    assert len(bars(figure)) == 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": ()}, "there is no row."),
        ({"n": 0}, "there is no patient."),
        ({"n": 5}, "row 'Ki-67' lacks 8 of 5 patients."),
        ({"n": 19}, "patterns hold more patients than there are."),
        ({"patterns": (MissingnessPattern(n=1, missing=(True,)),)}, "each pattern needs one answer per row."),
    ],
)
def test_pictures_that_do_not_fit_together_are_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        replace(PICTURE, **change)  # type: ignore[arg-type]
    assert f"MissingnessPicture: {sentence}" in refused.value.problems
