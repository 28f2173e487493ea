"""Make the files of an INVENTED cohort as a hospital would hand them over: 52 patients, visits, treatments, a plate.

No patient stands behind any row: every cell is drawn from the fixed seed below, and the results mean nothing for
medicine. The mess is on purpose, for it is what the study file beside this script has to deal with:

- ``症例一覧.xlsx``: a merged title above the names, dates typed in five ways, full-width digits and signs, limits such
  as ``<1``, several words for missing, an empty second sheet;
- ``画像評価.csv``: one row a visit and reader, in cp932, the encoding of Japanese Excel;
- ``治療歴.csv``: one row a regimen, in UTF-8 with a byte-order mark;
- ``ddPCR_plate1.csv``: a plate as QX Manager exports it, with controls and wells in duplicate;
- ``検体一覧.csv``: which sample is whose.

Run ``python make_example.py`` in this folder; every run writes the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import random
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
from openpyxl.styles import Alignment, Font

SEED = 20260304
N = 52
CUTOFF = dt.date(2018, 3, 31)
CASES = (
    "症例番号",
    "年齢",
    "病期",
    "ER(%)",
    "PgR(%)",
    "HER2 IHC",
    "HER2 FISH",
    "ペルツズマブ既往",
    "転移・再発診断日",
    "T-DM1開始日",
    "死亡日",
    "最終生存確認日",
    "備考",
)
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
FIXED_TIME = dt.datetime(2018, 4, 1)
SCAN = 42  # days between visits


# ---------------------------------------------------------------------------------------------------------------------
# What happened to whom
# ---------------------------------------------------------------------------------------------------------------------


@dataclass
class Patient:
    """One invented patient."""

    id: str
    start: dt.date
    metastatic: dt.date
    stage: str
    age: int
    er: float | None
    pgr: float | None
    ihc: str
    fish: str
    pertuzumab: str
    visits: list[tuple[dt.date, str, float | None]] = field(default_factory=list)
    regimens: list[tuple[dt.date, dt.date | None, str, str, dt.date | None]] = field(default_factory=list)
    death: dt.date | None = None
    last_seen: dt.date = CUTOFF


def patients(draw: random.Random) -> list[Patient]:
    """The patients, in order of the first dose."""
    starts = sorted(dt.date(2014, 5, 1) + dt.timedelta(days=draw.randrange(1050)) for _ in range(N))
    return [_patient(draw, f"架空{number:03d}", start) for number, start in enumerate(starts, start=1)]


def _patient(draw: random.Random, name: str, start: dt.date) -> Patient:
    percents = [0.0, 0.0, 0.5, 1.0, 5.0, 10.0, 40.0, 70.0, 80.0, 90.0]
    one = Patient(
        id=name,
        start=start,
        metastatic=start,
        stage=draw.choices(["Stage IV", "再発"], [0.35, 0.65])[0],
        age=draw.randrange(34, 82),
        er=None if draw.random() < 0.02 else draw.choice(percents),
        pgr=None if draw.random() < 0.06 else draw.choice(percents[:8]),
        ihc=draw.choices(["3+", "2+"], [0.75, 0.25])[0],
        fish="",
        pertuzumab=draw.choices(["○", "◯", "×", "NA"], [0.34, 0.1, 0.52, 0.04])[0],
    )
    one.fish = "陽性" if one.ihc == "2+" else draw.choice(["", "", "陽性"])
    positive = max(one.er or 0, one.pgr or 0) >= 10
    _treat(draw, one)
    # Invented: progression comes later when a receptor is positive.
    early = draw.random() < 0.15
    wait = draw.randrange(15, 38) if early else round(draw.expovariate(1 / (330 if positive else 160)) + 21)
    seen = min(start + dt.timedelta(days=draw.randrange(200, 950)), CUTOFF)
    dies = start + dt.timedelta(days=wait + round(draw.expovariate(1 / 420)) + 20)
    _see(draw, one, wait, min(seen, dies))
    if dies <= seen:
        one.death, one.last_seen = dies, dies
    else:
        one.last_seen = seen
    progressed = next((day for day, response, _ in one.visits if response == "PD"), None)
    if progressed is not None:
        later = progressed + dt.timedelta(days=draw.randrange(7, 28))
        one.regimens[-1] = (one.start, progressed, "T-DM1", "転移", progressed)
        if later < one.last_seen:
            one.regimens.append((later, None, draw.choice(["CAP+LAP", "H+VNR", "H+ERI"]), "転移", None))
    return one


def _treat(draw: random.Random, one: Patient) -> None:
    """Treatments before T-DM1, from the day on which the disease was metastatic; those before it were adjuvant."""
    before: list[tuple[str, bool]] = []  # regimen, and whether it ended with progression
    for _ in range(draw.choices([0, 1, 2, 3], [0.1, 0.45, 0.3, 0.15])[0]):
        first = draw.choice(["H+P+DTX", "PTX+H", "DTX+H", "CAP+LAP", "H+VNR"])
        if first == "H+P+DTX" and draw.random() < 0.6:
            before += [(first, False), ("H+P", True)]  # maintenance is no line
        elif first in ("PTX+H", "DTX+H") and draw.random() < 0.4:
            before += [(first, False), ("H", True)]
        else:
            before.append((first, True))
    if one.er and draw.random() < 0.3:
        before.insert(0, ("AI", True))
    length = [draw.randrange(70, 260) for _ in before]
    day = one.start - dt.timedelta(days=sum(length) + 14 * (len(before) + 1))
    one.metastatic = day - dt.timedelta(days=10)
    if one.stage == "再発":
        adjuvant = one.metastatic - dt.timedelta(days=draw.randrange(400, 1800))
        one.regimens.append((adjuvant, adjuvant + dt.timedelta(days=84), "AC", "術前", None))
        after = adjuvant + dt.timedelta(days=120)
        one.regimens.append((after, after + dt.timedelta(days=250), "H", "術後", None))
    for (drugs, progressed), days in zip(before, length, strict=True):
        end = day + dt.timedelta(days=days)
        one.regimens.append((day, end, drugs, "転移", end if progressed else None))
        day = end + dt.timedelta(days=14)
    one.regimens.append((one.start, None, "T-DM1", "転移", None))


def _see(draw: random.Random, one: Patient, wait: int, until: dt.date) -> None:
    """Visits every six weeks or so, up to the first that finds progression."""
    shrinks = draw.choices(["CR", "PR", "SD"], [0.08, 0.42, 0.50])[0]
    baseline = float(draw.randrange(18, 96))
    one.visits.append((one.start - dt.timedelta(days=draw.randrange(3, 25)), "", baseline))
    day, size, nadir = one.start, baseline, baseline
    for number in range(1, 30):
        day = one.start + dt.timedelta(days=SCAN * number + draw.randrange(-4, 8))
        if day > until:
            break
        if draw.random() < 0.05:
            one.visits.append((day, "NE", None))
            continue
        if (day - one.start).days >= wait:
            grown = max(nadir * draw.uniform(1.22, 1.6), nadir + 6)
            one.visits.append((day, "PD", round(grown)))
            break
        if shrinks == "CR" and number >= 3:
            size = 0.0
        elif shrinks in ("CR", "PR") and number >= 2:
            size = min(size, round(baseline * draw.uniform(0.3, 0.68)))
        else:
            size = min(size, max(1, round(baseline * draw.uniform(0.75, 1.0))))
        nadir = min(nadir, size)
        response = "CR" if size == 0 else "PR" if size <= 0.7 * baseline else "SD"
        one.visits.append((day, response, size))


# ---------------------------------------------------------------------------------------------------------------------
# 症例一覧.xlsx
# ---------------------------------------------------------------------------------------------------------------------


def written_date(day: dt.date, how: str) -> object:
    """A date as somebody typed it."""
    if how == "excel":
        return dt.datetime(day.year, day.month, day.day)
    if how == "serial":
        return (day - dt.date(1899, 12, 30)).days
    if how == "kanji":
        return f"{day.year}年{day.month}月{day.day}日"
    if how == "era" and dt.date(1989, 1, 8) <= day < dt.date(2019, 5, 1):
        return f"H{day.year - 1988}.{day.month}.{day.day}"
    return f"{day.year}/{day.month}/{day.day}"


def written_percent(draw: random.Random, percent: float | None) -> object:
    """A share of stained cells in the ways of several hands."""
    if percent is None:
        return draw.choice(["未検", "不明"])
    if percent == 0.5:
        return draw.choice(["<1", "＜１"])
    whole = int(percent)
    return draw.choice([whole, whole, f"{whole}%", str(whole).translate(FULL_WIDTH)])


def case_rows(cohort: list[Patient], draw: random.Random) -> list[list[object]]:
    """The rows of the workbook."""
    rows: list[list[object]] = []
    for number, one in enumerate(cohort, start=1):
        age: object = str(one.age).translate(FULL_WIDTH) if number % 9 == 4 else one.age
        style = draw.choices(["excel", "serial", "slash", "kanji", "era"], [0.5, 0.1, 0.2, 0.1, 0.1])[0]
        other = draw.choices(["excel", "slash", "kanji", "era"], [0.6, 0.2, 0.1, 0.1])[0]
        rows.append(
            [
                one.id,
                "不明" if number == 31 else age,
                one.stage,
                written_percent(draw, one.er),
                written_percent(draw, one.pgr),
                draw.choice([one.ihc, one.ihc.replace("+", "＋")]),
                one.fish or None,
                one.pertuzumab,
                written_date(one.metastatic, other),
                written_date(one.start, style),
                written_date(one.death, other) if one.death else None,
                written_date(one.last_seen, "excel"),
                "架空の症例" if number == 1 else None,
            ]
        )
    return rows


def workbook(rows: list[list[object]]) -> openpyxl.Workbook:
    """The workbook, as a hospital keeps it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "症例一覧"
    sheet["A1"] = "T-DM1投与症例一覧（架空データ：実在の患者ではありません）"
    sheet["A1"].font = Font(bold=True, size=14)
    sheet["A1"].alignment = Alignment(horizontal="center")
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(CASES))
    sheet.append(CASES)
    for row in rows:
        sheet.append(row)
    for line in sheet.iter_rows(min_row=3):
        for cell in line:
            if isinstance(cell.value, dt.datetime):
                cell.number_format = "yyyy/m/d"
    sheet.freeze_panes = "B3"
    for letter in "ABCDEFGHIJKLM":
        sheet.column_dimensions[letter].width = 14
    book.create_sheet("Sheet2")
    book.properties.creator = "cohortstats example"
    book.properties.created = FIXED_TIME
    book.properties.modified = FIXED_TIME
    return book


def write_workbook(path: Path, rows: list[list[object]]) -> None:
    """Save the workbook with fixed times inside the archive, so that its bytes do not depend on the day."""
    book = workbook(rows)
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


# ---------------------------------------------------------------------------------------------------------------------
# 画像評価.csv and 治療歴.csv
# ---------------------------------------------------------------------------------------------------------------------


def visit_rows(cohort: list[Patient], draw: random.Random) -> list[list[object]]:
    """One row a visit of the treating physician, and for some a second reading."""
    rows: list[list[object]] = []
    for one in cohort:
        central = draw.random() < 0.4
        for day, response, size in one.visits:
            written = "" if size is None else f"{size:g}"
            rows.append([one.id, f"{day.year}/{day.month}/{day.day}", "主治医", response or "ベースライン", written])
            if central and response:
                second = "SD" if response == "PR" and draw.random() < 0.2 else response
                rows.append([one.id, f"{day.year}/{day.month}/{day.day}", "中央判定", second, written])
    return rows


def regimen_rows(cohort: list[Patient]) -> list[list[object]]:
    """One row a regimen."""
    return [
        [one.id, start.isoformat(), end.isoformat() if end else "", drugs, intent, found.isoformat() if found else ""]
        for one in cohort
        for start, end, drugs, intent, found in one.regimens
    ]


def write_text(path: Path, header: tuple[str, ...], rows: list[list[object]], *, encoding: str, newline: str) -> None:
    """Save a text file with the bytes that an office program gives it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


# ---------------------------------------------------------------------------------------------------------------------
# ddPCR_plate1.csv and 検体一覧.csv
# ---------------------------------------------------------------------------------------------------------------------

DROPLET_NL = 0.85
PLATE = [
    "Well",
    "Sample description 1",
    "Sample description 2",
    "Sample description 3",
    "Sample description 4",
    "Target",
    "Conc(copies/µL)",
    "pg/µL",
    "Status",
    "Status Reason",
    "Experiment",
    "SampleType",
    "TargetType",
    "Supermix",
    "DyeName(s)",
    "Copies/20µLWell",
    "TotalConfMax",
    "TotalConfMin",
    "PoissonConfMax",
    "PoissonConfMin",
    "Accepted Droplets",
    "Positives",
    "Negatives",
    "Copies/uL linked molecules",
    "Threshold1",
    "MergedWells",
    "Ch1+Ch2+",
    "Ch1+Ch2-",
    "Ch1-Ch2+",
    "Ch1-Ch2-",
]
COPY_NUMBER, MUTATION = ("HER2", "EFTUD2"), ("PIK3CA E545K", "PIK3CA WT")


def _poisson(draw: random.Random, mean: float) -> int:
    """A Poisson number, by counting exponential waiting times."""
    count, total = -1, 0.0
    while total <= mean:
        total += draw.expovariate(1)
        count += 1
    return count


def _positives(draw: random.Random, n: int, share: float) -> int:
    """How many of ``n`` droplets are positive: close to binomial where there are many, Poisson where they are few."""
    if n * share < 50:
        return min(_poisson(draw, n * share), n)
    return round(draw.gauss(n * share, math.sqrt(n * share * (1 - share))))


def _single(value: float) -> str:
    """A number as the instrument prints it: single precision, fifteen digits."""
    return f"{struct.unpack('f', struct.pack('f', value))[0]:.15g}"


class Plate:
    """Wells in the order in which they are pipetted, down the columns."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.rows: list[tuple[str, list[object]]] = []
        self.wells = (f"{letter}{column:02d}" for column in range(1, 13) for letter in "ABCDEFGH")

    def add(self, sample: str, kind: str, targets: tuple[str, str], copies: tuple[float, float]) -> None:
        """One well with two targets; ``copies`` are means in 20 µL of reaction."""
        draw, well = self.draw, next(self.wells)
        n = draw.randrange(13_200, 18_400)
        per_droplet = [mean * DROPLET_NL / 20_000 for mean in copies]
        positives = [_positives(draw, n, 1 - math.exp(-mean)) for mean in per_droplet]
        # Targets fall into droplets independently of each other.
        share = positives[0] * positives[1] / n
        both = min(_poisson(draw, share), *positives)
        clusters = [both, positives[0] - both, positives[1] - both, n - sum(positives) + both]
        types = ("Unknown", "Reference") if targets == COPY_NUMBER else ("Unknown", "Unknown")
        if kind == "NTC":
            types = ("NTC", "NTC")
        for place, target in enumerate(targets):
            k = positives[place]
            concentration = 1000 * math.log(n / (n - k)) / DROPLET_NL
            cells = dict.fromkeys(PLATE, "")
            cells |= {"Well": well, "Sample description 1": sample, "Target": target, "Status": "Manual"}
            cells |= {"Conc(copies/µL)": _single(concentration), "Copies/20µLWell": _single(20 * concentration)}
            cells |= {"Experiment": "DQ", "SampleType": kind, "TargetType": types[place]}
            cells |= {"Supermix": "ddPCR Supermix for Probes (No dUTP)", "DyeName(s)": ("FAM", "HEX")[place]}
            cells |= {"Accepted Droplets": str(n), "Positives": str(k), "Negatives": str(n - k)}
            cells |= {"Threshold1": ("4000", "2600")[place]}
            cells |= dict(zip(PLATE[-4:], map(str, clusters), strict=True))
            self.rows.append((well, [cells[name] for name in PLATE]))


def plate_and_samples(cohort: list[Patient], draw: random.Random) -> tuple[list[list[object]], list[list[object]]]:
    """Plasma of 24 patients: copy numbers in two wells each, the mutation in one; ten healthy donors; no template."""
    plate, samples = Plate(draw), []
    for number, one in enumerate(sorted(draw.sample(cohort, 24), key=lambda one: one.id), start=1):
        name = f"PL-{number:03d}"
        drawn = one.start - dt.timedelta(days=draw.randrange(0, 8))
        samples.append([name, one.id, f"{drawn.year}/{drawn.month}/{drawn.day}"])
        genomes = math.exp(draw.uniform(math.log(180), math.log(2400)))
        ratio = draw.uniform(1.5, 5.0) if draw.random() < 0.3 else draw.gauss(1.02, 0.04)
        mutant = genomes * draw.uniform(0.02, 0.25) if draw.random() < 0.28 else 0.4
        for _ in range(2):
            plate.add(name, "Unknown", COPY_NUMBER, (genomes * ratio, genomes))
        plate.add(name, "Unknown", MUTATION, (mutant, genomes))
    for number in range(1, 11):
        plate.add(f"健常{number:02d}", "Unknown", MUTATION, (0.2, draw.uniform(300, 900)))
    for targets in (COPY_NUMBER, MUTATION):
        for _ in range(2):
            plate.add("H2O", "NTC", targets, (0, 0))
    rows = [row for _, row in sorted(plate.rows, key=lambda pair: (pair[0][1:], pair[0][0]))]
    return rows, samples


def main(folder: Path) -> None:
    """Write the five files."""
    draw = random.Random(SEED)
    cohort = patients(draw)
    write_workbook(folder / "症例一覧.xlsx", case_rows(cohort, draw))
    visits = visit_rows(cohort, draw)
    names = ("症例番号", "評価日", "判定者", "総合判定", "標的病変径和(mm)")
    write_text(folder / "画像評価.csv", names, visits, encoding="cp932", newline="\r\n")
    names = ("症例番号", "開始日", "終了日", "レジメン", "目的", "PD日")
    write_text(folder / "治療歴.csv", names, regimen_rows(cohort), encoding="utf-8-sig", newline="\r\n")
    wells, samples = plate_and_samples(cohort, draw)
    write_text(folder / "ddPCR_plate1.csv", tuple(PLATE), wells, encoding="utf-8", newline="\n")
    names = ("sample", "症例番号", "採血日")
    write_text(folder / "検体一覧.csv", names, samples, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(__file__).parent)
