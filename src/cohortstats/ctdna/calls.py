"""From a ratio or a droplet count to a call: cut-offs with a declared side, two states and three.

Two states ask the estimate only. Three states ask the interval: positive when all of it is beyond the cut-off,
negative when none of it is, indeterminate otherwise. Both stand in one row with what they rest on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.ctdna.quality import add_flags, has_flag, order_flags
from cohortstats.errors import InputError
from cohortstats.stats.doors import (
    check_choice,
    check_fraction,
    missing_rows,
    number_text,
    read_column,
    read_numbers,
    refuse,
)
from cohortstats.stats.droplet_door import DropletDoor, Floats, Numbers, Texts, as_asked
from cohortstats.stats.droplet_limits import limit_of_detection
from cohortstats.stats.droplet_ratio import CopyRatio
from cohortstats.stats.droplets import (
    CONCENTRATION_METHODS,
    MIN_ACCEPTED,
    ConcentrationMethod,
    check_vendor_level,
    count_flags,
    droplet_concentration,
)
from cohortstats.stats.results import RichResult

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "INDETERMINATE",
    "MISSING",
    "NEGATIVE",
    "POSITIVE",
    "Calls",
    "Threshold",
    "call_count",
    "call_ratio",
    "call_value",
    "combine_calls",
    "copies_analysed",
]

Mask = NDArray[np.bool_]
Side = Literal[">", ">=", "<", "<="]

POSITIVE, NEGATIVE, INDETERMINATE, MISSING = "positive", "negative", "indeterminate", ""
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
}
_WRITTEN = re.compile(r"\s*(>=|<=|[><≥≤])\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A cut-off with its side: ``> 1.25`` and ``>= 1.25`` are two rules.

    Parameters
    ----------
    side
        ``>``, ``>=``, ``<`` or ``<=``.
    value
        The cut-off.

    Examples
    --------
    >>> rule = Threshold.parse("> 1.25")
    >>> str(rule), rule.call([1.25, 1.26, float("nan")]).tolist()
    ('> 1.25', ['negative', 'positive', ''])
    """

    side: Side
    value: float

    @classmethod
    def parse(cls, text: object) -> Threshold:
        """Read ``"> 1.25"``; a bare number says no side and is refused."""
        found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            shown = number_text(text) if isinstance(text, int | float) else f"'{text}'"
            raise InputError(f"threshold is {shown}; give a side and a number, such as '> 1.25'.")
        side = {"≥": ">=", "≤": "<="}.get(found[1], found[1])
        return cls(side=side, value=float(found[2]))  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.side} {number_text(self.value)}"

    def call(self, values: object) -> NDArray[np.str_]:
        """``positive`` beyond the cut-off, else ``negative``; empty where there is no value."""
        numbers = np.asarray(values, dtype=np.float64)
        beyond = _COMPARE[self.side](numbers, self.value)
        return np.where(np.isnan(numbers), MISSING, np.where(beyond, POSITIVE, NEGATIVE))

    def call_interval(self, lower: object, upper: object) -> NDArray[np.str_]:
        """``positive`` when the interval is wholly beyond, ``negative`` when wholly not, else ``indeterminate``."""
        ends = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
        beyond = [_COMPARE[self.side](end, self.value) for end in ends]
        known = ~(np.isnan(ends[0]) | np.isnan(ends[1]))
        sure = known & (beyond[0] == beyond[1])
        return np.where(sure, np.where(beyond[0], POSITIVE, NEGATIVE), INDETERMINATE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Calls(RichResult):
    """Result of the ``call_`` functions: what was called, and the evidence; plain values for one sample.

    ``call`` is the tri-state one: ``positive``, ``negative`` or ``indeterminate``. ``two_state`` compares ``value``
    with ``threshold`` in ``unit`` alone, as papers do; it is empty without a value. The fields of counts are nan in
    calls of a ratio. ``lod_fraction`` is the limit of detection over ``analysed_copies``, which a negative call needs
    to be at most ``lod_vaf``. ``flags`` are joined by ``;``; ``reason`` says why a call is indeterminate without an
    interval.
    """

    name: str
    value: Numbers
    ci_lower: Numbers
    ci_upper: Numbers
    ci_level: float
    method: str
    threshold: str
    unit: str
    two_state: Texts
    call: Texts
    droplets: Numbers
    reference_droplets: Numbers
    accepted: Numbers
    limit_of_blank: float
    limit_of_detection: float
    analysed_copies: Numbers
    lod_fraction: Numbers
    lod_vaf: float
    flags: Texts
    reason: Texts

    def to_frame(self) -> pd.DataFrame:
        """One row a call, a column a field."""
        import pandas as pd

        columns = {name: np.atleast_1d(getattr(self, name)) for name in self.__slots__}
        size = np.size(self.call)
        return pd.DataFrame({name: np.broadcast_to(column, (size,)).copy() for name, column in columns.items()})


def call_value(values: object, threshold: str) -> Texts:
    """Two-state call of printed values.

    Parameters
    ----------
    values
        Numbers as a paper prints them; nan where there is none.
    threshold
        Side and number, such as ``"> 3"``.

    Returns
    -------
    str or array of str
        ``positive``, ``negative``, or empty without a value.

    Raises
    ------
    InputError
        A threshold without a side, values that are no numbers.

    Notes
    -----
    R: ``ifelse(x > 3, "positive", "negative")``. Printed copies say nothing of droplets, so no tri-state call can be
    made of them.

    Examples
    --------
    >>> call_value([18, 4.6, 2.4], "> 3").tolist()
    ['positive', 'positive', 'negative']
    """
    rule = Threshold.parse(threshold)
    problems: list[str] = []
    given = np.asarray(values)
    column = read_column("values", np.atleast_1d(given), problems)
    refuse(problems)
    assert column is not None
    missing = missing_rows(column)
    read = read_numbers("values", column[~missing], problems)
    refuse(problems)
    numbers = np.full(column.shape, np.nan)
    numbers[~missing] = read
    called: Texts = as_asked(rule.call(numbers.reshape(given.shape)))
    return called


def call_ratio(
    ratio: CopyRatio, threshold: str, *, name: str = "", flags: object = "", min_accepted: int = MIN_ACCEPTED
) -> Calls:
    """Call a copy-number ratio against a cut-off.

    Parameters
    ----------
    ratio
        As `copy_ratio` gives it, for one sample or a column of them.
    threshold
        Side and number, such as ``"> 1.25"``.
    name
        What is called, such as ``"her2_ratio"``.
    flags
        What is known of the wells, joined by ``;``; what the counts tell is added.
    min_accepted
        Accepted droplets below which a call is flagged ``low``.

    Returns
    -------
    Calls
        Positive: the interval is wholly beyond the cut-off; negative: wholly not beyond; indeterminate otherwise, and
        without an interval. Wells without a call (fewer than 1000 droplets) have no two-state call either.

    Raises
    ------
    InputError
        A threshold without a side.

    Notes
    -----
    Which interval was taken decides: 461 against 318 droplets is beyond 1.25 by ``log-delta`` and not by
    ``quantasoft``. R: ``ifelse(lower > 1.25, "positive", ifelse(upper <= 1.25, "negative", "indeterminate"))``.

    Examples
    --------
    >>> from cohortstats.stats.droplet_ratio import copy_ratio
    >>> [call_ratio(copy_ratio(461, 318, 14000, method=way), "> 1.25").call for way in ("log-delta", "quantasoft")]
    ['positive', 'indeterminate']
    >>> call_ratio(copy_ratio(157, 127, 14000), "> 1.25").two_state
    'negative'
    """
    rule = Threshold.parse(threshold)
    n = np.asarray(ratio.accepted, dtype=np.float64)
    kt, kr = (np.asarray(k, dtype=np.float64) for k in (ratio.target_positives, ratio.reference_positives))
    counted = [order_flags(count_flags(k, n, min_accepted)) for k in (kt, kr)]
    joined = add_flags(flags, *counted, ratio.reason)
    no_call = has_flag(np.atleast_1d(joined).tolist(), "no-call").reshape(np.shape(joined))
    value = np.where(no_call, np.nan, ratio.ratio)
    lower, upper = (np.where(no_call, np.nan, limit) for limit in (ratio.ci_lower, ratio.ci_upper))
    return Calls(
        name=name,
        value=as_asked(value),
        ci_lower=as_asked(lower),
        ci_upper=as_asked(upper),
        ci_level=ratio.ci_level,
        method=ratio.method,
        threshold=str(rule),
        unit="ratio",
        two_state=as_asked(rule.call(value)),
        call=as_asked(rule.call_interval(lower, upper)),
        droplets=ratio.target_positives,
        reference_droplets=ratio.reference_positives,
        accepted=ratio.accepted,
        limit_of_blank=np.nan,
        limit_of_detection=np.nan,
        analysed_copies=np.nan,
        lod_fraction=np.nan,
        lod_vaf=np.nan,
        flags=as_asked(joined),
        reason=as_asked(np.where(no_call, "no-call", ratio.reason)),
    )


def call_count(
    positives: object,
    accepted: object,
    *,
    limit_of_blank: int,
    lod_vaf: float,
    wild_type_positives: object = None,
    analysed_copies: object = None,
    threshold: str = "",
    unit: Literal["copies", "droplets"] = "droplets",
    droplet_volume_nl: object = 0.85,
    method: ConcentrationMethod = "quantasoft",
    ci_level: float = 0.95,
    reaction_volume_ul: float = 20,
    level: float = 0.95,
    name: str = "",
    flags: object = "",
    min_accepted: int = MIN_ACCEPTED,
) -> Calls:
    """Call a mutation from its droplets, the limit of blank, and what the sample could have shown.

    Parameters
    ----------
    positives, accepted
        Droplets positive for the mutation, and accepted ones: one number each, or one value a sample.
    limit_of_blank
        Most droplets that still count as blank; see `limit_of_blank` and `blank_limit`.
    lod_vaf
        Fraction of mutated copies that a negative sample must have been able to show, such as 0.01.
    wild_type_positives, analysed_copies
        One of the two: droplets positive for the wild type in the same wells, or the copies analysed in all,
        N(λ mutated + λ wild type).
    threshold, unit
        Two-state rule on the copies of the reaction or on the droplets; without one, more droplets than the limit of
        blank. A cut-off in copies moves with the number of accepted droplets, one in droplets does not.
    droplet_volume_nl, method, ci_level, reaction_volume_ul
        As in `droplet_concentration`, for the interval of the copies in the reaction.
    level
        Of the limit of detection.
    name
        What is called.
    flags
        What is known of the wells, joined by ``;``; what the counts tell is added.
    min_accepted
        Accepted droplets below which a call is flagged ``low``.

    Returns
    -------
    Calls
        Positive: more droplets than the limit of blank. Negative: not more, and limit of detection over analysed
        copies at most ``lod_vaf``. Indeterminate otherwise, and with fewer than 1000 accepted droplets. ``value`` and
        its limits are copies in the reaction.

    Raises
    ------
    InputError
        Counts that are no counts, fractions outside (0, 1), both or neither of wild type and analysed copies, an
        unknown choice, a threshold without a side.

    Notes
    -----
    R: ``ifelse(k > lob, "positive", ifelse(qgamma(0.95, lob + 1) / copies <= 0.01, "negative", "indeterminate"))``.
    CLSI EP17-A2.

    Examples
    --------
    >>> calls = call_count([2, 1, 0], 14000, limit_of_blank=1, lod_vaf=0.01, analysed_copies=[523, 2549, 92])
    >>> calls.call.tolist()
    ['positive', 'negative', 'indeterminate']
    >>> calls.lod_fraction.round(4).tolist()
    [0.0091, 0.0019, 0.0516]
    """
    door = DropletDoor()
    door.check(check_choice("method", method, CONCENTRATION_METHODS))
    door.check(check_choice("unit", unit, ("copies", "droplets")))
    door.check(check_fraction("lod_vaf", lod_vaf, "0.01") + check_fraction("level", level, "0.95"))
    door.check(check_fraction("ci_level", ci_level, "0.95") or check_vendor_level(method, ci_level))
    door.whole("limit_of_blank", limit_of_blank, "droplets", single=True)
    counts = {"positives": positives}
    if (wild_type_positives is None) == (analysed_copies is None):
        door.check(["give either wild_type_positives or analysed_copies."])
    elif wild_type_positives is not None:
        counts["wild_type_positives"] = wild_type_positives
    k, *wild, n = door.droplets(counts, accepted)
    given = (
        n if analysed_copies is None else door.at_least_zero("analysed_copies", analysed_copies, "numbers of copies")
    )
    door.above_zero("droplet_volume_nl", droplet_volume_nl, "0.85")
    door.above_zero("reaction_volume_ul", reaction_volume_ul, "20", single=True)
    try:
        rule = Threshold.parse(threshold or f"> {limit_of_blank}")
    except InputError as fault:
        door.check(list(fault.problems))
    door.close()
    result = droplet_concentration(
        k, n, droplet_volume_nl=droplet_volume_nl, method=method, ci_level=ci_level, min_accepted=min_accepted
    )
    analysed = given if not wild else copies_analysed(k, n) + copies_analysed(wild[0], n)
    k, n, analysed = (np.asarray(column) for column in np.broadcast_arrays(k, n, analysed))
    joined = add_flags(flags, result.flags, np.broadcast_to("", k.shape))
    no_call = has_flag(np.atleast_1d(joined).tolist(), "no-call").reshape(np.shape(joined))
    detectable = limit_of_detection(limit_of_blank, level=level).droplets
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = np.where(np.isinf(analysed), np.nan, detectable / analysed)
    sure = fraction <= lod_vaf
    states = np.where(k > limit_of_blank, POSITIVE, np.where(sure, NEGATIVE, INDETERMINATE))
    copies, lower, upper = (
        np.where(no_call, np.nan, np.asarray(values) * reaction_volume_ul)
        for values in (result.copies_per_ul, result.ci_lower, result.ci_upper)
    )
    compared = np.where(no_call, np.nan, copies if threshold and unit == "copies" else k)
    return Calls(
        name=name,
        value=as_asked(copies),
        ci_lower=as_asked(lower),
        ci_upper=as_asked(upper),
        ci_level=ci_level,
        method=method,
        threshold=str(rule),
        unit=unit if threshold else "droplets",
        two_state=as_asked(rule.call(compared)),
        call=as_asked(np.where(no_call, INDETERMINATE, states)),
        droplets=as_asked(k.astype(np.int64)),
        reference_droplets=as_asked(wild[0].astype(np.int64)) if wild else np.nan,
        accepted=as_asked(n.astype(np.int64)),
        limit_of_blank=int(limit_of_blank),
        limit_of_detection=detectable,
        analysed_copies=as_asked(analysed),
        lod_fraction=as_asked(fraction),
        lod_vaf=lod_vaf,
        flags=as_asked(joined),
        reason=as_asked(np.where(no_call, "no-call", np.where(np.isnan(fraction), "saturated", ""))),
    )


def copies_analysed(k: Floats, n: Floats) -> Floats:
    """λN, for counts that were checked; ∞ where every droplet is positive."""
    return np.asarray(droplet_concentration(k, n).analysed_copies)


def combine_calls(*calls: object) -> Texts:
    """One call of several variants: positive if any is, negative if all are, else indeterminate.

    Parameters
    ----------
    *calls
        Tri-state calls, each one text or a column of them.

    Returns
    -------
    str or array of str
        ``positive``, ``negative`` or ``indeterminate``; a missing call is not negative.

    Raises
    ------
    InputError
        No calls, or a word that is no call.

    Notes
    -----
    R: ``ifelse(rowSums(m == "positive") > 0, "positive", ifelse(rowSums(m == "negative") == ncol(m), ...))``.

    Examples
    --------
    >>> combine_calls(["positive", "negative"], ["indeterminate", "negative"]).tolist()
    ['positive', 'negative']
    """
    if not calls:
        raise InputError("there are no calls to combine.")
    columns = np.broadcast_arrays(*(np.asarray(call, dtype=np.str_) for call in calls))
    known = {POSITIVE, NEGATIVE, INDETERMINATE, MISSING}
    words = {str(word) for column in columns for word in np.unique(column)} - known
    if words:
        raise InputError(
            [f"'{word}' is no call; choose positive, negative or indeterminate." for word in sorted(words)]
        )
    any_positive = np.any([column == POSITIVE for column in columns], axis=0)
    all_negative = np.all([column == NEGATIVE for column in columns], axis=0)
    combined: Texts = as_asked(np.where(any_positive, POSITIVE, np.where(all_negative, NEGATIVE, INDETERMINATE)))
    return combined
