"""The ledger: every printed value against the value computed from the cohort.

A published value is a string; its digits are the tolerance. Nothing is patched: where two printed statements cannot
both hold, both are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from cohortstats.analysis.exhibit import level_label
from cohortstats.analysis.results import Analysis, Result, printed_level, result_key
from cohortstats.cohort import Cohort
from cohortstats.printed import PrintedValue, conflicts, rounds_to
from cohortstats.stats.results import frame_bundle
from cohortstats.study import Association, Study, TimeToEvent
from cohortstats.tables.language import words
from cohortstats.tables.numbers import STYLES, Number, format_number, round_half_up
from cohortstats.tables.table import plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Agreement", "LedgerItem", "Verdict", "compare_with_print"]

Verdict = Literal["agrees", "last digit", "differs", "paper differs from itself", "not checkable"]
VERDICTS: tuple[Verdict, ...] = ("agrees", "last digit", "differs", "paper differs from itself", "not checkable")
FAILS = frozenset({"last digit", "differs", "paper differs from itself"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerItem:
    """One printed value: where it stands, what was printed, what we compute, and the verdict."""

    id: str
    where: str
    quantity: str
    published: str
    computed: str
    verdict: Verdict
    note: str = ""
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The ledger of a study: every printed value, what we compute, and a verdict.

    Parameters
    ----------
    study
        Id of the study.
    items
        One a printed value, then one for each place where the paper differs from itself.

    Examples
    --------
    >>> import cohortstats as cs
    >>> ledger = cs.reproduce()
    >>> ledger.counts["last digit"], ledger.fails
    (3, False)
    """

    study: str
    items: tuple[LedgerItem, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of items of each verdict."""
        return {verdict: sum(item.verdict == verdict for item in self.items) for verdict in VERDICTS}

    @property
    def n_values(self) -> int:
        """Printed values that were checked against the cohort; conflicts of the paper with itself are apart."""
        return sum(item.verdict != "paper differs from itself" for item in self.items)

    @property
    def fails(self) -> bool:
        """Whether something disagrees that no reader has looked into."""
        return any(item.verdict in FAILS and not item.known for item in self.items)

    def to_frame(self) -> pd.DataFrame:
        """Columns ``id, where, quantity, published, computed, verdict, note``."""
        import pandas as pd

        columns = ["id", "where", "quantity", "published", "computed", "verdict", "note"]
        return pd.DataFrame([[getattr(item, name) for name in columns] for item in self.items], columns=columns)

    def summary(self, lang: str = "en") -> str:
        """One line of totals."""
        say, counts = words(lang), self.counts
        known = sum(item.verdict == "differs" and item.known for item in self.items)
        parts = [
            say("ledger_values", n=self.n_values),
            say("ledger_agree", n=counts["agrees"]),
            say("ledger_last_digit", n=counts["last digit"]),
            say("ledger_differ", n=counts["differs"])
            + (say("ledger_known", n=known) if known and known == counts["differs"] else ""),
        ]
        if counts["not checkable"]:
            parts.append(say("ledger_not_checkable", n=counts["not checkable"]))
        line = parts[0] + say("ledger_colon") + say("ledger_comma").join(parts[1:])
        if counts["paper differs from itself"]:
            line += say("ledger_conflicts", n=counts["paper differs from itself"])
        return line

    def __repr__(self) -> str:
        return self.summary()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The totals, and what does not agree; ``to_frame()`` has every line."""
        del include, exclude
        frame = self.to_frame()
        apart = frame[frame.verdict != "agrees"]
        return frame_bundle(apart, name=self.summary(), plain=repr(self))


def compare_with_print(cohort: Cohort, analyses: Sequence[Analysis]) -> Agreement:
    """Hold every printed value of the study's ``published.toml`` beside the value computed from the cohort.

    Parameters
    ----------
    cohort
        The cohort from which numbers are counted.
    analyses
        The exhibits of the study, as made from this cohort.

    Returns
    -------
    Agreement
        An item a printed value, then one for each place where the paper differs from itself.
    """
    study = cohort.study
    printed = study.printed
    if printed is None:
        return Agreement(study=study.id, items=())
    found = {
        (record.exhibit, record.row, record.group, record.statistic): record
        for analysis in analyses
        for record in analysis.records
    }
    cells = {str(name): list(column) for name, column in cohort.cells().items()}
    apart = conflicts(printed)
    items = []
    for value in printed.checkable:
        computed, note = _computed(cohort, value, found, cells)
        verdict: Verdict = "not checkable" if computed is None else rounds_to(computed, value.text)
        known = printed.known.get(value.id, "")
        items.append(
            LedgerItem(
                id=value.id,
                where=value.where,
                quantity=_quantity(study, cohort, value),
                published=value.text,
                computed="" if computed is None else _one_digit_more(computed, value.text, study),
                verdict=verdict,
                note="" if verdict == "agrees" else known or note,
                known=bool(known),
            )
        )
    items += [
        LedgerItem(
            id=conflict.id,
            where=conflict.where,
            quantity=_in_words(cohort, conflict.quantity),
            published=" v ".join(conflict.printed),
            computed=conflict.recomputed,
            verdict="paper differs from itself",
            note=printed.known.get(conflict.id, conflict.note),
            known=conflict.id in printed.known,
        )
        for conflict in apart
    ]
    return Agreement(study=study.id, items=tuple(items))


def _computed(
    cohort: Cohort,
    value: PrintedValue,
    found: Mapping[tuple[str, str, str, str], Result],
    cells: Mapping[str, Sequence[str | None]],
) -> tuple[Number | None, str]:
    """The value computed for a printed one, at full precision, and a note when there is none."""
    study = cohort.study
    assert study.printed is not None  # the caller has looked
    if value.id == "cohort/n":
        return cohort.n, ""
    statistic = value.statistic
    key = result_key(study, value)
    if key is not None:
        exhibit, row, group, _ = key
        if statistic in ("lower", "upper"):
            record = found.get((exhibit, row, group, "median"))
            if record is not None and record.shown_as:
                return None, record.reason
            limit = None if record is None else (record.ci_lower if statistic == "lower" else record.ci_upper)
            if limit is not None:
                return limit, ""
        record = found.get(key)
        if record is not None and record.shown_as:
            return None, record.reason
        if record is not None:
            number = record.p_value if statistic == "p_value" else record.value
            if number is not None:
                return number, record.reason
    # Counted here, a number would pass by what the exhibits hide.
    counted = None if study.report.privacy.min_cell else study.printed.count(value, cells)
    return counted, "" if counted is not None else f"no exhibit of the study computes {value.id}"


def _one_digit_more(computed: Number, printed: str, study: Study) -> str:
    """The computed value with one digit more than was printed."""
    if isinstance(computed, float) and (computed != computed or computed in (float("inf"), float("-inf"))):
        return STYLES[study.report.style].not_reached
    decimals = len(printed.partition(".")[2])
    if isinstance(computed, int) or (isinstance(computed, Fraction) and computed.denominator == 1 and not decimals):
        return str(int(computed))
    digits = decimals + 1
    return round_half_up(computed, digits) if printed[:1].isdigit() else format_number(computed, STYLES["default"])


def _in_words(cohort: Cohort, quantity: str) -> str:
    """Names of a statement as the labels of the study; other names with blanks for underscores."""
    parts = [part.strip() for part in quantity.split("=")]
    labels = [cohort.variables[part].label if part in cohort.variables else part.replace("_", " ") for part in parts]
    return plain(" = ".join(dict.fromkeys(labels)))


def _quantity(study: Study, cohort: Cohort, value: PrintedValue) -> str:
    """Words for a printed value, in the labels of the study."""
    statistic = words(study.report.lang)(f"statistic_{value.statistic}")
    variable = cohort.variables.get(value.variable)
    if variable is None:
        name = value.level or value.variable or value.quantity.partition(",")[0]
        return plain(f"{name.replace('_', ' ')}, {statistic}")
    entry = next((exhibit for exhibit in study.exhibits if exhibit.id == value.exhibit), None)
    name = entry.labels.get(value.variable, variable.label) if isinstance(entry, Association) else variable.label
    level = level_label(variable, printed_level(study, value)) if value.level else ""
    if isinstance(entry, TimeToEvent) and level:
        return plain(f"{level}, {statistic}")
    # A plain yes says no more than the name: "Prior lapatinib: Yes" is "Prior lapatinib".
    return plain(f"{name}: {level}, {statistic}" if level not in ("", "Yes", "あり") else f"{name}, {statistic}")
