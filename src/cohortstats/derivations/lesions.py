"""Response at each visit by RECIST 1.1, from the sizes of lesions.

Sizes are decimal fractions, as they were written: 63 of 90 mm is exactly 70 %, which binary fractions do not see. They
are counted in whole units of their last digit, so that every comparison is one of whole numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.derivations.occasions import Ints, Mask
from cohortstats.derivations.visit_frames import column_of, dates_of, positions
from cohortstats.derivations.visits import CR, NE, NON_CR_NON_PD, PD, PR, RESPONSES, SD
from cohortstats.errors import did_you_mean
from cohortstats.stats.doors import SHOWN, check_choice, check_present, refuse

__all__ = ["overall_response", "timepoint_response"]

ROLES = ("target", "non-target", "new")
STATES = {
    "absent": "absent",
    "present": "present",
    "progression": "progression",
    "unequivocal progression": "progression",
    "not evaluable": "",
    "ne": "",
    "": "",
}
"""What is said of a lesion that is not measured -> what it means; empty tells nothing."""
EQUIVOCAL = "equivocal"
NONE = -1
NORMAL_NODE = 10  # mm of short axis below which a lymph node is normal
LEAST_GROWTH = 5  # mm
DIGITS = 9  # after the decimal sign
NUMBER = re.compile(r"\+?[0-9]+(\.[0-9]*)?|\+?\.[0-9]+")
TOO_LARGE = np.iinfo(np.int64).max


def timepoint_response(
    lesions: pd.DataFrame,
    *,
    patient: str = "patient",
    visit: str = "visit",
    lesion: str = "lesion",
    role: str = "role",
    size: str = "size",
    short_axis: str | None = None,
    node: str | None = None,
    state: str | None = None,
    reader: str | None = None,
    date: str | None = None,
    reappearance: Literal["PD", "sum rule"] = "PD",
) -> pd.DataFrame:
    """Response at each visit after baseline by RECIST 1.1.

    Parameters
    ----------
    lesions
        One row a lesion and visit, in any order, of each patient and reader. The first visit is the baseline.
    patient, visit, lesion
        Columns that say whose, when (dates or numbers, in order) and which.
    role
        Column with ``target``, ``non-target`` or ``new``.
    size
        Longest diameter of targets in mm, as text, decimals or numbers; missing where it was not measured.
    short_axis
        Column with the short axis in mm, which counts for lymph nodes; without it ``size`` has that of a node.
    node
        Column that is true for lymph nodes; without it none is one.
    state
        Column that says of other lesions than targets whether they are ``absent``, ``present``, in unequivocal
        ``progression`` or ``not evaluable``, and of a new one whether it is ``equivocal``.
    reader
        Column that says who read the scan; the readers are kept apart.
    date
        Column with the date of the scan; of several in a visit the first counts.
    reappearance
        What a lesion that comes back after an overall complete response is: progression, or what the sum says and
        whether it progressed unequivocally. A target lymph node is back from 10 mm on; others only when they progress.

    Returns
    -------
    DataFrame
        One row a visit after baseline: ``patient``, ``reader`` and ``date`` where they are named, ``visit``,
        ``n_targets`` at baseline and ``n_measured`` here, ``sum`` (missing where a target was not measured),
        ``sum_measured``, ``baseline``, ``nadir`` before the visit, ``target`` and ``non_target`` (missing where there
        are no such lesions), ``new`` and ``overall``, an ordered categorical.

    Raises
    ------
    InputError
        With every fault: columns that are not there, sizes that are none, words that are not known, a lesion twice at
        one visit, a target that was not there at baseline.

    Notes
    -----
    Sum: longest diameters, of lymph nodes short axes. CR: every target 0 and every node below 10 mm, so the sum of
    nodes may be above 0. PD: sum at least 120 % of the nadir and at least 5 mm above it, the baseline included; else
    PR: sum at most 70 % of baseline; else SD. With a target not measured NE, unless the others alone reach PD. The
    nadir is the least sum of all targets at an earlier visit. Lesions that come back do so as the RECIST committee of
    the EORTC has made clear (recist.eortc.org, "Does a new lesion always result in PD?", "Abnormal lymph node").

    Non-targets: PD if one progressed unequivocally, NE if one was not evaluated, CR if all are absent, else
    NON-CR/NON-PD. Overall as in tables 1 and 2 of Eisenhauer et al. 2009, 10.1016/j.ejca.2008.10.026. R's
    ``admiralonco`` takes responses as they were read; it does not derive them.

    Examples
    --------
    >>> lesions = pd.DataFrame({"patient": "A", "visit": [0, 42, 84], "lesion": "T1", "role": "target"})
    >>> lesions["size"] = ["90", "63", "75.6"]
    >>> timepoint_response(lesions)[["visit", "sum", "nadir", "target", "overall"]]
       visit   sum  nadir target overall
    0     42  63.0   90.0     PR      PR
    1     84  75.6   63.0     PD      PD
    """
    table = _Lesions.read(
        lesions,
        {
            "patient": patient,
            "visit": visit,
            "lesion": lesion,
            "role": role,
            "size": size,
            "short_axis": short_axis,
            "node": node,
            "state": state,
            "reader": reader,
            "date": date,
        },
        reappearance,
    )
    target, non_target, new = table.targets(), table.non_targets(), table.new()
    overall = overall_response(target.code, non_target, new)
    after = ~table.is_baseline
    if reappearance == "PD":
        was_complete = table.before((overall == CR) & after)
        target.code[was_complete & table.back("target")] = PD
        non_target[was_complete & table.back("non-target")] = PD
        overall = overall_response(target.code, non_target, new)
    made = table.timepoints.loc[after].reset_index(drop=True)
    made["n_targets"], made["n_measured"] = target.n_targets[after], target.n_measured[after]
    for name, numbers, known in (
        ("sum", target.sum, target.complete & (target.n_targets > 0)),
        ("sum_measured", target.sum, target.n_measured > 0),
        ("baseline", target.baseline, target.baseline < TOO_LARGE),
        ("nadir", target.nadir, target.nadir < TOO_LARGE),
    ):
        made[name] = np.where(known, numbers / table.scale, np.nan)[after]
    for name, code in (("target", target.code), ("non_target", non_target)):
        made[name] = _categorical(code[after])
    made["new"] = new[after]
    made["overall"] = _categorical(overall[after])
    return made


def overall_response(target: Ints, non_target: Ints, new: Mask) -> Ints:
    """Overall response from those of targets and non-targets; -1 where there are none of them.

    Examples
    --------
    >>> codes = overall_response(np.array([CR, CR, SD, -1]), np.array([-1, NE, PD, NE]), np.array([False] * 4))
    >>> [RESPONSES[code] for code in codes]
    ['CR', 'PR', 'PD', 'NE']
    """
    overall = np.where(target == NONE, np.where(non_target == NONE, NE, non_target), target)
    overall = np.where((target == CR) & ((non_target == NON_CR_NON_PD) | (non_target == NE)), PR, overall)
    return np.where(new | (target == PD) | (non_target == PD), PD, overall).astype(np.int64)


def _categorical(code: Ints) -> pd.Categorical:
    return pd.Categorical.from_codes(code.tolist(), categories=pd.Index(RESPONSES, dtype=object), ordered=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Targets:
    """Targets at each time point; sums in units of the last digit, TOO_LARGE where there is none."""

    code: Ints
    n_targets: Ints
    n_measured: Ints
    complete: Mask
    sum: Ints
    baseline: Ints
    nadir: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lesions:
    """Lesions of a frame, row by row, and the time points that the rows belong to.

    Parameters
    ----------
    timepoints
        One row each, by patient and reader, then by visit.
    series
        Of each time point the patient and reader, as a number.
    is_baseline
        Which time points are the first of their series.
    point
        Of each row its time point.
    role
        Place in ROLES.
    size
        In units of the last digit; -1 where it was not measured.
    node, state
        Of each row.
    scale
        Units in a millimetre.
    """

    timepoints: pd.DataFrame
    series: Ints
    is_baseline: Mask
    point: Ints
    role: Ints
    size: Ints
    node: Mask
    state: npt.NDArray[np.object_]
    scale: int

    @classmethod
    def read(cls, frame: pd.DataFrame, names: dict[str, str | None], reappearance: str) -> _Lesions:
        problems = check_choice("reappearance", reappearance, ("PD", "sum rule"))
        columns = {word: column_of(frame, word, name, problems) for word, name in names.items() if name is not None}
        refuse(problems)
        for word in ("patient", "visit", "lesion", "role", "reader"):
            if word in columns:
                problems += check_present(str(names[word]), columns[word].isna().to_numpy())
        roles = _roles(columns["role"], problems)
        states = _states(columns.get("state"), roles, problems)
        nodes = _nodes(columns.get("node"), len(frame), problems)
        longest, scale = _sizes(columns["size"], roles, "size", problems)
        if "short_axis" in columns:
            shorter, other = _sizes(columns["short_axis"], roles, "short_axis", problems)
            both = math.lcm(scale, other)
            longest = np.where(longest < 0, -1, longest * (both // scale))
            shorter = np.where(shorter < 0, -1, shorter * (both // other))
            longest, scale = np.where(nodes, shorter, longest), both
        dates = dates_of(str(names["date"]), columns["date"], problems) if "date" in columns else None
        refuse(problems)
        keys = [word for word in ("patient", "reader") if word in columns]
        rows = pd.DataFrame({word: columns[word].array for word in (*keys, "visit")})
        if rows["visit"].dtype == object:
            days = dates_of(str(names["visit"]), columns["visit"], problems)
            refuse(problems)
            rows["visit"] = days
        whose = rows.groupby(keys, sort=False, observed=True).ngroup().to_numpy()
        when, moments = pd.factorize(rows["visit"], sort=True)
        points, first, point = np.unique(whose * max(len(moments), 1) + when, return_index=True, return_inverse=True)
        timepoints = rows.take(first).reset_index(drop=True)
        if dates is not None:
            earliest = pd.Series(dates).groupby(point).min()
            timepoints["date"] = earliest.reindex(range(len(points))).astype("datetime64[ns]").array
        series = whose[first].astype(np.int64)
        made = cls(
            timepoints=timepoints,
            series=series,
            is_baseline=np.diff(series, prepend=-1) != 0,
            point=point.astype(np.int64),
            role=roles,
            size=longest,
            node=nodes,
            state=states,
            scale=scale,
        )
        made._refuse(columns["lesion"], rows, problems)
        refuse(problems)
        return made

    def _refuse(self, lesions: pd.Series[Any], rows: pd.DataFrame, problems: list[str]) -> None:
        """A lesion is at a visit once, and what is followed was there at baseline."""
        name = pd.factorize(lesions)[0]
        twice = pd.DataFrame({"point": self.point, "lesion": name, "role": self.role}).duplicated().to_numpy()
        if twice.any():
            problems.append(f"a lesion is twice at one visit, at {positions(np.flatnonzero(twice))}; keep one row.")
        lesion = self.series[self.point] * (int(name.max(initial=0)) + 1) + name
        for place, role in enumerate(ROLES[:2]):
            mine = self.role == place
            known = np.unique(lesion[mine & self.is_baseline[self.point]])
            late = np.flatnonzero(mine & ~np.isin(lesion, known))
            if len(late):
                first = late[0]
                whom = f"'{lesions.iloc[first]}' of patient '{rows['patient'].iloc[first]}'"
                fact = f"{role} {whom} was not there at baseline, at {positions(late)}"
                problems.append(f"{fact}; it is new, or its row at baseline is missing.")

    def _count(self, marks: Mask) -> Ints:
        """Marked rows of each time point."""
        counted: Ints = np.bincount(self.point[marks], minlength=len(self.series)).astype(np.int64)
        return counted

    def _at_baseline(self, numbers: Ints) -> Ints:
        """Of each time point the number that its baseline has."""
        found: Ints = numbers[self.is_baseline][np.cumsum(self.is_baseline) - 1]
        return found

    def before(self, marks: Mask) -> Mask:
        """Time points after a marked one of their series."""
        so_far = pd.Series(marks).groupby(self.series).cummax().groupby(self.series).shift(fill_value=False)
        return so_far.to_numpy(dtype=bool)

    def back(self, role: str) -> Mask:
        """Time points at which a lesion is there: of a patient who had none, one that has come back."""
        mine = self.role == ROLES.index(role)
        if role == "target":
            there = np.where(self.node, self.size >= NORMAL_NODE * self.scale, self.size > 0)
        else:
            there = (self.state == "present") & ~self.node
        return self._count(mine & there) > 0

    def targets(self) -> _Targets:
        """Response of the targets at each time point; -1 where the patient has none."""
        mine = self.role == ROLES.index("target")
        measured = mine & (self.size >= 0)
        n_targets = self._at_baseline(self._count(mine))
        n_measured = self._count(measured)
        complete = n_measured == n_targets
        total = np.zeros(len(self.series), dtype=np.int64)
        np.add.at(total, self.point[measured], self.size[measured])
        gone = measured & np.where(self.node, self.size < NORMAL_NODE * self.scale, self.size == 0)
        cleared = complete & (n_targets > 0) & (self._count(gone) == n_targets)
        sums = pd.Series(np.where(complete & (n_targets > 0), total, TOO_LARGE))
        baseline = self._at_baseline(sums.to_numpy().astype(np.int64))
        least = sums.groupby(self.series).cummin().groupby(self.series).shift(fill_value=TOO_LARGE)
        nadir = least.to_numpy().astype(np.int64)
        known = (baseline < TOO_LARGE) & (nadir < TOO_LARGE)
        low = np.where(known, nadir, 0)
        grown = known & (5 * total >= 6 * low) & (total - low >= LEAST_GROWTH * self.scale) & ~cleared
        code = np.full(len(self.series), SD, dtype=np.int64)
        code[known & (10 * total <= 7 * np.where(known, baseline, 0))] = PR
        code[~complete | ~known] = NE
        code[cleared] = CR
        code[grown] = PD
        code[n_targets == 0] = NONE
        return _Targets(
            code=code,
            n_targets=n_targets,
            n_measured=n_measured,
            complete=complete,
            sum=total,
            baseline=baseline,
            nadir=nadir,
        )

    def non_targets(self) -> Ints:
        """Response of the non-targets at each time point; -1 where the patient has none."""
        mine = self.role == ROLES.index("non-target")
        n = self._at_baseline(self._count(mine))
        counts = {word: self._count(mine & (self.state == word)) for word in ("absent", "present", "progression")}
        code = np.full(len(self.series), NON_CR_NON_PD, dtype=np.int64)
        code[counts["absent"] == n] = CR
        code[sum(counts.values(), np.zeros_like(n)) < n] = NE
        code[counts["progression"] > 0] = PD
        code[n == 0] = NONE
        return code

    def new(self) -> Mask:
        """Whether there is a new lesion at each time point; an equivocal one waits for the next visit."""
        mine = self.role == ROLES.index("new")
        found: Mask = self._count(mine & (self.state != "absent") & (self.state != EQUIVOCAL)) > 0
        return found


# ---------------------------------------------------------------------------------------------------------------------
# Cells
# ---------------------------------------------------------------------------------------------------------------------


def _texts(values: pd.Series[Any]) -> npt.NDArray[np.object_]:
    return values.astype(object).where(values.notna(), "").map(lambda one: str(one).strip()).to_numpy(dtype=object)


def _known_words(
    name: str, texts: npt.NDArray[np.object_], bad: Mask, known: tuple[str, ...], problems: list[str]
) -> None:
    for word in list(dict.fromkeys(texts[bad]))[:SHOWN]:
        near = did_you_mean(str(word), known)
        advice = f"did you mean '{near}'?" if near else f"choose {', '.join(known[:-1])} or {known[-1]}."
        problems.append(f"{name} '{word}' at {positions(np.flatnonzero(texts == word))} is not known; {advice}")


def _roles(values: pd.Series[Any], problems: list[str]) -> Ints:
    texts = _texts(values)
    number, words = pd.factorize(texts)
    places = {word: place for place, word in enumerate(ROLES)}
    roles = np.array([places.get(str(word).casefold(), -1) for word in words] + [-1], dtype=np.int64)[number]
    _known_words("role", texts, (roles < 0) & (texts != ""), ROLES, problems)
    return roles


def _states(values: pd.Series[Any] | None, roles: Ints, problems: list[str]) -> npt.NDArray[np.object_]:
    if values is None:
        return np.full(len(roles), "", dtype=object)
    texts = _texts(values)
    number, words = pd.factorize(texts)
    allowed = STATES | {EQUIVOCAL: EQUIVOCAL}
    meaning = [allowed.get(str(word).casefold()) for word in words]
    bad = np.array([one is None for one in meaning] + [False], dtype=bool)[number]
    bad &= roles > ROLES.index("target")  # what is said of a target in words does not count; its size does
    known = ("absent", "present", "progression", "not evaluable", EQUIVOCAL)
    _known_words("state", texts, bad, known, problems)
    return np.array([one or "" for one in meaning] + [""], dtype=object)[number]


def _nodes(values: pd.Series[Any] | None, n: int, problems: list[str]) -> Mask:
    if values is None:
        return np.zeros(n, dtype=bool)
    known = values.dropna()
    if not known.map(lambda one: isinstance(one, bool | np.bool_)).all():
        problems.append("node must be true or false; compare the place with the word for lymph nodes.")
        return np.zeros(n, dtype=bool)
    return values.astype("boolean").fillna(False).to_numpy(dtype=bool)


def _sizes(values: pd.Series[Any], roles: Ints, name: str, problems: list[str]) -> tuple[Ints, int]:
    """Sizes in units of the last digit, -1 where there is none, and how many units make a millimetre."""
    texts = _texts(values)
    number, words = pd.factorize(texts)
    exact = [_size(str(word)) for word in words]
    target = roles == ROLES.index("target")
    bad = np.array([one is None for one in exact] + [False], dtype=bool)[number] & target
    for word in list(dict.fromkeys(texts[bad]))[:SHOWN]:
        at = positions(np.flatnonzero((texts == word) & bad))
        problems.append(f"{name} '{word}' at {at} is not a size in mm; a lesion too small to measure is 5 mm.")
    measured = [one for one in exact if one is not None and one >= 0]
    scale = math.lcm(*(one.denominator for one in measured)) if measured else 1
    if scale > 10**DIGITS or max(measured, default=Fraction(0)) > 10**6:
        problems.append(f"{name} must have at most {DIGITS} decimals and be below a million mm.")
        return np.full(len(texts), -1, dtype=np.int64), 1
    units = [-1 if one is None or one < 0 else int(one * scale) for one in exact]
    return np.array([*units, -1], dtype=np.int64)[number], scale


def _size(text: str) -> Fraction | None:
    """A size as it is written; -1 for an empty text, None for what is no size."""
    if not text:
        return Fraction(-1)
    return Fraction(text) if NUMBER.fullmatch(text) else None
