"""The audit of a file of printed values: every check, in one order."""

from __future__ import annotations

from pathlib import Path

from cohortstats.printed import Printed
from cohortstats.published.audit.canonical import canonical
from cohortstats.published.audit.counts import PrintedCounts
from cohortstats.published.audit.finding import Finding, in_order
from cohortstats.published.audit.kaplan_meier_limits import check_kaplan_meier_limits
from cohortstats.published.audit.p_values import check_p_range, check_p_values, printed_p_values
from cohortstats.published.audit.percentages import (
    Style,
    check_block_denominators,
    check_percent_sums,
    check_percentages,
    check_style,
    percentage_style,
    shares_of,
    tally_words,
)
from cohortstats.published.audit.ratios import check_ratios
from cohortstats.published.audit.repeats import check_repeats, check_same_comparisons
from cohortstats.published.audit.result import AuditResult, sentences_of
from cohortstats.published.audit.rules import check_rules
from cohortstats.published.audit.summaries import check_medians_of_curves, check_ranges, check_summaries
from cohortstats.published.audit.sums import check_counts

__all__ = ["audit"]


def audit(path: str | Path) -> AuditResult:
    """Can these strings be right, alone and beside each other?

    No patient is needed: a printed number is a string with an address; its digits say how exactly it is known, its
    address says what it counts. Counts are compared as exact rationals, strings as exact decimals.

    Parameters
    ----------
    path
        A file of printed values, or a folder that holds a ``published.toml``.

    Returns
    -------
    AuditResult
        ``.findings`` has one row a check and statement, also where it holds: id, where, check, printed, recomputed,
        verdict, note, tier. Verdicts: ``cannot hold`` (no data whatever give this string, or two parts of one
        statement exclude each other), ``paper differs from itself`` (each is possible, together they are not),
        ``last digit`` (cut, or rounded half to even), ``doubtful`` (false only under a model), ``not checkable``,
        ``holds``. What stands in ``[known]`` is marked, not hidden.

    Raises
    ------
    DataError
        With every fault of the file at once; ``missing_file`` is true when it is not there.

    Notes
    -----
    Nothing is called wrong because of an assumption: the tiers published, derived and identity count. Percentages are
    those that Brown and Heathers (2017) test for means; P of 2 x 2 tables are exact (R: ``fisher.test``); an interval
    of a ratio is Wald's, symmetric in its logarithm, and a P beside it is held against every centre and standard error
    that print the three strings.

    Examples
    --------
    >>> import cohortstats as cs
    >>> found = cs.audit(cs.shipped_study("sakai2018"))
    >>> found.findings.query("verdict == 'cannot hold'")[["id", "printed", "recomputed"]].values.tolist()
    [['figure1/yes/median', '56.6', '56.5, 57.0'], ['text/reference35/percent', '43', '29.4']]
    """
    read = Printed.read(path)
    printed = canonical(read)
    counts = PrintedCounts(printed)
    shares = shares_of(printed, counts)
    style = percentage_style(shares)
    found: list[Finding] = [
        *check_percentages(printed, shares),
        *check_style(style),
        *check_block_denominators(printed, shares),
        *check_percent_sums(printed, shares),
        *check_counts(printed, counts),
        *check_repeats(printed),
        *check_same_comparisons(printed),
        *check_p_range(printed),
        *check_summaries(printed, counts),
        *check_medians_of_curves(printed),
        *check_ranges(printed),
        *check_kaplan_meier_limits(printed),
    ]
    p_findings, p_tally = check_p_values(printed_p_values(printed))
    ratio_findings, ratio_tally = check_ratios(printed)
    found += [*p_findings, *ratio_findings]
    found += check_rules(printed, counts, found)
    not_typed = printed.not_typed
    return AuditResult(
        id=printed.id,
        title=printed.title,
        items=in_order(found, printed.known),
        sentences=sentences_of(
            [
                _style_sentence(style),
                p_tally.sentence(),
                ratio_tally.sentence(),
                _untyped_sentence(not_typed, len(printed.values)),
            ]
        ),
        not_typed=not_typed,
    )


def _style_sentence(style: Style) -> str:
    total = sum(style.tally.values())
    return f"{total} {'percentage' if total == 1 else 'percentages'}: {tally_words(style.tally)}." if total else ""


def _untyped_sentence(not_typed: int, typed: int) -> str:
    if not typed:
        empty = "" if not not_typed else " (1 cell is empty)" if not_typed == 1 else f" ({not_typed} cells are empty)"
        return f"Nothing is typed yet{empty}: copy each cell as it stands in print, then run audit again."
    if not not_typed:
        return ""
    return "1 cell is not typed yet." if not_typed == 1 else f"{not_typed} cells are not typed yet."
