"""The verb ``curve``: its words, and what it prints."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortstats.cli.terminal import OK, Terminal
from cohortstats.errors import InputError

if TYPE_CHECKING:
    from cohortstats.published.curve.reconstruct import Reconstruction

__all__ = ["add_words", "curve"]

PICTURES = (".svg", ".pdf")
PLOTS = ("svg", "pdf", "png")


def curve(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from cohortstats.published.curve.reconstruct import reconstruct_curve
    from cohortstats.published.provenance import check_target, write_whole

    kind = _kind_of_plot(arguments.plot)
    sources: list[Path] = []
    given = _curves(arguments, sources)
    sources += [Path(path) for path in (arguments.risk, arguments.censor) if path]
    rebuilt = reconstruct_curve(
        given,
        arguments.risk,
        n=_counts("--n", arguments.n),
        n_events=_counts("--events", arguments.events),
        method=arguments.method,
        censor_marks=arguments.censor,
        arm=arguments.arm,
        rising=arguments.rising,
        sigma=arguments.sigma,
        published=_published(arguments.published),
        accept_poor=arguments.accept_poor,
        seed=arguments.seed,
    )
    target = Path(arguments.output)
    check_target(target, rebuilt.label, sources)
    picture = Path(arguments.plot) if arguments.plot else None
    if picture is not None and any(picture.resolve() == path.resolve() for path in (target, *sources)):
        raise InputError(f"--plot {picture} is another file of this call; name another one.")
    written = [*rebuilt.write(target, tuple(sources))]
    if picture is not None and kind is not None:
        from cohortstats.figures import figure_bytes

        picture.parent.mkdir(parents=True, exist_ok=True)
        write_whole(picture, figure_bytes(rebuilt.plot(), kind))  # type: ignore[arg-type]  # one of PLOTS
        written.append(picture)
    if terminal.json:
        terminal.value(rebuilt.as_dict() | {"written": [path.as_posix() for path in written]})
    else:
        for line in _lines(rebuilt):
            terminal.result(line)
    for path in written:
        terminal.message(f"wrote {path.as_posix()}")
    return OK


def _kind_of_plot(plot: str | None) -> str | None:
    if plot is None:
        return None
    kind = Path(plot).suffix.casefold().removeprefix(".")
    if kind not in PLOTS:
        raise InputError(f"--plot {plot}: name a file that ends in .svg, .pdf or .png.")
    return kind


def _curves(arguments: argparse.Namespace, sources: list[Path]) -> Any:
    """One curve as its path, or a dictionary of arm -> curve; a vector graphic is read here, as it needs the axes."""
    curves: dict[str, Any] = {}
    unnamed: list[Any] = []
    for word in arguments.curve:
        arm, file = _named(word)
        source = _source(file, arguments, sources, arm)
        if not arm:
            unnamed.append(source)
        elif arm in curves:
            raise InputError(f"arm {arm} is given twice.")
        else:
            curves[arm] = source
    if len(arguments.curve) == 1:
        return unnamed[0] if unnamed else curves
    if unnamed:
        raise InputError("of several curves each needs its arm: curve ARM=FILE ARM=FILE.")
    return curves


def _named(word: str) -> tuple[str, str]:
    """``ARM=FILE`` in two; a file whose name holds the sign is a file."""
    arm, sign, file = word.partition("=")
    return (arm, file) if sign and not Path(word).exists() else ("", word)


def _source(file: str, arguments: argparse.Namespace, sources: list[Path], arm: str) -> Any:
    place, sign, path = file.rpartition("#")
    if not (sign and place.casefold().endswith(PICTURES)):
        place, path = file, ""
    sources.append(Path(place))
    if not place.casefold().endswith(PICTURES):
        if arguments.axis_x or arguments.axis_y:
            raise InputError(f"{place} is no vector graphic (.svg, .pdf); --axis-x and --axis-y are of one.")
        return Path(place)
    if not (arguments.axis_x and arguments.axis_y):
        raise InputError(
            f"{place}: name two ticks an axis, page coordinate and value, as --axis-x 50=0,450=60 --axis-y 220=0,20=1."
        )
    from cohortstats.published.curve.vector import read_vector_curve

    return read_vector_curve(
        place,
        x=_axis("--axis-x", arguments.axis_x),
        y=_axis("--axis-y", arguments.axis_y),
        path=path or arguments.path,
        page=arguments.page,
        arm=arm,
    )


def _axis(name: str, text: str) -> Any:
    """``50=0,450=60`` as two points."""
    try:
        points = [tuple(float(number) for number in point.split("=")) for point in text.split(",")]
    except ValueError:
        points = []
    if len(points) != 2 or any(len(point) != 2 for point in points):
        raise InputError(f"{name} '{text}' is not two ticks, page coordinate=value, such as 50=0,450=60.")
    return tuple(points)


def _counts(name: str, text: str | None) -> int | Mapping[str, int] | None:
    """``213``, or ``radio=213,radioplus=211``."""
    if text is None:
        return None
    try:
        if "=" not in text:
            return int(text)
        pairs = [part.rpartition("=") for part in text.split(",")]
        return {arm: int(number) for arm, _, number in pairs}
    except ValueError:
        raise InputError(f"{name} '{text}' is no number; write 213, or ARM=213,ARM=211.") from None


def _published(words: list[str]) -> Mapping[str, Any]:
    """``median=14.9``, ``median:radio=14.9``, ``hr=0.69``, ``p=0.006``."""
    found: dict[str, Any] = {}
    for word in words:
        name, sign, text = word.rpartition("=")
        quantity, colon, arm = name.partition(":")
        if not sign or not quantity or not text:
            raise InputError(f"--published '{word}' is not NAME=NUMBER, such as hr=0.69 or median:ARM=14.9.")
        if colon:
            by_arm = found.setdefault(quantity, {})
            if not isinstance(by_arm, dict):
                raise InputError(f"--published {quantity} is given with an arm and without one.")
            by_arm[arm] = text
        else:
            found[quantity] = text
    return found


def _lines(rebuilt: Reconstruction) -> list[str]:
    from cohortstats.tables.writers.text import align

    content = rebuilt.as_dict()
    head = ["Arm", "n", "Events", "Median (95% CI)", "RMSE", "Largest", "Grade", "Method", "Events possible"]
    rows = [head]
    for arm in content.get("arms", [content]):
        median = arm["median"]
        span = arm["events_range"]
        rows.append(
            [
                arm.get("arm", ""),
                str(arm["n"]),
                str(arm["events"]),
                f"{_number(median['estimate'])} ({_number(median['ci_lower'])}–{_number(median['ci_upper'])})",
                f"{arm['rmse']:.4f}",
                f"{arm['max_abs']:.4f}",
                arm["grade"],
                arm["method"],
                "not known" if span is None else str(span[0]) if span[0] == span[1] else f"{span[0]}–{span[1]}",
            ]
        )
    columns = range(len(head)) if rows[1][0] or len(rows) > 2 else range(1, len(head))
    lines = align(
        [[row[column] for column in columns] for row in rows],
        left=[head[column] in ("Arm", "Grade", "Method") for column in columns],
    )
    lines.append(f"Method: {content['method']} ({content['reason']}).")
    if "hr" in content and content["hr"]["estimate"] is not None:
        ratio, p_value = content["hr"], content["log_rank_p"]
        limits = f"{_number(ratio['ci_lower'])}–{_number(ratio['ci_upper'])}"
        lines.append(f"HR {ratio['comparison']}: {_number(ratio['estimate'])} ({limits}){_range(ratio['range'])}.")
        lines.append(f"Log-rank P: {_number(p_value['estimate'])}{_range(p_value['range'])}.")
    for one in content.get("published", []):
        of = f" of {one['arm']}" if one["arm"] else ""
        lines.append(
            f"Printed {one['quantity']}{of} {one['printed']}: computed {_number(one['computed'])}, {one['verdict']}."
        )
    lines += [f"Repair: {one['what']} ({one['count']}; {one['where']})." for one in content["repairs"]]
    lines += [f"Note: {note}" for note in content["notes"]]
    return lines


def _number(value: float | None) -> str:
    return "NR" if value is None or math.isnan(value) else f"{value:.4g}"


def _range(span: list[float | None] | None) -> str:
    return "" if span is None else f"; {_number(span[0])}–{_number(span[1])} over near-optimal paths"


def add_words(verb: argparse.ArgumentParser) -> None:
    """The words that the verb takes."""
    verb.add_argument(
        "curve",
        metavar="CURVE",
        nargs="+",
        help="clicks (time, survival[, arm]) or a vector graphic FILE.svg[#PATH]; of several curves ARM=CURVE each",
    )
    verb.add_argument("-o", "--output", metavar="FILE", required=True, help="CSV file to write: time,event[,arm]")
    verb.add_argument("--risk", metavar="RISK", help="numbers at risk: time, n_at_risk[, arm] or a column an arm")
    verb.add_argument("--arm", metavar="ARM", help="whose numbers at risk a curve without a name takes")
    verb.add_argument("--n", metavar="N", help="patients; ARM=N,ARM=N for several")
    verb.add_argument("--events", metavar="N", help="total of events, when printed; ARM=N,ARM=N for several")
    verb.add_argument("--censor", metavar="MARKS", help="times of the censor marks: time[, arm]")
    verb.add_argument(
        "--method", choices=("auto", "guyot", "lattice"), default="auto", help="default auto: by the digits"
    )
    verb.add_argument("--rising", action="store_true", help="the curve counts up: cumulative incidence")
    verb.add_argument("--sigma", type=float, metavar="S", help="spread of a level, when known better than by digits")
    verb.add_argument(
        "--published",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="what was printed: median=14.9, median:ARM=14.9, hr=0.69, p=0.006; may be repeated",
    )
    verb.add_argument("--accept-poor", action="store_true", help="compare arms even when one is rebuilt poorly")
    verb.add_argument("--plot", metavar="FILE", help="picture of clicks against rebuilt curve: .svg, .pdf, .png")
    verb.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of near-optimal paths that are drawn; default 1"
    )
    verb.add_argument("--axis-x", metavar="X=T,X=T", help="two ticks of the time axis: page coordinate=value")
    verb.add_argument("--axis-y", metavar="Y=S,Y=S", help="two ticks of the survival axis: page coordinate=value")
    verb.add_argument("--path", metavar="ID", help="path of the vector graphic: its id, or its number")
    verb.add_argument("--page", type=int, default=1, metavar="N", help="page of a PDF file; default 1")
