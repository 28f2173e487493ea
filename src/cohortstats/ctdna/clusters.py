"""Cluster exports: one row a cluster of droplets, each target negative (0), positive (1) or unclassified (u) in it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from cohortstats.ctdna.cells import read_numbers
from cohortstats.ctdna.formats import find_fields, fold_header
from cohortstats.files.folding import fold
from cohortstats.files.table import Findings, TextTable

__all__ = ["count_clusters"]

_TARGET = re.compile(r"target([0-9]+)")
_STATES = frozenset({"0", "1", "u"})


def count_clusters(table: TextTable, found: Findings) -> dict[str, Any]:
    """Counts of each well and target, as the rows of an export of wells would hold them.

    Parameters
    ----------
    table
        Columns ``Well``, ``Target 1`` and on, ``Count``.
    found
        Takes the problems.

    Returns
    -------
    dict
        Field -> one value for each well and target. Positives of a target are the droplets of the clusters where it
        is 1; accepted are the droplets of all clusters of the well. A target with an unclassified cluster has no
        count, because those droplets could be either.
    """
    fields = find_fields(table.columns)
    targets = sorted(
        ((int(match[1]), name) for name in table.columns if (match := _TARGET.fullmatch(fold_header(name)))),
    )
    counts = read_numbers(table, next(n for n in table.columns if fold_header(n) == "count"), found, whole=True)
    states = {name: _states(table, name, found) for _, name in targets}
    wells = table.cells[fields["well"]]
    first: dict[str, int] = {}
    for place, well in enumerate(wells):
        first.setdefault(fold(well), place)
    folded = np.array([fold(well) for well in wells], dtype=object)
    rows: dict[str, list[Any]] = {
        name: [] for name in ("place", "target", "channel", "positives", "negatives", "accepted", "unclassified")
    } | {name: [] for name in ("pos_pos", "pos_neg", "neg_pos", "neg_neg")}
    for well, place in first.items():
        here = folded == well
        used = [(number, name) for number, name in targets if np.any(states[name][here] != "")]
        accepted = float(counts[here].sum())
        quarters = _quarters([states[name][here] for _, name in used], counts[here])
        for position, (_, name) in enumerate(used, start=1):
            state = states[name][here]
            unclassified = bool(np.any(state == "u"))
            gaps = int(np.count_nonzero(state == ""))
            if gaps:
                message = f"Well {well} has {gaps} clusters that say nothing of {name}."
                found.add("ddpcr-counts", message, "Export the file again.", row=int(table.rows[place]), column=name)
            unknown = unclassified or bool(gaps)
            positives = float("nan") if unknown else float(counts[here][state == "1"].sum())
            rows["place"].append(place)
            rows["target"].append(name)
            rows["channel"].append(f"ch{position}")
            rows["positives"].append(positives)
            rows["negatives"].append(accepted - positives)
            rows["accepted"].append(accepted)
            rows["unclassified"].append(unclassified)
            for cluster, count in quarters.items():
                rows[cluster].append(count)
    return {name: np.array(values, dtype=object) for name, values in rows.items()}


def _states(table: TextTable, name: str, found: Findings) -> np.ndarray[Any, Any]:
    states = np.array([fold(cell).casefold() for cell in table.cells[name]], dtype=object)
    for place, state in enumerate(states):
        if state and state not in _STATES:
            message = f"'{table.cells[name][place]}' is neither 0, 1 nor u."
            found.add(
                "number-invalid", message, "Correct the cell.", row=int(table.rows[place]), column=name, value=state
            )
            states[place] = ""
    return states


def _quarters(states: list[np.ndarray[Any, Any]], counts: np.ndarray[Any, Any]) -> dict[str, float]:
    """Droplets by both targets of a well that has two, first target first."""
    names = {"pos_pos": "11", "pos_neg": "10", "neg_pos": "01", "neg_neg": "00"}
    if len(states) != 2 or any(np.any((state != "0") & (state != "1")) for state in states):
        return dict.fromkeys(names, float("nan"))
    both = states[0] + states[1]
    return {name: float(counts[both == pair].sum()) for name, pair in names.items()}
