"""The exhibit of missing values: counts, reasons, shares and patterns, countable by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

import cohortstats as cs
from cohortstats.figures import MissingnessPicture
from cohortstats.study import Missingness

Small = Callable[..., cs.Cohort]
HEAD = '[[missingness]]\nid = "missing"\ntitle = "T"\n'


def made(cohort: cs.Cohort) -> cs.Analysis:
    return cs.missing_values(cohort, cohort.study.exhibit("missing"))


def numbers(analysis: cs.Analysis) -> dict[tuple[str, str, str], object]:
    found = {(record.row, record.group, record.statistic): record.value for record in analysis.records}
    assert len(found) == len(analysis.records), "an address is used twice"
    return found


def test_by_hand(small: Small) -> None:
    analysis = made(small(HEAD))
    found = numbers(analysis)
    # P04 has no age, P05 no smoking habit, P11 no stage, no days and no event; the response of P06 is unknown.
    lacking = {"age": 1, "arm": 0, "stage": 1, "smoker": 1, "response": 1, "days": 1, "event": 1}
    for name, n in lacking.items():
        assert (found[name, "all", "n_known"], found[name, "all", "n_missing"]) == (12 - n, n)
    assert found["age", "empty", "n_missing_reason"] == 1
    assert found["response", "unknown", "n_missing_reason"] == 1
    patterns = {group: value for (row, group, name), value in found.items() if (row, name) == ("pattern", "n")}
    assert patterns == {"complete": 8, "age": 1, "smoker": 1, "response": 1, "stage, days, event": 1}
    assert sum(patterns.values()) == 12  # type: ignore[arg-type]


def test_shares_by_outcome_and_by_availability(small: Small) -> None:
    analysis = made(small(HEAD + 'variables = ["age", "stage"]\noutcome = "responder"\ntested = "arm == \'A\'"\n'))
    found = numbers(analysis)
    # Responders P01 P02 P07 P08 P12; P06 is unknown. P04 is no responder of arm A, P11 none of arm B.
    assert found["age", "yes", "n_missing_outcome"] == 0
    assert found["age", "no", "n_missing_outcome"] == 1
    assert found["age", "no", "percent_missing_outcome"] == pytest.approx(100 / 6)
    assert found["stage", "yes", "n_missing_tested"] == 0
    assert found["stage", "no", "n_missing_tested"] == 1
    header = analysis.table.strings()[0]
    assert header[4:] == [
        "Response: yes missing, n (%)",
        "Response: no missing, n (%)",
        "Response: unknown missing, n (%)",
        "arm == 'A': yes missing, n (%)",
        "arm == 'A': no missing, n (%)",
    ]


def test_the_picture_has_the_variables_that_somebody_lacks(small: Small) -> None:
    picture = made(small(HEAD + 'variables = ["arm", "age", "stage", "days"]\n')).picture
    assert isinstance(picture, MissingnessPicture)
    assert [(row.label, row.n_missing, row.text) for row in picture.rows] == [
        ("Age", 1, "1 (8.3)"),
        ("Stage", 1, "1 (8.3)"),
        ("days", 1, "1 (8.3)"),
    ]
    assert [(pattern.n, pattern.missing) for pattern in picture.patterns] == [
        (10, (False, False, False)),
        (1, (True, False, False)),
        (1, (False, True, True)),
    ]


def test_nothing_missing_needs_no_picture(small: Small) -> None:
    analysis = made(small(HEAD + 'variables = ["arm"]\n'))
    assert analysis.picture is None
    assert "Missing together" not in [row[0] for row in analysis.table.strings()]


def test_patterns_beyond_the_most_are_counted_together(small: Small) -> None:
    analysis = made(small(HEAD + "patterns = 2\n"))
    rows = [row[0] for row in analysis.table.strings()]
    assert rows[-2:] == ["Nothing missing", "Age"]
    assert "3 patients have another pattern." in analysis.table.footnotes[-1]


def test_many_missing_are_told(small: Small) -> None:
    # P04 and P05: one of them has no age.
    analysis = made(small(HEAD + 'variables = ["age", "arm"]\npopulation = "stage == \'III\' and arm == \'A\'"\n'))
    assert [guard.row for guard in analysis.guards] == ["age"]
    assert "Age: Missing in more than 20% of those who could have a value." in analysis.table.footnotes
    assert made(small(HEAD + 'variables = ["age"]\n')).guards == ()


def test_dates_of_events_are_no_missing_values(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("dates")
    (folder / "patients.csv").write_text(
        "id,start,pd,seen,tx\nA,2016-01-01,2016-02-01,2016-03-01,\nB,2016-01-01,,2016-03-01,\n", encoding="utf-8"
    )
    (folder / "plasma.csv").write_text("id,her2\nB,1.5\n", encoding="utf-8")
    (folder / "study.toml").write_text(
        """cohortstats = 1
[study]
id = "s"
title = "S"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[data.plasma]
file = "plasma.csv"
id = "id"
rows = "one per patient"
label = "Plasma"
[columns.patients]
start = { type = "date" }
pd = { type = "date" }
seen = { type = "date" }
tx = { type = "date" }
[columns.plasma]
her2 = { type = "number" }
[endpoints.ttp]
kind = "time to event"
start = "start"
event = "pd"
censor = "seen"
unknown = "exclude"
[[swimmer]]
id = "bars"
title = "T"
endpoint = "ttp"
marks = [{ kind = "new therapy", date = "tx" }]
"""
        + HEAD,
        encoding="utf-8",
    )
    analysis = made(cs.load_cohort(folder))
    # Patterns have lines of the same names below.
    rows = {row[0]: row for row in reversed(analysis.table.strings())}
    assert {"start", "seen", "her2"} <= set(rows) and not {"pd", "tx"} & set(rows)
    assert rows["her2"][3] == "no row: Plasma"
    assert analysis.guards == ()  # a row that a table lacks does not count


def test_many_rows_are_no_variable(small: Small) -> None:
    with pytest.raises(cs.DataError) as refused:
        small(HEAD + 'variables = ["agee"]\npatterns = -1\noutcome = "ttp"\n')
    codes = {problem.code for problem in refused.value.problems}
    assert codes == {"expression-name", "key-type"}


def test_another_section_is_refused_by_name(small: Small) -> None:
    cohort = small(HEAD)
    with pytest.raises(cs.InputError, match=r"not \[\[flow\]\]; use missing_values\(\)"):
        cs.flow(cohort, cohort.study.exhibit("missing"))


def test_a_rebuilt_cohort_gives_a_sentence() -> None:
    study = cs.Study.read(cs.shipped_study("sakai2018"))
    entry = Missingness(id="missing", title="T")
    analysis = cs.missing_values(cs.load_cohort(dataclasses.replace(study, exhibits=(entry,))), entry)
    assert (analysis.picture, analysis.records, analysis.table.groups) == (None, (), ())
    assert "neither prints nor determines" in analysis.table.footnotes[0]
