"""Regressions of a small cohort: what each model holds, what is refused and how that is said, what a rebuilt cohort hides."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.analysis.results import result_key
from cohortstats.figures import ForestPicture
from cohortstats.study import Regression

Load = Callable[..., cs.Cohort]
HEAD = '[[regression]]\nid = "cox"\ntitle = "T"\nendpoint = "ttp"\n'


def make(cohort: cs.Cohort) -> cs.Analysis:
    return cs.regression(cohort, cohort.study.exhibit("cox"))


def found(analysis: cs.Analysis) -> dict[tuple[str, str, str], cs.Result]:
    results = {(record.row, record.group, record.statistic): record for record in analysis.records}
    assert len(results) == len(analysis.records), "an address is used twice"
    return results


def test_each_model_has_the_patients_with_its_covariates(small: Load) -> None:
    cohort = small(HEAD + 'covariates = ["age", "smoker"]\nallow_few_events = true\n')
    analysis = make(cohort)
    # By hand: P11 has no time; P04 no age; P05 no smoking habit. Events P01 P02 P04 P06 P08 P10.
    results = found(analysis)
    sizes = {
        ("age", "univariable"): (10, 5),
        ("smoker", "univariable"): (10, 6),
        ("smoker/yes", "univariable"): (4, 3),
        ("smoker/no", "univariable"): (6, 3),
        ("ttp", "multivariable"): (9, 5),
        ("age", "multivariable"): (9, 5),
        ("smoker/yes", "multivariable"): (4, 3),
        ("smoker/no", "multivariable"): (5, 2),
    }
    for (row, group), (n, events) in sizes.items():
        assert results[row, group, "n"].value == n
        assert results[row, group, "n_events"].value == events
    assert results["ttp", "multivariable", "events_per_parameter"].value == 2.5
    notes = analysis.table.footnotes
    assert "1 patient without a time was left out." in notes
    assert (
        "Multivariable model: 9 patients with 5 events; 2 patients without a value of a covariate were left out."
        in notes
    )
    assert "Multivariable model: 5 events for 2 parameters; at most 1 is supported." in notes


def test_the_table_has_a_line_a_level_and_names_the_reference(small: Load) -> None:
    table = make(small(HEAD + 'covariates = ["age", "stage", "smoker"]\nallow_few_events = true\n')).table
    lines = table.strings()
    assert lines[0] == [
        "Characteristic",
        "n",
        "Events",
        "Hazard ratio univariable (95% CI)",
        "*P* Wald",
        "Hazard ratio multivariable (95% CI)",
        "*P* Wald",
    ]
    assert [line[0] for line in lines[1:]] == ["Age, years", "Stage", "I", "II", "III", "Smoker", "Yes", "No"]
    by_label = {line[0]: line for line in lines}
    for label in ("I", "No"):
        assert by_label[label][3:] == ["1 (reference)", "", "1 (reference)", ""]
    # Three levels have a P for all of them on the line of the variable; two levels need none.
    assert by_label["Stage"][4] not in ("", "NE")
    assert by_label["Smoker"][4] == ""


def test_a_declared_reference_turns_the_ratio_around(small: Load) -> None:
    text = HEAD + 'covariates = ["arm"]\nmodels = ["univariable"]\nallow_few_events = true\n'
    usual = found(make(small(text)))["arm/B", "univariable", "hazard_ratio"]
    turned = found(make(small(text + 'reference = { arm = "B" }\n')))["arm/A", "univariable", "hazard_ratio"]
    assert float(usual.value) * float(turned.value) == pytest.approx(1, rel=1e-9)  # type: ignore[arg-type]
    assert float(usual.ci_lower) * float(turned.ci_upper) == pytest.approx(1, rel=1e-9)  # type: ignore[arg-type]


def test_a_step_is_the_ratio_raised_to_it(small: Load) -> None:
    text = HEAD + 'covariates = ["age"]\nmodels = ["univariable"]\nallow_few_events = true\n'
    one, ten = make(small(text)), make(small(text + "per = { age = 10 }\n"))
    first, second = (found(analysis)["age", "univariable", "hazard_ratio"] for analysis in (one, ten))
    assert float(first.value) ** 10 == pytest.approx(float(second.value), rel=1e-9)  # type: ignore[arg-type]
    assert one.table.strings()[1][0] == "Age, years"
    assert ten.table.strings()[1][0] == "Age, per 10 years"
    named = make(small(text + 'per = { age = 10 }\nlabels = { age = "Decade of life" }\n'))
    assert named.table.strings()[1][0] == "Decade of life"


def test_columns_of_the_models_that_are_declared(small: Load) -> None:
    text = HEAD + 'covariates = ["arm", "smoker", "age"]\nallow_few_events = true\nmultivariable = ["arm", "age"]\n'
    analysis = make(small(text))
    lines = {line[0]: line for line in analysis.table.strings()}
    assert lines["Yes"][5:] == ["", ""]
    assert lines["B"][5] != ""
    assert found(analysis)["ttp", "multivariable", "n"].value == 10
    alone = make(small(HEAD + 'covariates = ["arm"]\nmodels = ["univariable"]\nallow_few_events = true\n'))
    assert len(alone.table.columns) == 5
    together = make(small(HEAD + 'covariates = ["arm", "age"]\nmodels = ["multivariable"]\nallow_few_events = true\n'))
    assert [line[1:3] for line in together.table.strings()[2:4]] == [["5", "3"], ["5", "2"]]


@pytest.mark.parametrize(
    ("exhibit", "reason", "sentence"),
    [
        ('covariates = ["arm"]\npopulation = "age > 100"', "no patients", "Not estimable: there are no patients."),
        (
            'covariates = ["arm"]\npopulation = "not event"',
            "no events",
            "Not estimable: none of the 5 patients has the event.",
        ),
        ('covariates = ["arm"]\npopulation = "arm == \'A\'"', "no variation", "Not estimable: Arm has one value."),
        (
            'covariates = ["stage"]\npopulation = "stage >= \'II\'"',
            "no patients",
            "Not estimable: Stage, nobody has the reference I.",
        ),
        (
            'covariates = ["stage"]',
            "too few events",
            "6 events for 2 parameters; at most 1 is supported. Not fitted with fewer than 5 events per parameter.",
        ),
        (
            'covariates = ["stage"]\npopulation = "days > 40"\nallow_few_events = true',
            "too few events",
            "Not fitted: 2 events cannot carry 2 parameters.",
        ),
    ],
)
def test_a_model_that_cannot_be_fitted_says_why_and_costs_nothing(
    small: Load, exhibit: str, reason: str, sentence: str
) -> None:
    analysis = make(small(HEAD + exhibit + '\nmodels = ["univariable"]\n'))
    ratios = [record for record in analysis.records if record.statistic == "hazard_ratio"]
    assert ratios
    assert all(math.isnan(record.value) and record.reason == reason for record in ratios)  # type: ignore[arg-type]
    assert f"a {sentence}" in analysis.table.footnotes
    assert analysis.picture is None
    assert "NEa" in [text for line in analysis.table.strings() for text in line]


def test_one_model_of_several_is_refused_alone(small: Load) -> None:
    analysis = make(small(HEAD + 'covariates = ["stage", "smoker"]\n'))
    results = found(analysis)
    assert results["stage/II", "univariable", "hazard_ratio"].reason == "too few events"
    assert not results["smoker/yes", "univariable", "hazard_ratio"].reason
    assert isinstance(analysis.picture, ForestPicture)
    assert {(guard.name, guard.row) for guard in analysis.guards} >= {("few events", "stage"), ("few events", "smoker")}


def test_covariates_that_repeat_each_other_are_told_in_the_words_of_the_model(small: Load) -> None:
    cohort = small(HEAD + 'covariates = ["age", "arm"]\nallow_few_events = true\n')
    cohort = dataclasses.replace(cohort, data={**cohort.data, "arm": cohort.data["age"]})
    variable = dataclasses.replace(cohort.variables["age"], name="arm")
    cohort = dataclasses.replace(cohort, variables={**cohort.variables, "arm": variable})
    analysis = make(cohort)
    assert "a 'arm' repeats 'age'." in analysis.table.footnotes
    assert not found(analysis)["age", "univariable", "hazard_ratio"].reason


# Times 5, 8, 12, 16, 23, 27, 30, 33: every event is in arm A.
SEPARATED = [
    ("A", 5, 1),
    ("A", 8, 1),
    ("A", 12, 1),
    ("A", 16, 1),
    ("B", 23, 0),
    ("B", 27, 0),
    ("B", 30, 1),
    ("B", 33, 0),
]


def test_no_finite_estimate_is_said_and_firths_is_given(tmp_path: Path, small: Load) -> None:
    small(HEAD + 'covariates = ["arm"]\nmodels = ["univariable"]\nallow_few_events = true\nreference = { arm = "B" }\n')
    lines = ["id,age,arm,stage,smoker,response,days,event"]
    lines += [
        f"P{n},50,{arm},I,yes,CR,{time},{'yes' if event else 'no'}" for n, (arm, time, event) in enumerate(SEPARATED)
    ]
    (tmp_path / "patients.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    study = (tmp_path / "study.toml").read_text(encoding="utf-8").replace("n = 12", "n = 8")
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    analysis = make(cs.load_cohort(tmp_path))
    results = found(analysis)
    ratio = results["arm/A", "univariable", "hazard_ratio"]
    assert math.isnan(ratio.value)  # type: ignore[arg-type]
    assert ratio.reason == "monotone likelihood"
    firth = results["arm/A", "univariable", "hazard_ratio_firth"]
    # R coxphf 1.13.4 on these eight patients.
    assert firth.value == pytest.approx(19.0715768, rel=2e-6)
    assert firth.p_value == pytest.approx(0.009508729262, rel=1e-6)
    assert firth.ci_lower == pytest.approx(1.86814258009, rel=1e-4)
    assert firth.ci_upper == pytest.approx(2582.64669670, rel=1e-4)
    note = next(note for note in analysis.table.footnotes if note.startswith("a "))
    assert note == (
        "a No finite estimate exists: the likelihood has no maximum. "
        "Firth's penalised estimate is given: Arm: A 19.1 (1.87–2583), P = 0.0095."
    )
    assert analysis.picture is None
    # Without the last event all are in one arm; the penalised estimate is the same.
    (tmp_path / "patients.csv").write_text("\n".join(lines).replace("CR,30,yes", "CR,30,no") + "\n", encoding="utf-8")
    analysis = make(cs.load_cohort(tmp_path))
    note = next(note for note in analysis.table.footnotes if note.startswith("a "))
    assert note.startswith("a No finite estimate exists: all 4 events are in one group. Firth's")
    assert [guard.name for guard in analysis.guards] == ["separation", "few events"]
    # Declared, Firth's estimate stands in the table.
    declared = (tmp_path / "study.toml").read_text(encoding="utf-8") + 'penalty = "firth"\n'
    (tmp_path / "study.toml").write_text(declared, encoding="utf-8")
    analysis = make(cs.load_cohort(tmp_path))
    lines = {line[0]: line for line in analysis.table.strings()}
    assert lines["A"][3:] == ["19.1 (1.87–2583)", "0.0095"]
    assert analysis.table.footnotes[0].startswith("Cox regression with Firth's penalty, Breslow ties")
    assert isinstance(analysis.picture, ForestPicture)


def test_strata_are_named_and_leave_out_those_without(small: Load) -> None:
    analysis = make(
        small(HEAD + 'covariates = ["arm"]\nmodels = ["univariable"]\nstrata = "smoker"\nallow_few_events = true\n')
    )
    assert "Stratified by Smoker." in analysis.table.footnotes
    assert "1 patient without a stratum was left out." in analysis.table.footnotes
    assert found(analysis)["arm", "univariable", "n"].value == 10


def test_levels_declared_unknown_are_missing(small: Load) -> None:
    analysis = make(small(HEAD + 'covariates = ["response"]\nmodels = ["univariable"]\n'))
    assert "unknown" not in [line[0] for line in analysis.table.strings()]
    assert found(analysis)["response", "univariable", "n"].value == 10  # P06 is unknown, P11 has no time


def test_a_reference_that_is_no_level_is_refused(small: Load) -> None:
    cohort = small(HEAD + 'covariates = ["response"]\nreference = { response = "unknown" }\n')
    with pytest.raises(cs.InputError) as refused:
        make(cohort)
    assert list(refused.value.problems) == [
        "cox: 'unknown' is no level of response, so it cannot be its reference. Levels: CR, PR, SD, PD."
    ]


def test_another_section_is_refused(small: Load) -> None:
    cohort = small(HEAD + 'covariates = ["arm"]\n[[listing]]\nid = "l"\ntitle = "T"\ncolumns = ["arm"]\n')
    with pytest.raises(
        cs.InputError, match=r"l is a \[\[listing\]\] exhibit, not \[\[regression\]\]; use listing\(\)\."
    ):
        cs.regression(cohort, cohort.study.exhibit("l"))


def test_the_picture_says_what_the_table_says(small: Load) -> None:
    analysis = make(small(HEAD + 'covariates = ["age", "stage", "smoker"]\nallow_few_events = true\n'))
    picture = analysis.picture
    assert isinstance(picture, ForestPicture)
    assert picture.series == ("Univariable", "Multivariable")
    lines = {line[0]: line for line in analysis.table.strings()}
    for row in picture.rows:
        texts = [text for estimate in row.estimates for text in estimate.texts]
        if row.text:
            assert lines[row.label][3] == row.text == "1 (reference)"
        elif texts:
            assert lines[row.label][3:] == texts
    results = found(analysis)
    yes = next(row for row in picture.rows if row.label == "Yes")
    for estimate, group in zip(yes.estimates, ("univariable", "multivariable"), strict=True):
        ratio = results["smoker/yes", group, "hazard_ratio"]
        assert (estimate.value, estimate.ci_lower, estimate.ci_upper) == (ratio.value, ratio.ci_lower, ratio.ci_upper)
    assert analysis.plot().axes[0].get_xscale() == "log"
    assert "image/svg+xml" in analysis._repr_mimebundle_()


def test_japanese(small: Load) -> None:
    cohort = small(HEAD + 'covariates = ["stage", "smoker"]\n[report]\nlang = "ja"\n')
    table = make(cohort).table
    assert table.strings()[0][3] == "ハザード比 単変量（95%信頼区間）"
    assert "1（基準）" in table.strings()[2]
    assert any("支えられるのは1個まで" in note for note in table.footnotes)
    assert not any("patients" in note or "events" in note for note in table.footnotes)


# ---- a rebuilt cohort


@pytest.fixture(scope="module")
def rebuilt() -> tuple[cs.Cohort, cs.Analysis]:
    study = cs.Study.read(cs.shipped_study("sakai2018"))
    entry = Regression(
        id="cox",
        title="Time to progression",
        endpoint="ttp",
        covariates=("age", "hr_positive", "her2_amplified", "stage"),
        allow_few_events=True,
    )
    cohort = cs.load_cohort(dataclasses.replace(study, exhibits=(*study.exhibits, entry)))
    return cohort, cs.regression(cohort, entry)


def test_a_rebuilt_cohort_withholds_every_number(rebuilt: tuple[cs.Cohort, cs.Analysis]) -> None:
    _, analysis = rebuilt
    assert {record.statistic for record in analysis.records} >= {"hazard_ratio", "p_value", "n", "n_events"}
    assert all(record.withheld for record in analysis.records)
    for record in analysis.records:
        assert math.isnan(record.p_value if record.statistic == "p_value" else record.value)  # type: ignore[arg-type]
        assert record.ci_lower is None
    cells = [text for line in analysis.table.strings()[1:] for text in line[1:]]
    assert set(cells) == {"", "—", "1 (reference)"}
    assert not any(ch.isdigit() for note in analysis.table.footnotes[2:] for ch in note)


def test_a_rebuilt_cohort_has_no_forest_plot_and_says_so(rebuilt: tuple[cs.Cohort, cs.Analysis]) -> None:
    _, analysis = rebuilt
    assert analysis.picture is None
    assert "The forest plot is left out: it would be made of these numbers." in analysis.table.footnotes
    assert "—, not printed by the paper and not determined by it." in analysis.table.footnotes
    assert analysis.guards == ()
    assert "image/svg+xml" not in analysis._repr_mimebundle_()
    with pytest.raises(cs.InputError, match="has no picture"):
        analysis.plot()


def test_a_printed_number_is_found_where_the_exhibit_has_one_kind_of_model(
    rebuilt: tuple[cs.Cohort, cs.Analysis],
) -> None:
    cohort, _ = rebuilt
    study = cohort.study
    assert study.printed is not None
    printed = dataclasses.replace(
        study.printed.values[0], exhibit="cox", variable="hr_positive", level="yes", statistic="hr"
    )
    assert result_key(study, printed) is None  # of two kinds of models
    entry = study.exhibit("cox")
    assert isinstance(entry, Regression)
    one = dataclasses.replace(entry, models=("univariable",))
    study = dataclasses.replace(study, exhibits=(*study.exhibits[:-1], one))
    assert result_key(study, printed) == ("cox", "hr_positive/yes", "univariable", "hazard_ratio")


MANY_LEVELS = """
cohortstats = 1
[study]
id = "many"
title = "前治療"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
days = { type = "number" }
progressed = { type = "yes/no" }
prior_lines = { order = ["0", "1", "2", "3", "4", "5以上"], label = "前治療" }
[endpoints.ttp]
kind = "time to event"
time = "days"
event = "progressed"
unknown = "exclude"
[[regression]]
id = "cox"
title = "T"
endpoint = "ttp"
covariates = ["prior_lines"]
models = ["univariable"]
allow_few_events = true
[report]
lang = "ja"
"""


def test_many_firth_estimates_stand_in_the_results(tmp_path: Path) -> None:
    """Nobody of the two without an earlier line has the event, so that none of the five ratios has a maximum."""
    levels = ["0", "0", *["1", "2", "3", "4", "5以上"] * 4]
    rows = [
        f"{place},{30 + 17 * place % 101},{'no' if level == '0' or place % 7 == 0 else 'yes'},{level}"
        for place, level in enumerate(levels)
    ]
    (tmp_path / "patients.csv").write_text("\n".join(["id,days,progressed,prior_lines", *rows]), encoding="utf-8")
    (tmp_path / "study.toml").write_text(MANY_LEVELS, encoding="utf-8")
    analysis = make(cs.load_cohort(tmp_path))
    results = found(analysis)
    assert results["prior_lines/0", "univariable", "n_events"].value == 0
    for level in ("1", "2", "3", "4", "5以上"):
        address = f"prior_lines/{level}", "univariable"
        assert results[*address, "hazard_ratio"].reason == "monotone likelihood"
        firth = results[*address, "hazard_ratio_firth"]
        assert 0 < firth.ci_lower < firth.value < firth.ci_upper < math.inf  # type: ignore[operator]
    note = next(note for note in analysis.table.footnotes if note.startswith("a "))
    assert "「0」群に属するものがない" in note
    assert "results.csv" in note
    assert "5以上" not in note
