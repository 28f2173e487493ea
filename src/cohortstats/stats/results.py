"""What results have in common: how they show themselves, read-only arrays, one-row frames, the quantile of a level."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RichResult", "as_row", "frame_bundle", "normal_quantile", "read_only"]

MOST_ROWS = 20
_MARKDOWN_SIGNS = re.compile(r"[\\|*_<`\[\]~$]")

# A notebook has its own colours: rules only, and currentColor.
STYLE = """<style>
.cohortstats-result{border-collapse:collapse;border-top:1.5px solid;border-bottom:1.5px solid;
font-variant-numeric:tabular-nums;color:currentColor}
.cohortstats-result caption{text-align:left;padding:.3em 0}
.cohortstats-result th,.cohortstats-result td{padding:.15em .7em;border:0;background:none;text-align:right}
.cohortstats-result thead th{border-bottom:.75px solid}
.cohortstats-result tbody th{text-align:left;font-weight:400}
</style>"""


class RichResult:
    """A result that shows its frame: as text in a shell, as HTML and Markdown in a notebook.

    What is shown is ``to_frame()`` and nothing else, so no number stands on a screen that a program cannot have. Long
    frames show their first and last lines; one line is turned into one column, without what is empty. Numbers have
    the digits that pandas is set to print.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cs.proportion_ci(9, 34)
    ProportionInterval
    events                 9
    total                 34
    estimate        0.264706
    ci_lower        0.146012
    ci_upper        0.431171
    ci_level            0.95
    method            wilson
    """

    __slots__ = ()

    def to_frame(self) -> pd.DataFrame:
        """Every number of the result."""
        raise NotImplementedError

    def _shown(self) -> tuple[pd.DataFrame, bool]:
        """The frame as it is shown, and whether it is one row on end."""
        frame = self.to_frame()
        if frame.index.names != [None]:
            frame = frame.reset_index()
        if len(frame) != 1:
            return frame, False
        fields = frame.iloc[0]
        return fields[[str(value) != "" for value in fields]].to_frame(name=""), True

    def __repr__(self) -> str:
        frame, on_end = self._shown()
        name = type(self).__name__
        if not len(frame):
            return f"{name}: empty"
        return f"{name}\n{frame.to_string(header=not on_end, index=on_end, max_rows=None if on_end else MOST_ROWS)}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # all three are short
        frame, on_end = self._shown()
        return frame_bundle(frame, name=type(self).__name__, plain=repr(self), on_end=on_end)


def frame_bundle(frame: pd.DataFrame, *, name: str, plain: str, on_end: bool = False) -> dict[str, str]:
    """What a notebook may show of a frame, under its kinds; cells are data and are escaped.

    Parameters
    ----------
    frame
        What is shown; of more than 20 rows the first and last ten.
    name
        Its caption.
    plain
        Its text in a shell.
    on_end
        The frame is one row turned into one column, which has no header.
    """
    rows = None if on_end else MOST_ROWS
    html = frame.to_html(classes="cohortstats-result", border=0, header=not on_end, index=on_end, max_rows=rows)
    head, body = html.split(">\n", 1)
    return {
        "text/plain": plain,
        "text/markdown": _markdown(name, frame, on_end),
        "text/html": f"{STYLE}{head}>\n  <caption>{escape(name)}</caption>\n{body}",
    }


def _markdown(name: str, frame: pd.DataFrame, on_end: bool) -> str:
    """A pipe table; signs that Markdown would read are escaped."""

    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(_MARKDOWN_SIGNS.sub(r"\\\g<0>", str(cell)) for cell in cells) + " |"

    lines = [[field, value] for field, value in frame.iloc[:, 0].items()] if on_end else frame.to_numpy().tolist()
    if len(lines) > MOST_ROWS:
        half = MOST_ROWS // 2
        lines = [*lines[:half], ["…"] * len(lines[0]), *lines[-half:]]
    header = ["", ""] if on_end else list(frame.columns)
    return "\n".join([f"**{name}**", "", line(header), line(["---"] * len(header)), *map(line, lines)]) + "\n"


def read_only(values: object, dtype: type = np.float64) -> NDArray[Any]:
    """Copy that nobody can change: a frozen result would otherwise hold a door open."""
    array: NDArray[Any] = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


def normal_quantile(ci_level: float) -> float:
    """z with P(|Z| <= z) = ci_level; 1.959964 at 0.95."""
    from scipy.special import ndtri

    return float(-ndtri((1 - ci_level) / 2))


def as_row(result: object, columns: Sequence[str]) -> pd.DataFrame:
    """Frame of one row with the named fields of a result."""
    import pandas as pd

    return pd.DataFrame([{name: getattr(result, name) for name in columns}])
