"""Results of the page that stand in no table of an exhibit: numbers at risk, bars, droplets, who was left out.

They have addresses, methods and full precision like all others, so that each printed number leads to one. What a
rebuilt cohort does not determine, and what would give a small count away, is not here, as it is not on the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from cohortstats.analysis.droplet_notes import chances_beyond, fractions_needed
from cohortstats.analysis.exhibit import endpoint, exhibit_population
from cohortstats.analysis.results import Analysis, Origin, Result
from cohortstats.analysis.survival_guards import FEW_AT_RISK
from cohortstats.analysis.time_to_event import SurvivalData
from cohortstats.cohort import Cohort
from cohortstats.derivations.event_dates import scan_interval
from cohortstats.derivations.time_to_event import competing_events
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.figures.swimmer_picture import SwimmerPicture
from cohortstats.figures.waterfall_picture import WaterfallPicture
from cohortstats.loaders.coverage import empty_columns
from cohortstats.published.curve.exhibit import ARM
from cohortstats.report.droplet_methods import called_assays, pooled_samples
from cohortstats.study import (
    BinaryEndpoint,
    CountAssay,
    Curves,
    Listing,
    Measurements,
    RatioAssay,
    Regression,
    TimeToEvent,
    TimeToEventEndpoint,
)
from cohortstats.tables.numbers import Number

__all__ = ["STUDY", "page_results", "risk_address"]

STUDY = "study"
"""Stands for the exhibit in the address of a number that belongs to the whole study."""

RISK = ("n_at_risk", "n_event", "n_censored")


def risk_address(exhibit: str, row: str, group: str, line: int, tick: float) -> str:
    """Address of a number of the table under the curves: ``line`` is at risk, events or censored."""
    return f"{exhibit}/{row}/{group}/{RISK[line]}_{tick:g}"


def page_results(cohort: Cohort, analyses: Sequence[Analysis]) -> tuple[Result, ...]:
    """Results beside those of the exhibits.

    Parameters
    ----------
    cohort
        The patients.
    analyses
        The exhibits as they are shown, small cells hidden.

    Examples
    --------
    >>> import cohortstats as cs
    >>> cohort = cs.load_cohort(cs.shipped_study("sakai2018"))
    >>> [result.address for result in page_results(cohort, cs.make_exhibits(cohort))]
    ['study/all/all/n', 'study/ctdna/all/n', 'study/ttp_days/all/n_empty', 'study/progressed/all/n_empty',
     'figure1/all/all/n_used', 'study/primary_resistance/all/n_unknown', 'table3/all/all/n',
     'table4/all//n_comparisons', 'table5/all/all/n']
    """
    of_exhibits = {record.address for analysis in analyses for record in analysis.records}
    found: dict[str, Result] = {}
    for result in _PageResults(cohort=cohort, analyses=analyses).all():
        found.setdefault(result.address, result)
    return tuple(result for address, result in found.items() if address not in of_exhibits)


class _PageResults:
    def __init__(self, *, cohort: Cohort, analyses: Sequence[Analysis]) -> None:
        self.cohort = cohort
        self.analyses = analyses
        self.rebuilt = bool(cohort.study.synthetic)
        self.small_hidden = bool(cohort.study.report.privacy.min_cell)
        self.origin: Origin = "from printed" if self.rebuilt else "data"

    def _result(self, exhibit: str, row: str, group: str, statistic: str, value: Number, **fields: object) -> Result:
        return Result(
            exhibit=exhibit,
            row=row,
            group=group,
            statistic=statistic,
            value=value,
            origin=self.origin,
            alpha=self.cohort.study.alpha,
            **fields,  # type: ignore[arg-type]
        )

    def all(self) -> Iterator[Result]:
        cohort = self.cohort
        yield self._result(STUDY, "all", "all", "n", cohort.n, n=cohort.n, format="count")
        for name, one in cohort.study.endpoints.items():
            if isinstance(one, TimeToEventEndpoint) and one.gaps:
                days = one.gaps.missed * one.gaps.interval + one.gaps.tolerance
                yield self._result(STUDY, name, "all", "longest_gap", days, method="days, from gaps of the endpoint")
        if not self.small_hidden:
            for name, table in list(cohort.tables.items())[1:]:
                n = int(table.patients().sum())
                yield self._result(STUDY, name, "all", "n", n, n=cohort.n, format="count")
            yield from self._unknown()
            yield from self._droplets()
        for analysis in self.analyses:
            yield from self._of_exhibit(analysis)

    def _unknown(self) -> Iterator[Result]:
        """Columns that are empty for many, and unknown outcomes."""
        for empty in empty_columns(self.cohort):
            for name in empty.names:
                yield self._result(STUDY, name, "all", "n_empty", empty.n_empty, n=empty.n_rows, format="count")
            for exhibit, n in empty.uses:
                yield self._result(exhibit, "all", "all", "n_used", n, format="count")
        for name, one in self.cohort.study.endpoints.items():
            if isinstance(one, BinaryEndpoint):
                n = int(self.cohort.endpoint(name)["recorded"].isna().sum())
                yield self._result(STUDY, name, "all", "n_unknown", n, n=self.cohort.n, format="count")

    def _of_exhibit(self, analysis: Analysis) -> Iterator[Result]:
        entry, picture = analysis.entry, analysis.picture
        if isinstance(entry, TimeToEvent):
            if isinstance(picture, KaplanMeierPicture):
                yield from self._at_risk(entry.id, entry.endpoint, picture)
            if not self.rebuilt and not self.small_hidden:
                yield from self._left_out(entry)
                yield from self._thin_tails(analysis, entry)
        if isinstance(entry, Curves) and isinstance(picture, KaplanMeierPicture):
            yield from self._at_risk(entry.id, ARM, picture)
        n_compared = analysis.methods.get("comparisons")
        if isinstance(n_compared, int):
            yield self._result(analysis.id, "all", "", "n_comparisons", n_compared, method="comparisons of the exhibit")
        if isinstance(entry, Regression) and not self.rebuilt and not self.small_hidden:
            yield from self._incomplete(analysis, entry)
        if isinstance(entry, (Listing, Measurements)) and analysis.table.groups and not self.small_hidden:
            n = sum(len(group.rows) for group in analysis.table.groups)
            yield self._result(analysis.id, "all", "all", "n", n, format="count")
        if isinstance(picture, WaterfallPicture):
            changes = [bar.change for bar in picture.bars]
            counts = {
                "n": len(changes),
                "n_increase_20": sum(change >= 20 for change in changes),
                "n_decrease_30": sum(change <= -30 for change in changes),
            }
            for statistic, n in counts.items():
                yield self._result(analysis.id, "all", "all", statistic, n, n=len(changes), format="count")
        if isinstance(picture, SwimmerPicture):
            n = len(picture.bars)
            yield self._result(analysis.id, "all", "all", "n", n, n=n, format="count")
            going = sum(bar.ongoing for bar in picture.bars)
            yield self._result(analysis.id, "all", "all", "n_ongoing", going, n=n, format="count")
            for place, (_, label) in enumerate(picture.kinds, start=1):
                having = sum(any(mark.kind == place for mark in bar.marks) for bar in picture.bars)
                yield self._result(analysis.id, "marks", label, "n", having, n=n, format="count")

    def _incomplete(self, analysis: Analysis, entry: Regression) -> Iterator[Result]:
        """Patients whom the multivariable model leaves out for want of a covariate."""
        population = exhibit_population(self.cohort, entry)
        here = population.endpoint(entry.endpoint)["time"].notna().to_numpy()
        if entry.strata:
            here &= ~population.known(entry.strata).missing
        sizes = [r.n for r in analysis.records if r.group == "multivariable" and r.statistic == "hazard_ratio" and r.n]
        if sizes:
            n_all = int(here.sum())
            n = n_all - max(sizes)
            yield self._result(entry.id, "all", "multivariable", "n_without_covariate", n, n=n_all, format="count")

    def _at_risk(self, exhibit: str, row: str, picture: KaplanMeierPicture) -> Iterator[Result]:
        if picture.risk_table is None:
            return
        for group, lines in zip(picture.groups, picture.risk_table.rows, strict=True):
            for line, numbers in enumerate(lines):
                for tick, n in zip(picture.risk_table.ticks, numbers, strict=True):
                    if isinstance(n, int):  # a small one is a sign
                        statistic = f"{RISK[line]}_{tick:g}"
                        yield self._result(exhibit, row, group.name, statistic, n, format="count")

    def _left_out(self, entry: TimeToEvent) -> Iterator[Result]:
        """Who is not in the curves, and how those who are ended."""
        cohort, row = self.cohort, entry.endpoint
        data = SurvivalData.of(exhibit_population(cohort, entry), entry)
        for reason in ("without_time", "without_group", "before_landmark"):
            if n := getattr(data, reason):
                yield self._result(entry.id, row, "", f"n_{reason}", n, format="count")
        outcome = endpoint(cohort.study, entry.endpoint, TimeToEventEndpoint)
        if data.frame.empty:
            return
        if outcome.interval_censored and not math.isnan(interval := scan_interval(cohort, outcome)):
            yield self._result(entry.id, row, "", "assessment_interval", interval, method="days")
        n_all = len(data.frame)
        if outcome.deaths:
            cause = competing_events(cohort, outcome).reindex(data.frame.index)["cause"]
            n = int((cause == "death").sum())
            yield self._result(entry.id, row, "", "n_deaths", n, n=n_all, format="count")
        if outcome.events or outcome.censors or outcome.stops or outcome.deaths:
            reasons = cohort.endpoint(entry.endpoint).loc[data.frame.index, "reason"]
            event = data.frame["event"]
            for statistic, mask in (("n_events", event), ("n_censored", ~event)):
                for reason, n in reasons[mask].value_counts(sort=False).items():
                    yield self._result(entry.id, f"{row}/{reason}", "", statistic, int(n), n=n_all, format="count")

    def _thin_tails(self, analysis: Analysis, entry: TimeToEvent) -> Iterator[Result]:
        """The time from which few are left, where a footnote says it."""
        frame = SurvivalData.of(exhibit_population(self.cohort, entry), entry).frame
        for guard in analysis.guards:
            if guard.name == "thin tail":
                times = np.sort((frame[frame["group"] == guard.row] if entry.groups else frame)["time"].to_numpy())
                last = float(times[-FEW_AT_RISK]) if times.size >= FEW_AT_RISK else 0.0
                group, statistic = guard.row or "all", f"last_time_with_{FEW_AT_RISK}_at_risk"
                yield self._result(entry.id, entry.endpoint, group, statistic, last, n=len(times), format="time")

    def _droplets(self) -> Iterator[Result]:
        """What methods and footnotes say of droplets: limits, pooled samples, how much tumor DNA a ratio needs."""
        cohort = self.cohort
        assays = called_assays(cohort)
        for assay in assays:
            frame = cohort.evidence[assay.name]
            if isinstance(assay, CountAssay):
                called = frame[frame["limit_of_blank"].notna()]
                for name in ("limit_of_blank", "limit_of_detection", "blank_wells", "blank_droplets"):
                    if not called.empty and name in called and called[name].notna().any():
                        value = float(called[name].dropna().iloc[0])
                        yield self._result(STUDY, assay.name, "all", name, value, method="droplets")
            elif isinstance(assay, RatioAssay):
                for copies, fraction in fractions_needed(assay):
                    group = f"{copies:g} copies"
                    yield self._result(STUDY, assay.name, group, "tumor_percent_needed", 100 * fraction)
                found = chances_beyond(cohort, assay)
                if found.size:
                    for name, chance in (("median", np.median(found)), ("min", found.min()), ("max", found.max())):
                        percent = 100 * float(chance)
                        statistic = f"chance_percent_{name}"
                        yield self._result(
                            STUDY, assay.name, "all", statistic, percent, n=found.size, format="percentage"
                        )
        for name in dict.fromkeys(assay.table for assay in assays):
            source = next(source for source in cohort.sources if source.table == name)
            volumes = sorted({part.volume_nl for part in source.parts or (source,) if part.volume_nl})
            for place, volume in enumerate(volumes):
                statistic = "droplet_volume_nl" + (f"_{place + 1}" if place else "")
                yield self._result(STUDY, name, "all", statistic, volume, method=source.volume_origin)
            pooled = pooled_samples(cohort, [assay for assay in assays if assay.table == name])
            if pooled:
                yield self._result(STUDY, name, "all", "n_pooled", len(pooled), format="count")
