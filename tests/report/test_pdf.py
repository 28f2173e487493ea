"""The PDF: A4 with page numbers, tagged, light, without what a screen needs; and what is said where it cannot be made."""

from __future__ import annotations

import builtins
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.report.pdf import PDF_NOT_WRITTEN, page_pdf, paged_html
from cohortstats.report.write import make_report, with_options


@pytest.fixture(scope="module")
def pdf(report: cs.Report) -> bytes:
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed")
    content = page_pdf(report.files["report.html"].decode())
    assert content is not None
    return content


def text_of(content: bytes, folder: Path) -> list[str]:
    """Text of each page."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not on this machine")
    (folder / "r.pdf").write_bytes(content)
    done = subprocess.run(["pdftotext", "-layout", "r.pdf", "-"], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().split("\f")[:-1]


def test_colours_are_hex_and_pictures_carry_their_rules(report: cs.Report) -> None:
    html = paged_html(report.files["report.html"].decode())
    assert "var(--" not in html
    dots = re.findall(r'<svg class="dot".*?</svg>', html)
    assert len(dots) == 17
    assert all(".dot .bar{stroke:#0b3c6f" in dot for dot in dots)
    assert '<div class="phone">' not in html
    assert re.search('<table class="exhibit[^"]* many">', html), "Table 4 has seven columns"


def test_pages(pdf: bytes, tmp_path: Path) -> None:
    pages = text_of(pdf, tmp_path)
    assert 3 <= len(pages) <= 12
    for number, page in enumerate(pages, start=1):
        assert f"{number}/{len(pages)}" in page
    text = "\n".join(pages)
    assert "rebuilt from published aggregates" in pages[0]
    table4 = next(page for page in pages if "Clinicopathological" in page)
    # The last column stands on the paper.
    assert re.search(r"PIK3CA mutation in ctDNA\s+\+85\.7 \(\+15\.1 to \+96\.0\)\s+0\.05\s+0\.05", table4)
    assert "P = 0.0037" in text
    assert "Contents" not in text


def test_format_and_access(pdf: bytes, tmp_path: Path) -> None:
    if shutil.which("pdfinfo") is None:
        pytest.skip("pdfinfo is not on this machine")
    (tmp_path / "r.pdf").write_bytes(pdf)
    run = subprocess.run(["pdfinfo", "r.pdf"], cwd=tmp_path, capture_output=True, text=True, check=True)
    facts = dict(re.findall(r"^([^:]+):\s*(.*)$", run.stdout, flags=re.MULTILINE))
    assert facts["Tagged"] == "yes"
    assert facts["Page size"].endswith("(A4)")
    assert facts["Title"] == "Primary resistance to T-DM1 in HER2-positive advanced breast cancer"
    assert facts["JavaScript"] == "no"
    assert "CreationDate" not in facts
    meta = subprocess.run(["pdfinfo", "-meta", "r.pdf"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.search(r"<pdfuaid:part[^>]*>\s*1\s*<|pdfuaid:part=\"1\"", meta.stdout)


def test_paper_is_light(pdf: bytes, tmp_path: Path) -> None:
    """No page is drawn in the colours of the dark mode: its corner is white."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("pdftoppm is not on this machine")
    (tmp_path / "r.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "20", "-gray", "r.pdf", "p"], cwd=tmp_path, check=True)
    for page in tmp_path.glob("p-*.pgm"):
        pixels = page.read_bytes().rpartition(b"\n255\n")[2]
        assert sum(pixels) / len(pixels) > 220
        assert pixels[:20] == b"\xff" * 20


def test_nothing_outside_of_the_page_is_read(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed")
    secret = tmp_path / "secret.txt"
    secret.write_text("KEPT-SECRET")
    page = (
        '<!DOCTYPE html><html lang="en"><head><title>t</title>'
        f'<link rel="stylesheet" href="{secret.as_uri()}"></head>'
        f'<body><h1>t</h1><img alt="a" src="{secret.as_uri()}"><object data="{secret.as_uri()}"></object>'
        '<img alt="b" src="http://127.0.0.1:9/x.png"></body></html>'
    )
    content = page_pdf(page)
    assert content is not None
    assert b"KEPT-SECRET" not in content


def test_a_report_with_it(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed")
    target = tmp_path / "out"
    report = cs.write_report(cs.shipped_study("sakai2018"), target, formats=["pdf", "csv"])
    assert (target / "report.pdf").read_bytes().startswith(b"%PDF-1.7")
    assert target / "report.pdf" in report.written
    assert not (target / "report.html").exists()
    assert "report.pdf" not in json.loads((target / "manifest.json").read_text())["outputs"]
    # The next report has no PDF: the old one would tell of other numbers.
    cs.write_report(cs.shipped_study("sakai2018"), target, formats=["csv"])
    assert not (target / "report.pdf").exists()


@pytest.mark.parametrize("failure", [ImportError("No module named 'weasyprint'"), OSError("cannot load libpango")])
def test_without_the_extra(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    really = builtins.__import__

    def refuse(name: str, *rest: object, **more: object) -> object:
        if name == "weasyprint":
            raise failure
        return really(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    study = with_options(cs.Study.read(cs.shipped_study("sakai2018")), formats=["pdf", "csv"])
    report = make_report(cs.load_cohort(study))
    assert report.not_written == (PDF_NOT_WRITTEN,)
    assert PDF_NOT_WRITTEN == "PDF not written: pip install 'cohortstats[pdf]', or print the page from any browser."
    assert "report.pdf" not in report.files
    assert "results.csv" in report.files
