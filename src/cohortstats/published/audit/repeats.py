"""The same value printed twice: repeats in one paper, one comparison of a trial in two documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cohortstats.errors import InputError
from cohortstats.printed import Printed, PrintedValue, fold_text, is_not_reached, parse_cell
from cohortstats.printed.sections import Trial
from cohortstats.published.audit.finding import Finding, Verdict
from cohortstats.published.audit.string_sets import number_of, p_set, printed_set

__all__ = ["check_repeats", "check_same_comparisons"]


def check_repeats(printed: Printed) -> Iterator[Finding]:
    """``same value``: strings of ``[repeats]`` are equal."""
    by_id = {value.id: value for value in printed.values}
    for repeat in printed.repeats:
        value = by_id[repeat.id]
        verdict, note = same_value(value.text, repeat.text, p=value.statistic == "p_value")
        yield Finding(
            id=repeat.id,
            where=repeat.where,
            check="same value",
            printed=repeat.text,
            recomputed=value.text,
            verdict=verdict,
            note=note if verdict == "holds" or not value.where else f"{note}; {value.where} prints {value.text}",
            quantity=value.quantity,
        )


def same_value(first: str, second: str, *, p: bool = False) -> tuple[Verdict, str]:
    """Verdict on two prints of one value.

    Examples
    --------
    >>> same_value("26.5", "26·5"), same_value("26.5", "26.50"), same_value("26.5", "26.6")
    (('holds', ''), ('last digit', 'other digits'), ('paper differs from itself', 'not the same value'))
    >>> same_value("0.438", "0.44", p=True), same_value("NA", "NR")
    (('last digit', 'other digits'), ('holds', ''))
    """
    one, other = _as_read(first), _as_read(second)
    if one == other or (is_not_reached(one) and is_not_reached(other)):
        return "holds", ""
    sets = [p_set(text) if p else printed_set(text) for text in (one, other)]
    if number_of(one) is not None and number_of(one) == number_of(other):
        return "last digit", "other digits"
    # One string may be the other at fewer digits: some value prints as both.
    if sets[0] is not None and sets[1] is not None and sets[0].meets(sets[1]):
        return "last digit", "other digits"
    return "paper differs from itself", "not the same value"


def _as_read(text: str) -> str:
    """A printed string as a cell is read: without a sign of percent, with the zero in front of the point."""
    try:
        return parse_cell(text).value or fold_text(text)
    except InputError:
        return fold_text(text)


class _Comparison(NamedTuple):
    trial: str
    endpoint: str
    arms: frozenset[str]


def check_same_comparisons(printed: Printed) -> Iterator[Finding]:
    """``same value``: rows of one trial, endpoint and pair of arms print equal strings, whatever the document."""
    together: dict[_Comparison, list[Trial]] = {}
    for trial in printed.trials:
        if trial.trial and trial.endpoint and len(trial.arms) > 1 and not trial.cross:
            key = _Comparison(trial.trial.casefold(), trial.endpoint.casefold(), frozenset(trial.arms))
            together.setdefault(key, []).append(trial)
    values = {value.id: value for value in printed.values}
    for trials in together.values():
        first, *others = sorted(trials, key=lambda trial: trial.id)
        before = _strings(first, values)
        for other in others:
            for name, text in _strings(other, values).items():
                if name in before and (first.unit == other.unit or not name.endswith("/median")):
                    if name in ("hr", "lower", "upper") and first.arms != other.arms:
                        continue  # the ratio of the other way round
                    verdict, note = same_value(before[name], text, p=name == "p_value")
                    elsewhere = f"trial/{first.id} ({first.where})" if first.where else f"trial/{first.id}"
                    yield Finding(
                        id=f"trial/{other.id}/{name}",
                        where=other.where,
                        check="same value",
                        printed=text,
                        recomputed=before[name],
                        verdict=verdict,
                        note="" if verdict == "holds" else f"{note}; {elsewhere} prints {before[name]}",
                        quantity=f"{other.id}, {name}",
                    )


def _strings(trial: Trial, values: Mapping[str, PrintedValue]) -> dict[str, str]:
    """Statistic -> printed string."""
    stem = f"trial/{trial.id}/"
    return {address.removeprefix(stem): value.text for address, value in values.items() if address.startswith(stem)}
