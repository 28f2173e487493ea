"""The table of profiles, and what it refuses."""

from __future__ import annotations

import pytest

from cohortstats.errors import InputError
from cohortstats.stats.conventions import Conventions


def test_profiles_differ_in_two_choices() -> None:
    ezr, r = Conventions.of("ezr"), Conventions.of("r")
    assert (ezr.km_ci, ezr.cox_ties) == ("log-log", "breslow")
    assert (r.km_ci, r.cox_ties) == ("log", "efron")
    for name in ("median", "rho", "timefix", "odds_ratio", "proportion_ci", "quartiles"):
        assert getattr(ezr, name) == getattr(r, name)
    assert (ezr.median, ezr.rho, ezr.timefix) == ("summary", 0.0, True)
    assert (ezr.odds_ratio, ezr.proportion_ci, ezr.quartiles) == ("conditional", "wilson", 7)


def test_describe() -> None:
    assert Conventions.of("ezr").describe() == "ezr"
    assert Conventions.of("ezr", cox_ties="efron").describe() == "ezr (cox_ties = efron)"
    assert Conventions.of("r", timefix=False, rho=1).describe() == "r (rho = 1, timefix = false)"
    assert Conventions.of("ezr", cox_ties="breslow").describe() == "ezr"


def test_door() -> None:
    with pytest.raises(InputError) as caught:
        Conventions.of("ezrr", km_ci="loglog", cox_tie="efron", quartiles=1, timefix=1, rho=-1, colour="red")
    assert caught.value.problems == (
        "profile 'ezrr' is not known; did you mean 'ezr'?",
        "km_ci 'loglog' is not known; did you mean 'log-log'?",
        "'cox_tie' is not a convention; did you mean 'cox_ties'?",
        "quartiles is 1; give 7 or 2.",
        "timefix is 1; give true or false.",
        "rho is -1; give a number from 0 up.",
        "'colour' is not a convention; choose km_ci, median, timefix, cox_ties, odds_ratio, proportion_ci, quartiles or rho.",
    )
