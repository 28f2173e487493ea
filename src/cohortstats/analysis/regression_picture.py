"""From hazard ratios to a forest plot, in plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cohortstats.analysis.regression_layout import Covariate, CoxLine, Fit, RegressionLayout, ratio_values
from cohortstats.figures.forest_picture import ForestEstimate, ForestPicture, ForestRow
from cohortstats.tables.numbers import FORMATS, STYLES

__all__ = ["regression_picture"]


def regression_picture(layout: RegressionLayout) -> ForestPicture | None:
    """The forest plot of an exhibit; None where a number is withheld, since a forest plot is made of numbers."""
    ratios = [line.hazard_ratio for fit in layout.fits for line in fit.lines.values() if line.hazard_ratio is not None]
    if any(ratio.withheld for ratio in ratios) or all(ratio.reason for ratio in ratios):
        return None
    say, groups = layout.say, layout.groups_of()
    rows = [row for covariate in layout.covariates for row in _rows(layout, covariate, groups)]
    synthetic = layout.cohort.study.synthetic
    return ForestPicture(
        rows=tuple(rows),
        columns=(say("hr_ci"), f"*{say('p')}*"),
        x_label=say("axis_hazard_ratio", label=layout.outcome.label or layout.outcome.name),
        series=tuple(say(group) for group in groups),
        stamp=say("illustration", label=synthetic) if synthetic else "",
        point=STYLES[layout.cohort.study.report.style].point,
    )


def _rows(layout: RegressionLayout, covariate: Covariate, groups: list[str]) -> Iterator[ForestRow]:
    fits = [(place, layout.fit_of(group, covariate)) for place, group in enumerate(groups, start=1)]
    held = [(place, fit) for place, fit in fits if fit is not None]
    if not held:
        return
    if not covariate.levels:
        yield ForestRow(label=covariate.label, estimates=_estimates(layout, covariate, "", held))
        return
    yield ForestRow(label=covariate.label)
    for level in covariate.levels:
        label = covariate.level_label(level)
        if level == covariate.reference:
            yield ForestRow(label=label, indent=1, text=layout.say("reference_line"))
        else:
            yield ForestRow(label=label, indent=1, estimates=_estimates(layout, covariate, level, held))


def _estimates(
    layout: RegressionLayout, covariate: Covariate, level: str, held: list[tuple[int, Fit]]
) -> tuple[ForestEstimate, ...]:
    return tuple(_estimate(layout, fit.lines[covariate.name, level], series) for series, fit in held)


def _estimate(layout: RegressionLayout, line: CoxLine, series: int) -> ForestEstimate:
    study = layout.cohort.study
    style = STYLES[study.report.style]
    ratio, p = line.hazard_ratio, line.p_value
    assert ratio is not None  # only the reference has none
    assert p is not None
    texts = (
        FORMATS["hazard ratio (interval)"](ratio_values(ratio), style),
        FORMATS["p"]((p.p_value, study.alpha), style),
    )
    value, lower, upper = (_number(number) for number in ratio_values(ratio))
    return ForestEstimate(value=value, ci_lower=lower, ci_upper=upper, texts=texts, series=series)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
