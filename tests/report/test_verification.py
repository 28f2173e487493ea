"""The second engine of a report: what it covers, what the manifest says, and how loud a difference is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.report.verification import verify
from cohortstats.report.write import make_report
from cohortstats.stats import second_engine
from cohortstats.stats.second_engine import SecondOpinion
from cohortstats.study import Regression


def test_every_shown_test_of_the_shipped_study_is_verified(tmp_path: Path) -> None:
    report = cs.write_report(cs.shipped_study("sakai2018"), tmp_path / "report")
    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text(encoding="utf-8"))
    verified = manifest["second_engine"]
    tests = {f"table4/{name}//p_value" for name in report.cohort.study.exhibit("table4").rows}
    assert tests <= set(verified)
    assert {"figure1/ttp//p_value", "figure1/ttp/no/median", "table4/hr_positive//risk_difference"} <= set(verified)
    # The median of the other group lies on a flat piece, which the other program reads from its beginning.
    assert "figure1/ttp/yes/median" not in verified
    assert all(one["digits"] >= 9 for one in verified.values())
    # Nothing withheld is told by way of the second engine.
    withheld = {record.address for analysis in report.analyses for record in analysis.records if record.withheld}
    assert not withheld & set(verified)


def test_a_difference_is_a_loud_note(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = SecondOpinion(engine="scipy 0", values=(0.25,))
    monkeypatch.setattr(second_engine, "second_fisher", lambda counts: wrong)
    report = make_report(cs.load_cohort(cs.shipped_study("sakai2018")))
    loud = [note for note in report.notes if note.startswith("Two programs differ: table4/hr_positive//p_value")]
    assert loud == [
        "Two programs differ: table4/hr_positive//p_value is 0.4384332760306064 here and 0.25 by scipy 0. "
        "Do not use this number before you know why."
    ]
    assert json.loads(report.files["manifest.json"])["second_engine"]["table4/hr_positive//p_value"]["digits"] == 0


def test_invented_example_agrees() -> None:
    cohort = cs.load_cohort(cs.shipped_study("example"))
    verified = verify(cohort, cs.make_exhibits(cohort))
    assert len(verified) > 15
    assert all(one.agrees for one in verified)


def test_hazard_ratios_are_verified_model_by_model() -> None:
    study = cs.Study.read(cs.shipped_study("example"))
    entry = Regression(id="cox", title="TTP", endpoint="ttp", covariates=("age", "stage"), allow_few_events=True)
    cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(entry,)))
    verified = verify(cohort, cs.make_exhibits(cohort))
    addresses = {one.address for one in verified}
    assert {"cox/age/univariable/hazard_ratio", "cox/age/multivariable/hazard_ratio"} <= addresses
    assert any(address.startswith("cox/stage/") for address in addresses)
    assert all(one.digits >= 8 for one in verified)
