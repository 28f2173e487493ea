"""From the wells of an export to one row for each sample and target, and to the limit of blank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from cohortstats.ctdna.checks import check_merged_twice
from cohortstats.ctdna.quality import add_flags, flag_wells, has_flag, read_counts, unusable_wells, without_template
from cohortstats.ctdna.wells import DISPERSION_ALPHA, TOTAL_Z, between_wells
from cohortstats.errors import Problem
from cohortstats.stats.doors import check_choice, check_fraction, number_text, refuse
from cohortstats.stats.droplet_door import Floats
from cohortstats.stats.droplet_limits import LimitOfBlank, limit_of_blank
from cohortstats.stats.droplets import (
    CONCENTRATION_METHODS,
    MIN_ACCEPTED,
    ConcentrationMethod,
    check_vendor_level,
    droplet_concentration,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SAMPLE_COLUMNS", "blank_limit", "check_samples", "pool_samples"]

Mask = NDArray[np.bool_]

SAMPLE_COLUMNS = (
    *("sample", "target", "wells", "n_wells", "positives", "accepted", "copies_per_ul", "ci_lower", "ci_upper"),
    *("copies_per_well", "analysed_copies", "total_lower", "total_upper", "dispersion", "dispersion_df"),
    *("dispersion_p", "volume_nl", "pos_pos", "role", "channel", "file", "method", "flags", "reason"),
)
_TEXTS = ("sample", "target", "role", "channel", "file")
_NUMBERS = ("copies_per_ul", "ci_lower", "ci_upper", "copies_per_well", "analysed_copies")
_INHERITED = ("ntc", "merged", "recomputed")  # of any well; the other flags are those of the pooled droplets


def pool_samples(
    frame: pd.DataFrame,
    *,
    by: Sequence[str] = ("sample", "target"),
    method: ConcentrationMethod = "quantasoft",
    ci_level: float = 0.95,
    min_accepted: int = MIN_ACCEPTED,
    ntc: Sequence[str] = (),
    ntc_max: int = 0,
    unusable: Literal["refuse", "leave out"] = "refuse",
    thresholds: Literal["same", "any"] = "same",
    dispersion_alpha: float = DISPERSION_ALPHA,
) -> pd.DataFrame:
    """Pool the wells of every sample and target of an export.

    Parameters
    ----------
    frame
        As `read_ddpcr` gives it; at least ``well``, ``sample``, ``target``, ``positives``, ``accepted``,
        ``volume_nl``.
    by
        Columns that make a sample's target; add a column of dilutions when there are several.
    method, ci_level, min_accepted
        As in `droplet_concentration`; ``min_accepted`` is for the droplets of all wells of a sample.
    ntc, ntc_max
        Samples without a template, and positive droplets in them that are let pass. Such wells, and those with the
        role ``ntc`` or ``blank``, never come into a sample; what they hold flags the others of plate and target.
    unusable
        What to do with replicates that have no call or no negative droplet.
    thresholds
        ``same`` refuses wells of one sample and target that were read at different thresholds.
    dispersion_alpha
        p of the two-cell dispersion below which a sample is flagged ``dispersion``.

    Returns
    -------
    pandas.DataFrame
        One row for each sample and target, in the order of the frame: the columns of ``by``, then the others of
        ``SAMPLE_COLUMNS``. ``dispersion`` is the two-cell χ². A sample without a usable well has no numbers and the
        flag and reason ``no-call``.

    Raises
    ------
    InputError
        A column that is not there, wells of one sample with different droplet volumes or thresholds, a merge beside
        its own wells, replicates without a call or a negative droplet: all together.

    Notes
    -----
    λ = −ln(1 − Σk/ΣN), as in `pool_wells`. R: ``aggregate(cbind(k, N) ~ sample + target, wells, sum)`` comes first.

    Examples
    --------
    >>> import pandas as pd
    >>> wells = pd.DataFrame({"well": ["A01", "A02", "A03"], "sample": "P1", "target": "E545K",
    ...                       "positives": [3, 1, 2], "accepted": [14000, 9000, 16000], "volume_nl": 0.85})
    >>> pooled = pool_samples(wells)
    >>> pooled[["wells", "positives", "accepted", "flags"]].values.tolist()
    [['A01,A02,A03', 6, 39000, '']]
    >>> pooled["copies_per_well"].round(6).tolist()
    [3.620188]
    """
    problems = check_choice("method", method, CONCENTRATION_METHODS)
    problems += check_fraction("ci_level", ci_level, "0.95") or check_vendor_level(method, ci_level)
    problems += check_choice("unusable", unusable, ("refuse", "leave out"))
    problems += check_choice("thresholds", thresholds, ("same", "any"))
    problems += check_fraction("dispersion_alpha", dispersion_alpha, "0.01")
    needed = dict.fromkeys((*by, "well", "sample", "target", "positives", "accepted", "volume_nl"))
    refuse(problems + [f"the frame has no column '{name}'." for name in needed if name not in frame])
    flags = flag_wells(frame, min_accepted=min_accepted, ntc=ntc, ntc_max=ntc_max)
    wells = _Wells.of(frame.assign(flags=flags)[~without_template(frame, ntc)].reset_index(drop=True), list(by))
    faults = [fault.sentence for fault in wells.differing(same_threshold=thresholds == "same")]
    faults += wells.merged_twice()
    if unusable == "refuse":
        faults += [fault.sentence for fault in wells.unusable()]
    refuse(faults)
    used = wells.called & ~wells.left_out if unusable == "leave out" else wells.called
    return wells.pooled(used, method, ci_level, min_accepted, dispersion_alpha)


def check_samples(
    frame: pd.DataFrame,
    *,
    by: Sequence[str] = ("sample", "target"),
    unusable: Literal["refuse", "leave out"] = "refuse",
    thresholds: Literal["same", "any"] = "same",
) -> list[Problem]:
    """What `pool_samples` refuses, each with its place.

    Parameters
    ----------
    frame
        The wells that are to be pooled, as `read_ddpcr` gives them; those without a template left out.
    by, unusable, thresholds
        As for `pool_samples`.

    Returns
    -------
    list of Problem
        Errors, each of the first row that shows it; ``patient`` is the first of the columns of ``by``.
    """
    wells = _Wells.of(frame.assign(flags=flag_wells(frame)).reset_index(drop=True), list(by))
    faults = wells.differing(same_threshold=thresholds == "same")
    if unusable == "refuse":
        faults += wells.unusable()
    return [
        Problem(
            code=fault.code,
            message=fault.message,
            mend=fault.mend,
            file=wells.frame["file"][fault.place],
            row=int(wells.frame["row"][fault.place]),
            patient=str(wells.keys.iloc[wells.group[fault.place], 0]),
            value=wells.frame["well"][fault.place],
        )
        for fault in faults
    ] + check_merged_twice(frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """Why wells of a sample cannot be pooled: a sentence that names the sample, and a problem that does not."""

    place: int
    code: str
    sentence: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Wells:
    """Wells with their sample: ``group`` is the row of ``keys``, which has the columns that make a sample's target."""

    frame: pd.DataFrame
    keys: pd.DataFrame
    group: NDArray[np.int64]
    positives: Floats
    accepted: Floats
    called: Mask

    @classmethod
    def of(cls, frame: pd.DataFrame, by: list[str]) -> _Wells:
        group = np.asarray(frame.groupby(by, sort=False, dropna=False).ngroup(), dtype=np.int64)
        return cls(
            frame=frame,
            keys=frame.loc[~frame.duplicated(by), by].reset_index(drop=True),
            group=group,
            positives=read_counts(frame, "positives"),
            accepted=read_counts(frame, "accepted"),
            called=~has_flag(frame["flags"], "no-call"),
        )

    def per_group(self, values: NDArray[np.bool_] | Floats) -> Floats:
        """Sum over the wells of each sample."""
        return np.asarray(np.bincount(self.group, weights=values, minlength=len(self.keys)), dtype=np.float64)

    @property
    def full(self) -> Mask:
        """Wells with a call and no negative droplet."""
        return np.asarray(self.called & (self.positives == self.accepted))

    @property
    def left_out(self) -> Mask:
        """Wells without a negative droplet beside others that have some."""
        return self.full & (self.per_group(self.called & ~self.full)[self.group] > 0)

    def title(self, group: int) -> str:
        return " ".join(str(value) for value in self.keys.iloc[group])

    def name(self, row: int) -> str:
        """A well, with its plate where there are several."""
        well = str(self.frame["well"].iloc[row])
        if "file" not in self.frame:
            return well
        files = self.frame["file"]
        return well if files.eq(files.iloc[0]).all() else f"{well} of {files.iloc[row]}"

    def fault(self, row: int, code: str, before: str, after: str, advice: str) -> _Fault:
        """What is wrong with the sample and target of a row, whose name stands between two texts."""
        sample, target = self.title(self.group[row]), self.frame["target"][row]
        said = f"{before}{target}{after}"
        return _Fault(
            place=row,
            code=code,
            sentence=f"{before}{sample}{after}; {advice}.",
            message=f"{said[0].upper()}{said[1:]}.",
            mend=f"{advice[0].upper()}{advice[1:]}.",
        )

    def unusable(self) -> list[_Fault]:
        """Replicates that cannot be averaged."""
        counted = ~np.isnan(self.positives)
        several = self.per_group(counted)[self.group] > 1
        faults = []
        for row in np.flatnonzero(several & counted & (~self.called | self.full)):
            said = unusable_wells([""], self.positives[[row]], self.accepted[[row]])
            fact, _, advice = (said or [" has no call in the export; leave it out."])[0].rstrip(".").partition("; ")
            code = "ddpcr-no-call" if not self.called[row] else "ddpcr-saturated"
            faults.append(self.fault(int(row), code, f"well {self.name(int(row))} (", f"){fact}", advice))
        return faults

    def differing(self, *, same_threshold: bool) -> list[_Fault]:
        """Samples whose wells differ in what they must share."""
        faults = self.mixed("volume_nl", "ddpcr-volume", "droplet volumes", "pool them apart")
        if same_threshold and "threshold" in self.frame:
            faults += self.mixed("threshold", "ddpcr-threshold", "thresholds", "read them at one threshold")
        return faults

    def mixed(self, column: str, code: str, what: str, advice: str) -> list[_Fault]:
        rows = self.frame.assign(group=self.group)[self.called].dropna(subset=column)
        rows = rows.drop_duplicates(["group", column])
        faults = []
        for _, part in rows[rows.duplicated("group", keep=False)].groupby("group"):
            values = " and ".join(
                f"{number_text(value)} in {self.name(row)}"
                for row, value in zip(part.index.tolist(), part[column], strict=True)
            )
            faults.append(self.fault(int(part.index[0]), code, "", f" has different {what}, {values}", advice))
        return faults

    def merged_twice(self) -> list[str]:
        """Sentences about merges that stand beside their own wells."""
        if "merged_from" not in self.frame:
            return []
        files = self.frame["file"] if "file" in self.frame else [""] * len(self.frame)
        rows = list(zip(files, self.frame["well"], self.frame["target"], self.frame["merged_from"], strict=True))
        present = {row[:3] for row in rows}
        sentences = []
        for file, well, target, merged in rows:
            parts = [part.strip() for part in merged.split(",") if part.strip()]
            beside = [part for part in parts if part != well and (file, part, target) in present]
            if beside:
                are = f"{', '.join(beside)} {'is' if len(beside) == 1 else 'are'} there too"
                sentences.append(f"well {well} is a merge, and {are} for {target}; leave out the merge or its wells.")
        return sentences

    def pooled(
        self, used: Mask, method: ConcentrationMethod, ci_level: float, min_accepted: int, dispersion_alpha: float
    ) -> pd.DataFrame:
        """One row for each sample and target, from the wells that are used."""
        import pandas as pd

        size = self.per_group(used)
        known = size > 0
        k, n = (np.where(used, counts, 0.0) for counts in (self.positives, self.accepted))
        positives, accepted = self.per_group(k), self.per_group(n)
        volumes = self.frame["volume_nl"].where(used).groupby(self.group).first()
        volume = np.asarray(volumes, dtype=np.float64)
        texts = self.frame[[name for name in _TEXTS if name in self.frame]].groupby(self.group).first()
        frame = pd.concat([self.keys, texts[[name for name in texts if name not in self.keys]]], axis=1)
        named: list[list[str]] = [[] for _ in range(len(self.keys))]
        for group, well in zip(self.group[used].tolist(), self.frame["well"][used], strict=True):
            named[group].append(well)
        frame["wells"] = [",".join(wells) for wells in named]
        frame["n_wells"] = size.astype(np.int64)
        for name, counts in (("positives", positives), ("accepted", accepted), ("pos_pos", self._double(used))):
            frame[name] = pd.Series(np.where(known, counts, np.nan)).astype("Int64")
        numbers = np.full((len(_NUMBERS), size.size), np.nan)
        flags = np.full(size.size, "no-call", dtype=object)
        if known.any():
            result = droplet_concentration(
                positives[known],
                accepted[known],
                droplet_volume_nl=volume[known],
                method=method,
                ci_level=ci_level,
                min_accepted=min_accepted,
            )
            numbers[:, known] = [np.asarray(getattr(result, name)) for name in _NUMBERS]
            flags[known] = result.flags
        frame[list(_NUMBERS)] = numbers.T
        two, spread = self._between(used)
        df = np.maximum(size - 1, 0)
        p = np.where(df > 0, chdtrc(np.maximum(df, 1), two), np.nan)
        centre, lower, upper = numbers[:3]
        with np.errstate(invalid="ignore"):
            half = np.fmax((upper - lower) / 2, TOTAL_Z * spread / np.sqrt(np.maximum(size, 1)))
            frame["total_lower"], frame["total_upper"] = centre - half, centre + half
        frame["dispersion"], frame["dispersion_df"], frame["dispersion_p"] = two, df.astype(np.int64), p
        frame["volume_nl"], frame["method"] = volume, method
        inherited = [
            np.where(self.per_group(used & has_flag(self.frame["flags"], flag)) > 0, flag, "") for flag in _INHERITED
        ]
        scattered = np.where(p < dispersion_alpha, "dispersion", "")
        frame["flags"] = add_flags(flags, scattered, *inherited)
        frame["reason"] = np.where(known, np.where(positives == accepted, "saturated", ""), "no-call")
        others = [name for name in SAMPLE_COLUMNS if name in frame and name not in self.keys]
        return frame[[*self.keys, *others]]

    def _double(self, used: Mask) -> Floats:
        """Double-positive droplets of each sample, nan where a used well does not tell them."""
        if "pos_pos" not in self.frame:
            return np.full(len(self.keys), np.nan)
        return self.per_group(np.where(used, read_counts(self.frame, "pos_pos"), 0.0))

    def _between(self, used: Mask) -> tuple[Floats, Floats]:
        """Two-cell dispersion and SD of the concentrations of each sample."""
        if not used.any():
            return np.full(len(self.keys), np.nan), np.full(len(self.keys), np.nan)
        k, n = self.positives[used], self.accepted[used]
        v = np.asarray(self.frame["volume_nl"], dtype=np.float64)[used]
        copies = np.asarray(droplet_concentration(k, n, droplet_volume_nl=v).copies_per_ul)
        _, two, spread = between_wells(k, n, copies, self.group[used], len(self.keys))
        return two, spread


def blank_limit(
    frame: pd.DataFrame, target: str, *, blanks: str | Sequence[str] = (), level: float = 0.95
) -> LimitOfBlank:
    """Limit of blank of one target, from the wells of an export that hold none of it.

    Parameters
    ----------
    frame
        As `read_ddpcr` gives it.
    target
        Whose positive droplets are counted.
    blanks
        Samples that are blank, such as ``"healthy"``; without them the wells with the role ``ntc`` or ``blank``.
    level
        Between 0 and 1.

    Returns
    -------
    LimitOfBlank
        As `limit_of_blank` gives it.

    Raises
    ------
    InputError
        No such well with a call, or a level outside (0, 1).

    Notes
    -----
    Healthy plasma is a better blank than water: it has the DNA that false droplets come from. R: see `limit_of_blank`.

    Examples
    --------
    >>> import pandas as pd
    >>> wells = pd.DataFrame({"well": [f"A{row:02d}" for row in range(1, 11)], "sample": "healthy",
    ...                       "target": "E545K", "positives": 0, "accepted": 14000})
    >>> blank_limit(wells, "E545K", blanks="healthy").droplets
    1
    """
    names = [blanks] if isinstance(blanks, str) else list(blanks)
    bare = np.asarray(frame["sample"].isin(names)) if names else without_template(frame)
    rows = frame[bare & np.asarray(frame["target"] == target) & ~has_flag(flag_wells(frame), "no-call")]
    if rows.empty:
        whose = f"of {' or '.join(names)}" if names else "with the role ntc or blank"
        refuse([f"no well {whose} has a call of target '{target}'."])
    return limit_of_blank(int(read_counts(rows, "positives").sum()), len(rows), level=level)
