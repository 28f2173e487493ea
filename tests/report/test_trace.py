"""Every number that a reader meets on the page leads to a result in ``results.json``."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import pytest

import cohortstats as cs
from cohortstats.figures import draw_picture
from cohortstats.figures.picture import KaplanMeierPicture
from cohortstats.report.write import make_report
from cohortstats.study import Characteristics
from cohortstats.tables.language import LANGUAGES, catalogue
from cohortstats.tables.numbers import exact, round_half_up
from cohortstats.tables.table import plain

ROOT = Path(__file__).parents[2]
STUDIES = ("sakai2018", "example", "sepher2020")
VOID = {"meta", "link", "br", "img", "path", "circle", "use", "rect", "line", "input", "polyline", "polygon", "ellipse"}
# Constants of methods and drawings: level of limits, half of the patients, power, guides, gene copies of a tumor.
CONSTANTS = re.compile(
    r"95% ?(?:CI|信頼区間)|flat at 0[.·]5|曲線が0[.·]5|80% power|検出力80%|\+20%|[-−]30%|(?:per tumor genome|当たり)\s?\d+|\d+ copies per tumor"
)
BLOCKS = ("td", "th", "caption", "p", "li", "figcaption", "desc", "title", "text", "summary", "h1", "h2")
# A number by itself: "E545K", "T-DM1" and "3.11.7" are names.
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.])(?<![A-Za-z]-)(?:\d{1,3}(?:,\d{3})+|\d+)?(?:[.·]\d+|(?<=\d))(?![A-Za-z0-9_]|\.\d)"
)


@dataclasses.dataclass
class Block:
    """A piece of text with the elements around it."""

    tag: str
    attributes: dict[str, str | None]
    section: str
    css: frozenset[str]
    text: str = ""


class Blocks(HTMLParser):
    """The texts of a page, one a block."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[Block] = []
        self.last: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.stack.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while tag not in VOID and self.stack and self.stack.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.stack]
        if not data.strip() or {"style", "footer", "code"} & set(tags):
            return
        block = next(((tag, found) for tag, found in reversed(self.stack) if tag in BLOCKS), None)
        if block is None:
            return
        tag, attributes = block
        if attributes is not self.last:
            section = next((found.get("id") or "" for name, found in self.stack if name == "section"), "")
            css = frozenset(word for _, found in self.stack for word in (found.get("class") or "").split())
            self.blocks.append(Block(tag=tag, attributes=attributes, section=section, css=css))
            self.last = attributes
        apart = " " if self.stack[-1][0] in ("span", "sup", "small") else ""
        self.blocks[-1].text += apart + data


class Traced:
    """A report with what its page may say."""

    def __init__(self, study: str) -> None:
        self.report = make_report(cs.load_cohort(cs.Study.read(ROOT / "data" / "raw" / study)))
        page = Blocks()
        self.html = self.report.files["report.html"].decode()
        page.feed(self.html)
        self.blocks = page.blocks
        content = json.loads(self.report.files["results.json"])
        self.results = {entry["id"]: entry for entry in content["results"]}
        self.numbers = {address: list(_numbers(entry)) for address, entry in self.results.items()}
        declared = {*_declared(self.report), *_fixed_words()}
        self.declared = sorted((x for x in declared if re.search(r"\d", x) and re.search(r"[^\d\s.,]", x)), key=len)[
            ::-1
        ]
        protocol = (ROOT / "data" / "raw" / study / "study.toml").read_text(encoding="utf-8")
        self.settings = {exact(x) for x in map(_as_number, _leaves(tomllib.loads(protocol))) if x is not None} | {
            Fraction(m[0]) for text in _leaves(tomllib.loads(protocol)) for m in _of_text(str(text))
        }
        self.slugs = {re.sub(r"[^A-Za-z0-9]+", "-", a.id).strip("-"): a for a in self.report.analyses}

    def pool(self, exhibit: str = "") -> list[float]:
        return [x for address, found in self.numbers.items() if address.startswith(exhibit) for x in found]

    def without_declared(self, text: str) -> str:
        text = CONSTANTS.sub(lambda found: " " * len(found[0]), text)
        for known in self.declared:
            if known in text:
                pattern = rf"(?<![A-Za-z0-9.]){re.escape(known)}(?![A-Za-z0-9]|\.\d)"
                text = re.sub(pattern, lambda found: " " * len(found[0]), text)
        return text


def _as_number(value: object) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _of_text(text: str) -> Iterator[re.Match[str]]:
    return (found for found in NUMBER.finditer(text) if found[0] and "," not in found[0] and "·" not in found[0])


def _numbers(entry: dict[str, object]) -> Iterator[float]:
    for name in ("value", "ci_lower", "ci_upper", "p_value", "n"):
        value = entry.get(name)
        if isinstance(value, (int, float)) and math.isfinite(value):
            yield value


def _declared(report: cs.Report) -> Iterator[str]:
    """Words of the study file and of the ledger, versions, and the names of the exhibits."""
    cohort = report.cohort
    study = cohort.study
    texts = [study.title, study.synthetic, study.period, study.cutoff]
    for variable in cohort.variables.values():
        texts += [variable.label, *variable.labels, variable.note, variable.unit]
        texts += [level for level in variable.levels if not level.isdigit()]
    texts += [text for one in study.endpoints.values() for text in (one.text, one.label)]
    texts += [table.file for table in cohort.tables.values()]
    texts += [table.label for table in study.data.values()]
    for entry in study.exhibits:
        texts += [text for text in _strings(entry) if not text.isdigit()]
    texts += [text for analysis in report.analyses for text in (analysis.table.number, analysis.table.caption)]
    texts += [text for item in report.agreement.items for text in (item.note, item.published, item.where)]
    texts += [step.label for assay in study.ctdna.values() for step in [assay]]
    texts += [word for assay in study.ctdna.values() for word in _strings(assay)]
    yield from (plain(text) for text in texts if text)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            yield from _strings(getattr(value, one.name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _strings(item)


def _fixed_words() -> Iterator[str]:
    """Stretches of sentences of the catalogues, as they stand between their gaps, where they hold words."""
    for lang in LANGUAGES:
        for sentence in catalogue(lang).values():
            for stretch in re.split(r"\{\w+\}", sentence):
                if re.search(r"[^\W\d_]", stretch) and len(stretch.strip()) >= 4:
                    yield plain(stretch.strip())


@pytest.fixture(scope="module", params=STUDIES)
def traced(request: pytest.FixtureRequest) -> Traced:
    return Traced(request.param)


def says(text: str, pool: list[float]) -> bool:
    """Whether a written number is one of these, rounded half-up at its digits; the sign may stand in words."""
    digits = text.replace(",", "").replace("·", ".")
    decimals = len(digits.partition(".")[2])
    return any(Fraction(round_half_up(abs(exact(x)), decimals)) == Fraction(digits) for x in pool)


def quoted(text: str) -> list[str]:
    # "<0.001" and ">0.99" are checked where they are made: a bound has no digits of the number.
    return [
        found[0] for found in NUMBER.finditer(text) if found[0] and text[found.start() - 1 : found.start()] not in "<>"
    ]


def test_every_result_has_an_id_a_method_and_an_origin(traced: Traced) -> None:
    content = json.loads(traced.report.files["results.json"])
    assert len(traced.results) == len(content["results"])
    for entry in content["results"]:
        assert entry["id"] == "/".join(str(entry.get(name, "")) for name in ("exhibit", "row", "group", "statistic"))
        assert entry["origin"] in {"data", "printed", "from printed", "withheld"}
        assert entry["method"]
        assert "n" in entry or entry["origin"] == "withheld"


def test_each_cell_says_the_results_that_it_names(traced: Traced) -> None:
    checked = 0
    for block in traced.blocks:
        if block.tag != "td" or block.section not in traced.slugs or "results" in block.css:
            continue
        numbers = quoted(traced.without_declared(block.text.replace("\u2212", "-")))
        addresses = [address for address in (block.attributes.get("data-result") or "").split("\n") if address]
        assert all(address in traced.results for address in addresses), addresses
        pool = [x for address in addresses for x in traced.numbers[address]]
        missing = [number for number in numbers if not says(number, pool)]
        assert not missing, (block.section, block.text, addresses)
        checked += len(numbers)
    assert checked > 80


def test_each_cell_leads_to_the_line_of_its_result(traced: Traced) -> None:
    lines = dict(re.findall(r'<tr id="(r\d+)"><th[^>]*>(.*?)</th>', traced.html))
    links = re.findall(
        r'<td[^>]* data-result="([^"]+)"[^>]*><a class="trace" tabindex="-1" href="#(r\d+)">', traced.html
    )
    assert len(links) > 50
    for addresses, anchor in links:
        entry = traced.results[addresses.replace("&gt;", ">").replace("&#x27;", "'").split("\n")[0]]
        line = " · ".join(str(entry[name]) for name in ("row", "group") if entry[name])
        assert lines[anchor].replace("&gt;", ">").replace("&#x27;", "'") == line
    assert 'data-result=""' not in traced.html


def test_no_number_in_words_is_without_a_result(traced: Traced) -> None:
    """Cards, notes, methods, heads, captions, footnotes and what pictures say."""
    axes = {slug: set(_axis_numbers(analysis)) for slug, analysis in traced.slugs.items() if analysis.picture}
    without = []
    for block in traced.blocks:
        # The ledger and the audit hold strings of the paper; agreement.csv and audit.csv have each of them.
        if block.section in ("ledger", "audit", "results") or block.tag == "td":
            continue
        analysis = traced.slugs.get(block.section)
        pool = traced.pool() if analysis is None else [*traced.pool(f"{analysis.id}/"), *traced.pool("study/")]
        for number in quoted(traced.without_declared(block.text.replace("\u2212", "-"))):
            if says(number, pool) or Fraction(number.replace(",", "").replace("·", ".")) in traced.settings:
                continue
            if block.tag == "th" and analysis is not None and _names_a_line(number, analysis, block):
                continue
            if block.tag == "text" and number in axes.get(block.section, set()):
                continue
            without.append((block.section, block.tag, number, block.text[:300]))
    assert not without


def _axis_numbers(analysis: cs.Analysis) -> Iterator[str]:
    """Numbers at the ticks of the axes, and under bars."""
    figure = draw_picture(analysis.picture)
    for axes in figure.axes:
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            yield from quoted(label.get_text().replace("\u2212", "-"))
    if not isinstance(analysis.picture, KaplanMeierPicture):
        yield from (str(number) for number in range(1, len(getattr(analysis.picture, "bars", ())) + 1))
        yield from ("20", "30", "50", "100")  # guides and axis of a waterfall


def _names_a_line(number: str, analysis: cs.Analysis, block: Block) -> bool:
    """A line of one patient is called by its number, a level by its own name."""
    rows = {record.row for record in analysis.records}
    if isinstance(analysis.entry, Characteristics) or analysis.id.startswith("cox"):
        return any(re.fullmatch(rf"\D*{re.escape(number)}\D*", row.partition("/")[2]) for row in rows)
    return block.text.strip() in rows


def test_a_number_without_a_result_is_found(traced: Traced) -> None:
    """The search itself: a number that nobody computed is not explained away."""
    assert not says("98.7654", traced.pool())
    assert quoted(traced.without_declared("In all, 98.7654 of them")) == ["98.7654"]


def test_the_page_of_the_shipped_study_stays_small() -> None:
    report = make_report(cs.load_cohort(cs.shipped_study("sakai2018")))
    assert len(report.files["report.html"]) < 200 * 1024


def test_manifest_names_every_file_and_no_place(traced: Traced) -> None:
    manifest = json.loads(traced.report.files["manifest.json"])
    assert set(manifest["outputs"]) == set(traced.report.files) - {"manifest.json", "report.pdf"}
    assert {"study", "conventions", "inputs", "outputs", "versions"} <= set(manifest)
    for facts in (*manifest["inputs"].values(), *manifest["outputs"].values()):
        assert re.fullmatch(r"[0-9a-f]{64}", facts["sha256"])
        assert facts["bytes"] > 0
    assert {"python", "cohortstats", "numpy", "pandas", "scipy", "matplotlib"} <= set(manifest["versions"])
    assert str(ROOT) not in traced.report.files["manifest.json"].decode()
