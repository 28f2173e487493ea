"""Faults of an export that its own numbers betray; each has a code that begins with ``ddpcr-``.

Errors are contradictions: somebody changed or shifted a number. Warnings name what a reader of the result must know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cohortstats.ctdna.formats import wells_in
from cohortstats.ctdna.quality import positive_controls
from cohortstats.ctdna.volume import VOLUMES_NL, VolumeFit, print_half_width
from cohortstats.errors import Problem
from cohortstats.files.table import Findings
from cohortstats.stats.droplets import MIN_ACCEPTED, NO_CALL

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "check_controls",
    "check_counts",
    "check_duplicates",
    "check_limits",
    "check_merged_twice",
    "check_printed",
    "check_volume",
    "check_wells",
]

Rows = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]

_AGAIN = "Export the file again."
_SHOWN = 10
_MOST = 1e9  # droplets; a plate of merged wells holds two million


def _where(rows: Rows, place: int) -> str:
    target = rows["target"][place]
    return f"in well {rows['well'][place]}, {target}" if target else f"in well {rows['well'][place]}"


def _places(mask: NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.flatnonzero(mask).tolist()
    return found


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.6g}"


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(words[:_SHOWN])
    return f"{shown} and {len(words) - _SHOWN} more" if len(words) > _SHOWN else shown


def check_counts(rows: Rows, columns: Mapping[str, str], found: Findings) -> NDArray[np.bool_]:
    """Positives and negatives, the four clusters and both targets of a well must agree on the accepted droplets.

    Parameters
    ----------
    rows
        Field -> one value a row.
    columns
        Field -> column of the file.
    found
        Takes the problems.

    Returns
    -------
    array
        Rows whose counts cannot be used.
    """
    positives, negatives, accepted = rows["positives"], rows["negatives"], rows["accepted"]
    bad = np.zeros(len(accepted), dtype=bool)

    def report(place: int, field: str, message: str, value: float) -> None:
        bad[place] = True
        found.add(
            "ddpcr-counts",
            message,
            _AGAIN,
            row=int(rows["row"][place]),
            column=columns.get(field, ""),
            value="" if np.isnan(value) else _number(value),
        )

    counted = np.isfinite(positives) | np.isfinite(negatives)
    for place in _places(counted & np.isnan(accepted)):
        report(place, "accepted", f"Droplets are counted but none accepted {_where(rows, place)}.", float("nan"))
    for field in ("positives", "negatives", "accepted"):
        for place in _places(rows[field] < 0):
            report(place, field, f"{_number(rows[field][place])} droplets {_where(rows, place)}.", rows[field][place])
        for place in _places(rows[field] > _MOST):
            report(place, field, f"{_number(rows[field][place])} droplets {_where(rows, place)}.", rows[field][place])
    for place in _places((positives > accepted) & (accepted >= 0)):
        message = f"Positives {_number(positives[place])} exceed accepted {_number(accepted[place])}"
        report(place, "positives", f"{message} {_where(rows, place)}.", positives[place])
    with np.errstate(invalid="ignore"):
        uneven = np.isfinite(positives + negatives + accepted) & (positives + negatives != accepted) & ~bad
    for place in _places(uneven):
        message = (
            f"Positives {_number(positives[place])} + negatives {_number(negatives[place])} ≠ "
            f"accepted {_number(accepted[place])} {_where(rows, place)}."
        )
        report(place, "accepted", message, accepted[place])
    clusters = rows["pos_pos"] + rows["pos_neg"] + rows["neg_pos"] + rows["neg_neg"]
    for place in _places(np.isfinite(clusters) & np.isfinite(accepted) & (clusters != accepted)):
        message = f"The four clusters hold {_number(clusters[place])} droplets, accepted are {_number(accepted[place])}"
        report(place, "pos_pos", f"{message} {_where(rows, place)}.", clusters[place])
    first: dict[str, int] = {}
    for place, well in enumerate(rows["well"]):
        if np.isnan(accepted[place]):
            continue
        other = first.setdefault(well, place)
        if accepted[other] != accepted[place]:
            message = (
                f"Well {well} has {_number(accepted[other])} accepted droplets for {rows['target'][other]}, "
                f"{_number(accepted[place])} for {rows['target'][place]}."
            )
            report(place, "accepted", message, accepted[place])
    return bad


def check_volume(fit: VolumeFit, declared: float | None, found: Findings, *, needed: bool) -> None:
    """The droplet volume must be known once there is a droplet to count.

    Parameters
    ----------
    fit
        What the prints say.
    declared
        What the user says.
    found
        Takes the problems.
    needed
        Whether any row has counts.
    """
    known = " or ".join(f"{volume:g}" for volume in VOLUMES_NL)
    if declared is not None:
        if np.isfinite(fit.volume_nl) and fit.volume_nl != declared:
            message = f"Prints of {found.file} are those of {fit.volume_nl:g} nL; {declared:g} nL is declared."
            mend = "The declared volume is used for what is computed from counts, the prints stay as they are."
            found.warn("ddpcr-volume", message, mend, key="volume_nl")
        return
    if not needed or np.isfinite(fit.volume_nl):
        return
    if fit.origin == "none fits":
        message = f"No volume of {known} nL fits the prints of {found.file}."
        if fit.lower <= fit.upper:
            message = f"{message[:-1]}; they need {fit.lower:.4f} to {fit.upper:.4f} nL."
    elif fit.origin == "both fit":
        message = f"Volumes of {known} nL fit the prints of {found.file} alike."
    else:
        message = f"{found.file} prints no concentration that tells its droplet volume, {known} nL."
    found.add("ddpcr-volume", message, "Declare volume_nl.", key="volume_nl")


def check_printed(
    rows: Rows, printed: Mapping[str, Sequence[str]], computed: Floats, columns: Mapping[str, str], found: Findings
) -> None:
    """A printed concentration is the one of its counts, printed copies are 20 times it, to the last printed digit.

    Parameters
    ----------
    rows
        Field -> one value a row.
    printed
        Field -> what the file prints.
    computed
        Concentration from the counts, nan where nothing is to be compared.
    columns
        Field -> column of the file.
    found
        Takes the problems.
    """

    def report(place: int, field: str, expected: float) -> None:
        text = printed[field][place]
        message = f"Printed {text}, counts give {expected:.6g} {_where(rows, place)}."
        mend = "Export the file again; one number was changed."
        row = int(rows["row"][place])
        found.add("ddpcr-recompute", message, mend, row=row, column=columns[field], value=text)

    usable = np.isfinite(computed)
    if "copies_per_ul" in columns:
        half = np.array([print_half_width(text) for text in printed["copies_per_ul"]])
        far = np.abs(rows["copies_per_ul"] - computed) > half + 1e-9 * computed
        for place in _places(usable & far):
            report(place, "copies_per_ul", computed[place])
    if "copies_per_well" in columns:
        copies = rows["copies_per_well"]
        half = np.array([print_half_width(text, per_ul=20) for text in printed["copies_per_well"]])
        # Most versions multiply the printed number, some the full one; a saturated well has no number to multiply.
        with np.errstate(invalid="ignore"):
            apart = np.minimum(np.abs(copies - 20 * rows["copies_per_ul"]), np.abs(copies - 20 * computed))
        far = apart > half * (1 + 1e-9)
        if "copies_per_ul" not in columns:
            far = np.abs(copies - 20 * computed) > half * (1 + 1e-9)
        for place in _places(usable & np.isfinite(copies) & far):
            report(place, "copies_per_well", 20 * computed[place])


def check_limits(
    rows: Rows, printed: Mapping[str, Sequence[str]], limits: Mapping[str, Floats], found: Findings
) -> None:
    """Printed limits that are not those of the counts: a warning, because a version may follow a rule of its own."""
    for field, computed in limits.items():
        if field not in printed:
            continue
        half = np.array([print_half_width(text) for text in printed[field]])
        with np.errstate(invalid="ignore"):
            far = np.isfinite(computed) & (np.abs(rows[field] - computed) > half + 1e-9 * computed)
        places = _places(far)
        if places:
            place = places[0]
            limit = "lower" if field == "ci_lower" else "upper"
            many = "limit is" if len(places) == 1 else "limits are"
            message = (
                f"{len(places)} printed {limit} {many} not that of the counts, "
                f"first {printed[field][place]}, counts give {computed[place]:.6g} {_where(rows, place)}."
            )
            mend = "The computed limits are used for calls."
            found.warn("ddpcr-recompute", message, mend, row=int(rows["row"][place]), value=printed[field][place])


def check_duplicates(rows: Rows, found: Findings) -> None:
    """A well has each target once."""
    seen: set[tuple[str, str, str]] = set()
    for place, key in enumerate(zip(rows["well"], rows["target"], rows["channel"], strict=True)):
        if key in seen:
            message = f"Well {key[0]}, {key[1] or key[2]} is there twice."
            found.add("ddpcr-duplicate", message, "Delete one of the rows.", row=int(rows["row"][place]), value=key[0])
        seen.add(key)


def check_wells(rows: Rows, found: Findings, *, min_accepted: int = MIN_ACCEPTED) -> None:
    """Warnings of wells without a call, without a negative droplet, with few droplets, and of merges.

    Parameters
    ----------
    rows
        Field -> one value a row.
    found
        Takes the problems.
    min_accepted
        Accepted droplets below which a well is named.
    """
    wells, accepted = rows["well"], rows["accepted"]
    for mask, code, message, mend in (
        (rows["no_call"], "ddpcr-no-call", "without a call", "Their copies are missing, not 0."),
        (
            rows["saturated"],
            "ddpcr-saturated",
            "no negative droplet",
            "Their copies are only known to exceed the lower limit; dilute the sample.",
        ),
    ):
        names = list(dict.fromkeys(wells[mask].tolist()))
        if names:
            counted = f"{len(names)} {'well' if len(names) == 1 else 'wells'}"
            has = "" if code == "ddpcr-no-call" else " has" if len(names) == 1 else " have"
            row = int(rows["row"][np.flatnonzero(mask)[0]])
            found.warn(code, f"{counted}{has} {message}: {_listed(names)}.", mend, row=row)
    named: set[str] = set()
    for place in _places((accepted >= NO_CALL) & (accepted < min_accepted)):
        if wells[place] not in named:
            named.add(wells[place])
            message = f"{_number(accepted[place])} droplets in well {wells[place]}, minimum {min_accepted}."
            mend = "The well is read; its limits are wide."
            found.warn("ddpcr-low", message, mend, row=int(rows["row"][place]), value=_number(accepted[place]))
    present = set(wells.tolist())
    for place in _places(rows["merged_from"] != ""):
        if wells[place] in named:
            continue
        named.add(wells[place])
        message = f"Well {wells[place]} is a merge of {rows['merged_from'][place].replace(',', ', ')}."
        parts = present & set(wells_in(rows["merged_from"][place]))
        mend = "Use the merge or its wells in one analysis, not both." if parts else ""
        found.warn("ddpcr-merged", message, mend, row=int(rows["row"][place]), value=wells[place])


def check_controls(
    frame: pd.DataFrame, *, names: Sequence[str] = (), ntc_max: int = 0, study_key: str = ""
) -> list[Problem]:
    """Positive droplets in wells without a template.

    Parameters
    ----------
    frame
        As :func:`cohortstats.read_ddpcr` gives it.
    names
        Samples that hold no template although the export does not say so, such as ``("H2O", "NTC")``.
    ntc_max
        Positive droplets of a well that are let pass.
    study_key
        Key of the study file that names the samples.

    Returns
    -------
    list of Problem
        Warnings, one for each well and target.
    """
    hits = frame[positive_controls(frame, ntc=names, ntc_max=ntc_max)]
    return [
        Problem(
            level="warning",
            code="ddpcr-ntc",
            message=f"{target or channel} has {k} positive {'droplet' if k == 1 else 'droplets'} "
            f"in a no-template well, {well}.",
            mend="Look for contamination before any low count of this plate is called positive.",
            file=file,
            row=int(row),
            value=str(k),
            study_key=study_key,
        )
        for target, channel, k, well, file, row in zip(
            hits["target"], hits["channel"], hits["positives"], hits["well"], hits["file"], hits["row"], strict=True
        )
    ]


def check_merged_twice(frame: pd.DataFrame) -> list[Problem]:
    """Merges that stand in one analysis beside the wells they were made of: their droplets would count twice.

    Parameters
    ----------
    frame
        The rows that an analysis is about to use.

    Returns
    -------
    list of Problem
        Errors, one for each well and target.
    """
    problems = []
    present = set(zip(frame["file"], frame["well"], frame["target"], strict=True))
    merges = frame[frame["merged_from"] != ""]
    for file, well, target, parts, row in zip(
        merges["file"], merges["well"], merges["target"], merges["merged_from"], merges["row"], strict=True
    ):
        beside = [part for part in wells_in(parts) if part != well and (file, part, target) in present]
        if beside:
            message = f"Well {well} is a merge of {parts.replace(',', ', ')}, and {', '.join(beside)} are there too."
            mend = "Leave out the merge, or the wells it was made of."
            problems.append(
                Problem(code="ddpcr-merged", message=message, mend=mend, file=file, row=int(row), value=well)
            )
    return problems
