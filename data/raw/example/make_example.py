"""Make 症例一覧.xlsx: 52 INVENTED patients in the kind of workbook that hospitals keep.

No patient stands behind any row: every cell is drawn from the fixed seed below. The mess is on purpose, for it is what
the study file beside this script has to deal with: a merged title above the names, dates typed in five ways, full-width
digits and signs, several words for missing, an empty second sheet.

Run ``python make_example.py`` in this folder; every run writes the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import random
import zipfile
from pathlib import Path

import openpyxl
from openpyxl.styles import Alignment, Font

SEED = 20260304
N = 52
CUTOFF = dt.date(2018, 3, 31)
NAMES = (
    "症例番号",
    "年齢",
    "病期",
    "ER",
    "PgR",
    "前治療レジメン数",
    "ペルツズマブ既往",
    "T-DM1開始日",
    "最良効果",
    "PD確認日",
    "最終評価日",
    "備考",
)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
FIXED_TIME = dt.datetime(2018, 4, 1)


def written_date(day: dt.date, how: str) -> object:
    """A date as somebody typed it."""
    if how == "excel":
        return dt.datetime(day.year, day.month, day.day)
    if how == "serial":
        return (day - dt.date(1899, 12, 30)).days
    if how == "kanji":
        return f"{day.year}年{day.month}月{day.day}日"
    if how == "era" and day < dt.date(2019, 5, 1):
        return f"H{day.year - 1988}.{day.month}.{day.day}"
    return f"{day.year}/{day.month}/{day.day}"


def receptor(draw: random.Random, positive: bool, tested: bool) -> str:
    """A receptor status in the words of several hands."""
    if not tested:
        return draw.choice(["未検", "不明"])
    return draw.choice(["+", "＋", "陽性"] if positive else ["-", "−", "陰性"])


def patients() -> list[list[object]]:
    """The rows, in order of the first dose."""
    draw = random.Random(SEED)
    starts = sorted(dt.date(2014, 5, 1) + dt.timedelta(days=draw.randrange(1050)) for _ in range(N))
    rows: list[list[object]] = []
    for number, start in enumerate(starts, start=1):
        er, pgr = draw.random() < 0.55, draw.random() < 0.42
        tested_er, tested_pgr = draw.random() < 0.98, draw.random() < 0.94
        positive = er or pgr
        # Invented: progression comes later when a receptor is positive.
        wait = max(18, round(draw.expovariate(1 / (300 if positive else 150)) + 21))
        seen = min(start + dt.timedelta(days=draw.randrange(150, 900)), CUTOFF)
        progression = start + dt.timedelta(days=wait)
        progressed = progression <= seen
        first_scan = progressed and wait < 80
        best = "PD" if first_scan else draw.choices(["CR", "PR", "SD"], [0.06, 0.44, 0.50])[0]
        if draw.random() < 0.06:
            best = "NE"
        last = progression if progressed else seen
        age: object = draw.randrange(34, 82)
        if number % 9 == 4:
            age = str(age).translate(FULL_WIDTH)
        if number == 31:
            age = "不明"
        style = draw.choices(["excel", "serial", "slash", "kanji", "era"], [0.5, 0.1, 0.2, 0.1, 0.1])[0]
        other = draw.choices(["excel", "slash", "kanji", "era"], [0.6, 0.2, 0.1, 0.1])[0]
        rows.append(
            [
                f"架空{number:03d}",
                age,
                draw.choices(["Stage IV", "再発"], [0.35, 0.65])[0],
                receptor(draw, er, tested_er),
                receptor(draw, pgr, tested_pgr),
                draw.choices(["0", "1", "2", "3", "４", "5以上"], [0.08, 0.36, 0.22, 0.16, 0.1, 0.08])[0],
                draw.choices(["○", "◯", "×", "NA"], [0.34, 0.1, 0.52, 0.04])[0],
                written_date(start, style),
                best,
                written_date(progression, other) if progressed else None,
                written_date(last, "excel"),
                "架空の症例" if number == 1 else None,
            ]
        )
    return rows


def workbook() -> openpyxl.Workbook:
    """The workbook, as a hospital keeps it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "症例一覧"
    sheet["A1"] = "T-DM1投与症例一覧（架空データ：実在の患者ではありません）"
    sheet["A1"].font = Font(bold=True, size=14)
    sheet["A1"].alignment = Alignment(horizontal="center")
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(NAMES))
    sheet.append(NAMES)
    for row in patients():
        sheet.append(row)
    for line in sheet.iter_rows(min_row=3):
        for cell in line:
            if isinstance(cell.value, dt.datetime):
                cell.number_format = "yyyy/m/d"
    sheet.freeze_panes = "B3"
    for letter in "ABCDEFGHIJKL":
        sheet.column_dimensions[letter].width = 14
    book.create_sheet("Sheet2")
    book.properties.creator = "cohortstats example"
    book.properties.created = FIXED_TIME
    book.properties.modified = FIXED_TIME
    return book


def write(path: Path) -> None:
    """Save the workbook with fixed times inside the archive, so that its bytes do not depend on the day."""
    book = workbook()
    loose = io.BytesIO()
    book.save(loose)
    stamp = FIXED_TIME.timetuple()[:6]
    with zipfile.ZipFile(loose) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                # openpyxl writes the time of saving here whatever the properties say.
                content = _fixed_core(content)
            item = zipfile.ZipInfo(name, date_time=stamp)
            item.external_attr = 0o600 << 16
            item.create_system = 3
            new.writestr(item, content, compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)


def _fixed_core(content: bytes) -> bytes:
    text = content.decode("utf-8")
    start = text.index(">", text.index("<dcterms:modified")) + 1
    end = text.index("</dcterms:modified>")
    return (text[:start] + FIXED_TIME.strftime("%Y-%m-%dT%H:%M:%SZ") + text[end:]).encode("utf-8")


if __name__ == "__main__":
    write(Path(__file__).with_name("症例一覧.xlsx"))
