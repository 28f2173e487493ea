"""The plan of the SePHER study on an invented cohort: the printed sizes and medians, and every number against R.

R 4.2.2 with survival 3.5-3, once, on the rows that are shipped:

    d <- read.csv("patients.csv", comment.char = "#", na.strings = "")
    s <- d[d$line == "2", ]; os <- Surv(os_months, died == "yes"); pfs <- Surv(pfs_months, progressed_or_died == "yes")
    ecog is a factor, decade is age / 10; the references are no, negative and 0.
"""

from __future__ import annotations

import dataclasses
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.cli import main
from cohortstats.study import Regression, TimeToEvent, TimeToEventEndpoint

FOLDER = Path(__file__).parents[2] / "data" / "raw" / "sepher2020"
Found = dict[tuple[str, str, str], cs.Result]
Curve = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...], float]


@pytest.fixture(scope="module")
def cohort() -> cs.Cohort:
    return cs.load_cohort(FOLDER)


@pytest.fixture(scope="module")
def analyses(cohort: cs.Cohort) -> dict[str, cs.Analysis]:
    return {entry.id: cs.make_exhibit(cohort, entry) for entry in cohort.study.exhibits}


@pytest.fixture(scope="module")
def found(analyses: dict[str, cs.Analysis]) -> dict[str, Found]:
    return {
        name: {(record.row, record.group, record.statistic): record for record in analysis.records}
        for name, analysis in analyses.items()
    }


def number(value: object) -> float:
    assert isinstance(value, (int, float))
    return float(value)


# ---------------------------------------------------------------------------------------------------------------------
# What is printed
# ---------------------------------------------------------------------------------------------------------------------


def test_the_groups_have_the_printed_sizes(cohort: cs.Cohort) -> None:
    second = cohort.levels("second_line") == "yes"
    pertuzumab = cohort.levels("prior_pertuzumab") == "yes"
    assert cohort.n == 555
    assert second.sum() == 371
    assert (second & pertuzumab).sum() == 177
    assert (second & ~pertuzumab).sum() == 194


@pytest.mark.parametrize(
    ("exhibit", "endpoint", "group", "printed", "events"),
    [
        # Printed: months. Events: R survfit(...)$n.event, summed.
        ("os_by_pertuzumab", "os", "yes", 52, 80),
        ("os_by_pertuzumab", "os", "no", 74, 87),
        ("pfs_by_pertuzumab", "pfs", "yes", 6, 149),
        ("pfs_by_pertuzumab", "pfs", "no", 10, 168),
    ],
)
def test_medians_of_the_second_line_are_those_printed(
    found: dict[str, Found], exhibit: str, endpoint: str, group: str, printed: int, events: int
) -> None:
    results = found[exhibit]
    assert round(number(results[endpoint, group, "median"].value)) == printed
    assert results[endpoint, group, "events"].value == events


def test_the_readme_has_printed_and_obtained_side_by_side(cohort: cs.Cohort, found: dict[str, Found]) -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert "INVENTED" in first
    assert "nothing else of it is evidence about T-DM1" in first
    table = dict(re.findall(r"^\| (.+?) \| ([\d.]+ \| [\d.]+) \|", text, flags=re.MULTILINE))
    assert len(table) == 10
    os, pfs = found["os_by_pertuzumab"], found["pfs_by_pertuzumab"]
    sizes = [number(os["os", group, "n"].value) for group in ("yes", "no")]
    expected = {
        "patients treated with T-DM1": f"555 | {cohort.n}",
        "in second line": f"371 | {sum(sizes):g}",
        "trastuzumab/pertuzumab in first line": f"177 | {sizes[0]:g}",
        "pertuzumab-naïve": f"194 | {sizes[1]:g}",
        "log-rank P, overall survival": f"0.0006 | {os['os', '', 'p_value'].p_value:.5f}",
        "log-rank P, progression-free survival": f"0.03 | {pfs['pfs', '', 'p_value'].p_value:.6f}",
    }
    for label, printed, record in (
        ("overall survival after pertuzumab", 52, os["os", "yes", "median"]),
        ("overall survival, pertuzumab-naïve", 74, os["os", "no", "median"]),
        ("progression-free survival after pertuzumab", 6, pfs["pfs", "yes", "median"]),
        ("progression-free survival, pertuzumab-naïve", 10, pfs["pfs", "no", "median"]),
    ):
        expected[f"median {label}, months"] = f"{printed} | {number(record.value):g}"
    assert table == expected


# ---------------------------------------------------------------------------------------------------------------------
# The rows
# ---------------------------------------------------------------------------------------------------------------------


def test_the_rows_are_made_by_their_script(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "make_cohort.py", tmp_path)
    subprocess.run([sys.executable, "make_cohort.py"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "patients.csv").read_bytes() == (FOLDER / "patients.csv").read_bytes()


def test_everything_says_that_it_is_invented(cohort: cs.Cohort, analyses: dict[str, cs.Analysis]) -> None:
    assert (FOLDER / "patients.csv").read_text(encoding="utf-8").startswith("# INVENTED")
    assert "invented cohort" in cohort.study.title
    for analysis in analyses.values():
        assert "(invented cohort)" in analysis.table.caption
    # A cohort that is not rebuilt from print withholds nothing.
    assert not any(record.withheld for analysis in analyses.values() for record in analysis.records)


def test_times_of_a_patient_are_one_line_of_time(cohort: cs.Cohort) -> None:
    tenths = {name: (cohort.values(name) * 10).round() for name in ("months_to_tdm1", "pfs_months", "os_months")}
    left = tenths["os_months"] - tenths["months_to_tdm1"] - tenths["pfs_months"]
    assert left.min() == 0
    # Who died without progression before is an event on the day of death, not a censored patient.
    assert (cohort.levels("progressed_or_died")[(left == 0) & (cohort.levels("died") == "yes")] == "yes").all()


def test_missing_values(cohort: cs.Cohort) -> None:
    missing = {name: int(cohort.known(name).missing.sum()) for name in cohort.variables}
    assert {name: n for name, n in missing.items() if n} == {"hormone_receptors": 6, "stage": 4, "ecog": 23}


# ---------------------------------------------------------------------------------------------------------------------
# Against R
# ---------------------------------------------------------------------------------------------------------------------

NONE = math.nan
# summary(survfit(y ~ group), times = , rmean = ), conf.type = "log", and survdiff(y ~ group): group -> n, median with
# its limits; survival and its limits at three times, in %; mean survival time. Then the statistic of the test and its P.
CURVES: dict[str, tuple[dict[str, Curve], tuple[float, float]]] = {
    "os_by_pertuzumab": (
        {
            "yes": (
                (177, 52, 47.7, 67.5),
                (84.0297185906917, 78.7763127907177, 89.6334615862198),
                (71.7837441823789, 65.2931924613179, 78.9194973410742),
                (42.0403798185947, 33.2525575727063, 53.1506044738762),
                45.8039753356714,
            ),
            "no": (
                (194, 74, 67.2, 97.7),
                (91.2313216726515, 87.3354880877517, 95.3009393589921),
                (81.3824858102629, 76.0762497722241, 87.0588260657899),
                (65.6992212425015, 58.9356052393348, 73.2390488626105),
                51.7842421681623,
            ),
        },
        (15.0881076518248, 0.000102607670573268),
    ),
    "pfs_by_pertuzumab": (
        {
            "yes": (
                (177, 6, 5.3, 7.8),
                (49.5306847921966, 42.5783606941413, 57.6182054919156),
                (29.4879366274639, 23.1934671688875, 37.4906606336008),
                (7.54859118553651, 3.98171645937452, 14.3107198786602),
                8.36808645251735,
            ),
            "no": (
                (194, 10, 8.4, 12.6),
                (66.3488058239987, 60.0049423613673, 73.3633574341188),
                (44.1832504612724, 37.6155832645488, 51.8976299687837),
                (19.7556625723922, 14.6063530865307, 26.7203046073233),
                11.9624826467261,
            ),
        },
        (16.9567954504327, 3.82401948256457e-05),
    ),
    "pfs_by_line": (
        {
            "2": (
                (371, 8.2, 6.8, 9.7),
                (58.4250758600091, 53.5775696777703, 63.7111670009942),
                (37.3134485846616, 32.5654152225197, 42.7537446019538),
                (20.9461296931856, 16.9327803463255, 25.9107092958283),
                9.20703656721585,
            ),
            "3": (
                (109, 5.4, 4.2, 7.1),
                (44.4641764962866, 35.9934142918474, 54.9284648425458),
                (18.7108665442275, 12.346793303687, 28.3552593960854),
                (11.4659182190216, 6.24545716095105, 21.0500652261734),
                6.7807594351974,
            ),
            "≥ 4": (
                (75, 4.4, 3.2, 6.2),
                (37.5550950290404, 27.82716105114, 50.6837603752783),
                (14.8130357436285, 8.2193328137991, 26.6963308230602),
                (6.34844389012649, 2.24707485343007, 17.9356463201765),
                5.98777016274791,
            ),
        },
        (28.3852212375563, 6.85847444009054e-07),
    ),
    "os_from_tdm1_by_pertuzumab": (
        {
            "yes": (
                (177, 35, 28.9, NONE),
                (80.6251248114331, 74.9791869299372, 86.6962021998631),
                (63.2295335792454, 56.2100662641327, 71.1255862582039),
                (47.6930520056836, 39.5856625548521, 57.4608851491367),
                25.5112578980925,
            ),
            "no": (
                (194, 57.3, 49.9, 82.4),
                (88.1413154880328, 83.7066954350664, 92.8108731993544),
                (78.6163837419815, 73.0153128331938, 84.6471178831509),
                (67.9852198502879, 61.5106658012688, 75.1412792868296),
                30.0759620298775,
            ),
        },
        (14.1891974152763, 0.000165316878371809),
    ),
}


@pytest.mark.parametrize("exhibit", CURVES)
def test_curves_and_log_rank_equal_r(cohort: cs.Cohort, found: dict[str, Found], exhibit: str) -> None:
    groups, test = CURVES[exhibit]
    entry = cohort.study.exhibit(exhibit)
    assert isinstance(entry, TimeToEvent)
    results, y = found[exhibit], entry.endpoint
    assert {group for row, group, statistic in results if statistic == "median"} == set(groups)
    for group, ((n, *median), *survival, mean) in groups.items():
        assert results[y, group, "n"].value == n
        record = results[y, group, "median"]
        ours = [number(value) for value in (record.value, record.ci_lower, record.ci_upper)]
        assert ours == pytest.approx(median, rel=1e-9, nan_ok=True)
        for time, theirs in zip(entry.at, survival, strict=True):
            point = results[y, group, f"survival_{time:g}"]
            assert (point.value, point.ci_lower, point.ci_upper) == pytest.approx(theirs, rel=1e-9)
        assert results[y, group, f"rmst_{entry.rmst:g}"].value == pytest.approx(mean, rel=1e-9)
    tested = results[y, "", "p_value"]
    assert (tested.value, tested.p_value) == pytest.approx(test, rel=1e-9)


def test_pairs_of_lines_equal_r(found: dict[str, Found]) -> None:
    # survdiff(pfs ~ line, d[d$line %in% pair, ]); p.adjust(p, "holm")
    pairs = {
        "2 v 3": (0.000118082686429592, 0.000236165372859184),
        "2 v ≥ 4": (1.07896730448869e-05, 3.23690191346609e-05),
        "3 v ≥ 4": (0.333070704727387, 0.333070704727387),
    }
    results = found["pfs_by_line"]
    for pair, (raw, adjusted) in pairs.items():
        assert results["pfs", pair, "p_value"].p_value == pytest.approx(raw, rel=1e-9)
        assert results["pfs", pair, "p_adjusted"].value == pytest.approx(adjusted, rel=1e-9)


# coxph(y ~ x, s, control = coxph.control(eps = 1e-14)); all 555: coxph(pfs ~ x + strata(line), d, ...). Hazard ratio,
# its limits, Wald P. The multivariable model: pertuzumab + hormone_receptors + visceral + ecog + decade.
PERTUZUMAB, RECEPTORS, VISCERAL, ONE, TWO, AGE = (
    "prior_pertuzumab/yes",
    "hormone_receptors/positive",
    "visceral/yes",
    "ecog/1",
    "ecog/2",
    "age",
)
RATIOS = {
    ("cox_os", "univariable"): {
        PERTUZUMAB: (1.88670237321007, 1.36337626765305, 2.61090494937556, 0.000128132311675094),
        RECEPTORS: (0.766171858844813, 0.560411132225465, 1.04747975821713, 0.0950680140576846),
        VISCERAL: (1.42398177857518, 1.02568069719307, 1.97695453493791, 0.0347349182058007),
        ONE: (1.05692321050384, 0.752347826006861, 1.48480082521239, 0.749562312471873),
        TWO: (1.90774065322319, 1.15633332023981, 3.1474267291767, 0.0114520890488247),
        AGE: (1.03813675983774, 0.90251794041369, 1.19413463585266, 0.600280388917681),
    },
    ("cox_os", "multivariable"): {
        PERTUZUMAB: (1.86022931484314, 1.31812077300386, 2.62529289779401, 0.000413331372099741),
        RECEPTORS: (0.874924727296762, 0.628630238130292, 1.21771628535097, 0.428264754659617),
        VISCERAL: (1.37054716331386, 0.974882500770266, 1.92679581937672, 0.0697391276328257),
        ONE: (1.00517947689389, 0.711773346741337, 1.41953303729966, 0.976597261718297),
        TWO: (1.85606827433745, 1.11882996823188, 3.07910007491686, 0.016632337751658),
        AGE: (1.02596613590906, 0.889161394361612, 1.18381940411155, 0.725530069383123),
    },
    ("cox_pfs", "univariable"): {
        PERTUZUMAB: (1.60397593271828, 1.27845471513465, 2.0123816372084, 4.45477452620506e-05),
        RECEPTORS: (0.947950706234726, 0.752495444365252, 1.19417406202228, 0.650036178237323),
        VISCERAL: (1.51197216427835, 1.19538245835739, 1.91240871034188, 0.000563196959558484),
        ONE: (1.26730619972781, 0.994179856012387, 1.61546725590519, 0.0557696785094335),
        TWO: (1.84267462363561, 1.2053128476373, 2.81706925736877, 0.00476950797647058),
        AGE: (0.960566916972365, 0.870592013727855, 1.05984064571287, 0.422695943689571),
    },
    ("cox_pfs", "multivariable"): {
        PERTUZUMAB: (1.64297755223098, 1.29215088653233, 2.08905574826408, 5.09232201012087e-05),
        RECEPTORS: (0.87992482666798, 0.690075884570349, 1.1220037069818, 0.302256790214964),
        VISCERAL: (1.56660920673484, 1.22266657014795, 2.00730474403122, 0.000385924424755709),
        ONE: (1.26187208838926, 0.987828534729068, 1.61194084952465, 0.0626124458845449),
        TWO: (2.10861226957068, 1.36401311980702, 3.25967957259315, 0.000788673129273679),
        AGE: (0.994139841415207, 0.895702241626716, 1.10339572500583, 0.912030585544893),
    },
    ("cox_pfs_all", "univariable"): {
        PERTUZUMAB: (1.410034565381, 1.16869724049465, 1.70120832554348, 0.00033379804258906),
        RECEPTORS: (0.936580828306635, 0.773962546441657, 1.13336704984557, 0.500725954212002),
        VISCERAL: (1.57312311940351, 1.29922026758763, 1.90477043080373, 3.45237641366878e-06),
        ONE: (1.30122896650488, 1.06622477716977, 1.58802989719096, 0.00957140574719364),
        TWO: (1.48012887249059, 1.04703849729443, 2.09236000857781, 0.0264038383988966),
        AGE: (0.966550596919796, 0.89119384241766, 1.04827929900372, 0.411371135697504),
    },
    ("cox_pfs_all", "multivariable"): {
        PERTUZUMAB: (1.37863441624936, 1.13388290934705, 1.67621615777039, 0.00128197310503469),
        RECEPTORS: (0.884522404040552, 0.724353616391447, 1.08010765121503, 0.228625754170873),
        VISCERAL: (1.60693039126878, 1.31693485436384, 1.96078436277277, 2.99410444470591e-06),
        ONE: (1.29070677046218, 1.05619128537417, 1.57729380121397, 0.0126197885551796),
        TWO: (1.79210519604382, 1.26281487923781, 2.54323977844299, 0.00108891975104179),
        AGE: (0.980614287223751, 0.901348508702447, 1.06685080301696, 0.648957919171981),
    },
}


@pytest.mark.parametrize(("exhibit", "model"), RATIOS)
def test_hazard_ratios_equal_r(found: dict[str, Found], exhibit: str, model: str) -> None:
    results = found[exhibit]
    ratios = {row for row, group, statistic in results if (group, statistic) == (model, "hazard_ratio")}
    assert ratios == set(RATIOS[exhibit, model])
    for row, (ratio, lower, upper, p) in RATIOS[exhibit, model].items():
        record = results[row, model, "hazard_ratio"]
        assert (record.value, record.ci_lower, record.ci_upper) == pytest.approx((ratio, lower, upper), rel=1e-7)
        assert results[row, model, "p_value"].p_value == pytest.approx(p, rel=1e-7)


# coxph(...)$n, $nevent of the multivariable model; cox.zph(model, "km")$table["GLOBAL", ] of each model.
MODELS = {
    "cox_os": (349, 155, (9.64156577493215, 0.140580769920703)),
    "cox_pfs": (349, 295, (2.15032683640687, 0.905366722150666)),
    "cox_pfs_all": (526, 450, (1.35466465254993, 0.968558050787212)),
}
UNIVARIABLE = {
    ("cox_os", "prior_pertuzumab"): (0.00267469394566161, 0.958753838063556),
    ("cox_os", "hormone_receptors"): (0.422522538332997, 0.515681022964806),
    ("cox_os", "visceral"): (1.43974145497176, 0.230181183225315),
    ("cox_os", "ecog"): (7.30531728505103, 0.0259221194347351),
    ("cox_os", "age"): (0.0350543363800443, 0.851481846217651),
    ("cox_pfs", "prior_pertuzumab"): (0.173365370042126, 0.67713805337483),
    ("cox_pfs", "hormone_receptors"): (0.836209007699867, 0.360483252226246),
    ("cox_pfs", "visceral"): (0.25745597090171, 0.611873348638733),
    ("cox_pfs", "ecog"): (0.201694960647281, 0.904070910973784),
    ("cox_pfs", "age"): (0.0276893110644173, 0.867841343855648),
    ("cox_pfs_all", "prior_pertuzumab"): (0.526868152864464, 0.467926537254774),
    ("cox_pfs_all", "hormone_receptors"): (0.504066231555012, 0.4777188833876),
    ("cox_pfs_all", "visceral"): (0.119187363660673, 0.72991753574354),
    ("cox_pfs_all", "ecog"): (0.261139481978768, 0.877595286450907),
    ("cox_pfs_all", "age"): (0.0449428876724944, 0.832109081003752),
}


@pytest.mark.parametrize("exhibit", MODELS)
def test_every_model_is_tested_for_proportional_hazards(
    cohort: cs.Cohort, found: dict[str, Found], exhibit: str
) -> None:
    results = found[exhibit]
    entry = cohort.study.exhibit(exhibit)
    assert isinstance(entry, Regression)
    n, events, proportionality = MODELS[exhibit]
    assert results[entry.endpoint, "multivariable", "n"].value == n
    assert results[entry.endpoint, "multivariable", "n_events"].value == events
    expected = {(entry.endpoint, "multivariable"): proportionality}
    expected |= {(row, "univariable"): answer for (name, row), answer in UNIVARIABLE.items() if name == exhibit}
    for (row, model), answer in expected.items():
        record = results[row, model, "proportionality"]
        assert (record.value, record.p_value) == pytest.approx(answer, rel=1e-6)
    assert {row for row, model in expected if model == "univariable"} == set(entry.covariates)


# ---------------------------------------------------------------------------------------------------------------------
# What stands beside the P values, and the report
# ---------------------------------------------------------------------------------------------------------------------


def test_what_a_reader_must_know_stands_beside_each_p_value(analyses: dict[str, cs.Analysis]) -> None:
    told = {name: {(guard.name, guard.row) for guard in analysis.guards} for name, analysis in analyses.items()}
    # R: survdiff(...)$n and $exp are far above 5 here, so that no chi-square P is called asymptotic; of the fourth and
    # later lines fewer than 5 are at risk at 18 months; cox.zph of ecog alone has P 0.026, of every other model > 0.05.
    assert told == {
        "table1": set(),
        "table2": set(),
        "os_by_pertuzumab": set(),
        "pfs_by_pertuzumab": set(),
        "pfs_by_line": {("thin tail", "≥ 4"), ("comparisons", "")},
        "os_from_tdm1_by_pertuzumab": set(),
        "cox_os": {("crossing or late effect", "ecog"), ("comparisons", "")},
        "cox_pfs": {("comparisons", "")},
        "cox_pfs_all": {("comparisons", "")},
    }
    notes = {name: analysis.table.footnotes for name, analysis in analyses.items()}
    late = "ECOG performance status: Hazards are not proportional (P 0.026); the hazard ratio is an average."
    assert late in notes["cox_os"]
    assert "P values of 3 comparisons were adjusted by Holm's method." in notes["pfs_by_line"]
    assert "Stratified by Line of T-DM1." in notes["cox_pfs_all"]
    for name in ("cox_os", "cox_pfs", "cox_pfs_all"):
        assert "P values of 10 comparisons were not adjusted." in notes[name]


def test_the_plan_says_that_survival_from_diagnosis_is_conditional(cohort: cs.Cohort) -> None:
    assert "left truncation" in (FOLDER / "study.toml").read_text(encoding="utf-8")
    assert "left\ntruncation" in (FOLDER / "README.md").read_text(encoding="utf-8")
    endpoint = cohort.study.endpoints["os_from_tdm1"]
    assert isinstance(endpoint, TimeToEventEndpoint)
    # Survival from T-DM1 is what is left of survival from diagnosis.
    left = cohort.endpoint("os")["time"] - cohort.endpoint("os_from_tdm1")["time"]
    assert left.to_numpy() == pytest.approx(cohort.values("months_to_tdm1").to_numpy(), abs=1e-9)


def test_check_finds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(FOLDER)]) == 0
    assert "555 patients, 1 table, 0 errors, 0 warnings" in capsys.readouterr().out


def test_the_report_is_written(cohort: cs.Cohort, tmp_path: Path) -> None:
    study = cohort.study
    options = dataclasses.replace(study.report, figures=("svg",))  # pictures as points take most of the time
    report = cs.write_report(dataclasses.replace(study, report=options), tmp_path / "report")
    assert len(report.analyses) == 9
    pictures = {Path(name).stem for name in report.files if name.endswith(".svg")}
    assert pictures == {*CURVES, *MODELS}
    page = report.files["report.html"].decode()
    assert page.count("(invented cohort)") >= 9
    assert "INV001" not in page
    methods = report.files["methods.md"].decode()
    assert "stratified by Line of T-DM1" in methods
    assert "months from the diagnosis of advanced disease to death of any cause" in methods
