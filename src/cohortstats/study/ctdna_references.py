"""Tables of droplets and ``[ctdna.NAME]``: keys that fit each other, and what they refer to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cohortstats.errors import InputError, did_you_mean
from cohortstats.schema import Problems, join_key, read_section
from cohortstats.study.ctdna_sections import ASSAYS, CALL_LEVELS, Assay, CountAssay, RatioAssay
from cohortstats.study.protocol import parse_cutoff
from cohortstats.study.sections import DataTable

if TYPE_CHECKING:
    from cohortstats.study.references import References

__all__ = ["droplet_table", "read_assays", "refuse_droplet_keys"]

_DROPLETS = ("map", "ntc", "ntc_max", "min_accepted", "volume_nl", "thresholds", "unusable")
# Keys that say how to read a table of another kind, and what they are where they say nothing.
_OTHERS: Mapping[str, Any] = {
    **dict.fromkeys(("delimiter", "comment", "timezone", "sql", "connection", "database"), ""),
    "header": 1,
    "merged": "refuse",
    "hidden": "read",
    "labels": True,
}


def refuse_droplet_keys(problems: Problems, key: str, raw: Mapping[str, Any]) -> None:
    """Keys of a table of droplets do not apply to another."""
    for name in _DROPLETS:
        if name in raw:
            fact = f'[{key}] {name} belongs to kind = "ddpcr".'
            problems.add(f"{key}.{name}", "key-conflict", fact)


def droplet_table(
    problems: Problems, key: str, table: DataTable, raw: Mapping[str, Any]
) -> tuple[DataTable, Mapping[str, Any]]:
    """A table of droplets, checked; keys that do not apply are told, and taken out."""
    heading = f"[{key}]"
    for name in _OTHERS:
        if name in raw:
            fact = f'{heading} {name} does not apply to kind = "ddpcr".'
            problems.add(f"{key}.{name}", "key-conflict", fact)
    if table.rows != "many per patient":
        fact = f'{heading} kind = "ddpcr" needs rows = "many per patient".'
        problems.add(f"{key}.rows", "key-conflict", fact, "A row is a well and target.")
    if not table.map:
        if table.id != "sample":
            fact = f'{heading} id must be "sample" without map, not "{table.id}".'
            mend = "Name the samples as the patients, or give map."
            problems.add(f"{key}.id", "key-type", fact, mend)
        if table.order:
            fact = f"{heading} order belongs to map: it is the column that orders the samples of a patient."
            problems.add(f"{key}.order", "key-conflict", fact)
    for name, number, least in (("ntc_max", table.ntc_max, 0), ("min_accepted", table.min_accepted, 1)):
        if number < least:
            problems.add(f"{key}.{name}", "key-type", f"{heading} {name} must be {least} or more, not {number}.")
    if table.volume_nl is not None and not 0 < table.volume_nl < float("inf"):
        fact = f"{heading} volume_nl must be above 0, not {table.volume_nl:g}."
        problems.add(f"{key}.volume_nl", "key-type", fact, "Droplets have 0.85 or 0.91 nL.")
    for place, name in enumerate(table.ntc):
        if not name.strip() or name in table.ntc[:place]:
            fact = f"{heading} ntc names '{name}' twice." if name.strip() else f"{heading} ntc has an empty name."
            problems.add(f"{key}.ntc[{place}]", "key-conflict" if name.strip() else "key-type", fact)
    kept = {name: value for name, value in raw.items() if name not in _OTHERS}
    return dataclasses.replace(table, **_OTHERS), kept


def read_assays(
    references: References, raw: Mapping[str, Any], data: Mapping[str, DataTable | None]
) -> dict[str, Assay]:
    """Every ``[ctdna.NAME]``; its variables are known from here on, also where it has a problem."""
    found: dict[str, Assay] = {}
    for name, entry in raw.items():
        key = join_key("ctdna", name)
        assay = _read(references.problems, key, name, entry)
        made = assay or RatioAssay(name=name, kind="ratio", target="", reference="", threshold="")
        for variable, kind in made.makes.items():
            if variable in references.kinds:
                fact = f"[{key}] makes {variable}, which is there already."
                references.problems.add(key, "key-conflict", fact, "Use another name.")
                continue
            references.declare(variable)
            if assay is None:
                continue
            references.kinds[variable] = kind
            references.uses[variable] = frozenset()  # no column of a table, but not made from one either
            if assay.known:
                references.known[variable] = assay.known
        if assay is not None:
            found[name] = _Checking(references.problems, key, data).check(assay)
    return found


def _read(problems: Problems, key: str, name: str, raw: object) -> Assay | None:
    kind = raw.get("kind") if isinstance(raw, Mapping) else None
    if isinstance(raw, Mapping) and not (isinstance(kind, str) and kind in ASSAYS):
        known = '"ratio" or "count"'
        if kind is None:
            problems.add(key, "key-missing", f"[{key}] needs kind = {known}.")
        else:
            near = did_you_mean(kind, ASSAYS) if isinstance(kind, str) else ""
            mend = f'Did you mean "{near}"?' if near else ""
            problems.add(f"{key}.kind", "key-type", f"[{key}] kind must be {known}, not {kind!r}.", mend)
        return None
    assay: Assay | None = read_section(ASSAYS[kind or "ratio"], raw, path=key, problems=problems, fixed={"name": name})
    return assay


class _Checking:
    """One entry against the tables of droplets."""

    def __init__(self, problems: Problems, key: str, data: Mapping[str, DataTable | None]) -> None:
        self.problems = problems
        self.key = key
        self.heading = f"[{key}]"
        self.data = data

    def add(self, word: str, code: str, fact: str, mend: str = "") -> None:
        key = f"{self.key}.{word}" if word else self.key
        self.problems.add(key, code, f"{self.heading} {fact}", mend)

    def check(self, assay: Assay) -> Assay:
        assay = self.table(assay)
        for word in ("target", "reference", "wild_type"):
            if not getattr(assay, word, "target").strip():
                self.add(word, "key-type", f"{word} is empty.", "Write it as the export does.")
        if assay.targets[0] == assay.targets[1]:
            word = "reference" if isinstance(assay, RatioAssay) else "wild_type"
            self.add(word, "key-conflict", f"target and {word} are both '{assay.target}'.")
        if assay.labels and len(assay.labels) != len(CALL_LEVELS):
            fact = f"labels has {len(assay.labels)} names for {len(CALL_LEVELS)} levels."
            self.add("labels", "key-conflict", fact, f"Levels: {', '.join(CALL_LEVELS)}.")
        if isinstance(assay, RatioAssay):
            self.threshold(assay.threshold)
        elif isinstance(assay, CountAssay):
            self.count(assay)
        return assay

    def table(self, assay: Assay) -> Assay:
        """The same entry with the name of its table."""
        droplets = {name: table for name, table in self.data.items() if table is None or table.kind == "ddpcr"}
        known = [name for name, table in droplets.items() if table is not None]
        if assay.table:
            if assay.table not in droplets:
                there = assay.table in self.data
                fact = f"table: {assay.table} is {'no table of droplets' if there else 'no table of the study'}."
                near = did_you_mean(assay.table, known)
                code = "key-conflict" if there else "expression-name"
                self.add("table", code, fact, f"Did you mean {near}?" if near else "")
                return assay
        elif not droplets:
            self.add("", "key-missing", 'needs a table with kind = "ddpcr".', "Name the exports in [data.NAME].")
            return assay
        elif len(known) > 1:
            self.add("", "key-missing", f"needs table: {' or '.join(known)}.")
            return assay
        elif not known:
            return assay  # the table has a problem of its own
        table = droplets[assay.table or known[0]]
        if assay.sample and table is not None and not (table.map and table.order):
            fact = f'sample = "{assay.sample}" needs map and order in [{join_key("data", table.name)}].'
            self.add("sample", "key-missing", fact, "order names the column of the map with the date of the sample.")
        return dataclasses.replace(assay, table=assay.table or known[0])

    def threshold(self, text: str) -> None:
        try:
            _, number = parse_cutoff(text)
        except InputError as error:
            self.add("threshold", "key-type", f"threshold: {error}")
            return
        if number.startswith("-"):
            self.add("threshold", "key-type", f"threshold must be 0 or more, not {number}.")

    def count(self, assay: CountAssay) -> None:
        if assay.blanks and assay.lob is not None:
            self.add("lob", "key-conflict", "blanks and lob exclude each other.")
        elif not assay.blank_samples and assay.lob is None:
            self.add("", "key-missing", "needs blanks, or lob.", "Name the samples of healthy people, or the limit.")
        if any(not name.strip() for name in assay.blank_samples):
            self.add("blanks", "key-type", "blanks has an empty name.")
        if assay.lob is not None and assay.lob < 0:
            self.add("lob", "key-type", f"lob must be 0 or more, not {assay.lob}.")
        if not 0 < assay.lod_vaf < 1:
            self.add("lod_vaf", "key-type", f"lod_vaf must lie between 0 and 1, not {assay.lod_vaf:g}.")
        if assay.threshold:
            self.threshold(assay.threshold)
            if not assay.threshold_unit:
                fact = 'threshold needs threshold_unit = "copies" or "droplets".'
                self.add("", "key-missing", fact)
        elif assay.threshold_unit:
            self.add("threshold_unit", "key-conflict", "threshold_unit belongs to threshold.")
