"""Make patients.csv: 555 INVENTED patients for the analysis plan of the SePHER study (Bon et al. 2020).

No patient stands behind any row. The sizes of the groups and the four medians of the second line are those that the
abstract prints; everything else is drawn from the fixed seed below and is evidence of nothing.

A patient is a line of time: diagnosis of advanced disease, first dose of T-DM1, progression, death or last contact.
Draws are made once. Then the times of each group of the second line are stretched by one factor, until the
Kaplan-Meier median is the printed one: first the whole life, then the time on T-DM1. No seed was searched for.

Run ``python make_cohort.py`` in this folder; every run writes the same bytes.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

SEED = 20200555
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# (line of T-DM1, prior pertuzumab) -> patients. The first two sizes are printed, and so is the sum, 555.
SIZES = {("2", True): 177, ("2", False): 194, ("3", True): 38, ("3", False): 71, (">=4", True): 21, (">=4", False): 54}
# Printed medians, months: overall survival, progression-free survival.
MEDIANS = {("2", True): (52.0, 6.0), ("2", False): (74.0, 10.0)}
# Invented medians before the stretching, months: diagnosis to T-DM1, T-DM1 to progression, T-DM1 to death.
TYPICAL = {
    ("2", True): (15.0, 6.0, 38.0),
    ("2", False): (15.0, 10.0, 58.0),
    ("3", True): (29.0, 4.6, 26.0),
    ("3", False): (29.0, 6.6, 32.0),
    (">=4", True): (44.0, 3.9, 20.0),
    (">=4", False): (44.0, 5.2, 24.0),
}
DEATHS = 0.45
ECOG_UNKNOWN, RECEPTORS_UNKNOWN, STAGE_UNKNOWN = 23, 6, 4
COLUMNS = (
    "patient",
    "age",
    "hormone_receptors",
    "stage",
    "visceral",
    "brain",
    "ecog",
    "line",
    "prior_pertuzumab",
    "months_to_tdm1",
    "pfs_months",
    "progressed_or_died",
    "os_months",
    "died",
)
HEAD = "# INVENTED cohort: no row is a patient of the SePHER study or of any other. Made by make_cohort.py."


def normal(uniform: Floats) -> Floats:
    """Standard normal values by the inverse of the distribution function, the same under every version of numpy."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(float(u)) for u in uniform])


def kaplan_meier_median(time: Floats, event: Flags) -> float:
    """First time at which survival is 1/2 or less; the middle of the step where it is 1/2 exactly."""
    survival = 1.0
    reached = None
    for t in np.unique(time[event]):
        if reached is not None:
            return (reached + float(t)) / 2
        survival *= 1 - np.count_nonzero(event & (time == t)) / np.count_nonzero(time >= t)
        if abs(survival - 0.5) < 1e-12:
            reached = float(t)
        elif survival < 0.5:
            return float(t)
    raise ValueError("the median is not reached")


def weibull(uniform: Floats, *, median: Floats, shape: float, log_hazard_ratio: Floats) -> Floats:
    """Weibull times of patients whose hazards differ by a factor; a patient with factor 1 has the median given."""
    times: Floats = median * (-np.log(uniform) / (np.log(2) * np.exp(log_hazard_ratio))) ** (1 / shape)
    return times


def progression_free(waiting: Floats, progressed: Flags, observed: Floats, died: Flags) -> tuple[Floats, Flags]:
    """Progression or death, whichever comes first; censored at another treatment before it, or at the last contact."""
    within = waiting <= observed
    return np.minimum(waiting, observed), np.where(within, progressed, died)


def tenths(months: Floats) -> Floats:
    """Months in tenths, as whole numbers, so that sums of columns are exact."""
    return np.rint(months * 10)


def stretch(waiting: Floats, progressed: Flags, observed: Floats, died: Flags, median: float) -> float:
    """Factor of the times on T-DM1 that gives this median of progression-free survival, by bisection."""
    low, high = 0.1, 10.0
    for _ in range(60):
        factor = (low + high) / 2
        time, event = progression_free(factor * waiting, progressed, observed, died)
        low, high = (factor, high) if kaplan_meier_median(time, event) < median else (low, factor)
    return high


def patients() -> dict[str, list[str]]:
    """All columns, as text."""
    groups = [group for group, size in SIZES.items() for _ in range(size)]
    n = len(groups)
    draw = np.random.Generator(np.random.PCG64(SEED))
    # Only the uniform doubles of the generator are used: 17 streams, one row each, none of them 0.
    u = 1 - draw.random((17, n))
    pertuzumab = np.array([group[1] for group in groups])
    to_tdm1, to_progression, to_death = (np.array([TYPICAL[group][place] for group in groups]) for place in range(3))

    age = np.clip(np.rint(54 + 11.5 * normal(u[0])), 26, 86)
    positive = u[1] < 0.62
    recurrent = u[2] < 0.60
    visceral = u[3] < 0.58
    brain = u[4] < 0.17
    ecog = np.searchsorted([0.58, 0.93], u[5])

    # Invented hazard ratios; what is shared ties progression to death.
    shared = 0.35 * normal(u[6])
    risk = 0.30 * visceral + 0.30 * brain + 0.30 * ecog - 0.18 * positive + 0.006 * (age - 54)
    risk = risk - risk.mean() + shared
    start = to_tdm1 * np.exp(0.5 * normal(u[7]))
    progression = weibull(u[8], median=to_progression, shape=1.05, log_hazard_ratio=risk)
    death = weibull(u[9], median=to_death, shape=1.1, log_hazard_ratio=risk)
    leaving = 0.15 + u[10] + u[15]  # time from T-DM1 to the last contact of those alive, in a unit that is set below

    # A few leave T-DM1 for another treatment before progression.
    other = weibull(u[16], median=12 * to_progression, shape=1.0, log_hazard_ratio=np.zeros(n))
    on_drug, progressed = np.minimum(progression, other), progression < other

    died = np.zeros(n, dtype=bool)
    os_tenths, start_tenths, pfs_tenths = np.zeros(n), np.zeros(n), np.zeros(n)
    pfs_event = np.zeros(n, dtype=bool)
    for group in SIZES:
        own = np.array([group == each for each in groups])
        # The unit of follow-up is where the wanted share has died before leaving.
        ratio = np.sort(death[own] / leaving[own])
        deaths = round(DEATHS * own.sum())
        unit = float(np.sqrt(ratio[deaths - 1] * ratio[deaths]))
        observed = np.minimum(death[own], unit * leaving[own])
        died[own] = death[own] < unit * leaving[own]
        overall = start[own] + observed
        factor = 1.0
        if group in MEDIANS:
            factor = MEDIANS[group][0] / kaplan_meier_median(overall, died[own])
        start_tenths[own] = tenths(factor * start[own])
        os_tenths[own] = np.maximum(tenths(factor * overall), start_tenths[own] + 1)
        left = os_tenths[own] - start_tenths[own]
        waiting = on_drug[own]
        if group in MEDIANS:
            waiting = waiting * stretch(waiting, progressed[own], left / 10, died[own], MEDIANS[group][1])
        waiting = np.maximum(tenths(waiting), 1)
        pfs_tenths[own], pfs_event[own] = progression_free(waiting, progressed[own], left, died[own])

    def unknown(values: list[str], key: Floats, count: int) -> list[str]:
        """The values, without those of the patients with the smallest keys."""
        lost = set(np.argsort(key, kind="stable")[:count].tolist())
        return ["" if place in lost else value for place, value in enumerate(values)]

    def yes_no(flags: Flags) -> list[str]:
        return ["yes" if flag else "no" for flag in flags]

    def months(values: Floats) -> list[str]:
        return [f"{int(value) // 10}.{int(value) % 10}" for value in values]

    columns = {
        "age": [str(int(value)) for value in age],
        "hormone_receptors": unknown(np.where(positive, "positive", "negative").tolist(), u[11], RECEPTORS_UNKNOWN),
        "stage": unknown(np.where(recurrent, "recurrent", "de novo").tolist(), u[12], STAGE_UNKNOWN),
        "visceral": yes_no(visceral),
        "brain": yes_no(brain),
        "ecog": unknown([str(value) for value in ecog.tolist()], u[13], ECOG_UNKNOWN),
        "line": [group[0] for group in groups],
        "prior_pertuzumab": yes_no(pertuzumab),
        "months_to_tdm1": months(start_tenths),
        "pfs_months": months(pfs_tenths),
        "progressed_or_died": yes_no(pfs_event),
        "os_months": months(os_tenths),
        "died": yes_no(died),
    }
    # Groups are mixed, as in a hospital's list; then numbered.
    order = np.argsort(u[14], kind="stable").tolist()
    mixed = {name: [values[place] for place in order] for name, values in columns.items()}
    return {"patient": [f"INV{number:03d}" for number in range(1, n + 1)], **mixed}


def text() -> str:
    """The file: a line that says what it is, the names, the rows."""
    columns = patients()
    out = io.StringIO()
    out.write(HEAD + "\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(zip(*(columns[name] for name in COLUMNS), strict=True))
    return out.getvalue()


if __name__ == "__main__":
    Path(__file__).with_name("patients.csv").write_bytes(text().encode("utf-8"))
