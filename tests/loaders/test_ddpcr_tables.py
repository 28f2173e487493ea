"""Studies whose tables are exports of droplets: calls, wells of nobody, and every problem with its place."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.cli import main
from cohortstats.ctdna.calls import call_count, call_ratio
from cohortstats.errors import Problem
from cohortstats.stats.droplet_ratio import copy_ratio

EXPORTS = Path(__file__).parents[1] / "ctdna" / "data"
OLD, QX, EMPTY = (
    "quantasoft_old_TypeAssay_small.csv",
    "qxmanager_1x_quant.csv",
    "quantasoft_v174_TargetType_test.csv",
)
HEADER = ["Well", "Sample", "Target", "TargetType", "Concentration", "Positives", "Negatives", "AcceptedDroplets"]
HEADER += ["Threshold", "MergedWells"]

# (well, sample, target, positives, accepted), and a dict of what differs: type, threshold, merged
Count = tuple[Any, ...]

HEAD = """
cohortstats = 1
[study]
id = "plates"
title = "Plates"
conventions = "r"
missing = [""]
[data.patients]
file = "patients.csv"
id = "id"
rows = "one per patient"
[columns.patients]
stage = { order = ["I", "II"] }
"""
WELLS = """
[data.wells]
kind = "ddpcr"
file = "plate.csv"
id = "sample"
rows = "many per patient"
ntc = ["H2O"]
"""
RATIO = """
[ctdna.her2]
kind = "ratio"
target = "HER2"
reference = "EFTUD2"
threshold = "> 1.25"
"""
COUNT = """
[ctdna.e545k]
kind = "count"
target = "E545K"
wild_type = "WT"
blanks = "healthy"
lod_vaf = 0.01
"""


def export(counts: Sequence[Count], *, volume: float = 0.91) -> str:
    """A part of an export, its concentrations printed in full from the counts: -1000 ln(1 - k/N)/v."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for well, sample, target, k, n, *rest in counts:
        more = rest[0] if rest else {}
        printed = "No Call" if n < 1000 else f"{-1000 * math.log1p(-k / n) / volume + 0.0:.12g}" if k < n else "1000000"
        kind = more.get("type", "Unknown")
        writer.writerow([well, sample, target, kind, printed, k, n - k, n, more.get("threshold"), more.get("merged")])
    return buffer.getvalue()


PLATE: list[Count] = [
    ("A01", "P1", "HER2", 461, 14000),
    ("A01", "P1", "EFTUD2", 318, 14000),
    ("A02", "P2", "HER2", 157, 14000),
    ("A02", "P2", "EFTUD2", 127, 14000),
    ("H12", "H2O", "HER2", 0, 14000),
    ("H12", "H2O", "EFTUD2", 0, 14000),
]
COUNTS: list[Count] = [
    *(row for well, sample, k in (("A01", "P1", 2), ("A02", "P2", 1), ("A03", "P3", 0)) for row in [
        (well, sample, "E545K", k, 14000), (well, sample, "WT", {"P1": 520, "P2": 2400, "P3": 92}[sample], 14000)]),
    *(row for number in range(1, 11) for row in [
        (f"H{number:02d}", "healthy", "E545K", 0, 14000), (f"H{number:02d}", "healthy", "WT", 300, 14000)]),
]  # fmt: skip
PATIENTS = "id,stage\nP1,I\nP2,II\nP3,I\n"


def write(folder: Path, study: str, **files: str) -> Path:
    """A study folder; keys are names of CSV files without their suffix."""
    (folder / "study.toml").write_text(study, encoding="utf-8")
    for name, text in ({"patients": PATIENTS} | files).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def load(folder: Path, study: str = HEAD + WELLS + RATIO, **files: str) -> cs.Cohort:
    return cs.load_cohort(write(folder, study, **files))


def problems(folder: Path, study: str = HEAD + WELLS + RATIO, *, level: str = "error", **files: str) -> list[Problem]:
    with pytest.raises(cs.DataError) as error:
        load(folder, study, **files)
    return [problem for problem in error.value.problems if problem.level == level]


def only(folder: Path, study: str = HEAD + WELLS + RATIO, **files: str) -> Problem:
    (problem,) = problems(folder, study, **files)
    return problem


def place(problem: Problem) -> tuple[str, str, int | None, str]:
    return problem.code, problem.file, problem.row, problem.patient


# ---------------------------------------------------------------------------------------------------------------------
# Values and calls
# ---------------------------------------------------------------------------------------------------------------------


def test_a_ratio_gives_four_variables(tmp_path: Path) -> None:
    cohort = load(tmp_path, plate=export(PLATE))
    # 461 and 157 of 14,000 droplets against 318 and 127, 0.91 nL: R 4.2.2, exact arithmetic of Dube et al. 2008.
    assert cohort["her2"].tolist()[:2] == pytest.approx([1.457285, 1.237557], abs=5e-7)
    assert cohort["her2_lower"].tolist()[:2] == pytest.approx([1.263261, 0.979439], abs=5e-7)
    assert cohort["her2_upper"].tolist()[:2] == pytest.approx([1.681109, 1.563699], abs=5e-7)
    assert cohort["her2_call"].tolist()[:2] == ["positive", "indeterminate"]
    assert cohort.frame().loc["P3", ["her2", "her2_lower", "her2_upper", "her2_call"]].isna().all()
    assert cohort.variable("her2").unit == "ratio to EFTUD2"
    assert cohort.variable("her2_call").labels == ("Positive", "Indeterminate", "Negative")
    assert cohort.problems == ()


def test_the_interval_decides(tmp_path: Path) -> None:
    """461 against 318: log-delta excludes 1.25, the vendor's interval, 1.249066 to 1.665504, does not."""
    cohort = load(tmp_path, HEAD + WELLS + RATIO + 'interval = "quantasoft"\n', plate=export(PLATE))
    assert cohort["her2_lower"]["P1"] == pytest.approx(1.249066, abs=5e-7)
    assert cohort["her2_call"]["P1"] == "indeterminate"
    assert cohort.evidence["her2"].loc["P1", ["method", "two_state", "call"]].tolist() == [
        "quantasoft",
        "positive",
        "indeterminate",
    ]


def test_expressions_and_derived_names_see_them(tmp_path: Path) -> None:
    derived = """
[derive]
amplified = { when = "her2 > 1.25" }
sure = { when = "her2_call == 'positive'" }
width = { value = "her2_upper - her2_lower" }
[endpoints.gain]
kind = "binary"
when = "amplified"
unknown = "exclude"
"""
    cohort = load(tmp_path, HEAD + WELLS + RATIO + derived, plate=export(PLATE))
    assert cohort["amplified"].tolist() == [True, False, pd.NA]
    assert cohort["sure"].tolist() == [True, False, pd.NA]
    assert cohort["width"]["P1"] == pytest.approx(1.681109 - 1.263261, abs=1e-6)
    assert cohort.endpoint("gain")["event"].tolist() == [True, False, pd.NA]
    assert cohort.study.variable_kind("her2_call").levels == ("positive", "indeterminate", "negative")
    assert "her2" in cohort.study.uses["gain"]


def test_evidence_of_a_ratio(tmp_path: Path) -> None:
    evidence = load(tmp_path, plate=export(PLATE)).evidence["her2"]
    assert evidence.index.tolist() == ["P1", "P2", "P3"]
    kept = [
        "sample",
        "droplets",
        "reference_droplets",
        "accepted",
        "threshold",
        "two_state",
        "wells",
        "n_wells",
        "file",
    ]
    assert evidence.loc["P1", kept].tolist() == ["P1", 461, 318, 14000, "> 1.25", "positive", "A01", 1, "plate.csv"]
    assert evidence.loc["P1", ["volume_nl", "method", "flags", "reason"]].tolist() == [0.91, "log-delta", "", ""]
    assert evidence.loc["P3"].isna().all()


def test_counts_and_their_limits(tmp_path: Path) -> None:
    """Ten blanks without a droplet give a limit of blank of 1 and of detection of 4.743865 droplets (CLSI EP17)."""
    cohort = load(tmp_path, HEAD + WELLS + COUNT, plate=export(COUNTS))
    assert cohort["e545k_call"].tolist() == ["positive", "negative", "indeterminate"]
    # k = 2, 1, 0 of 14,000 droplets of 0.91 nL in 20 µL: 3.139942, 1.569915, 0; QuantaSoft limits of 2 droplets.
    assert cohort["e545k"].tolist() == pytest.approx([3.139942, 1.569915, 0], abs=5e-7)
    assert cohort["e545k_lower"]["P1"] == pytest.approx(20 * 0.023784, abs=1e-5)
    assert cohort.variable("e545k").unit == "copies/20 µL"
    evidence = cohort.evidence["e545k"]
    assert evidence["limit_of_blank"].tolist() == [1, 1, 1]
    assert evidence["limit_of_detection"].tolist() == pytest.approx([4.743865] * 3, abs=5e-7)
    assert evidence["blank_wells"].tolist() == [10, 10, 10]
    assert evidence["reference_droplets"].tolist() == [520, 2400, 92]
    assert evidence["lod_fraction"].iloc[2] == pytest.approx(4.743865 / (-14000 * math.log1p(-92 / 14000)), rel=1e-6)
    assert evidence["two_state"].tolist() == ["positive", "negative", "negative"]


def test_a_declared_limit_and_a_rule_in_copies(tmp_path: Path) -> None:
    declared = COUNT.replace('blanks = "healthy"', "lob = 2") + 'threshold = "> 3"\nthreshold_unit = "copies"\n'
    plate = export([row for row in COUNTS if row[1] != "healthy"])
    cohort = load(tmp_path, HEAD + WELLS + declared, plate=plate)
    assert cohort["e545k_call"].tolist() == ["indeterminate", "negative", "indeterminate"]
    assert cohort.evidence["e545k"]["two_state"].tolist() == ["positive", "negative", "negative"]  # 3.14 copies > 3
    assert "blank_wells" not in cohort.evidence["e545k"]


# Patient, droplets of EFTUD2 and HER2, call; E542K, E545K, H1047R as droplets of mutation and wild type, and calls.
# Sakai et al. 2018, Table 3, under assumptions: one well of 14,000 droplets of 0.91 nL a sample; EFTUD2 is the mean of
# the three wild types; droplets are k = N(1 - exp(-copies v/20000)), whole. Calls are those of exact counts.
ASSUMED = 14000, 0.91
TABLE3 = """
1  436  0.91 negative      0  686 ?  0  726 ?  0  674 ?
2  238  1.10 indeterminate 1  344 ?  0  390 ?  1  398 ?
3  269  0.95 negative      0  396 ?  0  480 ?  0  402 ?
4  129  0.93 negative      0  202 ?  0  222 ?  0  186 ?
5  372  1.02 negative      0  552 ?  0  592 ?  0  632 ?
6  754  1.11 negative      0 1264 - 11 1174 +  0 1210 -
7  520  1.11 negative      0  814 -  0  864 -  2  818 +
8  369  1.06 negative      0  612 ?  0  642 ?  0  508 ?
9  634  2.14 positive      0 1066 -  0 1000 -  0  990 -
10 368  4.23 positive      0  572 ?  0  628 ?  0  556 ?
11 2330 0.93 negative      1 4000 -  3 3860 +  0 4140 -
12 312  1.45 positive      0  480 ?  0  522 ?  0  482 ?
13 979  7.56 positive      0 1680 -  1 1620 -  0 1480 -
14 129  1.23 indeterminate 0  144 ?  0  220 ?  0  248 ?
15 341  1.82 positive      0  502 ?  0  552 ?  0  570 ?
16 335  1.14 indeterminate 0  512 ?  0  540 ?  0  544 ?
"""
VARIANTS = ("E542K", "E545K", "H1047R")
CALLS = {"+": "positive", "-": "negative", "?": "indeterminate"}


def droplets(copies: float) -> int:
    n, volume = ASSUMED
    return int(np.rint(n * -math.expm1(-copies * volume / 20_000)))


def table3() -> tuple[list[Count], dict[str, list[str]]]:
    """A plate of 96 wells, and the calls of each entry in the order of the patients."""
    wells = iter([f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)])
    n, volume = ASSUMED
    plate: list[Count] = []
    calls: dict[str, list[str]] = {"her2": [], **{name.lower(): [] for name in VARIANTS}}

    def add(sample: str, target: str, k: int, other: str, k_other: int) -> None:
        well = next(wells)
        plate.extend([(well, sample, target, k, n), (well, sample, other, k_other, n)])

    for line in TABLE3.split("\n")[1:-1]:
        patient, reference, ratio, call, *variants = line.split()
        copies = -math.log1p(-int(reference) / n) * 20_000 / volume
        add(f"P{patient}", "HER2", droplets(float(ratio) * copies), "EFTUD2", int(reference))
        calls["her2"].append(call)
        for name, k, wild, state in zip(VARIANTS, variants[::3], variants[1::3], variants[2::3], strict=True):
            add(f"P{patient}", name, int(k), f"{name} WT", droplets(float(wild)))
            calls[name.lower()].append(CALLS[state])
    for name in VARIANTS:
        for _ in range(10):
            add("healthy", name, 0, f"{name} WT", 300)
    add("H2O", "HER2", 0, "EFTUD2", 0)
    return plate, calls


def test_table_3_under_stated_assumptions(tmp_path: Path) -> None:
    plate, calls = table3()
    entries = "".join(
        COUNT.replace("e545k", name.lower()).replace('"E545K"', f'"{name}"').replace('"WT"', f'"{name} WT"')
        for name in VARIANTS
    )
    patients = "id,stage\n" + "".join(f"P{number},I\n" for number in range(1, 17))
    cohort = load(tmp_path, HEAD + WELLS + RATIO + entries, plate=export(plate), patients=patients)
    found = {name: cohort[f"{name}_call"].tolist() for name in calls}
    assert found == calls
    positive = [number for number, call in enumerate(calls["her2"], start=1) if call == "positive"]
    assert positive == [9, 10, 12, 13, 15]
    two_state = cohort.evidence["her2"]["two_state"]
    assert [number for number, call in enumerate(two_state, start=1) if call == "positive"] == positive
    assert cohort["her2_upper"]["P7"] == pytest.approx(1.2497, abs=0.002)  # only just below the cut-off
    assert cohort.problems == ()


def test_table_3_is_that_of_the_reference(shared: Callable[[str], Path]) -> None:
    with shared("reference/ctdna_vectors.json").open(encoding="utf-8") as stream:
        rows = json.load(stream)["table3"]["rows"]
    signs = {call: sign for sign, call in CALLS.items()}
    written = [line.split() for line in TABLE3.split("\n")[1:-1]]
    for row, line in zip(rows, written, strict=True):
        assert [row["patient"], row["reference_droplets"]] == [int(word) for word in line[:2]]
        assert [row["her2_ratio"], row["her2_call_tristate"]] == [float(line[2]), line[3]]
        expected = [
            word
            for variant in row["pik3ca"]
            for word in (str(variant["droplets"]), str(variant["wt_copies"]), signs[variant["call_droplet_rule"]])
        ]
        assert line[4:] == expected


# ---------------------------------------------------------------------------------------------------------------------
# Real exports
# ---------------------------------------------------------------------------------------------------------------------


def real(folder: Path, name: str, target: str, reference: str, names: Sequence[str], more: str = "") -> cs.Cohort:
    """A study of an export; patients are called as its samples."""
    shutil.copy(EXPORTS / name, folder / "plate.csv")
    entry = RATIO.replace('"HER2"', f'"{target}"').replace('"EFTUD2"', f'"{reference}"')
    patients = "id,stage\n" + "".join(f"{one},I\n" for one in names)
    return load(folder, HEAD + WELLS.replace('ntc = ["H2O"]\n', more) + entry, patients=patients)


PEOPLE = ("Dean", "Dave", "Mike", "Emily", "Mary")


def test_quantasoft_of_the_first_generation(tmp_path: Path) -> None:
    """The export prints the ratio of each well, and the lower limit of the vendor's interval, to three digits."""
    cohort = real(tmp_path, OLD, "Consensus_FAM", "WTspecific_HEX", PEOPLE)
    evidence = cohort.evidence["her2"]
    assert evidence.loc["Dean", ["droplets", "reference_droplets", "accepted"]].tolist() == [1901, 1978, 15820]
    assert set(evidence["volume_nl"]) == {0.91}
    # -ln(1 - k/N) of both targets, by exact arithmetic
    exact = math.log1p(-1901 / 15820) / math.log1p(-1978 / 15820)
    assert cohort["her2"]["Dean"] == pytest.approx(exact, rel=1e-12)
    assert cohort["her2"].tolist() == pytest.approx([0.958, 1.23, 0.978, 0.81, 1.19], abs=0.005)
    assert cohort["her2_call"].tolist() == ["negative", "indeterminate", "negative", "negative", "indeterminate"]
    (whole,) = [source for source in cohort.sources if source.table == "wells"]
    assert (whole.format, whole.volume_nl, whole.volume_origin) == ("QuantaSoft, QX100 era", 0.91, "prints")


def test_qx_manager_prints_the_interval_of_each_well(tmp_path: Path) -> None:
    """CNV = 2 ratio; limits of well A01 are printed as 1.92011737823486 and 2.02708913553898."""
    shutil.copy(EXPORTS / QX, tmp_path / "plate.csv")
    wells = ["A01", "A02", "B01", "B02", "C01", "C02"]
    entry = RATIO.replace('"HER2"', '"1"').replace('"EFTUD2"', '"2"') + 'interval = "quantasoft"\n'
    patients = "id,stage\n" + "".join(f"P{well},I\n" for well in wells)
    mapped = "Well,id\n" + "".join(f"{well[0]}{int(well[1:])},P{well}\n" for well in wells)
    cohort = load(tmp_path, HEAD + MAPPED.replace('ntc = ["H2O"]\n', "") + entry, patients=patients, map=mapped)
    printed = pd.read_csv(EXPORTS / QX, dtype={"Target": str}).query("Target == '1'").set_index("Well")
    for suffix, column in (("", "CNV"), ("_lower", "PoissonCNVMin"), ("_upper", "PoissonCNVMax")):
        found = 2 * cohort[f"her2{suffix}"].to_numpy(float)
        assert found == pytest.approx(printed.loc[wells, column].tolist(), rel=2e-7)


def test_qx_manager_replicates_are_pooled(tmp_path: Path) -> None:
    names = ("SMN2 Control 2 copies", "SMN2 Control 4 copies")
    cohort = real(tmp_path, QX, "1", "2", names, 'thresholds = "any"\n')
    rows = cs.read_ddpcr(EXPORTS / QX)
    sums = rows.groupby(["sample", "target"])[["positives", "accepted"]].sum()
    for name in names:
        (k, n), (kr, nr) = (sums.loc[(name, target)].tolist() for target in ("1", "2"))
        assert cohort["her2"][name] == pytest.approx(math.log1p(-k / n) / math.log1p(-kr / nr), rel=1e-12)
        assert cohort.evidence["her2"].loc[name, "n_wells"] == 3
    assert cohort["her2_call"].tolist() == ["negative", "positive"]


def test_a_plate_that_was_not_read_yet(tmp_path: Path) -> None:
    cohort = real(tmp_path, EMPTY, "t1.fw", "t1.rev", ("a1", "b2"))
    assert cohort["her2"].isna().all()
    assert cohort["her2_call"]["a1"] == "indeterminate"
    assert cohort["her2_call"].isna().tolist() == [False, True]
    assert cohort.evidence["her2"].loc["a1", ["flags", "reason"]].tolist() == ["no-call", "no-call"]
    assert len(cohort.records("wells")) == 4


# ---------------------------------------------------------------------------------------------------------------------
# Wells of one sample, controls, and the flow
# ---------------------------------------------------------------------------------------------------------------------

MAPPED = WELLS.replace('id = "sample"', 'id = "id"\nmap = "map.csv"')


def duplex(well: str, sample: str, k: int, kr: int, n: int = 14000, **more: Any) -> list[Count]:
    return [(well, sample, "HER2", k, n, more), (well, sample, "EFTUD2", kr, n, more)]


WATER = duplex("H12", "H2O", 0, 0)


def test_replicates_are_pooled_over_plates(tmp_path: Path) -> None:
    """Sums of droplets, not the mean of two ratios."""
    study = HEAD + WELLS.replace('"plate.csv"', '["one.csv", "two.csv"]') + RATIO
    one = export([*duplex("A01", "P1", 300, 200, 14000), *duplex("A02", "P2", 100, 90), *WATER])
    two = export([*duplex("A01", "P1", 170, 100, 9000), *duplex("B01", "P1", 310, 210, 15000)])
    cohort = load(tmp_path, study, one=one, two=two)
    exact = math.log1p(-780 / 38000) / math.log1p(-510 / 38000)
    assert cohort["her2"]["P1"] == pytest.approx(exact, rel=1e-12)
    kept = cohort.evidence["her2"].loc["P1", ["wells", "n_wells", "file", "droplets", "accepted"]].tolist()
    assert kept == ["A01,A01,B01", 3, "one.csv,two.csv", 780, 38000]


def test_wells_that_differ_too_much_are_told(tmp_path: Path) -> None:
    """120/15000, 180/15200, 150/14800: two-cell chi-square 11.2979, 2 df, p 0.00352."""
    plate = [
        *duplex("A01", "P1", 120, 110, 15000),
        *duplex("A02", "P1", 180, 112, 15200),
        *duplex("A03", "P1", 150, 108, 14800),
    ]
    cohort = load(tmp_path, plate=export(plate))
    (problem,) = cohort.problems
    assert str(problem) == (
        "warning plate.csv row 2 (P1): Wells A01, A02, A03 of HER2 differ more than counting allows (p 0.0035). "
        "The droplets are pooled; the interval does not know of the difference."
    )
    assert (problem.code, problem.study_key) == ("ddpcr-dispersion", "data.wells")
    assert cohort.evidence["her2"].loc["P1", "flags"] == "dispersion"


def test_wells_of_nobody_are_counted(tmp_path: Path) -> None:
    plate = [
        *PLATE,
        *duplex("B01", "gain", 900, 300, type="PosCtrl"),
        *duplex("B02", "", 0, 0, type="NTC"),
        ("B03", "", "HER2", 0, 0),
    ]
    text = export(plate).replace("B03,,HER2,Unknown,No Call,0,0,0,,", "B03,,HER2,Unknown,,,,,,")
    cohort = load(tmp_path, plate=text)
    steps = cohort.flow[cohort.flow["step"] == "wells"]
    assert steps["reason"].tolist() == [
        "rows of plate.csv",
        "rows of plate.csv that are controls or blanks",
        "rows of plate.csv without a sample and without droplets",
        "rows of plate.csv that are positive controls",
    ]
    assert steps[["n_before", "n_out", "n_missing", "n_after"]].values.tolist() == [
        [11, 0, 0, 11],
        [11, 4, 0, 7],
        [7, 1, 0, 6],
        [6, 2, 0, 4],
    ]
    assert len(cohort.records("wells")) == 4


def test_droplets_in_water_flag_the_target_of_the_plate(tmp_path: Path) -> None:
    study = HEAD + WELLS.replace('"plate.csv"', '["one.csv", "two.csv"]') + RATIO
    dirty = [("H12", "H2O", "HER2", 3, 14000), ("H12", "H2O", "EFTUD2", 0, 14000)]
    one, two = export([*duplex("A01", "P1", 300, 200), *dirty]), export(duplex("A01", "P2", 300, 200))
    cohort = load(tmp_path, study, one=one, two=two)
    assert cohort.evidence["her2"]["flags"].tolist()[:2] == ["ntc", ""]
    (problem,) = cohort.problems
    assert place(problem) == ("ddpcr-ntc", "one.csv", 4, "")
    assert (problem.value, problem.study_key) == ("3", "data.wells.ntc")
    assert problem.message == "HER2 has 3 positive droplets in a no-template well, H12."
    allowed = load(tmp_path, study.replace("[ctdna", "ntc_max = 3\n[ctdna"), one=one, two=two)
    assert (allowed.problems, allowed.evidence["her2"]["flags"].tolist()[:2]) == ((), ["", ""])


def test_a_control_that_the_export_marks(tmp_path: Path) -> None:
    """No name in ntc: the export says NTC, of one target of the well."""
    plate = [*duplex("A01", "P1", 300, 200), ("A02", "x", "HER2", 0, 14000, {"type": "Ch1NTC"})]
    plate += [("A02", "x", "EFTUD2", 2, 14000, {"type": "Ch2Unknown"})]
    cohort = load(tmp_path, HEAD + WELLS.replace('ntc = ["H2O"]\n', "") + RATIO, plate=export(plate))
    assert [place(problem) for problem in cohort.problems] == [("ddpcr-ntc", "plate.csv", 5, "")]
    assert cohort.evidence["her2"].loc["P1", "flags"] == "ntc"


def test_a_blank_lacks_its_target_only(tmp_path: Path) -> None:
    """Healthy plasma has wild type, which is no contamination."""
    plate = [row if row[1] != "healthy" or row[2] == "WT" else (*row, {"type": "Blank"}) for row in COUNTS]
    cohort = load(tmp_path, HEAD + WELLS + COUNT, plate=export(plate))
    assert cohort.problems == ()
    assert set(cohort.evidence["e545k"]["flags"]) == {""}


def test_few_droplets_and_none_left(tmp_path: Path) -> None:
    plate = [*duplex("A01", "P1", 300, 200, 9000), *duplex("A02", "P2", 9, 4, 900), *duplex("A03", "P3", 14000, 99)]
    cohort = load(tmp_path, plate=export(plate))
    assert cohort.evidence["her2"]["flags"].tolist() == ["low", "no-call", "saturated;high"]
    assert cohort.evidence["her2"]["reason"].tolist() == ["", "no-call", "saturated"]
    assert cohort["her2_call"].tolist()[1:] == ["indeterminate", "indeterminate"]
    assert cohort["her2"].isna().tolist() == [False, True, True]
    told = {problem.code: problem for problem in cohort.problems}
    assert list(told) == ["ddpcr-no-call", "ddpcr-saturated", "ddpcr-low"]
    enough = load(tmp_path, HEAD + WELLS + "min_accepted = 9000\n" + RATIO, plate=export(plate))
    assert "ddpcr-low" not in {problem.code for problem in enough.problems}
    assert enough.evidence["her2"]["flags"].tolist()[0] == ""


def test_an_unbounded_ratio_has_no_upper_end(tmp_path: Path) -> None:
    """Fieller's set with 3 reference droplets: 5/3 of 14,000 gives 0.190064 to infinity."""
    study = HEAD + WELLS + RATIO + 'interval = "fieller"\n'
    cohort = load(tmp_path, study, plate=export(duplex("A01", "P1", 5, 3)))
    assert cohort["her2_lower"]["P1"] == pytest.approx(0.190064, abs=5e-7)
    assert cohort["her2_upper"]["P1"] == math.inf
    assert cohort.evidence["her2"].loc["P1", ["flags", "reason"]].tolist() == ["ratio-unbounded", "ratio-unbounded"]


def test_a_declared_volume(tmp_path: Path) -> None:
    """Copies at 0.85 nL are 1.070588 times those at 0.91; a ratio does not move."""
    plain = load(tmp_path, HEAD + WELLS + RATIO + COUNT, plate=export(PLATE + COUNTS[:6] + _blanks()))
    study = HEAD + WELLS + "volume_nl = 0.85\n" + RATIO + COUNT
    cohort = load(tmp_path, study, plate=export(PLATE + COUNTS[:6] + _blanks()))
    assert [problem.code for problem in cohort.problems] == ["ddpcr-volume"]
    assert cohort.problems[0].study_key == "data.wells.volume_nl"
    assert cohort["e545k"]["P1"] / plain["e545k"]["P1"] == pytest.approx(0.91 / 0.85, rel=1e-12)
    assert cohort["her2"]["P1"] == plain["her2"]["P1"]


def _blanks() -> list[Count]:
    return [row for row in COUNTS if row[1] == "healthy"]


def test_records_of_the_wells(tmp_path: Path) -> None:
    cohort = load(tmp_path, plate=export(PLATE))
    records = cohort.records("wells")
    assert records.index.tolist() == ["P1", "P1", "P2", "P2"]
    assert records[["row", "well", "target", "positives", "file"]].values.tolist() == [
        [2, "A01", "HER2", 461, "plate.csv"],
        [3, "A01", "EFTUD2", 318, "plate.csv"],
        [4, "A02", "HER2", 157, "plate.csv"],
        [5, "A02", "EFTUD2", 127, "plate.csv"],
    ]
    assert records["saturated"].tolist() == [False] * 4
    assert "positives" not in cohort.variables
    some = cohort.where("stage == 'II'")
    assert some.records("wells").index.tolist() == ["P2", "P2"]
    assert some.evidence["her2"].index.tolist() == ["P2"]


def test_joins(tmp_path: Path) -> None:
    inner = load(tmp_path, HEAD + WELLS + 'join = "inner"\n' + RATIO, plate=export(PLATE))
    assert inner.ids == ("P1", "P2")
    assert inner.evidence["her2"].index.tolist() == ["P1", "P2"]
    problem = only(tmp_path, HEAD + WELLS + 'join = "required"\n' + RATIO, plate=export(PLATE))
    assert place(problem) == ("id-orphan", "patients.csv", 4, "P3")


# ---------------------------------------------------------------------------------------------------------------------
# Maps
# ---------------------------------------------------------------------------------------------------------------------


def test_a_map_of_samples(tmp_path: Path) -> None:
    plate = [*duplex("A01", "S1", 461, 318), *duplex("A02", "S2", 157, 127), *WATER]
    cohort = load(tmp_path, HEAD + MAPPED + RATIO, plate=export(plate), map="Sample,id\nS1,P2\nS2,P1\n")
    assert cohort["her2_call"].tolist()[:2] == ["indeterminate", "positive"]
    assert cohort.evidence["her2"]["sample"].tolist()[:2] == ["S2", "S1"]
    assert [part.file for part in cohort.sources[1].parts] == ["plate.csv", "map.csv"]


def test_a_map_of_wells_and_plates(tmp_path: Path) -> None:
    study = HEAD + MAPPED.replace('"plate.csv"', '["one.csv", "two.csv"]') + RATIO
    one, two = export([*duplex("A01", "", 461, 318), *WATER]), export(duplex("A01", "", 157, 127))
    cohort = load(tmp_path, study, one=one, two=two, map="plate,well,id\none,A1,P1\ntwo.csv,A01,P2\nthree,A01,P3\n")
    assert cohort["her2_call"].tolist()[:2] == ["positive", "indeterminate"]
    (problem,) = cohort.problems
    assert str(problem) == "warning map.csv row 4: Row 4 of map.csv has no well in the exports."
    bare = "well,id\nA01,P1\n"
    assert place(only(tmp_path, study, one=one, two=two, map=bare)) == ("column-missing", "map.csv", None, "")


SERIAL = [*duplex("A01", "S1", 461, 318), *duplex("A02", "S2", 157, 127), *duplex("A03", "S3", 100, 100)]
DATED = "sample,id,drawn\nS1,P1,2016-05-01\nS2,P1,2016-03-04\nS3,P2,\n"


def test_one_of_several_samples(tmp_path: Path) -> None:
    ordered = HEAD + MAPPED + 'order = "drawn"\n' + RATIO
    first, last = (
        load(tmp_path, ordered + f'sample = "{which}"\n', plate=export(SERIAL), map=DATED)
        for which in ("first", "last")
    )
    assert [cohort.evidence["her2"].loc["P1", "droplets"] for cohort in (first, last)] == [157, 461]
    assert first.evidence["her2"]["sample"].tolist()[:2] == ["S2, 2016-03-04", "S3"]
    records = first.records("wells")
    assert records.loc["P1", "well"].tolist() == ["A02", "A02", "A01", "A01"]  # in the order of the dates
    assert records.loc["P1", "drawn"].dt.strftime("%Y-%m-%d").tolist() == ["2016-03-04"] * 2 + ["2016-05-01"] * 2
    numbered = DATED.replace("2016-05-01", "10").replace("2016-03-04", "9")
    cohort = load(tmp_path, ordered + 'sample = "last"\n', plate=export(SERIAL), map=numbered)
    assert cohort.evidence["her2"].loc["P1", "droplets"] == 461


def test_two_samples_are_never_pooled_unasked(tmp_path: Path) -> None:
    problem = only(tmp_path, HEAD + MAPPED + RATIO, plate=export(SERIAL), map=DATED)
    assert str(problem) == (
        "error   plate.csv row 4 (P1), sample: 2 samples of one patient have HER2, wells A01, A02. "
        'Say which with sample = "first" or "last", by a map with order.'
    )
    assert (problem.code, problem.value, problem.study_key) == ("ddpcr-samples", "S2", "ctdna.her2.sample")


def test_two_samples_that_cannot_be_ordered(tmp_path: Path) -> None:
    study = HEAD + MAPPED + 'order = "drawn"\n' + RATIO + 'sample = "first"\n'
    undated = only(tmp_path, study, plate=export(SERIAL), map=DATED.replace("2016-05-01", ""))
    assert (place(undated), undated.message) == (
        ("ddpcr-samples", "plate.csv", 2, "P1"),
        "One of 2 samples of a patient has no drawn.",
    )
    same = only(tmp_path, study, plate=export(SERIAL), map=DATED.replace("2016-05-01", "2016/3/4"))
    assert (place(same), same.message) == (
        ("ddpcr-samples", "plate.csv", 4, "P1"),
        "2 samples of a patient have the same drawn.",
    )


@pytest.mark.parametrize(
    ("mapped", "expected", "words"),
    [
        ("name,id\nS1,P1\n", ("column-missing", "study.toml", 19), "neither a column well nor sample"),
        ("sample,patient\nS1,P1\n", ("column-missing", "study.toml", 18), "'id' is not in map.csv"),
        ("sample,id\nS1,P1\nS1,P2\nS2,P2\nS3,P3\n", ("ddpcr-map", "map.csv", 3), "about one sample, and differ"),
        ("sample,id\nS1,P1\nS2,\nS3,P3\n", ("id-missing", "map.csv", 3), "Row 3 has no id."),
        ("sample,id\nS1,P1\n,P2\nS2,P2\nS3,P3\n", ("ddpcr-map", "map.csv", 3), "Row 3 has no sample."),
        ("well,id\nA01,P1\nA02,P2\nA3x,P3\nA03,P3\n", ("ddpcr-map", "map.csv", 4), "'A3x' is not a well."),
        ("sample,id\nS1,P1\nS3,P2\n", ("id-orphan", "plate.csv", 4), "'S2' of plate.csv is not in map.csv."),
        ("well,id\nA01,P1\nA03,P2\n", ("id-orphan", "plate.csv", 4), "'A02' of plate.csv is not in map.csv."),
        (
            "sample,id\nS1,P1\nS2,P9\nS3,P2\n",
            ("id-orphan", "plate.csv", 4),
            "'P9' of plate.csv is not in patients.csv.",
        ),
        ("well,sample,id\nA01,S1,P1\nA02,S9,P2\nA03,S3,P3\n", ("ddpcr-map", "map.csv", 3), "has another sample"),
    ],
)
def test_maps_that_do_not_fit(tmp_path: Path, mapped: str, expected: tuple[str, str, int], words: str) -> None:
    problem = only(tmp_path, HEAD + MAPPED + RATIO, plate=export(SERIAL), map=mapped)
    assert (problem.code, problem.file, problem.row) == expected
    assert words in problem.message
    assert problem.study_key.startswith("data.wells.")


def test_the_order_of_a_map_must_be_read(tmp_path: Path) -> None:
    study = HEAD + MAPPED + 'order = "drawn"\n' + RATIO + 'sample = "first"\n'
    found = problems(tmp_path, study, plate=export(SERIAL), map=DATED.replace("2016-03-04", "2016/13/4"))
    assert [(problem.code, problem.file, problem.row, problem.study_key) for problem in found] == [
        ("date-invalid", "map.csv", 3, "data.wells.order")
    ]
    absent = only(tmp_path, study, plate=export(SERIAL), map=DATED.replace("drawn", "date"))
    assert (absent.code, absent.study_key) == ("column-missing", "data.wells.order")


def test_controls_in_a_map_and_wells_without_droplets(tmp_path: Path) -> None:
    """A map may list every well of a plate, those of nobody without an id."""
    plate = [*duplex("A01", "", 461, 318), *duplex("A02", "", 157, 127), *duplex("H11", "gain", 90, 30, type="PosCtrl")]
    text = export([*plate, *WATER]) + "B01,,HER2,Unknown,,,,,,\n"
    mapped = "well,sample,id\nA01,S1,P1\nA02,S2,P2\nH12,H2O,\n"
    cohort = load(tmp_path, HEAD + MAPPED + RATIO, plate=text, map=mapped)
    assert cohort["her2_call"].tolist()[:2] == ["positive", "indeterminate"]
    assert cohort.evidence["her2"]["sample"].tolist()[:2] == ["S1", "S2"]
    assert cohort.problems == ()
    steps = cohort.flow[cohort.flow["step"] == "wells"]
    assert steps["reason"].tolist() == [
        "rows of plate.csv",
        "rows of plate.csv that are controls or blanks",
        "rows of plate.csv that are positive controls",
        "rows of plate.csv without droplets, whose well is not in map.csv",
    ]
    assert steps["n_after"].tolist() == [9, 7, 5, 4]


def test_one_sample_with_its_day_in_two_spellings(tmp_path: Path) -> None:
    plate = [*duplex("A01", "", 300, 200), *duplex("A02", "", 310, 210), *WATER]
    study = HEAD + MAPPED + 'order = "drawn"\n' + RATIO
    mapped = "well,id,drawn\nA01,P1,2016-03-04\nA02,P1,2016/3/4\n"
    cohort = load(tmp_path, study, plate=export(plate), map=mapped)
    assert cohort.evidence["her2"].loc["P1", ["sample", "n_wells"]].tolist() == ["P1, 2016-03-04", 2]
    problem = only(tmp_path, study.replace("drawn", "row"), plate=export(plate), map=mapped.replace("drawn", "row"))
    assert (problem.code, problem.study_key) == ("key-conflict", "data.wells.order")


def test_many_entries_without_a_well(tmp_path: Path) -> None:
    mapped = "sample,id\nP1,P1\nP2,P2\n" + "".join(f"S{number},P3\n" for number in range(12))
    cohort = load(tmp_path, HEAD + MAPPED + RATIO, plate=export(PLATE), map=mapped)
    assert [problem.message for problem in cohort.problems] == [
        "Rows 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 2 more of map.csv have no well in the exports."
    ]


def test_samples_that_are_left_out(tmp_path: Path) -> None:
    study = HEAD + MAPPED + 'orphans = "drop"\n' + RATIO
    cohort = load(tmp_path, study, plate=export(SERIAL), map="sample,id\nS1,P1\nS3,P9\n")
    assert [str(problem) for problem in cohort.problems] == [
        "warning plate.csv: 2 rows whose sample is not in map.csv left out.",
        "warning plate.csv: 2 rows of patients who are not in patients.csv left out.",
    ]
    steps = cohort.flow[cohort.flow["step"] == "wells"]
    assert steps[["n_before", "n_out", "n_after"]].values.tolist() == [[6, 0, 6], [6, 2, 4], [4, 2, 2]]
    assert cohort["her2"].notna().tolist() == [True, False, False]


# ---------------------------------------------------------------------------------------------------------------------
# Problems of exports
# ---------------------------------------------------------------------------------------------------------------------


def test_a_sample_that_nobody_has(tmp_path: Path) -> None:
    problem = only(tmp_path, HEAD + WELLS.replace('"H2O"', '"H20"') + RATIO, plate=export(PLATE))
    assert str(problem) == (
        "error   plate.csv row 6 (H2O), sample: 'H2O' of plate.csv is not in patients.csv. "
        'Add the patient, name the sample in ntc, or set orphans = "drop".'
    )
    near = only(tmp_path, plate=export([*PLATE, *duplex("A03", "p3", 9, 9)]))
    assert (near.code, near.mend) == ("id-orphan", "Did you mean 'P3'?")


def test_a_well_without_a_sample(tmp_path: Path) -> None:
    problem = only(tmp_path, plate=export([*PLATE, *duplex("A03", "", 9, 9)]))
    assert (place(problem), problem.message) == (("id-missing", "plate.csv", 8, ""), "Well A03 has no sample.")


def test_a_control_called_as_a_patient(tmp_path: Path) -> None:
    problem = only(tmp_path, HEAD + WELLS.replace('"H2O"', '"H2O", "P3"') + RATIO, plate=export(PLATE))
    assert (problem.code, problem.value, problem.study_key) == ("key-conflict", "P3", "data.wells.ntc")
    assert "P3" not in problem.message


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (
            {"target": "HER-2"},
            "ctdna.her2.target",
            "no well of plate.csv has the target 'HER-2'. | Did you mean 'HER2'?",
        ),
        ({"reference": "RPP30"}, "ctdna.her2.reference", "has the target 'RPP30'. | Targets: HER2, EFTUD2, TERT."),
        ({"target": "TERT"}, "ctdna.her2.target", "no well of a patient has the target 'TERT'."),
    ],
)
def test_targets_that_are_not_there(tmp_path: Path, change: dict[str, str], key: str, words: str) -> None:
    entry = RATIO
    for word, name in change.items():
        entry = entry.replace({"target": '"HER2"', "reference": '"EFTUD2"'}[word], f'"{name}"')
    plate = [*PLATE, ("H12", "H2O", "TERT", 0, 14000)]
    problem = only(tmp_path, HEAD + WELLS + entry, plate=export(plate))
    assert (problem.code, problem.study_key) == ("ddpcr-target", key)
    assert words in f"{problem.message} | {problem.mend}"


def test_blanks_that_are_not_there(tmp_path: Path) -> None:
    study = HEAD + WELLS + COUNT.replace('"healthy"', '["donor", "healthy"]')
    assert load(tmp_path, study, plate=export(COUNTS)).evidence["e545k"]["blank_wells"].iloc[0] == 10
    plate = [row for row in COUNTS if row[1] != "healthy"]
    problem = only(tmp_path, study, plate=export(plate))
    assert (problem.code, problem.study_key) == ("ddpcr-blanks", "ctdna.e545k.blanks")
    assert problem.message == "[ctdna.e545k] blanks: no well of 'donor' or 'healthy' has a call of E545K."


def test_blanks_merged_and_not(tmp_path: Path) -> None:
    merge = [("M01", "healthy", "E545K", 0, 28000, {"merged": "H01,H02"})]
    problem = only(tmp_path, HEAD + WELLS + COUNT, plate=export([*COUNTS, *merge]))
    assert (problem.code, problem.value, problem.study_key) == ("ddpcr-merged", "M01", "ctdna.e545k.blanks")


def test_a_merge_beside_its_wells(tmp_path: Path) -> None:
    plate = [*duplex("A01", "P1", 300, 200), *duplex("A02", "P1", 310, 210)]
    merge = duplex("M01", "P1", 610, 410, 28000, merged="A01,A02")
    found = problems(tmp_path, plate=export([*plate, *merge]))
    assert [place(problem) for problem in found] == [
        ("ddpcr-merged", "plate.csv", 6, ""),
        ("ddpcr-merged", "plate.csv", 7, ""),
    ]
    assert {problem.study_key for problem in found} == {"data.wells"}
    alone = load(tmp_path, plate=export(merge))
    assert alone.evidence["her2"].loc["P1", ["droplets", "flags"]].tolist() == [610, "merged"]
    assert [problem.code for problem in alone.problems] == ["ddpcr-merged"]


def test_thresholds_that_differ(tmp_path: Path) -> None:
    plate = [*duplex("A01", "P1", 300, 200, threshold=3000), *duplex("A02", "P1", 310, 210, threshold=3100)]
    found = problems(tmp_path, plate=export(plate))
    assert str(found[0]) == (
        "error   plate.csv row 2 (P1): HER2 has different thresholds, 3000 in A01 and 3100 in A02. "
        "Read them at one threshold."
    )
    assert {(problem.code, problem.study_key) for problem in found} == {("ddpcr-threshold", "data.wells.thresholds")}
    study = HEAD + WELLS + 'thresholds = "any"\n' + RATIO
    assert load(tmp_path, study, plate=export(plate)).evidence["her2"].loc["P1", "droplets"] == 610


def test_volumes_that_differ(tmp_path: Path) -> None:
    study = HEAD + WELLS.replace('"plate.csv"', '["one.csv", "two.csv"]') + RATIO
    one, two = export(duplex("A01", "P1", 300, 200)), export(duplex("A01", "P1", 300, 200), volume=0.85)
    found = problems(tmp_path, study, one=one, two=two)
    assert found[0].message == "HER2 has different droplet volumes, 0.91 in A01 of one.csv and 0.85 in A01 of two.csv."
    assert {(problem.code, problem.study_key) for problem in found} == {("ddpcr-volume", "data.wells.volume_nl")}


def test_replicates_that_cannot_be_used(tmp_path: Path) -> None:
    plate = [*duplex("A01", "P1", 300, 200), *duplex("A02", "P1", 30, 20, 900), *duplex("A03", "P1", 14000, 190)]
    found = problems(tmp_path, plate=export(plate))
    assert [place(problem) for problem in found] == [
        ("ddpcr-no-call", "plate.csv", 4, "P1"),
        ("ddpcr-no-call", "plate.csv", 5, "P1"),
        ("ddpcr-saturated", "plate.csv", 6, "P1"),
    ]
    assert {problem.study_key for problem in found} == {"data.wells.unusable"}
    assert found[0].message == "Well A02 (HER2) has 900 accepted droplets, fewer than 1000 (no call)."
    cohort = load(tmp_path, HEAD + WELLS + 'unusable = "leave out"\n' + RATIO, plate=export(plate))
    assert cohort.evidence["her2"].loc["P1", ["droplets", "reference_droplets", "accepted"]].tolist() == [
        300,
        390,
        14000,
    ]


def test_linked_targets_need_double_positives(tmp_path: Path) -> None:
    problem = only(tmp_path, HEAD + WELLS + RATIO + "linked = true\n", plate=export(PLATE))
    assert (problem.code, problem.study_key) == ("ddpcr-linked", "ctdna.her2.linked")
    assert "double-positive" in problem.message


def test_what_is_wrong_with_an_export_and_its_ids_comes_at_once(tmp_path: Path) -> None:
    """A spoilt count, a volume that nobody knows, an orphan, and a wrong stage; calls are not told on top."""
    spoilt = export([*PLATE, *duplex("A04", "P9", 50, 40)]).replace(",461,13539,", ",461,13538,")
    found = problems(tmp_path, plate=spoilt, patients=PATIENTS.replace("P2,II", "P2,IV"))
    assert {(problem.code, problem.file, problem.row) for problem in found} == {
        ("ddpcr-counts", "plate.csv", 2),
        ("id-orphan", "plate.csv", 8),
        ("level-unknown", "patients.csv", 3),
    }


def test_what_follows_from_a_spoilt_export_is_not_told(tmp_path: Path) -> None:
    more = """
[derive]
amplified = { when = "her2 > 1.25" }
[[check]]
when = "her2 is not missing"
message = "Nobody was measured."
"""
    spoilt = export(PLATE).replace(",461,13539,", ",461,13538,")
    assert only(tmp_path, HEAD + WELLS + RATIO + more, plate=spoilt).code == "ddpcr-counts"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(cs.DataError) as error:
        load(tmp_path)
    assert error.value.missing_file
    assert [problem.code for problem in error.value.problems] == ["file-missing"]
    with pytest.raises(cs.DataError) as error:
        load(tmp_path, HEAD + MAPPED.replace('"plate.csv"', '["plate.csv", "more*.csv"]') + RATIO)
    assert [problem.code for problem in error.value.problems] == ["file-missing"] * 3
    assert error.value.missing_file


def test_exports_of_one_name(tmp_path: Path) -> None:
    for folder in ("monday", "friday"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "plate.csv").write_text(export(PLATE), encoding="utf-8")
    study = HEAD + WELLS.replace('"plate.csv"', '"*day/plate.csv"') + RATIO
    found = problems(tmp_path, study)
    assert ("key-conflict", "data.wells.file") in [(problem.code, problem.study_key) for problem in found]


def test_wells_without_an_entry(tmp_path: Path) -> None:
    cohort = load(tmp_path, HEAD + WELLS, plate=export(PLATE))
    assert (len(cohort.records("wells")), cohort.evidence) == (4, {})


def test_workbooks(tmp_path: Path) -> None:
    """The same plate and map as sheets."""
    openpyxl = pytest.importorskip("openpyxl")
    for name, text in (("plate", export(SERIAL)), ("map", DATED.replace("S2,P1", "S2,P3"))):
        workbook = openpyxl.Workbook()
        for record in csv.reader(io.StringIO(text)):
            workbook.active.append([float(cell) if cell.replace(".", "", 1).isdigit() else cell for cell in record])
        workbook.save(tmp_path / f"{name}.xlsx")
    study = HEAD + MAPPED.replace(".csv", ".xlsx") + RATIO
    cohort = load(tmp_path, study)
    assert cohort["her2_call"].tolist() == ["positive", "indeterminate", "indeterminate"]
    assert [(part.file, part.kind) for part in cohort.sources[1].parts] == [
        ("plate.xlsx", "xlsx"),
        ("map.xlsx", "xlsx"),
    ]


def test_another_table_is_no_export(tmp_path: Path) -> None:
    problem = only(tmp_path, plate="id,value\nP1,3\n")
    assert (problem.code, problem.file) == ("ddpcr-format", "plate.csv")


# ---------------------------------------------------------------------------------------------------------------------
# The study file, before any table is opened
# ---------------------------------------------------------------------------------------------------------------------


def refused(folder: Path, study: str) -> list[tuple[str, str]]:
    write(folder, study)
    with pytest.raises(cs.DataError) as error:
        cs.Study.read(folder)
    return [(problem.code, problem.study_key) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("keys", "code", "at"),
    [
        ('delimiter = ";"', "key-conflict", "delimiter"),
        ("header = 2", "key-conflict", "header"),
        ('comment = "#"', "key-conflict", "comment"),
        ('merged = "fill"', "key-conflict", "merged"),
        ('hidden = "skip"', "key-conflict", "hidden"),
        ("labels = false", "key-conflict", "labels"),
        ('timezone = "Asia/Tokyo"', "key-conflict", "timezone"),
        ('sql = "SELECT 1"', "key-conflict", "sql"),
        ('order = "date"', "key-conflict", "order"),
        ("ntc_max = -1", "key-type", "ntc_max"),
        ("min_accepted = 0", "key-type", "min_accepted"),
        ("volume_nl = 0", "key-type", "volume_nl"),
        ("volume_nl = inf", "key-type", "volume_nl"),
        ('map = "../map.csv"', "file-outside", "map"),
        ('unusable = "drop"', "key-type", "unusable"),
    ],
)
def test_keys_of_a_table_of_droplets(tmp_path: Path, keys: str, code: str, at: str) -> None:
    assert refused(tmp_path, HEAD + WELLS + keys + "\n" + RATIO) == [(code, f"data.wells.{at}")]


def test_further_faults_of_a_table_of_droplets(tmp_path: Path) -> None:
    wells = WELLS.replace("many per patient", "one per patient")
    assert refused(tmp_path, HEAD + wells + RATIO) == [("key-conflict", "data.wells.rows")]
    wells = WELLS.replace('id = "sample"', 'id = "patient"')
    assert refused(tmp_path, HEAD + wells + RATIO) == [("key-type", "data.wells.id")]
    wells = WELLS.replace('["H2O"]', '["H2O", "H2O", ""]')
    assert refused(tmp_path, HEAD + wells + RATIO) == [
        ("key-conflict", "data.wells.ntc[1]"),
        ("key-type", "data.wells.ntc[2]"),
    ]
    columns = '[columns.wells]\npositives = { type = "number" }\n'
    assert refused(tmp_path, HEAD + WELLS + RATIO + columns) == [("key-conflict", "columns.wells")]
    assert refused(tmp_path, HEAD.replace('id = "id"', 'id = "id"\nntc_max = 1\nmap = "x.csv"')) == [
        ("key-conflict", "data.patients.map"),
        ("key-conflict", "data.patients.ntc_max"),
    ]


@pytest.mark.parametrize(
    ("entry", "code", "at"),
    [
        (RATIO.replace('kind = "ratio"\n', ""), "key-missing", ""),
        (RATIO.replace('"ratio"', '"ration"'), "key-type", ".kind"),
        (RATIO.replace('threshold = "> 1.25"\n', ""), "key-missing", ""),
        (RATIO.replace('"> 1.25"', '"1.25"'), "key-type", ".threshold"),
        (RATIO.replace('"> 1.25"', '"> -1"'), "key-type", ".threshold"),
        (RATIO.replace('"EFTUD2"', '"HER2"'), "key-conflict", ".reference"),
        (RATIO.replace('"HER2"', '" "'), "key-type", ".target"),
        (RATIO + 'interval = "wald"', "key-type", ".interval"),
        (RATIO + 'table = "patients"', "key-conflict", ".table"),
        (RATIO + 'table = "well"', "expression-name", ".table"),
        (RATIO + 'sample = "last"', "key-missing", ".sample"),
        (RATIO + 'labels = ["yes", "no"]', "key-conflict", ".labels"),
        (COUNT.replace("0.01", "1"), "key-type", ".lod_vaf"),
        (COUNT + "lob = 1", "key-conflict", ".lob"),
        (COUNT.replace('blanks = "healthy"', "lob = -1"), "key-type", ".lob"),
        (COUNT.replace('blanks = "healthy"\n', ""), "key-missing", ""),
        (COUNT.replace('"healthy"', '["healthy", ""]'), "key-type", ".blanks"),
        (COUNT.replace('"WT"', '"E545K"'), "key-conflict", ".wild_type"),
        (COUNT + 'threshold = "> 3"', "key-missing", ""),
        (COUNT + 'threshold_unit = "copies"', "key-conflict", ".threshold_unit"),
        (COUNT + 'threshold = "3"\nthreshold_unit = "copies"', "key-type", ".threshold"),
    ],
)
def test_entries_that_are_refused(tmp_path: Path, entry: str, code: str, at: str) -> None:
    name = "her2" if "[ctdna.her2]" in entry else "e545k"
    assert refused(tmp_path, HEAD + WELLS + entry) == [(code, f"ctdna.{name}{at}")]


def test_entries_and_their_tables(tmp_path: Path) -> None:
    assert refused(tmp_path, HEAD + RATIO) == [("key-missing", "ctdna.her2")]
    second = WELLS.replace("[data.wells]", "[data.more]").replace("plate", "more")
    assert refused(tmp_path, HEAD + WELLS + second + RATIO) == [("key-missing", "ctdna.her2")]
    cohort = load(
        tmp_path, HEAD + WELLS + second + RATIO + 'table = "more"\n', plate=export(PLATE), more=export(PLATE[2:])
    )
    assert cohort["her2"].notna().tolist() == [False, True, False]


def test_names_are_taken_once(tmp_path: Path) -> None:
    twice = RATIO + RATIO.replace("ctdna.her2", "ctdna.her2_call")
    assert refused(tmp_path, HEAD + WELLS + twice) == [("key-conflict", "ctdna.her2_call")]
    column = HEAD + 'her2_lower = { type = "number" }\n'
    assert refused(tmp_path, column + WELLS + RATIO) == [("key-conflict", "ctdna.her2")]
    derived = "[derive]\nher2_upper = { when = \"stage == 'I'\" }\n"
    assert refused(tmp_path, HEAD + WELLS + RATIO + derived) == [("key-conflict", "derive.her2_upper")]


def test_a_spoilt_entry_is_told_once(tmp_path: Path) -> None:
    """What names its variables has no problem of its own."""
    derived = "[derive]\namplified = { when = \"her2 > 1.25 or her2_call == 'positive'\" }\n"
    assert refused(tmp_path, HEAD + WELLS + RATIO.replace('"> 1.25"', "1.25") + derived) == [
        ("key-type", "ctdna.her2.threshold")
    ]


def test_levels_and_kinds_are_known_beforehand(tmp_path: Path) -> None:
    derived = "[derive]\nsure = { when = \"her2_call == 'possitive'\" }\n"
    assert refused(tmp_path, HEAD + WELLS + RATIO + derived) == [("level-unknown", "derive.sure.when")]
    derived = "[derive]\nodd = { when = \"her2 == 'positive'\" }\n"
    assert refused(tmp_path, HEAD + WELLS + RATIO + derived) == [("expression-type", "derive.odd.when")]


def test_what_is_known_after_the_start_forms_no_groups_in_silence(tmp_path: Path) -> None:
    curves = """
[columns.patients.days]
type = "number"
[columns.patients.dead]
type = "yes/no"
[endpoints.os]
kind = "time to event"
time = "days"
event = "dead"
unknown = "exclude"
[[time_to_event]]
id = "figure1"
endpoint = "os"
groups = "her2_call"
"""
    late = refused(tmp_path, HEAD + WELLS + RATIO + 'known = "after start"\n' + curves)
    assert late == [("formed-undeclared", "time_to_event.figure1.groups")]
    write(tmp_path, HEAD + WELLS + RATIO + curves)
    assert cs.Study.read(tmp_path).exhibit("figure1")


# ---------------------------------------------------------------------------------------------------------------------
# Laws
# ---------------------------------------------------------------------------------------------------------------------


def many_wells(seed: int) -> list[Count]:
    """Twelve patients with one to three wells each, of both kinds of entry."""
    draw = np.random.default_rng(seed)
    wells = iter([f"{row}{column:02d}" for row in "ABCDEFG" for column in range(1, 13)])
    rows: list[Count] = []
    for patient in range(1, 13):
        for _ in range(draw.integers(1, 4)):
            well, n = next(wells), int(draw.integers(10_000, 18_000))
            rows += duplex(well, f"P{patient}", int(draw.integers(50, 900)), int(draw.integers(50, 900)), n)
            well = next(wells)
            rows += [(well, f"P{patient}", "E545K", int(draw.integers(0, 6)), n)]
            rows += [(well, f"P{patient}", "WT", int(draw.integers(50, 900)), n)]
    return rows + [row for row in COUNTS if row[1] == "healthy"]


EVERYBODY = "id,stage\n" + "".join(f"P{number},I\n" for number in range(1, 13))
BOTH = HEAD + WELLS + RATIO + COUNT


def same(one: cs.Cohort, two: cs.Cohort) -> None:
    pd.testing.assert_frame_equal(one.frame(), two.frame(), rtol=1e-12)
    for name in ("her2", "e545k"):
        kept = [column for column in one.evidence[name] if column not in ("wells", "file")]
        pd.testing.assert_frame_equal(one.evidence[name][kept], two.evidence[name][kept], rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_the_rows_changes_nothing(tmp_path: Path, seed: int) -> None:
    plate = many_wells(seed)
    shuffled = [plate[place] for place in np.random.default_rng(seed).permutation(len(plate))]
    one, two = (load(tmp_path, BOTH, plate=export(rows), patients=EVERYBODY) for rows in (plate, shuffled))
    same(one, two)


@pytest.mark.parametrize("seed", range(5))
def test_a_plate_in_two_files_changes_nothing(tmp_path: Path, seed: int) -> None:
    plate = many_wells(seed)
    wells = list(dict.fromkeys(row[0] for row in plate))
    some = set(np.random.default_rng(seed).permutation(wells)[: len(wells) // 2].tolist())
    whole = load(tmp_path, BOTH, plate=export(plate), patients=EVERYBODY)
    parts = {
        "one": export([row for row in plate if row[0] in some]),
        "two": export([row for row in plate if row[0] not in some]),
    }
    split = BOTH.replace('"plate.csv"', '["one.csv", "two.csv"]')
    same(whole, load(tmp_path, split, patients=EVERYBODY, **parts))
    same(whole, load(tmp_path, BOTH.replace('"plate.csv"', '["two.csv", "o*.csv"]'), patients=EVERYBODY, **parts))


def test_pooled_wells_are_one_well_with_their_sums(tmp_path: Path) -> None:
    plate = many_wells(7)
    sums: dict[tuple[str, str], list[int]] = {}
    for _, sample, target, k, n, *_ in plate:
        if sample != "healthy":
            one = sums.setdefault((sample, target), [0, 0])
            one[0], one[1] = one[0] + k, one[1] + n
    wells = iter([f"{row}{column:02d}" for row in "ABCDEFG" for column in range(1, 13)])
    single: list[Count] = []
    for patient in dict.fromkeys(sample for sample, _ in sums):
        for pair in (("HER2", "EFTUD2"), ("E545K", "WT")):
            well = next(wells)
            single += [(well, patient, target, *sums[patient, target]) for target in pair]
    single += [row for row in plate if row[1] == "healthy"]
    many, one = (load(tmp_path, BOTH, plate=export(rows), patients=EVERYBODY) for rows in (plate, single))
    pd.testing.assert_frame_equal(many.frame(), one.frame(), rtol=1e-12)


def test_calls_are_those_of_the_functions(tmp_path: Path) -> None:
    """Every patient by himself, from the sums of his droplets."""
    cohort = load(tmp_path, BOTH, plate=export(many_wells(3)), patients=EVERYBODY)
    records = cohort.records("wells")
    sums = records.reset_index().groupby(["id", "target"])[["positives", "accepted"]].sum()
    for patient in cohort.ids:
        (k, n), (kr, _) = (sums.loc[(patient, target)].astype(int).tolist() for target in ("HER2", "EFTUD2"))
        ratio = call_ratio(copy_ratio(k, kr, n), "> 1.25")
        assert (cohort["her2"][patient], cohort["her2_call"][patient]) == (pytest.approx(ratio.value), ratio.call)
        (k, n), (wild, _) = (sums.loc[(patient, target)].astype(int).tolist() for target in ("E545K", "WT"))
        count = call_count(k, n, limit_of_blank=1, lod_vaf=0.01, wild_type_positives=wild, droplet_volume_nl=0.91)
        assert (cohort["e545k"][patient], cohort["e545k_call"][patient]) == (pytest.approx(count.value), count.call)


# ---------------------------------------------------------------------------------------------------------------------
# The command line and the report
# ---------------------------------------------------------------------------------------------------------------------

EXHIBITS = """
[derive]
amplified = { when = "her2 > 1.25", label = "Amplified" }
[endpoints.late]
kind = "binary"
when = "stage == 'II'"
unknown = "exclude"
[[measurements]]
id = "table1"
title = "Droplets"
columns = ["her2", "her2_lower", "her2_upper", "e545k"]
mark = { her2 = "> 1.25" }
[[listing]]
id = "table2"
title = "Calls"
columns = ["her2_call", "e545k_call", "amplified"]
[[association]]
id = "table3"
title = "By stage"
outcome = "late"
rows = ["amplified", "e545k_call"]
[[characteristics]]
id = "table4"
title = "Stages"
rows = ["stage"]
"""
NEEDS = "needs a tumor fraction of 12.5% with 6 copies in a tumor genome, 6.25% with 10 copies"


def test_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = HEAD + WELLS + RATIO + 'label = "*HER2* ratio"\n' + COUNT + EXHIBITS
    write(tmp_path, study, plate=export(PLATE + [row for row in COUNTS if row[0] != "H12"]))
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    plate = manifest["inputs"]["plate.csv"]
    assert (plate["format"], plate["droplet_volume_nl"], plate["droplet_volume_origin"]) == ("trimmed", 0.91, "prints")
    assert len(plate["sha256"]) == 64
    assert "droplet_volume_nl" not in manifest["inputs"]["patients.csv"]
    methods = (tmp_path / "out" / "methods.md").read_text(encoding="utf-8")
    assert "*HER2* ratio is the ratio of HER2 to EFTUD2 by droplet digital PCR with log-delta 95% confidence" in methods
    assert "limit of blank, 1 (10 blank wells with 0 positive droplets)" in methods
    assert "limit of detection, 4.74 droplets, is at most 1% of the copies analysed" in methods
    assert "Droplets have 0.91 nL, as the printed concentrations tell." in methods
    tables = {number: (tmp_path / "out" / "tables" / f"table{number}.md").read_text("utf-8") for number in (1, 2, 3, 4)}
    assert [number for number, text in tables.items() if NEEDS in text] == [1, 2, 3]
    # 318 and 127 reference droplets: P = 1 - Phi(ln 1.25/sqrt(2(e^l - 1)/(N l^2))), R's pnorm: 0.002449, 0.03769
    assert "by chance with a probability of 2.0% (median; 0.2% to 3.8%)" in tables[1]
    rows = (tmp_path / "out" / "results.csv").read_text(encoding="utf-8")
    assert "plates,table1,1,her2,value,1.457285" in rows


def test_one_call_for_everybody_is_told(tmp_path: Path) -> None:
    study = HEAD + WELLS + RATIO + EXHIBITS.replace(', "e545k"]', "]").replace('"e545k_call"', '"her2_call"')
    cohort = load(tmp_path, study, plate=export(PLATE[2:]))
    told = [problem.study_key for problem in cohort.problems if "her2_call" in problem.message]
    assert told == ["ctdna.her2"]


def test_problems_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoilt = export(PLATE).replace(",157,13843,", ",157,13842,")
    write(tmp_path, HEAD + WELLS + RATIO, plate=spoilt)
    assert main(["check", str(tmp_path), "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert [(one["code"], one["file"], one["row"]) for one in answer["problems"]] == [("ddpcr-counts", "plate.csv", 4)]
    write(tmp_path, HEAD + WELLS + RATIO, plate=export(PLATE))
    assert main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "3 patients, 2 tables, 0 errors, 0 warnings\n"


def test_a_ratio_of_losses_has_cautions_of_its_own(tmp_path: Path) -> None:
    """One copy of two in all of the tumor gives 0.75 with half of the DNA: f = 2(R - 1)/(CN - 2)."""
    study = HEAD + WELLS + RATIO.replace("> 1.25", "< 0.75") + COUNT + EXHIBITS.replace("> 1.25", "< 0.75")
    cohort = load(tmp_path, study, plate=export(PLATE + COUNTS))
    table = cs.measurements(cohort, cohort.study.exhibit("table1")).to_table()
    needs = next(note for note in table.footnotes if "tumor fraction" in note)
    assert "50% with 1 copies" in needs
    assert "25% with 0 copies" in needs
