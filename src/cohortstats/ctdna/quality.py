"""What is to be known of a well or of a call before it is believed: flags, in one order everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.stats.droplet_door import Floats
from cohortstats.stats.droplets import MIN_ACCEPTED, NO_CALL, count_flags, join_flags

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FLAGS",
    "add_flags",
    "contaminated_wells",
    "flag_wells",
    "has_flag",
    "order_flags",
    "positive_controls",
    "read_counts",
    "unusable_wells",
    "without_template",
]

Mask = NDArray[np.bool_]
Texts = NDArray[np.str_]

FLAGS = (
    *("no-call", "saturated", "near-saturated", "high", "low", "ntc", "dispersion", "merged", "recomputed"),
    *("ci-below-zero", "ratio-unbounded", "ratio-zero", "reference-zero"),
)
"""Every flag of a well or of a call, in the order in which they are joined by ``;``."""


def order_flags(flags: Mapping[str, Mask]) -> Texts:
    """Join the flags that are set, in their order.

    Parameters
    ----------
    flags
        Name of a flag -> where it is set.

    Returns
    -------
    array of str
        Flags joined by ``;``, empty where none is set.

    Raises
    ------
    InputError
        A name that is no flag.

    Examples
    --------
    >>> order_flags({"merged": np.array([True, False]), "no-call": np.array([True, False])}).tolist()
    ['no-call;merged', '']
    """
    unknown = [name for name in flags if name not in FLAGS]
    if unknown:
        raise InputError([f"flag '{name}' is not known; choose {', '.join(FLAGS)}." for name in unknown])
    return join_flags({name: flags[name] for name in FLAGS if name in flags})


def add_flags(*texts: object) -> Texts:
    """Joined flags and reasons of several sources as one, each once.

    Parameters
    ----------
    *texts
        Flags joined by ``;``, each one text or a column of them; words that are no flags are left out.

    Returns
    -------
    array of str
        Flags joined by ``;`` in their order.

    Examples
    --------
    >>> add_flags(["low", ""], "ratio-zero").tolist()
    ['low;ratio-zero', 'ratio-zero']
    """
    columns = np.broadcast_arrays(*(np.asarray(text, dtype=np.str_) for text in texts))
    padded = [np.char.add(np.char.add(";", column), ";") for column in columns]
    masks = {name: np.any([np.char.find(column, f";{name};") >= 0 for column in padded], axis=0) for name in FLAGS}
    return order_flags(masks)


# ------------------------------------------------------------------------------------------------ wells of a frame


def without_template(frame: pd.DataFrame, ntc: Sequence[str] = ()) -> Mask:
    """Rows of wells that hold no template of a patient: role ``ntc`` or ``blank``, or a sample that is named here.

    Parameters
    ----------
    frame
        As `read_ddpcr` gives it; at least ``sample``.
    ntc
        Samples without a template, such as ``("H2O", "NTC")``.

    Returns
    -------
    array of bool
        All rows of such a well: a reference target keeps its own role there.
    """
    if isinstance(ntc, str):
        raise InputError(f"ntc is the text '{ntc}'; give a list of samples.")
    named = frame["sample"].isin(list(ntc)).to_numpy()
    bare = named | (_column(frame, "role", "").isin(["ntc", "blank"]).to_numpy())
    wells = list(zip(_column(frame, "file", ""), _column(frame, "well", ""), strict=True))
    if "well" not in frame:
        return np.asarray(bare)
    empty = {well for well, is_bare in zip(wells, bare, strict=True) if is_bare}
    return np.array([well in empty for well in wells], dtype=bool)


def positive_controls(frame: pd.DataFrame, *, ntc: Sequence[str] = (), ntc_max: int = 0) -> Mask:
    """Rows of wells without template that have too many positive droplets.

    Parameters
    ----------
    frame
        As `read_ddpcr` gives it.
    ntc
        Samples without a template that the export does not mark.
    ntc_max
        Positive droplets of a well that are let pass.

    Returns
    -------
    array of bool
        A well with the role ``ntc`` holds nothing, so that each target counts; one with the role ``blank`` lacks the
        targets that have that role, and may hold others.
    """
    role = _column(frame, "role", "")
    blank = (role == "blank").to_numpy(dtype=bool)
    bare = without_template(frame.assign(role=role.where(~blank, "unknown")), ntc) | blank
    return np.asarray(bare & (np.nan_to_num(read_counts(frame, "positives")) > ntc_max))


def contaminated_wells(frame: pd.DataFrame, *, ntc: Sequence[str] = (), ntc_max: int = 0) -> Mask:
    """Rows whose plate has too many positive droplets of the same target in a well without template.

    Parameters
    ----------
    frame
        As `read_ddpcr` gives it; a file is a plate.
    ntc
        Samples without a template that the export does not mark.
    ntc_max
        Positive droplets of a well that are let pass.

    Returns
    -------
    array of bool
        One value a row, the wells without template among them.
    """
    hit = positive_controls(frame, ntc=ntc, ntc_max=ntc_max)
    keys = list(zip(_column(frame, "file", ""), frame["target"], strict=True))
    hits = {key for key, is_hit in zip(keys, hit, strict=True) if is_hit}
    return np.array([key in hits for key in keys], dtype=bool)


def flag_wells(
    frame: pd.DataFrame, *, min_accepted: int = MIN_ACCEPTED, ntc: Sequence[str] = (), ntc_max: int = 0
) -> Texts:
    """Flags of each row of an export.

    Parameters
    ----------
    frame
        As `read_ddpcr` gives it.
    min_accepted
        Accepted droplets below which a well is ``low``.
    ntc, ntc_max
        Samples without a template, and positive droplets in them that are let pass.

    Returns
    -------
    array of str
        ``no-call`` (fewer than 1000 droplets, no counts, or no call by the export), ``saturated``, ``near-saturated``
        (1 to 9 negatives), ``high`` (above 5 copies a droplet), ``low``, ``ntc``, ``merged``, and ``recomputed`` where
        the counts give another concentration than the export prints, as with a declared volume.

    Examples
    --------
    >>> import pandas as pd
    >>> wells = pd.DataFrame({"well": ["A01", "A02"], "sample": ["P1", "H2O"], "target": "E545K",
    ...                       "positives": [3, 1], "accepted": [9000, 14000]})
    >>> flag_wells(wells, ntc=["H2O"]).tolist()
    ['low;ntc', 'ntc']
    """
    k, n = read_counts(frame, "positives"), read_counts(frame, "accepted")
    with np.errstate(invalid="ignore"):
        masks = count_flags(k, n, min_accepted)
        missing = np.isnan(k) | np.isnan(n)
        masks["no-call"] = masks["no-call"] | missing | _uncalled(frame, missing)
        masks["ntc"] = contaminated_wells(frame, ntc=ntc, ntc_max=ntc_max)
        masks["merged"] = _column(frame, "merged_from", "").ne("").to_numpy(dtype=bool)
        masks["recomputed"] = _beyond_print(frame)
    return order_flags(masks)


def read_counts(frame: pd.DataFrame, name: str) -> Floats:
    """A column of droplets as floats, nan where there is none."""
    return np.asarray(frame[name].astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def has_flag(flags: Iterable[str], flag: str) -> Mask:
    """Where a flag is among joined ones.

    Examples
    --------
    >>> has_flag(["low;ntc", "near-saturated"], "saturated").tolist()
    [False, False]
    """
    return np.array([flag in text.split(";") for text in flags], dtype=bool)


def _column(frame: pd.DataFrame, name: str, default: object) -> pd.Series:
    import pandas as pd

    return frame[name] if name in frame else pd.Series(default, index=frame.index)


def _uncalled(frame: pd.DataFrame, missing: Mask) -> Mask:
    """Wells with counts that the export gives no call, for which nothing was computed."""
    if "computed_copies_per_ul" not in frame:
        return np.zeros(len(frame), dtype=bool)
    return np.asarray(frame["computed_copies_per_ul"].isna().to_numpy() & ~missing)


def _beyond_print(frame: pd.DataFrame) -> Mask:
    """Where the printed and the computed concentration differ by more than half a unit of the second digit."""
    if not {"copies_per_ul", "computed_copies_per_ul"} <= set(frame.columns):
        return np.zeros(len(frame), dtype=bool)
    printed, computed = (frame[name].to_numpy(dtype=np.float64) for name in ("copies_per_ul", "computed_copies_per_ul"))
    known = np.isfinite(printed) & np.isfinite(computed) & (printed > 0)
    half_unit = 0.5 * 10.0 ** (np.floor(np.log10(np.where(known, printed, 1.0))) - 1)
    return np.asarray(known & (np.abs(printed - computed) > half_unit * (1 + 1e-9)))


def unusable_wells(names: Iterable[str], positives: Floats, accepted: Floats) -> list[str]:
    """Sentences about wells that cannot be averaged with others: without a call, or without a negative droplet."""
    sentences = []
    for name, k, n in zip(names, positives.tolist(), accepted.tolist(), strict=True):
        if n < NO_CALL:
            sentences.append(f"{name} has {n:.0f} accepted droplets, fewer than {NO_CALL} (no call); leave it out.")
        elif k == n:
            sentences.append(f"{name} is saturated, all {n:.0f} droplets are positive; leave it out or dilute.")
    return sentences
