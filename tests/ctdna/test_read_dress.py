"""One plate in every dress that programs and people give an export: always the same frame."""

from __future__ import annotations

import itertools
import re
import time
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.ctdna.read import COLUMNS, scan_ddpcr

PLATE = [
    ("A01", "P1", "HER2", 1, "Unknown", 461, 14000),
    ("A01", "P1", "EFTUD2", 2, "Reference", 318, 14000),
    ("B01", "P2", "HER2", 1, "Unknown", 7, 15050),
    ("B01", "P2", "EFTUD2", 2, "Reference", 173, 15050),
    ("H12", "P3", "HER2", 1, "Unknown", 0, 12000),
    ("H12", "P3", "EFTUD2", 2, "Reference", 12, 12000),
]
FACTS = ["well", "sample", "target", "channel", "role", "positives", "negatives", "accepted", "status"]
NUMBERS = ["copies_per_ul", "copies_per_well", "computed_copies_per_ul", "computed_ci_lower", "volume_nl"]


def same(one: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> None:
    pd.testing.assert_frame_equal(one[columns], other[columns], check_dtype=True)


@pytest.fixture
def plain(tmp_path: Path, make_export, write_csv) -> pd.DataFrame:
    return cs.read_ddpcr(write_csv(tmp_path / "plain.csv", make_export(PLATE)))


def test_the_plate_itself(plain: pd.DataFrame) -> None:
    expected = [
        [well, sample, target, f"ch{channel}", kind.lower(), k, n - k, n, "OK"]
        for well, sample, target, channel, kind, k, n in PLATE
    ]
    assert plain[FACTS].values.tolist() == expected
    # 7/15050 at 0.85 nL is 0.547323, printed 0.547 and 20 x 0.547
    assert plain["copies_per_ul"].tolist()[2] == 0.547
    assert plain["copies_per_well"].tolist()[2] == pytest.approx(10.94)
    assert plain["computed_copies_per_ul"].tolist()[2] == pytest.approx(0.547323, rel=1e-6)


MATRIX = list(
    itertools.product(["utf-8", "utf-8-sig", "utf-16"], ["\n", "\r\n", "\r"], [",", ";", "\t", "|"], [True, False])
)


@pytest.mark.parametrize("generation", ["old", "1.7.4", "qx"])
def test_encodings_line_ends_delimiters_and_quotes(tmp_path: Path, make_export, write_csv, generation: str) -> None:
    table = make_export(PLATE, generation)
    first: pd.DataFrame | None = None
    for encoding, newline, delimiter, quoted in MATRIX:
        path = write_csv(
            tmp_path / "plate.csv", table, encoding=encoding, newline=newline, delimiter=delimiter, quoted=quoted
        )
        wells = cs.read_ddpcr(path)
        first = wells if first is None else first
        same(wells, first, [name for name in COLUMNS if name != "row"])
    assert first is not None
    same(first, cs.read_ddpcr(write_csv(tmp_path / "again.csv", make_export(PLATE))), FACTS)


def test_quotes_that_come_and_go(tmp_path: Path, make_export, plain: pd.DataFrame) -> None:
    names, *records = make_export(PLATE)
    lines = [",".join(names)]
    for place, record in enumerate(records):
        lines.append(",".join(f'"{cell}"' if (place + at) % 3 == 0 else cell for at, cell in enumerate(record)))
    path = tmp_path / "plain.csv"
    path.write_text("\r".join(lines) + "\r", encoding="utf-8", newline="")
    same(cs.read_ddpcr(path), plain, list(COLUMNS))


@pytest.mark.parametrize("micro", ["µ", "μ", "u", "", "?", "\N{REPLACEMENT CHARACTER}"])
def test_every_spelling_of_the_micro_sign(
    tmp_path: Path, make_export, write_csv, micro: str, plain: pd.DataFrame
) -> None:
    names, *records = make_export(PLATE, "qx")
    spelled = [name.replace("µ", micro) for name in names]
    wells = cs.read_ddpcr(write_csv(tmp_path / "plate.csv", [spelled, *records]))
    same(wells, plain, FACTS)
    assert wells.attrs["files"][0]["format"] == "QX Manager 1.x"


def test_a_western_file_read_as_japanese(tmp_path: Path, make_export, write_csv, plain: pd.DataFrame) -> None:
    # The byte of the micro sign in cp1252 is a half-width katakana in cp932.
    path = write_csv(tmp_path / "plate.csv", make_export(PLATE, "qx"), encoding="cp1252")
    wells = cs.read_ddpcr(path)
    same(wells, plain, FACTS)
    assert [problem["code"] for problem in wells.attrs["problems"]] == ["encoding-doubtful"]
    declared = cs.read_ddpcr(path, encoding="cp1252")
    assert declared.attrs["problems"] == []
    same(wells, declared, list(COLUMNS))


def test_a_japanese_file(tmp_path: Path, make_export, write_csv) -> None:
    plate = [(well, f"症例{sample}", *rest) for well, sample, *rest in PLATE]
    names, *records = make_export(plate, "qx")
    spelled = [name.replace("µ", "μ") for name in names]  # cp932 has only the Greek letter
    wells = cs.read_ddpcr(write_csv(tmp_path / "plate.csv", [spelled, *records], encoding="cp932", newline="\r\n"))
    assert wells["sample"].tolist()[0] == "症例P1"
    assert wells.attrs["problems"] == []


def paste(table: list[list[str]]) -> list[list[str]]:
    names = {"Concentration": "Conc(copies/L)", "CopiesPer20uLWell": "Copies/20LWell"}
    return [[names.get(name, name) for name in table[0]], *table[1:]]


def typed(cell: str) -> object:
    return float(cell) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell) else cell or None


@pytest.mark.parametrize("title", [False, True])
def test_a_paste_into_excel(tmp_path: Path, make_export, title: bool, plain: pd.DataFrame) -> None:
    book = openpyxl.Workbook()
    if title:
        book.active.append(["Plate of 4 March"])
        book.active.append([])
    for record in paste(make_export(PLATE)):
        book.active.append([typed(cell) for cell in record])
    book.create_sheet("Sheet2")
    book.create_sheet("Sheet3")
    path = tmp_path / "plate.xlsx"
    book.save(path)
    wells = cs.read_ddpcr(path)
    same(wells, plain, FACTS + NUMBERS)
    assert wells["row"].tolist() == [row + 2 * title for row in plain["row"]]
    assert wells.attrs["files"][0]["format"] == "QuantaSoft 1.7.4, pasted"
    assert wells.attrs["files"][0]["sheet"] == "Sheet"


def test_the_sheet_that_holds_wells_is_found(tmp_path: Path, make_export, plain: pd.DataFrame) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["Samples of the second batch"])
    for name in ("Plate 1", "Plate 2"):
        sheet = book.create_sheet(name)
        for record in make_export(PLATE):
            sheet.append([typed(cell) for cell in record])
    path = tmp_path / "plate.xlsx"
    book.save(path)
    with pytest.raises(cs.DataError, match="3 sheets with data"):
        cs.read_ddpcr(path)
    same(cs.read_ddpcr(path, sheet="Plate 2"), plain, FACTS + NUMBERS)
    del book["Plate 2"]
    book.save(path)
    same(cs.read_ddpcr(path), plain, FACTS + NUMBERS)


def mangled(names: list[str]) -> list[str]:
    """What R makes of column names: make.names(names, unique = TRUE)."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        plain = re.sub(r"[^\w.]", ".", name)
        out.append(plain if plain not in seen else f"{plain}.{seen[plain]}")
        seen[plain] = seen.get(plain, 0) + 1
    return out


@pytest.mark.parametrize("generation", ["old", "1.7.4", "qx"])
def test_names_that_went_through_r(tmp_path: Path, make_export, write_csv, generation: str) -> None:
    clusters = {
        place: {"Ch1+Ch2+": "1", "Ch1+Ch2-": "2", "Ch1-Ch2+": "3", "Ch1-Ch2-": str(row[6] - 6)}
        for place, row in enumerate(PLATE)
    }
    names, *records = make_export(PLATE, generation, extra=clusters)
    path = write_csv(tmp_path / "plate.csv", [names, *records])
    through = write_csv(tmp_path / "r.csv", [mangled(names), *records])
    assert "Ch1.Ch2..1" in through.read_text(encoding="utf-8")
    wells = cs.read_ddpcr(through)
    same(wells, cs.read_ddpcr(path), [name for name in COLUMNS if name != "file"])
    assert wells[["pos_pos", "pos_neg", "neg_pos"]].iloc[0].tolist() == [1, 2, 3]


def test_the_variant_of_qx_manager(tmp_path: Path, make_export, write_csv, plain: pd.DataFrame) -> None:
    table = make_export(PLATE, "qx")
    new = {"pg/µL": "Molecular Weight(pg/µL)", "Copies/uL linked molecules": "Linkage"}
    names = [new.get(name, name) for name in table[0]]
    clusters = [names.index(name) for name in ("Ch1+Ch2+", "Ch1+Ch2-", "Ch1-Ch2+", "Ch1-Ch2-")]
    behind = names.index("Negatives") + 1
    rest = [place for place in range(len(names)) if place not in clusters]
    order = [*rest[:behind], *clusters, *rest[behind:]]
    moved = [[record[place] for place in order] for record in [names, *table[1:]]]
    path = write_csv(tmp_path / "plate.csv", moved, encoding="utf-8-sig", newline="\r\n")
    wells = cs.read_ddpcr(path)
    assert wells.attrs["files"][0]["format"] == "QX Manager variant"
    same(wells, plain, FACTS)


def test_columns_in_any_order_and_a_part_of_them(tmp_path: Path, make_export, write_csv, plain: pd.DataFrame) -> None:
    table = make_export(PLATE)
    backwards = write_csv(tmp_path / "plain.csv", [record[::-1] for record in table])
    same(cs.read_ddpcr(backwards), plain, list(COLUMNS))
    keep = ["AcceptedDroplets", "Negatives", "Target", "Concentration", "Well"]
    places = [table[0].index(name) for name in keep]
    wells = cs.read_ddpcr(write_csv(tmp_path / "part.csv", [[record[place] for place in places] for record in table]))
    assert wells.attrs["files"][0]["format"] == "trimmed"
    same(wells, plain, ["well", "target", "channel", "positives", "negatives", "accepted", *NUMBERS])
    assert set(wells["sample"]) == {""}


def test_an_unused_column_and_the_order_of_rows_change_nothing(
    tmp_path: Path, make_export, write_csv, plain: pd.DataFrame
) -> None:
    names, *records = make_export(PLATE)
    path = write_csv(
        tmp_path / "plain.csv", [["Notes", *names], *([f"n{at}", *record] for at, record in enumerate(records[::-1]))]
    )
    same(cs.read_ddpcr(path), plain, [name for name in COLUMNS if name != "row"])


def test_a_decimal_comma(tmp_path: Path, make_export, write_csv, plain: pd.DataFrame) -> None:
    names, *records = make_export(PLATE)
    table = [names, *([cell.replace(".", ",") for cell in record] for record in records)]
    same(cs.read_ddpcr(write_csv(tmp_path / "plain.csv", table, delimiter=";")), plain, list(COLUMNS))


def test_a_preamble_and_a_line_that_names_the_delimiter(
    tmp_path: Path, make_export, write_csv, plain: pd.DataFrame
) -> None:
    path = write_csv(tmp_path / "plain.csv", make_export(PLATE), delimiter=";")
    path.write_text("sep=;\nPlate 7\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    wells = cs.read_ddpcr(path)
    same(wells, plain, [name for name in COLUMNS if name != "row"])
    assert wells["row"].tolist() == [row + 3 for row in plain["row"]]


def test_wells_are_written_alike_and_sorted(tmp_path: Path, make_export, write_csv) -> None:
    plate = [(well, "P1", "HER2", 1, "Unknown", 300, 14000) for well in ("b1", "A10", "a2", "Ｈ１２", "A1")]
    wells = cs.read_ddpcr(write_csv(tmp_path / "plate.csv", make_export(plate)))
    assert wells["well"].tolist() == ["A01", "A02", "A10", "B01", "H12"]


def test_channels_by_type_by_dye_and_by_place(tmp_path: Path) -> None:
    path = tmp_path / "plate.csv"
    rows = "A01,T1,300,14000,{0}\nA01,T2,300,14000,{1}\nA01,T3,300,14000,{2}\n"
    head = "Well,Target,Positives,Accepted,"
    expected = {
        ("TargetType", "Ch2Unknown", "Ch1Reference", "Ch3Unknown"): ["T2 ch1", "T1 ch2", "T3 ch3"],
        ("DyeName(s)", "VIC", "FAM", "Cy5"): ["T2 ch1", "T1 ch2", "T3 ch3"],
        ("DyeName(s)", "HEX", "FAM", "Cy5.5"): ["T2 ch1", "T1 ch2", "T3 ch4"],
        ("note", "", "", ""): ["T1 ch1", "T2 ch2", "T3 ch3"],
    }
    for (name, *cells), channels in expected.items():
        path.write_text(f"{head}{name}\n" + rows.format(*cells), encoding="utf-8")
        wells = cs.read_ddpcr(path, volume_nl=0.85)
        assert (wells["target"] + " " + wells["channel"]).tolist() == channels


@pytest.mark.parametrize(
    ("target_type", "sample_type", "role"),
    [
        ("Ch1Unknown", "", "unknown"),
        ("Ch2Reference", "", "reference"),
        ("Ch1NTC", "", "ntc"),
        ("Unknown", "Unknown", "unknown"),
        ("Reference", "NTC", "ntc"),
        ("NTC", "Unknown", "ntc"),
        ("Blank", "", "blank"),
        ("PosCtrl", "", "positive control"),
        ("Unknown", "PosCtrl", "positive control"),
        ("Reference", "PosCtrl", "reference"),
        ("Unknown", "NegCtrl", "blank"),
        ("", "", "unknown"),
    ],
)
def test_roles(tmp_path: Path, target_type: str, sample_type: str, role: str) -> None:
    path = tmp_path / "plate.csv"
    path.write_text(
        f"Well,Target,Positives,Accepted,TargetType,SampleType\nA01,T1,0,14000,{target_type},{sample_type}\n"
    )
    wells = cs.read_ddpcr(path, volume_nl=0.85)
    assert wells["role"].tolist() == [role]
    assert wells.attrs["problems"] == []


@pytest.mark.parametrize("generation", ["old", "1.7.4", "qx"])
def test_a_whole_plate_in_half_a_second(tmp_path: Path, make_export, write_csv, generation: str) -> None:
    plate = [
        (
            f"{letter}{number:02d}",
            f"P{number}",
            target,
            channel,
            "Unknown",
            (37 * number + 11 * channel) % 900,
            14000 + number,
        )
        for letter in "ABCDEFGH"
        for number in range(1, 13)
        for channel, target in ((1, "HER2"), (2, "EFTUD2"))
    ]
    path = write_csv(tmp_path / "plate.csv", make_export(plate, generation))
    assert len(scan_ddpcr(path).frame) == 192
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        cs.read_ddpcr(path)
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.5
