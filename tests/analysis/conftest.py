"""A small cohort, written as a study would be: 12 patients, all numbers countable by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs

PATIENTS = """id,age,arm,stage,smoker,response,days,event
P01,50,A,I,yes,CR,10,yes
P02,60,A,II,yes,PR,20,yes
P03,70,A,II,no,SD,30,no
P04,,A,III,no,PD,40,yes
P05,55,A,III,,PD,50,no
P06,65,A,I,yes,unknown,60,yes
P07,45,B,I,no,CR,15,no
P08,52,B,II,no,PR,25,yes
P09,61,B,III,yes,SD,35,no
P10,68,B,III,no,PD,45,yes
P11,71,B,,yes,PD,,
P12,59,B,II,no,PR,65,no
"""

STUDY = """
cohortstats = 1
[study]
id = "small"
title = "Twelve patients"
n = 12
conventions = "ezr"
alpha = 0.05
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
age = { type = "number", unit = "years", label = "Age" }
arm = { order = ["A", "B"], label = "Arm" }
stage = { order = ["I", "II", "III"], label = "Stage" }
smoker = { type = "yes/no", label = "Smoker" }
response = { order = ["CR", "PR", "SD", "PD", "unknown"], unknown = ["unknown"], label = "Response" }
days = { type = "number", unit = "days" }
event = { type = "yes/no" }
[endpoints.responder]
kind = "binary"
when = "response in ['CR', 'PR']"
unknown = "exclude"
label = "Response"
[endpoints.ttp]
kind = "time to event"
time = "days"
event = "event"
unknown = "exclude"
label = "Time to progression"
"""


@pytest.fixture
def small(tmp_path: Path) -> Callable[[str], cs.Cohort]:
    """The cohort with exhibits appended to its study file."""

    def load(exhibits: str, **changes: str) -> cs.Cohort:
        text = STUDY
        for old, new in changes.items():
            key = old.replace("_", " ")
            text = "\n".join(new if line.startswith(f"{key} =") else line for line in text.splitlines()) + "\n"
        (tmp_path / "study.toml").write_text(text + exhibits, encoding="utf-8")
        (tmp_path / "patients.csv").write_text(PATIENTS, encoding="utf-8")
        return cs.load_cohort(tmp_path)

    return load
