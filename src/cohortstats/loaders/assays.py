"""``[ctdna.NAME]``: droplets of each patient's sample to a value, its limits, a call, and the evidence behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.cohort import Cohort, Variable
from cohortstats.ctdna.checks import check_merged_twice
from cohortstats.ctdna.quality import has_flag, without_template
from cohortstats.ctdna.sample_calls import call_columns, call_sample_counts, call_sample_ratios
from cohortstats.ctdna.samples import blank_limit, check_samples, pool_samples
from cohortstats.errors import InputError, Problem, did_you_mean
from cohortstats.expressions import Values
from cohortstats.files.folding import fold
from cohortstats.loaders.droplet_table import DropletTable
from cohortstats.loaders.typed import TypedTable
from cohortstats.study import Assay, CountAssay, DataTable, RatioAssay, parse_cutoff

__all__ = ["add_assays"]

Mask = npt.NDArray[np.bool_]

# How tables call what comes of an entry, by language of the report.
_CALLS = {
    "en": ("Positive", "Indeterminate", "Negative"),
    "ja": ("陽性", "判定保留", "陰性"),
}
_BESIDE = {
    "en": {"lower": "lower limit", "upper": "upper limit", "call": "call"},
    "ja": {"lower": "下限", "upper": "上限", "call": "判定"},
}
_WELLS = ("wells", "n_wells", "volume_nl", "file")


def add_assays(
    cohort: Cohort, doubtful: Mapping[str, Mask], tables: Sequence[TypedTable]
) -> tuple[Cohort, dict[str, Mask], list[Problem]]:
    """Add what ``[ctdna]`` declares to a cohort.

    Parameters
    ----------
    cohort
        Linked tables, nothing derived.
    doubtful
        Column -> patients whose cell has an error.
    tables
        Those of the study, the droplets among them.

    Returns
    -------
    cohort
        With the variables of each entry, and its evidence. An entry with an error has no value for anybody.
    doubtful
        With the variables of such entries.
    problems
        Each with its place.
    """
    marks = dict(doubtful)
    problems: list[Problem] = []
    droplets = {table.table.name: table for table in tables if isinstance(table, DropletTable)}
    for table in droplets.values():
        problems += _shared_names(cohort, table)
    for assay in cohort.study.ctdna.values():
        calling = _Calling(cohort, assay, droplets[assay.table])
        evidence = calling.evidence()
        problems += calling.problems
        cohort = _with_calls(cohort, assay, evidence)
        if evidence is None:
            marks |= {name: np.ones(cohort.n, dtype=bool) for name in assay.makes}
    return cohort, marks, problems


def _shared_names(cohort: Cohort, table: DropletTable) -> list[Problem]:
    """Controls that are called as a patient: without a map, nobody knows whose their wells are."""
    if table.table.map:
        return []
    patients = {fold(patient) for patient in cohort.ids}
    named = {f"data.{table.table.name}.ntc": table.table.ntc}
    assays = (assay for assay in cohort.study.ctdna.values() if assay.table == table.table.name)
    named |= {f"ctdna.{assay.name}.blanks": assay.blank_samples for assay in assays}
    return [
        cohort.study.problem(
            key, "key-conflict", "A control is called as a patient.", "Give map, or another name.", value=name
        )
        for key, names in named.items()
        for name in names
        if fold(name) in patients
    ]


class _Calling:
    """One entry of ``[ctdna]``, and what is found on the way."""

    def __init__(self, cohort: Cohort, assay: Assay, table: DropletTable) -> None:
        self.cohort = cohort
        self.assay = assay
        self.droplets = table
        self.declared: DataTable = table.table
        self.key = f"ctdna.{assay.name}"
        self.table_key = f"data.{assay.table}"
        self.problems: list[Problem] = []

    @property
    def failed(self) -> bool:
        return any(problem.level == "error" for problem in self.problems)

    def evidence(self) -> pd.DataFrame | None:
        """One row a patient, or None when there is an error."""
        if not self.droplets.whole:
            return None  # told where the wells were read
        wells = self.droplets.wells
        chosen = self.chosen(self.patients())
        self.targets(wells, chosen)
        limit = self.limit(wells) if isinstance(self.assay, CountAssay) else (0, 0, 0)
        by = ["patient", "target"]
        found = check_samples(chosen, by=by, unusable=self.declared.unusable, thresholds=self.declared.thresholds)
        keys = {"ddpcr-threshold": ".thresholds", "ddpcr-volume": ".volume_nl", "ddpcr-merged": ""}
        self.problems += [
            dataclasses.replace(one, study_key=self.table_key + keys.get(one.code, ".unusable")) for one in found
        ]
        if self.failed:
            return None
        bare = wells[without_template(wells, self.declared.ntc) & wells["target"].isin(self.assay.targets).to_numpy()]
        pooled = pool_samples(
            pd.concat([chosen, bare], ignore_index=True),
            by=by,
            min_accepted=self.declared.min_accepted,
            ntc=self.declared.ntc,
            ntc_max=self.declared.ntc_max,
            unusable=self.declared.unusable,
            thresholds=self.declared.thresholds,
        )
        self.dispersed(pooled, chosen)
        calls = self.calls(pooled, limit[0])
        return None if calls is None else self.framed(calls, pooled, chosen, limit)

    # ---- which wells

    def patients(self) -> pd.DataFrame:
        """Wells of the cohort's patients that have a target of the entry."""
        linked = self.cohort.tables[self.assay.table]
        assert linked.records is not None and linked.places is not None
        rows = self.droplets.wells.iloc[self.droplets.kept[linked.places]]
        ids = np.asarray(self.cohort.ids, dtype=object)[linked.records.patient]
        mine = rows.assign(patient=ids)
        return mine[mine["target"].isin(self.assay.targets).to_numpy()]

    def chosen(self, mine: pd.DataFrame) -> pd.DataFrame:
        """The wells of one sample of each patient: two are never put together, and none is taken unasked."""
        samples = mine.drop_duplicates(["patient", "specimen"])
        several = samples[samples["patient"].duplicated(keep=False)]
        if several.empty:
            return mine
        if not self.assay.sample:
            for patient, part in several.groupby("patient", sort=False):
                wells = ", ".join(self.place(row) for row in part.index)
                message = f"{len(part)} samples of one patient have {self.assay.target}, wells {wells}."
                mend = 'Say which with sample = "first" or "last", by a map with order.'
                self.tell("ddpcr-samples", message, mend, part.iloc[1], patient)
            return mine
        last = self.assay.sample == "last"
        left_out = []
        for patient, part in several.groupby("patient", sort=False):
            points = part["point"]
            best = points.max() if last else points.min()
            if points.isna().any():
                message = f"One of {len(part)} samples of a patient has no {self.declared.order}."
                self.tell("ddpcr-samples", message, "Give it in the map.", part[points.isna()].iloc[0], patient)
            elif points.eq(best).sum() > 1:
                message = f"{int(points.eq(best).sum())} samples of a patient have the same {self.declared.order}."
                self.tell("ddpcr-samples", message, "Correct it in the map.", part[points.eq(best)].iloc[1], patient)
            left_out += [(patient, one) for one in part.loc[points.ne(best), "specimen"]]
        out = pd.MultiIndex.from_frame(mine[["patient", "specimen"]]).isin(left_out)
        return mine[~out]

    def place(self, row: Any) -> str:
        """A well, with its plate where there are several."""
        wells = self.droplets.wells
        several = len(self.droplets.text.starts) > 1
        return f"{wells['well'][row]} of {wells['file'][row]}" if several else str(wells["well"][row])

    def tell(self, code: str, message: str, mend: str, row: pd.Series[Any], patient: object, key: str = "") -> None:
        self.problems.append(
            Problem(
                code=code,
                message=message,
                mend=mend,
                file=row["file"],
                row=int(row["row"]),
                column="sample",
                patient=str(patient),
                value=row["sample"],
                study_key=key or f"{self.key}.sample",
            )
        )

    def targets(self, wells: pd.DataFrame, chosen: pd.DataFrame) -> None:
        """Both targets are there, in wells of patients."""
        words = ("target", "reference" if isinstance(self.assay, RatioAssay) else "wild_type")
        known = list(dict.fromkeys(wells["target"]))
        for word, name in zip(words, self.assay.targets, strict=True):
            if chosen["target"].eq(name).any():
                continue
            near = did_you_mean(name, known)
            mend = f"Targets: {', '.join(known)}." if not near or near == name else f"Did you mean '{near}'?"
            whose = "no well of a patient" if name in known else f"no well of {self.droplets.text.source.file}"
            message = f"[{self.key}] {word}: {whose} has the target '{name}'."
            self.problems.append(self.cohort.study.problem(f"{self.key}.{word}", "ddpcr-target", message, mend))

    # ---- the limit of blank

    def limit(self, wells: pd.DataFrame) -> tuple[int, int, int]:
        """Limit of blank in droplets, and the wells and positive droplets that it rests on."""
        assay = self.assay
        assert isinstance(assay, CountAssay)
        if assay.lob is not None:
            return assay.lob, 0, 0
        blank = wells[wells["sample"].isin(assay.blank_samples) & wells["target"].eq(assay.target)]
        self.problems += [
            dataclasses.replace(problem, study_key=f"{self.key}.blanks") for problem in check_merged_twice(blank)
        ]
        try:
            found = blank_limit(wells, assay.target, blanks=assay.blank_samples)
        except InputError:
            named = " or ".join(f"'{name}'" for name in assay.blank_samples)
            message = f"[{self.key}] blanks: no well of {named} has a call of {assay.target}."
            mend = "Name them as the export does, or give lob."
            self.problems.append(self.cohort.study.problem(f"{self.key}.blanks", "ddpcr-blanks", message, mend))
            return 0, 0, 0
        return found.droplets, found.blanks, found.false_positives

    # ---- calls

    def dispersed(self, pooled: pd.DataFrame, chosen: pd.DataFrame) -> None:
        """Wells of a sample that differ more than counting allows."""
        scattered = pooled[has_flag(pooled["flags"], "dispersion")]
        columns = (scattered[name].tolist() for name in ("patient", "target", "wells", "dispersion_p"))
        for patient, target, wells, p in zip(*columns, strict=True):
            first = chosen[chosen["patient"].eq(patient) & chosen["target"].eq(target)].iloc[0]
            message = f"Wells {wells.replace(',', ', ')} of {target} differ more than counting allows (p {p:.2g})."
            self.problems.append(
                Problem(
                    level="warning",
                    code="ddpcr-dispersion",
                    message=message,
                    mend="The droplets are pooled; the interval does not know of the difference.",
                    file=first["file"],
                    row=int(first["row"]),
                    patient=patient,
                    study_key=self.table_key,
                )
            )

    def calls(self, pooled: pd.DataFrame, limit: int) -> pd.DataFrame | None:
        assay = self.assay
        threshold = ""
        if isinstance(assay, RatioAssay) or (isinstance(assay, CountAssay) and assay.threshold):
            side, number = parse_cutoff(assay.threshold)
            threshold = f"{side} {number}"
        try:
            if isinstance(assay, RatioAssay):
                return call_sample_ratios(
                    pooled,
                    target=assay.target,
                    reference=assay.reference,
                    threshold=threshold,
                    interval=assay.interval,
                    linked=assay.linked,
                    by="patient",
                    name=assay.name,
                )
            assert isinstance(assay, CountAssay)
            return call_sample_counts(
                pooled,
                target=assay.target,
                wild_type=assay.wild_type,
                limit_of_blank=limit,
                lod_vaf=assay.lod_vaf,
                threshold=threshold,
                unit=assay.threshold_unit or "droplets",
                method=assay.interval,
                by="patient",
                name=assay.name,
            )
        except InputError as error:
            # Only what the droplets of two linked targets lack is not asked before.
            for sentence in error.problems:
                message = f"[{self.key}] {sentence[0].upper()}{sentence[1:]}"
                self.problems.append(self.cohort.study.problem(f"{self.key}.linked", "ddpcr-linked", message))
            return None

    def framed(
        self, calls: pd.DataFrame, pooled: pd.DataFrame, chosen: pd.DataFrame, limit: tuple[int, int, int]
    ) -> pd.DataFrame:
        """Calls by patient, with the wells behind them."""
        assay = self.assay
        frame = calls.set_index("patient").drop(columns="name")
        wells = pooled[pooled["target"].eq(assay.target)].set_index("patient")
        mine = chosen[chosen["target"].eq(assay.target)]
        files: dict[str, dict[str, None]] = {}
        for patient, file in zip(mine["patient"], mine["file"], strict=True):
            files.setdefault(patient, {})[file] = None
        wells = wells.assign(file=pd.Series({patient: ",".join(named) for patient, named in files.items()}))
        frame.insert(0, "sample", mine.drop_duplicates("patient").set_index("patient")["specimen"])
        for name in _WELLS:
            frame[name] = wells[name]
        frame = frame.reindex(self.cohort.index)
        frame["n_wells"] = frame["n_wells"].astype("Int64")
        if isinstance(assay, CountAssay):
            wild = pooled[pooled["target"].eq(assay.wild_type)].set_index("patient")
            frame["reference_droplets"] = wild["positives"]
        if isinstance(assay, CountAssay) and assay.lob is None:
            frame["blank_wells"], frame["blank_droplets"] = limit[1], limit[2]
        return frame


def _with_calls(cohort: Cohort, assay: Assay, evidence: pd.DataFrame | None) -> Cohort:
    """The cohort with the variables of an entry; nobody has a value where there is no evidence."""
    nothing = pd.DataFrame(columns=["value", "ci_lower", "ci_upper", "call"], index=cohort.index, dtype=object)
    columns = call_columns(nothing if evidence is None else evidence, assay.name)
    variables, data = dict(cohort.variables), dict(cohort.data)
    label = assay.label or assay.name
    lang = cohort.study.report.lang
    for name, kind in assay.makes.items():
        missing = columns[name].isna().to_numpy(dtype=bool)
        cells = np.where(missing, np.nan if kind.kind == "number" else "", columns[name].to_numpy(dtype=object))
        values = cells.astype(np.float64) if kind.kind == "number" else cells
        data[name] = Values(kind=kind.kind, data=values, missing=missing, levels=kind.levels, unit=kind.unit)
        own = name == assay.name
        variables[name] = Variable(
            name=name,
            kind=kind.kind,
            label=label if own else f"{label}, {_BESIDE[lang][name[len(assay.name) + 1 :]]}",
            levels=kind.levels,
            labels=(assay.labels or _CALLS[lang]) if kind.levels else (),
            unit=kind.unit,
            note=assay.note if own else "",
            known=assay.known,
            given_names=frozenset({name}),
        )
    made = {} if evidence is None else {assay.name: evidence}
    return dataclasses.replace(cohort, variables=variables, data=data, evidence={**cohort.evidence, **made})
