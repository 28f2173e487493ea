"""Receptor and HER2 status from what a pathology report prints, by a named guideline.

A guideline is a row of data with its year and its paper, and every status says which one it was made with: a tumour
with 5 % of cells stained is positive in one cohort and negative in another. Three values throughout: what is not known
stays missing, unless all that it can be gives the same answer.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.stats.doors import (
    check_choice,
    check_length,
    missing_rows,
    number_text,
    read_column,
    read_numbers,
    refuse,
    sentence_of_values,
)
from cohortstats.stats.results import RichResult, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "HER2_GUIDELINES",
    "HER2_LEVELS",
    "IHC_SCORES",
    "RECEPTOR_GUIDELINES",
    "RECEPTOR_LEVELS",
    "SCALES",
    "Her2Status",
    "HormoneReceptorStatus",
    "ReceptorRule",
    "call_her2",
    "her2_status",
    "hormone_receptor_status",
    "ihc_score",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Texts = NDArray[np.object_]
Range = tuple[Floats, Floats]

Her2GuidelineName = Literal["2007", "2013", "2018"]
ReceptorGuidelineName = Literal["ASCO/CAP 2010", "ASCO/CAP 2020"]
Scale = Literal["percent", "Allred", "H-score"]

RECEPTOR_LEVELS = ("positive", "low", "negative")
HER2_LEVELS = ("positive", "equivocal", "negative")
IHC_SCORES = ("0", "1+", "2+", "3+")
SCALES: Mapping[str, float] = {"percent": 100.0, "Allred": 8.0, "H-score": 300.0}
"""Scale -> its highest score; the lowest is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReceptorGuideline:
    year: int
    positive_from: float  # percent of stained nuclei
    low_to: float  # positive up to here is low; 0 where the guideline has no such level
    source: str


RECEPTOR_GUIDELINES: Mapping[str, _ReceptorGuideline] = {
    "ASCO/CAP 2010": _ReceptorGuideline(
        year=2010, positive_from=1, low_to=0, source="Hammond et al. 2010, Journal of Clinical Oncology 28:2784"
    ),
    "ASCO/CAP 2020": _ReceptorGuideline(
        year=2020, positive_from=1, low_to=10, source="Allison et al. 2020, Journal of Clinical Oncology 38:1346"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Her2Guideline:
    year: int
    source: str
    ratios: tuple[float, ...]  # one ratio out of every cell of the dual-probe table
    copies: tuple[float, ...]  # one copy number out of every cell


HER2_GUIDELINES: Mapping[str, _Her2Guideline] = {
    "2007": _Her2Guideline(
        year=2007,
        source="Wolff et al. 2007, Journal of Clinical Oncology 25:118",
        ratios=(1.0, 2.0, 3.0),
        copies=(2.0, 5.0, 7.0),
    ),
    "2013": _Her2Guideline(
        year=2013,
        source="Wolff et al. 2013, Journal of Clinical Oncology 31:3997",
        ratios=(1.0, 3.0),
        copies=(2.0, 5.0, 7.0),
    ),
    "2018": _Her2Guideline(
        year=2018,
        source="Wolff et al. 2018, Journal of Clinical Oncology 36:2105, affirmed in 2023, 41:3867",
        ratios=(1.0, 3.0),
        copies=(2.0, 5.0, 7.0),
    ),
}

# ---------------------------------------------------------------------------------------------------------------------
# Estrogen and progesterone receptor
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptorRule:
    """From which score on a receptor is what; ``starts`` rises, and the first level starts at 0.

    Parameters
    ----------
    guideline, year, source
        Where it comes from; empty and 0 where the study declares its own cut-off.
    method
        The rule in words.
    levels, starts, closed
        Level, the score that it starts at, and whether that score belongs to it.
    top
        Highest score of the scale.

    Examples
    --------
    >>> rule = ReceptorRule.of(guideline="ASCO/CAP 2020")
    >>> rule.call(np.array([0.5, 1, 10, 11])).tolist()
    ['negative', 'low', 'low', 'positive']
    """

    guideline: str
    year: int
    source: str
    method: str
    levels: tuple[str, ...]
    starts: tuple[float, ...]
    closed: tuple[bool, ...]
    top: float
    whole: bool = False

    @classmethod
    def of(
        cls,
        *,
        guideline: str = "",
        positive_from: float | None = None,
        scale: str = "percent",
        levels: Mapping[str, float] | None = None,
    ) -> ReceptorRule:
        """The rule of a guideline, of a declared percent, or of a declared map of scores."""
        refuse(cls.problems(guideline=guideline, positive_from=positive_from, scale=scale, levels=levels))
        top = SCALES[scale]
        if scale != "percent" or levels:
            starts = sorted((start, level) for level, start in (levels or {}).items())
            method = f"{scale}: " + ", ".join(f"{level} from {number_text(start)}" for start, level in starts)
            return cls(
                guideline="",
                year=0,
                source="",
                method=method,
                levels=tuple(level for _, level in starts),
                starts=tuple(float(start) for start, _ in starts),
                closed=(True,) * len(starts),
                top=top,
                whole=scale != "percent",
            )
        if guideline:
            rule = RECEPTOR_GUIDELINES[guideline]
            method = f"{guideline}: positive from {number_text(rule.positive_from)} %"
            low = bool(rule.low_to)
            if low:
                method += f", low up to {number_text(rule.low_to)} %"
            return cls(
                guideline=guideline,
                year=rule.year,
                source=rule.source,
                method=method,
                levels=("negative", "low", "positive") if low else ("negative", "positive"),
                starts=(0.0, rule.positive_from, rule.low_to) if low else (0.0, rule.positive_from),
                closed=(True, True, False) if low else (True, True),
                top=top,
            )
        assert positive_from is not None
        return cls(
            guideline="",
            year=0,
            source="",
            method=f"positive from {number_text(positive_from)} %",
            levels=("negative", "positive"),
            starts=(0.0, float(positive_from)),
            closed=(True, True),
            top=top,
        )

    @staticmethod
    def problems(
        *, guideline: str = "", positive_from: float | None = None, scale: str = "percent", levels: object = None
    ) -> list[str]:
        """Sentences about a rule that cannot be made."""
        found = check_choice("scale", scale, SCALES)
        if guideline:
            found += check_choice("guideline", guideline, RECEPTOR_GUIDELINES)
        given = [name for name, value in (("guideline", guideline), ("levels", levels)) if value]
        given += ["positive_from"] if positive_from is not None else []
        if found:
            return found
        if scale != "percent" and (not levels or len(given) > 1):
            example = f"{{'negative': 0, 'positive': {3 if scale == 'Allred' else 1}}}"
            return [
                f"scale '{scale}' needs levels, the lowest score of each level, such as {example}; "
                "guidelines and percents do not say it."
            ]
        if len(given) > 1:
            return [f"{given[0]} and {given[1]} exclude each other."]
        if not given:
            return ["Neither guideline nor positive_from says from which percent on a receptor is positive."]
        if levels:
            return _level_problems(levels, SCALES[scale])
        if positive_from is not None and not _between(positive_from, 0, 100, open_below=True):
            return [f"positive_from is {_told(positive_from)}; give a percent above 0 and up to 100, such as 10."]
        return []

    def wrong(self, scores: Floats) -> Mask:
        """Which scores the scale does not have; a missing one is not wrong."""
        known = ~np.isnan(scores)
        bad = known & ~((scores >= 0) & (scores <= self.top))
        if self.whole:
            with np.errstate(invalid="ignore"):
                bad |= known & (np.floor(scores) != scores)
        if self.top == SCALES["Allred"]:
            bad |= scores == 1  # a proportion above 0 has an intensity of at least 1
        return bad

    @property
    def scale_text(self) -> str:
        """What a score of the scale is."""
        if self.top == SCALES["Allred"]:
            return "an Allred score is 0 or a whole number from 2 to 8"
        return "an H-score is a whole number from 0 to 300" if self.whole else "a percent is from 0 to 100"

    def call(self, scores: Floats, signs: Texts | None = None) -> Texts:
        """Level of each score, empty where it is not known.

        ``signs`` are those of scores that are limits: ``<1`` is the score 1 with the sign ``<``. Such a score has a
        level only where all that it can be has the same.
        """
        low, high = _limits(scores, signs, self.top)
        code = self._code(low)
        known = ~np.isnan(scores) & (code == self._code(high))
        texts = np.asarray([*self.levels, ""], dtype=object)[np.where(known, code, -1)]
        return np.asarray(texts, dtype=object)

    def _code(self, scores: Floats) -> Ints:
        code = np.zeros(scores.shape, dtype=np.int64)
        for start, closed in zip(self.starts[1:], self.closed[1:], strict=True):
            code += (scores >= start) if closed else (scores > start)
        return code


def _level_problems(levels: object, top: float) -> list[str]:
    if not isinstance(levels, Mapping):
        return ["levels is a table: level -> its lowest score."]
    unknown = [f"levels has '{name}'; choose {', '.join(RECEPTOR_LEVELS)}." for name in levels if name not in _RANK]
    if unknown:
        return unknown
    wrong = [name for name, start in levels.items() if not _between(start, 0, top)]
    if wrong:
        name = wrong[0]
        return [f"levels: {name} starts at {_told(levels[name])}; the scale goes from 0 to {number_text(top)}."]
    ranks = [_RANK[name] for _, name in sorted((start, name) for name, start in levels.items())]
    starts = sorted(levels.values())
    if ranks != sorted(ranks) or len(set(starts)) < len(starts) or starts[0] != 0 or not {0, 2} <= set(ranks):
        return ["levels must start with negative at 0 and rise to positive, each level higher than the one before."]
    return []


_RANK = {"negative": 0, "low": 1, "positive": 2}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class HormoneReceptorStatus(RichResult):
    """Result of `hormone_receptor_status`: the level of each receptor, and of the two together.

    ``er`` and ``pr`` are ``positive``, ``low``, ``negative`` or empty; ``status`` is ``positive``, ``negative`` or
    empty, low counted as positive. ``guideline`` and ``source`` are empty and ``year`` is 0 where the cut-off was
    declared.
    """

    er_score: Floats
    pr_score: Floats
    er: Texts
    pr: Texts
    status: Texts
    guideline: str
    year: int
    source: str
    method: str

    def to_frame(self) -> pd.DataFrame:
        """One row a patient: er_score, pr_score, er, pr, status, guideline, year, method."""
        import pandas as pd

        columns = ("er_score", "pr_score", "er", "pr", "status", "guideline", "year", "method")
        size = len(self.status)
        return pd.DataFrame({name: np.broadcast_to(getattr(self, name), (size,)).copy() for name in columns})


def hormone_receptor_status(
    er: object,
    pr: object = None,
    *,
    guideline: ReceptorGuidelineName | Literal[""] = "",
    positive_from: float | None = None,
    scale: Scale = "percent",
    levels: Mapping[str, float] | None = None,
) -> HormoneReceptorStatus:
    """Estrogen and progesterone receptor status, and whether one of them is positive.

    Parameters
    ----------
    er, pr
        Scores, one a patient; missing where not tested. Without ``pr`` the status is that of ``er``.
    guideline
        ``"ASCO/CAP 2010"``: positive from 1 %. ``"ASCO/CAP 2020"``: the same, and up to 10 % low.
    positive_from
        Instead of a guideline, the percent from which on (itself included) a receptor is positive.
    scale
        ``"percent"`` of stained nuclei, ``"Allred"`` (0, 2 to 8) or ``"H-score"`` (0 to 300).
    levels
        Level -> its lowest score, such as ``{"negative": 0, "positive": 3}``. No guideline gives it for the Allred and
        the H-score, so these need it.

    Returns
    -------
    HormoneReceptorStatus
        ``er``, ``pr``, ``status``, and the guideline with its year.

    Raises
    ------
    InputError
        No rule, or two; a score that the scale does not have; columns of different length.

    Notes
    -----
    ``status`` is ``er or pr`` in three values (Kleene): one positive receptor makes it positive whatever the other is;
    one negative and one missing make it missing. Low counts as positive, as in both guidelines. R:
    ``ifelse(er >= 10 | pr >= 10, "positive", "negative")``, whose ``|`` has the same three values. Hammond et al. 2010,
    Journal of Clinical Oncology 28:2784; Allison et al. 2020, Journal of Clinical Oncology 38:1346.

    Examples
    --------
    >>> percents = [0.5, 1, 9, 10, 11]
    >>> hormone_receptor_status(percents, guideline="ASCO/CAP 2020").er.tolist()
    ['negative', 'low', 'low', 'low', 'positive']
    >>> hormone_receptor_status(percents, positive_from=10).er.tolist()
    ['negative', 'negative', 'negative', 'positive', 'positive']
    >>> hormone_receptor_status([90, 0, 0], [None, None, 0], positive_from=10).status.tolist()
    ['positive', '', 'negative']
    """
    problems = ReceptorRule.problems(guideline=guideline, positive_from=positive_from, scale=scale, levels=levels)
    rule = (
        None
        if problems
        else ReceptorRule.of(guideline=guideline, positive_from=positive_from, scale=scale, levels=levels)
    )
    scores = _scores("er", er, rule, problems)
    others = scores
    if pr is not None:
        others = _scores("pr", pr, rule, problems)
        if scores is not None and others is not None:
            problems += check_length("er", len(scores), "pr", len(others))
    refuse(problems)
    assert rule is not None and scores is not None and others is not None
    called = rule.call(scores), rule.call(others)
    absent = np.full(len(scores), "", dtype=object)
    return HormoneReceptorStatus(
        er_score=read_only(scores),
        pr_score=read_only(others if pr is not None else np.full(len(scores), np.nan)),
        er=read_only(called[0], object),
        pr=read_only(called[1] if pr is not None else absent, object),
        status=read_only(either_positive(called), object),
        guideline=rule.guideline,
        year=rule.year,
        source=rule.source,
        method=rule.method,
    )


def either_positive(called: tuple[Texts, ...]) -> Texts:
    """Levels of several receptors as one: positive (low is positive) where one is, negative where all are."""
    positive = np.any([(one == "positive") | (one == "low") for one in called], axis=0)
    negative = np.all([one == "negative" for one in called], axis=0)
    return np.where(positive, "positive", np.where(negative, "negative", "")).astype(object)


def _scores(name: str, values: object, rule: ReceptorRule | None, problems: list[str]) -> Floats | None:
    numbers = _numbers(name, values, problems)
    if numbers is not None and rule is not None:
        problems += sentence_of_values(name, numbers, rule.wrong(numbers), f"{rule.scale_text}.")
    return numbers


# ---------------------------------------------------------------------------------------------------------------------
# HER2
# ---------------------------------------------------------------------------------------------------------------------

POSITIVE, EQUIVOCAL, NEGATIVE, UNKNOWN = 0, 1, 2, -1
_P, _E, _N, _U = POSITIVE, EQUIVOCAL, NEGATIVE, UNKNOWN

# ISH group of 2018, by IHC: not done, 0, 1+, 2+, 3+.
_GROUPS = np.array(
    [
        [_P, _P, _P, _P, _P],  # 1: ratio >= 2.0, copies >= 4.0
        [_U, _N, _N, _N, _P],  # 2: ratio >= 2.0, copies < 4.0
        [_U, _N, _N, _P, _P],  # 3: ratio < 2.0, copies >= 6.0
        [_U, _N, _N, _N, _P],  # 4: ratio < 2.0, copies >= 4.0 and < 6.0
        [_N, _N, _N, _N, _P],  # 5: ratio < 2.0, copies < 4.0
    ]
)
_SINGLE_BETWEEN = np.array([_U, _N, _N, _E, _P])  # single probe of 2018, copies from 4.0 to below 6.0
_IHC_ALONE = np.array([_U, _N, _N, _E, _P])
_IHC_THEN_ISH = "IHC 3+, or IHC 2+ with ISH positive"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Her2Status(RichResult):
    """Result of `her2_status`: the level of each tumour, its group, and why.

    ``status`` is ``positive``, ``equivocal``, ``negative`` or empty. ``group`` is the ISH group 1 to 5 of 2018, 0 where
    there is none. ``comment`` says what decided, or what is needed. ``year`` is 0 and ``guideline`` says the rule where
    a laboratory's ISH call was given.
    """

    ihc: Texts
    ratio: Floats
    copies: Floats
    ish: Texts
    status: Texts
    group: Ints
    comment: Texts
    guideline: str
    year: int
    source: str
    method: str

    def to_frame(self) -> pd.DataFrame:
        """One row a tumour: ihc, ratio, copies, ish, status, group, comment, guideline, year, method."""
        import pandas as pd

        columns = ("ihc", "ratio", "copies", "ish", "status", "group", "comment", "guideline", "year", "method")
        size = len(self.status)
        return pd.DataFrame({name: np.broadcast_to(getattr(self, name), (size,)).copy() for name in columns})


def her2_status(
    ihc: object = None,
    *,
    ratio: object = None,
    copies: object = None,
    ish: object = None,
    guideline: Her2GuidelineName | Literal[""] = "",
) -> Her2Status:
    """HER2 status from immunohistochemistry and in situ hybridisation.

    Parameters
    ----------
    ihc
        Scores ``0``, ``1+``, ``2+``, ``3+`` (or 0 to 3); missing where not done.
    ratio
        Dual probe: HER2 signals over CEP17 signals.
    copies
        HER2 signals per cell. Without ``ratio`` a single probe.
    ish
        The laboratory's own ISH call instead of numbers: yes/no, or booleans. It goes without a guideline: positive is
        IHC 3+, or 2+ with ISH positive.
    guideline
        ASCO/CAP ``"2007"``, ``"2013"`` or ``"2018"`` (kept in 2023); required with ``ratio`` or ``copies``.

    Returns
    -------
    Her2Status
        ``status``, ``group``, ``comment``, and the guideline with its year.

    Raises
    ------
    InputError
        No test at all, numbers without a guideline or beside a call, a score that is none of the four, a ratio or copy
        number below 0, columns of different length.

    Notes
    -----
    IHC 3+ is positive in every version. Else ISH decides where it was done, and IHC where it was not (2+ equivocal, 1+
    and 0 negative). ISH, dual probe, r the ratio and c the copies: 2007 positive r > 2.2, equivocal 1.8 ≤ r ≤ 2.2. 2013
    positive r ≥ 2.0 or c ≥ 6.0, equivocal r < 2.0 and 4.0 ≤ c < 6.0. 2018: group 1 (r ≥ 2.0, c ≥ 4.0) positive, group 5
    (r < 2.0, c < 4.0) negative; groups 2 (r ≥ 2.0, c < 4.0) and 4 (r < 2.0, 4.0 ≤ c < 6.0) negative unless IHC is 3+;
    group 3 (r < 2.0, c ≥ 6.0) positive with IHC 2+ or 3+; without IHC groups 2 to 4 are missing. Single probe: c ≥ 6.0
    (2007: > 6.0) positive, c < 4.0 negative, between equivocal, which in 2018 IHC decides. Where the ratio or the
    copies are missing the status is known if all that they can be gives the same one. R: nested ``ifelse``. Wolff et
    al. 2007, 2013, 2018, 2023, Journal of Clinical Oncology 25:118, 31:3997, 36:2105, 41:3867.

    Examples
    --------
    >>> tumours = {"ihc": ["2+", "2+", "1+"], "ratio": [2.1, 1.8, 1.8], "copies": [3.5, 6.5, 6.5]}
    >>> for year in ("2007", "2013", "2018"):
    ...     print(year, her2_status(**tumours, guideline=year).status.tolist())
    2007 ['equivocal', 'equivocal', 'equivocal']
    2013 ['positive', 'positive', 'positive']
    2018 ['negative', 'positive', 'negative']
    >>> her2_status(["3+", "2+", "2+", "1+"], ish=[None, "yes", "no", None]).status.tolist()
    ['positive', 'positive', 'negative', 'negative']
    """
    problems = _her2_problems(ihc, ratio, copies, ish, guideline)
    scores = _ihc_column(ihc, problems) if ihc is not None else None
    numbers: dict[str, Floats | None] = {}
    for name, given in (("ratio", ratio), ("copies", copies)):
        numbers[name] = column = _numbers(name, given, problems) if given is not None else None
        if column is not None:
            problems += sentence_of_values(name, column, wrong_signals(column), "it is 0 or more.")
    calls = _ish_column(ish, problems) if ish is not None else None
    columns = {"ihc": scores, **numbers, "ish": calls}
    present = {name: len(column) for name, column in columns.items() if column is not None}
    for name in list(present)[1:]:
        problems += check_length(next(iter(present)), next(iter(present.values())), name, present[name])
    refuse(problems)
    n = next(iter(present.values()))
    return call_her2(
        scores if scores is not None else np.full(n, -1, dtype=np.int64),
        ratio=numbers["ratio"],
        copies=numbers["copies"],
        ish=calls,
        guideline=guideline,
    )


def wrong_signals(numbers: Floats) -> Mask:
    """Which ratios or copy numbers cannot be: below 0, or without an end."""
    with np.errstate(invalid="ignore"):
        return np.asarray(~np.isnan(numbers) & ~((numbers >= 0) & (numbers < np.inf)))


def call_her2(
    ihc: Ints,
    *,
    ratio: Floats | None = None,
    copies: Floats | None = None,
    ish: Ints | None = None,
    guideline: str = "",
    ratio_signs: Texts | None = None,
    copies_signs: Texts | None = None,
) -> Her2Status:
    """As `her2_status`, of columns already read: scores 0 to 3 and calls 1 and 0 (-1 missing), numbers with nan.

    ``ratio_signs`` and ``copies_signs`` are those of numbers that are limits, such as ``>`` of the cell ``>20``.
    """
    n = len(ihc)
    nothing = np.full(n, np.nan)
    group = np.zeros(n, dtype=np.int64)
    if ish is not None:
        code, comment = _called(ihc, ish)
        year, source, name = 0, "", _IHC_THEN_ISH
        method = _IHC_THEN_ISH
    elif ratio is None and copies is None:
        code = _IHC_ALONE[ihc + 1]
        comment = np.asarray(["no IHC", *(f"IHC {score}" for score in IHC_SCORES)], dtype=object)[ihc + 1]
        version = HER2_GUIDELINES.get(guideline)
        year, source = (version.year, version.source) if version else (0, "")
        name = f"ASCO/CAP {guideline}" if version else "IHC alone"
        method = f"{name}: IHC 3+ positive, 2+ equivocal" if version else "IHC alone: 3+ positive, 2+ equivocal"
    else:
        single = ratio is None
        ratios = nothing if ratio is None else ratio
        number = nothing if copies is None else copies
        version = HER2_GUIDELINES[guideline]
        code, group, comment = _counted(
            guideline,
            ihc,
            _limits(ratios, ratio_signs, np.inf),
            _limits(number, copies_signs, np.inf),
            tested=~(np.isnan(ratios) & np.isnan(number)),
            single=single,
        )
        year, source, name = version.year, version.source, f"ASCO/CAP {guideline}"
        method = f"{name}: IHC, {'single-probe' if single else 'dual-probe'} ISH"
    return Her2Status(
        ihc=read_only(np.asarray([*IHC_SCORES, ""], dtype=object)[ihc], object),
        ratio=read_only(nothing if ratio is None else ratio),
        copies=read_only(nothing if copies is None else copies),
        ish=read_only(np.asarray(["no", "yes", ""], dtype=object)[np.full(n, -1) if ish is None else ish], object),
        status=read_only(np.asarray([*HER2_LEVELS, ""], dtype=object)[code], object),
        group=read_only(group, np.int64),
        comment=read_only(comment, object),
        guideline=name,
        year=year,
        source=source,
        method=method,
    )


def _called(ihc: Ints, ish: Ints) -> tuple[Ints, Texts]:
    """IHC 3+, or 2+ with the laboratory's ISH positive; without an IHC score nothing is known."""
    by_ish = np.array([_N, _P, _E])[ish]  # the last stands for -1, not done
    code = np.where(ihc == 2, by_ish, _IHC_ALONE[ihc + 1])
    score = np.asarray(["no IHC", *(f"IHC {score}" for score in IHC_SCORES)], dtype=object)[ihc + 1]
    word = np.asarray([", ISH negative", ", ISH positive", ", no ISH"], dtype=object)[ish]
    # ISH is asked for at IHC 2+; elsewhere it is told only where it says something else than IHC.
    tell = (ihc == 2) | (ihc == -1) | ((ihc >= 0) & (ihc <= 1) & (ish == 1)) | ((ihc == 3) & (ish == 0))
    return code, np.where(tell, score + word, score)


def _counted(
    guideline: str, ihc: Ints, ratio: Range, copies: Range, *, tested: Mask, single: bool
) -> tuple[Ints, Ints, Texts]:
    """Code, group and comment from counted signals.

    Ratio and copies are ranges: a point, a limit, or everything where they are missing. One value of each cell of the
    guideline's table, drawn into the range, meets every cell that the range meets; the status is known where all of
    them agree.
    """
    version = HER2_GUIDELINES[guideline]
    first: Ints | None = None
    agree, one_group = np.ones(len(ihc), dtype=bool), np.ones(len(ihc), dtype=bool)
    group = np.zeros(len(ihc), dtype=np.int64)
    answer = _single_probe if single else _dual_probe
    for one_ratio in (0.0,) if single else version.ratios:
        r = np.clip(one_ratio, *ratio)
        for one_copies in version.copies:
            c = np.clip(one_copies, *copies)
            code = answer(guideline, ihc, r, c)
            here = _group(r, c)
            if first is None:
                first, group = code, here
            agree &= code == first
            one_group &= here == group
    assert first is not None
    code = np.where(tested, np.where(agree, first, UNKNOWN), _IHC_ALONE[ihc + 1])
    grouped = tested & one_group & (guideline == "2018") & (not single)
    group = np.where(grouped, group, 0)
    comment = _comments(guideline, ihc, ratio, copies, code=code, group=group, tested=tested, single=single)
    return code, group, comment


def _group(r: Floats, c: Floats) -> Ints:
    high = np.where(c >= 4.0, 1, 2)
    return np.where(r >= 2.0, high, np.where(c >= 6.0, 3, np.where(c >= 4.0, 4, 5)))


def _dual_probe(guideline: str, ihc: Ints, r: Floats, c: Floats) -> Ints:
    if guideline == "2018":
        return np.asarray(_GROUPS[_group(r, c) - 1, ihc + 1])
    if guideline == "2007":
        code = np.where(r > 2.2, _P, np.where(r >= 1.8, _E, _N))
    else:
        code = np.where((r >= 2.0) | (c >= 6.0), _P, np.where(c >= 4.0, _E, _N))
    return np.where(ihc == 3, _P, code)


def _single_probe(guideline: str, ihc: Ints, r: Floats, c: Floats) -> Ints:
    del r  # no second probe
    high = c > 6.0 if guideline == "2007" else c >= 6.0
    between = _SINGLE_BETWEEN[ihc + 1] if guideline == "2018" else np.full(len(ihc), _E)
    return np.where((ihc == 3) | high, _P, np.where(c >= 4.0, between, _N))


def _comments(
    guideline: str,
    ihc: Ints,
    ratio: Range,
    copies: Range,
    *,
    code: Ints,
    group: Ints,
    tested: Mask,
    single: bool,
) -> Texts:
    """What decided, or what is needed."""
    score = np.asarray(["no IHC", *(f"IHC {score}" for score in IHC_SCORES)], dtype=object)[ihc + 1]
    point_r, point_c = ratio[0] == ratio[1], copies[0] == copies[1]
    if single:
        high = "> 6.0" if guideline == "2007" else "≥ 6.0"
        bands = [f"copies {high}", f"copies 4.0 to {'6.0' if guideline == '2007' else '< 6.0'}", "copies < 4.0"]
        place = np.where(copies[0] > 6.0 if guideline == "2007" else copies[0] >= 6.0, 0, 1)
        place = np.where((place == 1) & (copies[1] < 4.0), 2, place)
        by_ish = np.asarray(bands, dtype=object)[place]
        unclear = (code == UNKNOWN) & ~point_c & ~((copies[0] >= 4.0) & (copies[1] < 6.0))
        need = np.where(unclear, "copies needed", by_ish + ", IHC or dual probe needed")
        dual_needed = (place == 1) & (code == EQUIVOCAL)
        by_ish = np.where(dual_needed, by_ish + ", dual probe needed", by_ish)
        by_ish = np.where((place == 1) & (code == NEGATIVE), by_ish + ", " + score, by_ish)
    elif guideline == "2018":
        named = np.asarray(["ISH", *(f"ISH group {g}" for g in range(1, 6))], dtype=object)[group]
        asked = (group >= 2) & (group <= 4)
        by_ish = np.where(asked, named + ", " + score, named)
        by_ish = np.where(asked & (ihc == 2), by_ish + ", if a second observer's count agrees", by_ish)
        by_ish = np.where(asked & (code == NEGATIVE), by_ish + "; the guideline asks for a comment", by_ish)
        by_ish = np.where((group == 1) & ((ihc == 0) | (ihc == 1)), by_ish + ", " + score, by_ish)
        whatever = np.where(point_r, ", whatever the copies", ", whatever the ratio")
        by_ish = np.where(group == 0, "ISH, " + score + whatever, by_ish)
        need = np.where(group == 0, _missing_number(point_r, point_c), named + ", IHC needed")
    elif guideline == "2007":
        bands = ["ratio > 2.2", "ratio 1.8 to 2.2", "ratio < 1.8"]
        by_ish = np.asarray([*bands, ""], dtype=object)[code]
        need = np.full(len(ihc), "ratio needed", dtype=object)
    else:
        bands = ["", "ratio < 2.0, copies 4.0 to < 6.0", "ratio < 2.0, copies < 4.0", ""]
        by_ish = np.asarray(bands, dtype=object)[code]
        by_ish = np.where(code == POSITIVE, np.where(ratio[0] >= 2.0, "ratio ≥ 2.0", "copies ≥ 6.0"), by_ish)
        need = _missing_number(point_r, point_c)
    alone = np.where(ihc == 2, score + ", no ISH", np.where(ihc == -1, "no IHC and no ISH", score))
    comment = np.where(code == UNKNOWN, need, by_ish)
    comment = np.where(tested, comment, alone)
    return np.where(ihc == 3, "IHC 3+", comment).astype(object)


def _missing_number(point_r: Mask, point_c: Mask) -> Texts:
    known = np.where(point_r, "copies needed", np.where(point_c, "ratio needed", "ratio and copies needed"))
    return known.astype(object)


def ihc_score(text: object) -> int | None:
    """Score 0 to 3 of a cell such as ``2+``; None where it is no such score.

    Examples
    --------
    >>> ihc_score("2+"), ihc_score("３＋"), ihc_score(0), ihc_score("2+/FISH+")
    (2, 3, 0, None)
    """
    if isinstance(text, str):
        return _SCORES.get(unicodedata.normalize("NFKC", text).strip())
    if isinstance(text, bool | np.bool_) or not isinstance(text, int | float | np.integer | np.floating):
        return None
    return int(text) if text in (0, 1, 2, 3) else None


_SCORES = {text: score for score in range(4) for text in (str(score), f"{score}+", f"+{score}", f"{score}.0")}


def _ihc_column(values: object, problems: list[str]) -> Ints | None:
    array = read_column("ihc", values, problems)
    if array is None:
        return None
    return _coded("ihc", array, ihc_score, "a score is 0, 1+, 2+ or 3+", problems)


def _ish_column(values: object, problems: list[str]) -> Ints | None:
    array = read_column("ish", values, problems)
    if array is None:
        return None
    return _coded("ish", array, _yes_no, "a call is yes or no", problems)


def _yes_no(value: object) -> int | None:
    if isinstance(value, str):
        return {"yes": 1, "no": 0}.get(value.strip().casefold())
    return int(value) if isinstance(value, bool | np.bool_) or value in (0, 1) else None


def _coded(
    name: str, array: NDArray[Any], code_of: Callable[[object], int | None], advice: str, problems: list[str]
) -> Ints:
    """Codes of a column's few different values, -1 where missing; a sentence about those that have none."""
    missing = missing_rows(array)
    different = {value: code_of(value) for value in dict.fromkeys(array[~missing].tolist())}
    bad = [value for value, code in different.items() if code is None]
    if bad:
        places = [str(place + 1) for place, value in enumerate(array.tolist()) if not missing[place] and value in bad]
        noun = "position" if len(places) == 1 else "positions"
        shown = ", ".join(_told(value) for value in bad[:10])
        more = f" and {len(places) - 10} more" if len(places) > 10 else ""
        problems.append(f"{name} is {shown} at {noun} {', '.join(places[:10])}{more}; {advice}.")
    codes = np.full(len(array), -1, dtype=np.int64)
    known = [-1 if different[value] is None else different[value] for value in array[~missing].tolist()]
    codes[~missing] = np.array(known, dtype=np.int64)
    return codes


def _her2_problems(ihc: object, ratio: object, copies: object, ish: object, guideline: object) -> list[str]:
    problems = check_choice("guideline", guideline, HER2_GUIDELINES) if guideline else []
    counted = [name for name, given in (("ratio", ratio), ("copies", copies)) if given is not None]
    if ish is not None and (counted or guideline):
        other = counted[0] if counted else "guideline"
        problems.append(f"ish and {other} exclude each other: ish is the laboratory's own call of its counts.")
    elif ish is not None and ihc is None:
        problems.append("ish needs ihc: positive is IHC 3+, or 2+ with ISH positive.")
    elif counted and not guideline:
        problems.append(f"{counted[0]} needs a guideline; choose {' or '.join([', '.join(_YEARS[:-1]), _YEARS[-1]])}.")
    elif ihc is None and not counted and ish is None:
        problems.append("Nothing was given; ihc, ratio, copies and ish are the tests.")
    return problems


_YEARS = list(HER2_GUIDELINES)

# ---------------------------------------------------------------------------------------------------------------------
# Numbers with gaps and limits
# ---------------------------------------------------------------------------------------------------------------------


def _numbers(name: str, values: object, problems: list[str]) -> Floats | None:
    """Numbers with nan where missing, or None after a sentence."""
    array = read_column(name, values, problems)
    if array is None:
        return None
    missing = missing_rows(array)
    read = read_numbers(name, array[~missing], problems)
    if read is None:
        return None
    numbers = np.full(len(array), np.nan)
    numbers[~missing] = read
    return numbers


def _limits(numbers: Floats, signs: Texts | None, top: float) -> Range:
    """Smallest and largest value that each number can be: itself, one side of a limit, or anything where missing."""
    low, high = numbers.copy(), numbers.copy()
    if signs is not None:
        below, above = np.isin(signs, ("<", "<=")), np.isin(signs, (">", ">="))
        high = np.where(signs == "<", np.nextafter(numbers, -math.inf), high)
        low = np.where(signs == ">", np.nextafter(numbers, math.inf), low)
        low, high = np.where(below, 0.0, low), np.where(above, top, high)
    missing = np.isnan(numbers)
    return np.where(missing, 0.0, low), np.where(missing, top, high)


def _between(value: object, low: float, high: float, *, open_below: bool = False) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return bool((low < value if open_below else low <= value) and value <= high)


def _told(value: object) -> str:
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        return number_text(float(value))
    return f"'{value}'"
