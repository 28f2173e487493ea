"""Whole reports of a study whose every text is hostile, in all formats, read by parsers and by real programs."""

from __future__ import annotations

import csv
import html as html_module
import io
import json
import re
import shutil
import subprocess
import unicodedata
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import cohortstats as cs
from cohortstats.tables.table import visible

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
LUALATEX = shutil.which("lualatex")
PDFTOTEXT = shutil.which("pdftotext")

SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "</title></style></svg><svg onload=alert(1)>",
    "{{7*7}} {% raw %} ${7*7}",
    "&amp; &lt;b&gt;",
    "\u202ereversed",
    "nul\x00byte \x07bell",
    r"\input{/etc/passwd}",
    r"\write18{touch /var/written} $x_1^2$ #1 %d ~",
    "=HYPERLINK(1)",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\uff1d1+1",
    "| a | b |\n| - | - |",
    "[x](javascript:alert(1)) ![y](http://x.invalid/z) `code` *italic* _u_",
    "]]> <!-- --> <![CDATA[",
]
LONG = "long " + "x" * 10_000


def quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def hostile(place: int) -> str:
    return HOSTILE[place % len(HOSTILE)]


def study_of(folder: Path, start: int) -> Path:
    """One patient file and one study file; the strings are dealt to the fields from another one on each time."""
    folder.mkdir()
    number = start

    def one(also: str = "") -> str:
        nonlocal number
        number += 1
        return quoted(hostile(number) + also)

    names = [f"v{place}" for place in range(len(HOSTILE))]
    # Columns of the file are called by what a header can hold: no line end, no NUL.
    headers = {name: re.sub(r"[\x00-\x1f]", "", hostile(place)) + f" {place}" for place, name in enumerate(names)}
    rows = [["p<id>", *headers.values(), "days", "weight", "died"]]
    for patient in range(24):
        cells = [("a", "b", "c")[(patient + place) % 3] for place in range(len(names))]
        rows.append(
            [f"=P{patient}", *cells, str(30 + 17 * patient), str(50 + patient % 7), "yes" if patient % 3 else "no"]
        )
    name = "table <script> & '=1+1 {{7*7}}.csv"
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    columns = []
    for place, column in enumerate(names):
        levels = [hostile(place) + f" {level}" for level in "abc"]
        values = ", ".join(f"{letter} = {quoted(level)}" for letter, level in zip("abc", levels, strict=True))
        columns.append(
            f"{column} = {{ from = {quoted(headers[column])}, values = {{ {values} }}, "
            f"order = [{', '.join(map(quoted, levels))}], label = {one()}, note = {one()} }}"
        )
    first = [hostile(0) + f" {level}" for level in "abc"]
    study = f"""cohortstats = 1
[study]
id = "hostile"
title = {one()}
period = {one()}
conventions = "r"
missing = [""]
[data.patients]
file = {quoted(name)}
id = "p<id>"
rows = "one per patient"
label = {one()}
[columns.patients]
{chr(10).join(columns)}
days = {{ type = "number", unit = "days", label = {one()} }}
weight = {{ type = "number", unit = {one()}, label = {one()} }}
died = {{ type = "yes/no", labels = [{one(" yes")}, {one(" no")}], label = {one()} }}
[derive]
marker = {{ when = "v0 == {first[0].replace('"', chr(39))}", labels = [{one(" in")}, {one(" out")}], label = {one()}, cutoff = "this data", formed = "after outcome" }}
[endpoints.event]
kind = "binary"
when = "died"
unknown = "exclude"
text = {one()}
label = {one()}
[endpoints.os]
kind = "time to event"
time = "days"
event = "died"
unit = "days"
unknown = "exclude"
text = {one()}
label = {one()}
axis = {one()}
[[characteristics]]
id = "table1"
title = {one()}
by = "died"
rows = [{", ".join(quoted(name) for name in names)}, "days", "weight", {{ label = {one()}, any = ["died"] }}]
[[response]]
id = "table2"
title = {one()}
variable = "v0"
sums = {{ {quoted(hostile(start + 9))} = [{quoted(first[0])}, {quoted(first[1])}] }}
[[association]]
id = "table4"
title = {one()}
outcome = "event"
rows = [{", ".join(quoted(name) for name in names)}, "marker"]
labels = {{ v1 = {one()}, v2 = {one()} }}
[[listing]]
id = "table5"
title = {one()}
columns = ["v3", "v8", "v9", "v10", "v13", "days", "weight"]
ids = "show"
[[time_to_event]]
id = "figure1"
title = {one()}
endpoint = "os"
groups = "v{start % len(HOSTILE) + 1}"
[[regression]]
id = "table6"
title = {one()}
endpoint = "os"
covariates = ["marker", "v7"]
allow_few_events = true
[[flow]]
id = "figure2"
title = {one()}
steps = [ {{ when = "died", label = {one()}, reason = {one()} }} ]
[[missingness]]
id = "table7"
title = {one()}
[report]
formats = ["html", "docx", "latex", "md", "csv"]
figures = ["svg", "pdf"]
"""
    study = study.replace('"v0 == <script>alert(1)</script> a"', "\"v0 == '<script>alert(1)</script> a'\"")
    (folder / "study.toml").write_text(study, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=[0, 7])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> cs.Report:
    folder = tmp_path_factory.mktemp("hostile")
    return cs.write_report(study_of(folder / "study", request.param), folder / "out")


@pytest.fixture(scope="module")
def folder(report: cs.Report) -> Path:
    assert report.folder is not None
    return report.folder


def printed(text: str) -> list[str]:
    """What of a string must stand in print: its pieces without markup of italics and blanks."""
    return [piece for piece in re.split(r"[\s*]+", visible(text)) if piece]


# ---------------------------------------------------------------------------------------------------------------------
# The page
# ---------------------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


ALLOWED = frozenset(
    "html head meta title style body header main nav section article aside footer div span p a h1 h2 h3 ul ol li b em "
    "i strong sup sub table caption thead tbody tr th td figure figcaption details summary svg g path rect line circle "
    "use defs text tspan desc clippath polygon polyline br code pre dl dt dd small ellipse".split()
)


def check_page(source: str) -> Tags:
    page = Tags()
    page.feed(source)
    page.close()
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("href", "src", "xlink:href", "action", "srcdoc"):
            target = attributes.get(name)
            assert target is None or target.startswith("#"), (tag, attributes)
    return page


def test_page_is_inert(report: cs.Report) -> None:
    source = report.files["report.html"].decode()
    page = check_page(source)
    policy = [attributes for tag, attributes in page.tags if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert [attributes["content"] for attributes in policy] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]
    for letter in ("\u202e", "\x00", "\x07"):
        assert letter not in source
    text = " ".join(" ".join(page.text).split())
    for string in HOSTILE:
        for piece in printed(string):
            assert piece in text, piece


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_page_in_chromium(folder: Path) -> None:
    """The document that a browser makes of the page: nothing ran, nothing was added, the title is text."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    done = subprocess.run(
        [str(CHROMIUM), *flags, (folder / "report.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    page = check_page(done.stdout)
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    study = cs.Study.read(folder.parent / "study")
    assert html_module.unescape(title[1]).startswith(printed(study.title)[0])
    assert "49" not in html_module.unescape(title[1])
    text = " ".join(page.text)
    assert "{{7*7}}" in text
    assert SCRIPT in text


# ---------------------------------------------------------------------------------------------------------------------
# Word
# ---------------------------------------------------------------------------------------------------------------------


def test_word_file_is_inert(report: cs.Report) -> None:
    with zipfile.ZipFile(io.BytesIO(report.files["report.docx"])) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, content in parts.items():
        if name.endswith((".xml", ".rels")):
            root = ET.fromstring(content)  # well-formed, no entity of its own
            assert b"<!DOCTYPE" not in content
            assert b"<!ENTITY" not in content
            for element in root.iter():
                tag = element.tag.rpartition("}")[2]
                assert tag not in ("object", "control", "altChunk", "instrText"), (name, tag)
                if tag == "fldSimple":  # a field is a command to Word: those of page numbers only
                    assert {value.strip() for value in element.attrib.values()} <= {"PAGE", "NUMPAGES"}, element.attrib
                assert element.get("TargetMode") != "External", (name, element.attrib)
    body = ET.fromstring(parts["word/document.xml"])
    text = " ".join("".join(body.itertext()).split())
    for string in HOSTILE:
        for piece in printed(string):
            assert piece in text or piece in "".join(text.split()), piece


@pytest.mark.skipif(SOFFICE is None or PDFTOTEXT is None, reason="no LibreOffice or no pdftotext on this machine")
def test_word_file_in_libreoffice(folder: Path, tmp_path: Path) -> None:
    convert(folder / "report.docx", "pdf", tmp_path)
    text = subprocess.run(
        [str(PDFTOTEXT), str(tmp_path / "report.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    joined = "".join(text.split())
    assert SCRIPT in joined
    assert r"\input{/etc/passwd}" in joined
    assert "root:x:0" not in joined
    assert "{{7*7}}" in joined


def convert(path: Path, kind: str, target: Path) -> None:
    profile = (target / "profile").as_uri()
    subprocess.run(
        [
            str(SOFFICE),
            f"-env:UserInstallation={profile}",
            "--headless",
            "--convert-to",
            kind,
            "--outdir",
            str(target),
            str(path),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )


# ---------------------------------------------------------------------------------------------------------------------
# Spreadsheets
# ---------------------------------------------------------------------------------------------------------------------


def test_csv_files_are_inert(report: cs.Report) -> None:
    seen = 0
    for name, content in report.files.items():
        if not name.endswith(".csv"):
            continue
        rows = list(csv.reader(io.StringIO(content.decode().removeprefix("\ufeff"), newline="")))
        assert len({len(row) for row in rows}) == 1, name
        for cell in (cell for row in rows for cell in row):
            start = unicodedata.normalize("NFKC", cell.lstrip(" \u00a0\u3000"))[:1]
            if start in ("=", "+", "@", "\t", "\r"):
                pytest.fail(f"{name}: {cell!r} is a formula")
            if start == "-":
                float(cell)  # a number, as it stands
            seen += cell.startswith("'")
    assert seen > 20


@pytest.mark.skipif(SOFFICE is None, reason="no LibreOffice on this machine")
def test_csv_files_in_libreoffice(folder: Path, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    (tmp_path / "plain.csv").write_text("a,b\n1,2\n")
    convert(tmp_path / "plain.csv", "xlsx", tmp_path)
    if not (tmp_path / "plain.xlsx").exists():
        pytest.skip("LibreOffice has no Calc on this machine")
    for name in ("results.csv", "tables/table5.csv", "tables/table1.csv"):
        convert(folder / name, "xlsx", tmp_path)
        book = load_workbook(tmp_path / f"{Path(name).stem}.xlsx")
        kinds = {cell.data_type for sheet in book.worksheets for row in sheet.iter_rows() for cell in row}
        assert "f" not in kinds, name


# ---------------------------------------------------------------------------------------------------------------------
# Markdown, LaTeX, pictures, JSON
# ---------------------------------------------------------------------------------------------------------------------


def test_markdown_is_inert(report: cs.Report) -> None:
    """Rendered with raw HTML allowed, as some programs do: no tag but those of tables, and as many columns as heads."""
    markdown = pytest.importorskip("markdown_it")
    renderer = markdown.MarkdownIt("commonmark", {"html": True}).enable("table")
    for name, content in report.files.items():
        if not name.endswith(".md"):
            continue
        tags = Tags()
        tags.feed(renderer.render(content.decode()))
        allowed = {"p", "table", "thead", "tbody", "tr", "th", "td", "em", "strong", "h2", "h3", "br", "sup"}
        assert {tag for tag, _ in tags.tags} <= allowed, name
        assert content.decode().count("\u202e") == 0
        if name.startswith("tables/"):
            heads = sum(tag == "th" for tag, _ in tags.tags)
            cells, lines = sum(tag == "td" for tag, _ in tags.tags), sum(tag == "tr" for tag, _ in tags.tags) - 1
            assert heads
            assert cells == heads * lines, name


@pytest.mark.skipif(LUALATEX is None or PDFTOTEXT is None, reason="no LuaLaTeX or no pdftotext on this machine")
def test_latex_is_inert(folder: Path, tmp_path: Path) -> None:
    marker = Path("/var/written")
    assert not marker.exists()
    shutil.copy(folder / "tables.tex", tmp_path)
    shutil.copytree(folder / "tables", tmp_path / "tables")
    done = subprocess.run(
        [str(LUALATEX), "-interaction=nonstopmode", "-halt-on-error", "tables.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=300,
        check=False,
    )
    log = done.stdout.decode(errors="replace")
    if re.search(r"File `[\w-]+\.sty' not found", log):
        pytest.skip("a LaTeX package is missing on this machine")
    assert done.returncode == 0, log[-2000:]
    text = subprocess.run(
        [str(PDFTOTEXT), "tables.pdf", "-"], cwd=tmp_path, capture_output=True, check=True
    ).stdout.decode()
    joined = "".join(text.split())
    assert "root:x:0" not in joined
    assert "etc/passwd" in joined
    assert "alert(1)" in joined
    assert not marker.exists()


def test_pictures_are_inert(report: cs.Report) -> None:
    seen = 0
    for name, content in report.files.items():
        if not name.endswith(".svg"):
            continue
        root = ET.fromstring(content)
        for element in root.iter():
            assert element.tag.rpartition("}")[2].lower() not in ("script", "foreignobject", "image", "a", "animate"), (
                name
            )
            for attribute, value in element.attrib.items():
                assert not attribute.rpartition("}")[2].startswith("on"), (name, attribute)
                assert "javascript:" not in value
                if attribute.endswith("href"):
                    assert value.startswith("#")
        seen += 1
    assert seen >= 2


@pytest.mark.skipif(PDFTOTEXT is None, reason="no pdftotext on this machine")
def test_pdf_pictures_hold_no_action(report: cs.Report, folder: Path) -> None:
    for path in (folder / "figures").glob("*.pdf"):
        content = path.read_bytes()
        assert not re.search(rb"/(JavaScript|JS|OpenAction|Launch|URI)\b", content), path.name
        subprocess.run([str(PDFTOTEXT), str(path), "-"], check=True, capture_output=True)


def test_json_files_say_the_same(report: cs.Report) -> None:
    for name in ("results.json", "manifest.json"):
        text = report.files[name].decode()
        assert "\x00" not in text
        json.loads(text)
    assert not any(Path(name).is_absolute() or ".." in Path(name).parts for name in report.files)


def test_a_label_of_ten_thousand_letters_in_every_field(tmp_path: Path) -> None:
    folder = study_of(tmp_path / "study", 3)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    text, n = re.subn(r"(?m)(?<=label = )\"(?:[^\"\\]|\\.)*\"", lambda found: quoted(LONG), text)
    text = re.sub(r"(?m)^title = .*$", f"title = {quoted(LONG)}", text)
    assert n > 20
    (folder / "study.toml").write_text(text, encoding="utf-8")
    report = cs.write_report(folder, tmp_path / "out")
    check_page(report.files["report.html"].decode())
    for name, content in report.files.items():
        if name.endswith(".svg"):
            ET.fromstring(content)
    with zipfile.ZipFile(io.BytesIO(report.files["report.docx"])) as archive:
        ET.fromstring(archive.read("word/document.xml"))


# ---------------------------------------------------------------------------------------------------------------------
# What is refused before anything is written
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../up", "a/b", "a\\b", "..", ".hidden", "con:x", "x\x00y", SCRIPT, "a b"])
def test_ids_that_are_no_file_names(name: str, tmp_path: Path) -> None:
    """Ids become names of files and addresses, so they are letters, digits, full stop, - and _ only."""
    folder = study_of(tmp_path / "study", 0)
    path = folder / "study.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('id = "table2"', f"id = {quoted(name)}"), encoding="utf-8")
    with pytest.raises(cs.DataError):
        cs.write_report(folder, tmp_path / "out")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["study"]


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "~/secret.csv"])
def test_paths_stay_in_the_folder(name: str, tmp_path: Path) -> None:
    folder = study_of(tmp_path / "study", 0)
    (tmp_path / "secret.csv").write_text("p<id>,days\nX,1\n")
    path = folder / "study.toml"
    text = re.sub(r"(?m)^file = .*$", f"file = {quoted(name)}", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    with pytest.raises(cs.DataError):
        cs.write_report(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
