"""Cox regression: hazard ratios, their tests, and whether the hazards are proportional."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cohortstats.errors import InputError
from cohortstats.stats.covariates import Design, read_design
from cohortstats.stats.cox_engines import CoxData, Ties
from cohortstats.stats.cox_fit import fit_model
from cohortstats.stats.cox_model import ChiSquareTest, CoxModel
from cohortstats.stats.doors import check_choice, check_fraction, check_length, length_of, refuse
from cohortstats.stats.event_door import PatientArrays, read_labels, read_patients
from cohortstats.stats.moments import merge_times

__all__ = ["ChiSquareTest", "CoxModel", "cox"]

Ints = NDArray[np.int64]

TIES = ("efron", "breslow", "exact")


def cox(
    time: Any,
    event: Any,
    covariates: Any,
    *,
    ties: Ties = "efron",
    strata: Any = None,
    entry: Any = None,
    penalty: Literal["firth"] | None = None,
    robust: bool = False,
    cluster: Any = None,
    weights: Any = None,
    ci_level: float = 0.95,
    allow_few_events: bool = True,
    timefix: bool = True,
) -> CoxModel:
    """Cox proportional hazards regression.

    Parameters
    ----------
    time
        Follow-up from time 0, any unit, 0 or above; shape (n,). Nothing may be missing here or below.
    event
        Booleans or 0/1: whether the event happened at ``time``.
    covariates
        Frame with one column a term, a dictionary of columns, or one column. Numbers and booleans are one coefficient;
        a categorical has one for each level but its first (levels that nobody has are left out, and said in ``notes``).
        Text must be made categorical, so that its reference is declared.
    ties
        ``efron``; ``breslow``; ``exact``, the discrete likelihood, at most 1e8 steps.
    strata
        Labels; each stratum has its own baseline hazard.
    entry
        Time at which each patient comes under observation, before ``time``; at risk at t = #{entry < t ≤ time}.
    penalty
        ``firth`` adds half the logarithm of det I: finite where maximum likelihood is not. Breslow's ties whatever
        ``ties`` says, P by penalised likelihood ratio, limits by profile; without strata and entry.
    robust, cluster
        Sandwich variance, one patient or one label of ``cluster`` at a time; Wald tests and limits then use it.
    weights
        Patients that each row stands for, whole numbers: the same as rows repeated, in every tie rule.
    ci_level
        Level of the limits.
    allow_few_events
        Below 10 events a parameter there is a warning; False refuses fewer than 5, as a study file does by default.
    timefix
        Merge times that differ by rounding only, as R does.

    Returns
    -------
    CoxModel
        Coefficients with Wald limits, three tests of the whole model, log-likelihoods. nan with ``no events``, ``no
        variation`` (those at risk at events do not differ) or ``monotone likelihood`` (no finite maximum exists).

    Raises
    ------
    InputError
        Everything that is wrong with the arrays; covariates that are constant, missing, text, or repeat each other; as
        many parameters as events; too many steps; what is not offered together.

    Warns
    -----
    CohortStatsWarning
        Fewer than 10 events a parameter.

    Notes
    -----
    Partial likelihood Π exp(x'β)/Σ exp(x_j'β) over those at risk at each event, by Newton's method to a score below
    1e-9. Whether it has a maximum is decided on the data by linear programming, not by the size of a coefficient.
    R: ``coxph(Surv(entry, time, event) ~ x + strata(s), ties = , cluster = )`` with ``coxph.control(eps = 1e-14)``, as
    its default stops when coefficients are right to about 5e-9; its ``weights`` are not patients under Efron's ties.
    Firth: ``coxphf``. Cox 1972, JRSS B 34:187; Efron 1977, JASA 72:557; Heinze and Schemper 2001, Biometrics 57:114.

    Examples
    --------
    Ovarian cancer, treatment 2 against 1 (Edmunson 1979, in R ``survival::ovarian``):

    >>> time = [59, 115, 156, 421, 431, 448, 464, 475, 477, 563, 638, 744, 769, 770]
    >>> time += [803, 855, 1040, 1106, 1129, 1206, 1227, 268, 329, 353, 365, 377]
    >>> event = [1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    >>> rx = [1, 1, 1, 2, 1, 1, 2, 2, 1, 2, 1, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 1, 1, 2, 2, 2]
    >>> model = cox(time, event, {"rx": rx})
    >>> [round(float(value[0]), 6) for value in (model.hazard_ratio, model.ci_lower, model.ci_upper)]
    [0.550802, 0.174321, 1.740371]
    >>> round(model.likelihood_ratio.statistic, 6), round(model.score.p_value, 6)
    (1.051453, 0.302591)
    """
    problems = check_choice("ties", ties, TIES) + check_fraction("ci_level", ci_level, "0.95")
    if penalty is not None:
        problems += [] if penalty == "firth" else [f"penalty '{penalty}' is not known; choose firth or None."]
        given = [
            name for name, value in (("strata", strata), ("entry", entry), ("cluster", cluster)) if value is not None
        ]
        given += ["robust"] if robust else []
        if given:
            problems.append(f"Firth's penalty is not offered with {' or '.join(given)}.")
    if ties == "exact" and (robust or cluster is not None):
        problems.append("a robust variance is not offered with exact ties; choose ties 'efron' or 'breslow'.")
    patients, design, clusters = _read(problems, time, event, covariates, strata, entry, weights, cluster)
    times, entries = merge_times(patients.time, patients.entry) if timefix else (patients.time, patients.entry)
    copies = patients.weights
    data = CoxData(
        time=_repeat(times, copies),
        event=_repeat(np.asarray(patients.event, dtype=bool), copies),
        x=_repeat(design.matrix, copies),
        assign=design.assign,
        entry=None if entries is None else _repeat(entries, copies),
        stratum=None if patients.stratum is None else _repeat(patients.stratum.codes, copies),
        cluster=_clusters(clusters, robust, copies, times.size),
    )
    n_strata = 1 if data.stratum is None else np.unique(data.stratum).size
    words = [f"{n_strata} strata" if n_strata > 1 else "", "delayed entry" if data.entry is not None else ""]
    if data.cluster is not None:
        n_clusters = np.unique(data.cluster).size
        words.append("robust variance" if clusters is None else f"robust variance, {n_clusters} clusters")
    words.append("" if timefix else "near ties kept")
    return fit_model(
        data,
        design,
        ties=ties,
        penalty=penalty,
        ci_level=ci_level,
        allow_few_events=allow_few_events,
        name="Cox model",
        words=words,
    )


def _read(
    problems: list[str],
    time: Any,
    event: Any,
    covariates: Any,
    strata: Any,
    entry: Any,
    weights: Any,
    cluster: Any,
) -> tuple[PatientArrays, Design, Ints | None]:
    """Checked patients, covariates and clusters, or one InputError with everything that is wrong."""
    patients = None
    try:
        patients = read_patients(time, event, None, strata, entry, weights)
    except InputError as fault:
        problems += fault.problems
    n = length_of(time)
    design = read_design(covariates, "time", n, problems)
    clusters = None
    if cluster is not None:
        if n is not None and (length := length_of(cluster)) is not None:
            problems += check_length("time", n, "cluster", length)
        clusters = read_labels("cluster", cluster, n or 0, problems).codes
    refuse(problems)
    assert patients is not None
    assert design is not None
    return patients, design, clusters


def _repeat(values: Any, copies: Ints | None) -> Any:
    return values if copies is None else np.repeat(values, copies, axis=0)


def _clusters(clusters: Ints | None, robust: bool, copies: Ints | None, n: int) -> Ints | None:
    """One label a row; every patient is a cluster when only ``robust`` is asked for."""
    if clusters is not None:
        return np.asarray(_repeat(clusters, copies))
    if not robust:
        return None
    return np.arange(n if copies is None else int(copies.sum()))
