"""Groupings that were chosen: among markers that could have been combined otherwise, or by a cut-off found in the data.

What a search costs is worked out by permutation, with the same choice made again in every permuted cohort.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from cohortstats.analysis.guards import Guard
from cohortstats.analysis.results import Recorder
from cohortstats.cohort import Cohort
from cohortstats.errors import InputError
from cohortstats.expressions import parse_expression, resolve
from cohortstats.stats.maximally_selected import MaximallySelected, maxstat
from cohortstats.stats.selection import SelectionAdjustedP, selection_adjusted_p
from cohortstats.tables.language import Words
from cohortstats.tables.numbers import STYLES, format_p

__all__ = ["MOST_PERMUTED", "ChosenGroups", "best_cut"]

DRAWS, SEED = 9_999, 1  # where the permutations are too many to count: always the same ones
MOST_PERMUTED = 1_000  # patients up to which permutations are drawn for a footnote


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenGroups:
    """Guards of groupings that could have been made otherwise."""

    cohort: Cohort
    recorder: Recorder
    say: Words

    def composite(self, name: str, outcome: pd.DataFrame | pd.Series[Any], *, row: str) -> Iterator[Guard]:
        """A grouping made of several markers, with the P that allows for the choice.

        ``outcome`` is yes/no, or has the columns time and event; its index names the patients. ``row`` is the row of
        the results that the P stands in.
        """
        derived = self.cohort.study.derive.get(name)
        if derived is None or derived.family == "none":
            return
        names = _markers(self.cohort, name)
        if len(names) < 2 and not derived.family:
            return
        variable = self.cohort.variables[name]
        selected = None if self.recorder.rebuilt else self._selection(names, derived.family or "pairs", outcome)
        if selected is None:
            labels = ", ".join(self.cohort.variables[marker].label for marker in names)
            text = self.say("guard_composite_withheld", markers=labels)
        else:
            found, n = selected
            self.recorder.add(
                row,
                "",
                "selection_adjusted_p",
                value=found.p_adjusted if found.p_adjusted_exact is None else found.p_adjusted_exact,
                method=f"{found.method}, family of {len(found.family)}, best {found.best}",
                n=n,
                reason=found.reason,
                format="p",
            )
            study = self.cohort.study
            adjusted, raw = (
                format_p(p, STYLES[study.report.style], study.alpha) for p in (found.p_adjusted, found.p_raw)
            )
            text = self.say("guard_composite", n=len(found.family), p=adjusted, raw=raw)
        yield Guard(name="composite", text=text, row=variable.name, label=variable.label)

    def _selection(
        self, names: Sequence[str], family: Literal["singles", "pairs"], outcome: pd.DataFrame | pd.Series[Any]
    ) -> tuple[SelectionAdjustedP, int] | None:
        # A grouping may be known where one of its markers is not; the others of the family would not be.
        markers = pd.DataFrame({name: self.cohort.values(name).reindex(outcome.index) for name in names}).dropna()
        if not 0 < len(markers) <= MOST_PERMUTED:
            return None
        labelled = markers.astype(bool).rename(columns=lambda name: self.cohort.variables[name].label)
        try:
            found = selection_adjusted_p(labelled, outcome.loc[markers.index], family=family, draws=DRAWS, seed=SEED)
        except InputError:
            return None  # two markers with one label, or nothing to choose among
        return found, len(markers)


def best_cut(
    cohort: Cohort, name: str, outcome: pd.DataFrame | pd.Series[Any], *, recorder: Recorder, row: str
) -> MaximallySelected | None:
    """The best cut of the number behind a grouping, where that is one comparison such as ``ratio > 1.25``.

    ``outcome`` is yes/no, or has the columns time and event. The P that allows for the search is put into the results.
    """
    derived = cohort.study.derive.get(name)
    one = re.fullmatch(r"\s*(\w+)\s*(>=|<=|>|<|≥|≤)\s*[-+]?[\d.]+\s*", derived.when) if derived else None
    marker = resolve(one[1], cohort.variables) if one else None
    rebuilt = recorder.rebuilt
    if rebuilt or marker is None or cohort.variables[marker].kind != "number" or len(outcome) > MOST_PERMUTED:
        return None
    values = cohort.values(marker).reindex(outcome.index)
    known = outcome[values.notna()]
    with_times = isinstance(known, pd.DataFrame)
    time, event = (known["time"].to_numpy(dtype=float), known["event"]) if with_times else (None, known)
    try:
        found = maxstat(values.dropna().to_numpy(dtype=float), time, event.to_numpy(dtype=bool), draws=DRAWS, seed=SEED)
    except InputError:
        return None  # nobody with a value
    if math.isnan(found.p_value):
        return None
    recorder.add(row, "", "cut_point_p", value=found.p_value, method=found.method, n=len(known), format="p")
    return found


def _markers(cohort: Cohort, name: str) -> list[str]:
    """The markers declared with a derived variable, else the yes/no variables that its expression combines."""
    derived = cohort.study.derive[name]
    if derived.markers:
        return [cohort.variable(marker).name for marker in derived.markers]
    texts = [derived.when] if derived.when else [condition for condition, _ in derived.cases]
    names = [used for text in texts for used in sorted(parse_expression(text).names)]
    found = dict.fromkeys(known for used in names if (known := resolve(used, cohort.variables)) is not None)
    return [used for used in found if cohort.variables[used].kind == "yes/no"]
