"""Any small cohort makes every exhibit: nothing raises, counts add up, and order of rows changes nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import cohortstats as cs

LAW = settings(derandomize=True, deadline=None, max_examples=25, database=None)
STUDY = """cohortstats = 1
[study]
id = "law"
title = "T"
conventions = "ezr"
missing = [""]
[data.p]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.p]
age = { type = "number" }
arm = { type = "yes/no" }
site = { order = ["x", "y", "z"] }
days = { type = "number" }
event = { type = "yes/no" }
resp = { order = ["PR", "PD", "NE"], unknown = ["NE"] }
[endpoints.bad]
kind = "binary"
when = "resp == 'PD'"
unknown = "not an event"
[endpoints.t]
kind = "time to event"
time = "days"
event = "event"
unknown = "exclude"
[[characteristics]]
id = "c"
title = "T"
by = "arm"
rows = ["age", "site", "resp"]
[[response]]
id = "r"
title = "T"
variable = "resp"
[[association]]
id = "a"
title = "T"
outcome = "bad"
rows = ["arm", "site"]
[[listing]]
id = "l"
title = "T"
columns = ["arm", "site", "age"]
[[time_to_event]]
id = "f"
endpoint = "t"
groups = "site"
at = [5]
"""
CELL = {
    "age": st.sampled_from(["", "40", "50.5", "61"]),
    "arm": st.sampled_from(["", "yes", "no"]),
    "site": st.sampled_from(["", "x", "y", "z"]),
    "days": st.sampled_from(["", "0", "1", "5", "5", "9"]),
    "event": st.sampled_from(["yes", "no"]),
    "resp": st.sampled_from(["", "PR", "PD", "NE"]),
}
PATIENTS = st.lists(st.tuples(*CELL.values()), min_size=1, max_size=14)


def cohort_of(rows: list[tuple[str, ...]]) -> cs.Cohort:
    with tempfile.TemporaryDirectory() as folder:
        lines = [",".join(["id", *CELL]), *(",".join(row) for row in rows)]
        Path(folder, "patients.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        Path(folder, "study.toml").write_text(STUDY, encoding="utf-8")
        return cs.load_cohort(folder)


@LAW
@given(PATIENTS)
def test_every_cohort_makes_every_exhibit(patients: list[tuple[str, ...]]) -> None:
    rows = [(f"P{number}", *patient) for number, patient in enumerate(patients)]
    cohort = cohort_of(rows)
    analyses = {analysis.id: analysis for analysis in cs.make_exhibits(cohort)}
    found = {record.address: record for analysis in analyses.values() for record in analysis.records}
    for group in ("yes", "no", "all"):
        n = sum(1 for row in rows if group in ("all", row[2]))
        counted = sum(
            record.value
            for address, record in found.items()
            if address.startswith("c/site/") and address.endswith(f"/{group}/n")
        )
        assert counted == n
    listed = analyses["l"].to_table().strings()
    assert len(listed) == 1 + len(rows)
    survival = [record for record in analyses["f"].records if record.statistic == "n"]
    assert sum(record.value for record in survival) == sum(1 for row in rows if row[3] and row[4])
    shuffled = cohort_of(list(reversed(rows)))
    for analysis in cs.make_exhibits(shuffled):
        assert analysis.to_table().strings() == analyses[analysis.id].to_table().strings()
