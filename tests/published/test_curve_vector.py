"""A curve read from a vector graphic: SVG paths, pages of PDF files, and what is refused."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

import cohortstats as cs
from cohortstats.published.curve.vector import path_corners

SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
X, Y = ((50, 0), (450, 400)), ((220, 0), (20, 1))
# Eleven patients, 200 page units for 0 to 1: 1/11 is 18.181818 units.
STEPS = [20, 36, 42, 56, 57, 112, 180, 310]
LEVELS = [10 / 11, 9 / 11, 7 / 11, 6 / 11, 5 / 11, 15 / 44, 10 / 44, 0]


def corners(scale: float = 1.0) -> str:
    text = f"M{50 * scale} {20 * scale}"
    for time, level in zip(STEPS, LEVELS, strict=True):
        text += f" H{(50 + time) * scale:.4f} V{(220 - 200 * level) * scale:.4f}"
    return text


def write(folder: Path, body: str) -> Path:
    path = folder / "figure.svg"
    path.write_text(SVG.format(body), encoding="utf-8")
    return path


def test_steps_of_a_path_are_exact(tmp_path: Path) -> None:
    file = write(tmp_path, f'<path id="axis" d="M50 20V220H450"/><path id="km" d="{corners()}"/>')
    curve = cs.read_vector_curve(file, x=X, y=Y)
    assert curve.located
    assert curve.unit == pytest.approx(1e-4 / 200)
    risk = {"time": [0, 50, 100, 150, 200, 250], "n_at_risk": [11, 7, 4, 3, 2, 1]}
    rebuilt = cs.reconstruct_curve(curve, risk)
    assert rebuilt.method == "lattice"
    assert "vector path" in rebuilt.reason
    assert rebuilt.patients.query("event == 1").time.tolist() == pytest.approx([20, 36, 42, 42, 56, 57, 112, 180, 310])
    assert rebuilt.patients.query("event == 0").time.tolist() == pytest.approx([78.5, 225])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("M10 20h5v-2.5 L 20,10", [[(10, 20), (15, 20), (15, 17.5), (20, 10)]]),
        ("m1,2 3,4 l-1-1", [[(1, 2), (4, 6), (3, 5)]]),
        ("M0 0 H5 6 V.5.25z m1 1 L2 2", [[(0, 0), (5, 0), (6, 0), (6, 0.5), (6, 0.25)], [(1, 1), (2, 2)]]),
        ("M1e1-2E0L0 0", [[(10, -2), (0, 0)]]),
        ("", []),
    ],
)
def test_commands(text: str, wanted: list[list[tuple[float, float]]]) -> None:
    assert path_corners(text) == wanted


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("M0 0 C1 1 2 2 3 3", "'C' is not read"),
        ("M0 0 a1 1 0 0 1 2 2", "'a' is not read"),
        ("M0 0 L1", "a number is missing at the end"),
        ("M0 L1 1", "a number is missing before 'L'"),
        ("L1 1", "does not begin with M"),
        ("5 5", "follows no command"),
        ("M0 0 L1 1 ?", "is no part of a path"),
    ],
)
def test_commands_refused(text: str, sentence: str) -> None:
    with pytest.raises(cs.InputError, match=sentence):
        path_corners(text)


def test_transformations(tmp_path: Path) -> None:
    wanted = cs.read_vector_curve(write(tmp_path, f'<path d="{corners()}"/>'), x=X, y=Y)
    moved = f'<g transform="scale(2)"><g transform="matrix(.25 0 0 .25 0 0)"><path d="{corners(2)}"/></g></g>'
    found = cs.read_vector_curve(write(tmp_path, moved), x=X, y=Y)
    assert found.time == pytest.approx(wanted.time)
    assert found.survival == pytest.approx(wanted.survival, abs=1e-6)
    turned = f'<path id="km" transform="rotate(90)" d="{corners()}"/>'
    with pytest.raises(cs.DataError, match="'rotate' is not read"):
        cs.read_vector_curve(write(tmp_path, turned), x=X, y=Y, path="km")


def test_which_path(tmp_path: Path) -> None:
    two = f'<path id="a" d="{corners()}"/><polyline id="b" points="50,20 60,20 60,70 90,70 90,120 100,120"/>'
    file = write(tmp_path, two)
    with pytest.raises(cs.DataError, match=r"2 paths could be the curve: a \(17 corners\), b \(6 corners\)"):
        cs.read_vector_curve(file, x=X, y=Y)
    assert cs.read_vector_curve(file, x=X, y=Y, path="b").survival.tolist() == [1, 1, 0.75, 0.75, 0.5, 0.5]
    with pytest.raises(cs.DataError, match=r"there is no path c of straight lines; there are a, b"):
        cs.read_vector_curve(file, x=X, y=Y, path="c")
    with pytest.raises(cs.DataError, match="no path could be the curve"):
        cs.read_vector_curve(write(tmp_path, '<path d="M0 0L9 9"/>'), x=X, y=Y)
    sloped = '<path id="s" d="M50 20L60 40L70 60L80 90"/>'
    with pytest.raises(cs.DataError, match="path s slopes from 0 to 10"):
        cs.read_vector_curve(write(tmp_path, sloped), x=X, y=Y, path="s")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<svg", "file-unreadable"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>', "file-unreadable"),
        (b"%PDF-1.4 nothing", "file-unreadable"),
        (b"", "file-unreadable"),
    ],
)
def test_no_graphic(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "f.svg").write_bytes(content)
    with pytest.raises(cs.DataError) as caught:
        cs.read_vector_curve(tmp_path / "f.svg", x=X, y=Y)
    assert [problem.code for problem in caught.value.problems] == [code]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(cs.DataError) as caught:
        cs.read_vector_curve(tmp_path / "f.svg", x=X, y=Y)
    assert caught.value.missing_file


@pytest.mark.parametrize("axis", [((1, 2),), ((1, 2), (1, 3)), ((1, 2), (3, 2)), "x", ((1, "a"), (2, 3)), None])
def test_axes(tmp_path: Path, axis: object) -> None:
    with pytest.raises(cs.InputError, match=r"x (is|has)"):
        cs.read_vector_curve(tmp_path / "f.svg", x=axis, y=Y)  # type: ignore[arg-type]  # what is refused


def drawn(percent: bool) -> tuple[Figure, dict[str, tuple[tuple[float, float], tuple[float, float]]]]:
    """The toy as another program draws it, and its ticks in points from the lower left corner."""
    figure = Figure(figsize=(6, 4), dpi=72)
    axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    top = 100 if percent else 1
    axes.step([0, *STEPS], np.array([1, *LEVELS]) * top, where="post", color="k")
    axes.set(xlim=(0, 400), ylim=(0, top))
    spots = axes.transData.transform([(0, 0), (400, top)])
    x = (float(spots[0][0]), 0.0), (float(spots[1][0]), 400.0)
    y = (float(spots[0][1]), 0.0), (float(spots[1][1]), float(top))
    return figure, {"x": x, "y": y}


RISK = {"time": [0, 50, 100, 150, 200, 250], "n_at_risk": [11, 7, 4, 3, 2, 1]}


@pytest.mark.parametrize("percent", [False, True])
def test_an_svg_of_matplotlib(tmp_path: Path, percent: bool) -> None:
    figure, ticks = drawn(percent)
    with matplotlib.rc_context({"svg.hashsalt": "x"}):
        FigureCanvasSVG(figure).print_svg(tmp_path / "f.svg", metadata={"Date": None})
    # SVG counts from the top of the page.
    y = tuple((288 - page, value) for page, value in ticks["y"])
    rebuilt = cs.reconstruct_curve(cs.read_vector_curve(tmp_path / "f.svg", x=ticks["x"], y=y), RISK)  # type: ignore[arg-type]  # two points
    assert rebuilt.quality.events == 9
    assert rebuilt.patients.query("event == 1").time.tolist() == pytest.approx(
        [20, 36, 42, 42, 56, 57, 112, 180, 310], abs=1e-3
    )


def test_a_page_of_a_pdf(tmp_path: Path) -> None:
    pytest.importorskip("pypdf")
    figure, ticks = drawn(percent=False)
    FigureCanvasPdf(figure).print_pdf(tmp_path / "f.pdf", metadata={"CreationDate": None})
    rebuilt = cs.reconstruct_curve(cs.read_vector_curve(tmp_path / "f.pdf", x=ticks["x"], y=ticks["y"]), RISK)
    assert rebuilt.quality.events == 9
    assert rebuilt.patients.query("event == 1").time.tolist() == pytest.approx(
        [20, 36, 42, 42, 56, 57, 112, 180, 310], abs=1e-2
    )
    with pytest.raises(cs.InputError, match="has 1 pages, there is no page 2"):
        cs.read_vector_curve(tmp_path / "f.pdf", x=ticks["x"], y=ticks["y"], page=2)
