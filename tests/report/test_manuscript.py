"""Numbers of an edited manuscript: quoted ones are silent, changed ones are found, withheld ones stay unknown."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest

import cohortstats as cs
from cohortstats.cli import main
from cohortstats.report.manuscript.check import Known, hold_against
from cohortstats.report.manuscript.read import read_manuscript
from cohortstats.report.methods import methods_sentences
from cohortstats.report.write import with_options
from cohortstats.tables.language import join_sentences
from cohortstats.tables.numbers import STYLES, format_p, format_signed
from cohortstats.tables.writers.latex import write_latex
from cohortstats.tables.writers.markdown import label_markdown, write_markdown

ROOT = Path(__file__).parents[2]
SAKAI = ROOT / "data" / "raw" / "sakai2018"
STUDIES = ("sakai2018", "example", "sepher2020")
LANGS = ("en", "ja")

# What a manuscript says beside its results: none of it may be alarmed.
NO_RESULTS = {
    "en": [
        "From May 2015 to April 2017, T-DM1 was given at 3.6 mg/kg every 3 weeks [12].",
        "Analyses used Python 3.11.7 and pandas 2.3.3 on 2018-03-31; see Table 4, Figure 1 and references 1, 3-5.",
        "P < 0.05 was considered significant; two-sided 95% confidence intervals and a power of 80% were used [1,3-5].",
        "Tumours with at least 10% stained cells were positive; a HER2 ratio of >1.25 was the cut-off (IHC 3+).",
        "In EMILIA the median was 9.6 months (HR 0.65; 95% CI 0.55–0.77; P < 0.001) [7].",
        "PIK3CA E545K, E542K and H1047R were measured in 20 µL at 60 °C for 10 min, 40 cycles, in 1.5 mL tubes.",
        "Grade 3/4 events were not recorded (lot 20170301; UMIN000012345; doi 10.1038/s41598-018-12345-6).",
        "Sakai et al. (2018) reported a rate of 47.3% in 112 patients.",
    ],
    "ja": [
        "2015年5月から2017年4月まで、T-DM1 3.6 mg/kgを3週ごとに投与した［12］。",
        "解析にはPython 3.11.7とpandas 2.3.3を用いた（2018年3月31日）。表4と図1に示す。",
        "P＜0.05を有意とし、両側95％信頼区間と検出力80％を用いた。",
        "染色細胞10％以上を陽性、比1.25をカットオフとした。",
        "EMILIA試験では中央値9.6か月（ハザード比0.65、95％信頼区間0.55～0.77）であった[7]。",
        "E545Kを20 µL、60℃10分、40サイクルで測定した。",
    ],
}


# ---------------------------------------------------------------------------------------------------------------------
# Sentences that quote results, made from the results alone
# ---------------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Sentence:
    """A sentence and the numbers in it, by their role."""

    text: str
    numbers: dict[str, str]

    def changed(self, role: str, to: str) -> str:
        """The sentence with another number; each role is marked once."""
        return self.text.replace(f"{{{role}}}", to)

    @property
    def plain(self) -> str:
        text = self.text
        for role, number in self.numbers.items():
            text = text.replace(f"{{{role}}}", number)
        return text


def sentences(cohort: cs.Cohort, analyses: tuple[cs.Analysis, ...], lang: str, style: str) -> Iterator[Sentence]:
    rules = STYLES[style]

    def write(en: str, ja: str, **numbers: str) -> Sentence:
        signed = {role: text for role, text in numbers.items() if text[:1] in "<>"}
        text = en if lang == "en" else ja
        for role in signed:  # "P <0.001", not "P = <0.001"
            text = re.sub(rf"\s?[=＝]\s?\{{{role}\}}", f" {{{role}}}", text)
        return Sentence(text, numbers)

    for analysis in analyses:
        lines: dict[tuple[str, str], dict[str, object]] = {}
        for record in analysis.records:
            if not record.withheld and not record.reason:
                lines.setdefault((record.row, record.group), {})[record.statistic] = record
        for (row, group), line in lines.items():

            def limits(record):
                low, high = (record.write(x, style) for x in (record.ci_lower, record.ci_upper))
                return [rules.not_reached if text == "NE" else text for text in (low, high)]

            if {"n", "percent"} <= line.keys():
                n, percent = line["n"], line["percent"]
                yield write(
                    "This was so in {n} of {total} patients ({value}%).",
                    "これは{total}例中{n}例（{value}％）にみられた。",
                    n=n.text(style),
                    total=str(percent.n),
                    value=percent.text(style),
                )
                if percent.ci_level:
                    low, high = limits(percent)
                    yield write(
                        "The rate was {n}/{total} ({value}%; 95% CI {low} to {high}).",
                        "割合は{n}/{total}（{value}％、95％信頼区間{low}～{high}）であった。",
                        n=n.text(style),
                        total=str(percent.n),
                        value=percent.text(style),
                        low=low,
                        high=high,
                    )
            if {"median", "min", "max"} <= line.keys():
                yield write(
                    "The median was {value} (range, {low}–{high}).",
                    "中央値は{value}（範囲{low}～{high}）であった。",
                    **{
                        role: line[name].text(style)
                        for role, name in (("value", "median"), ("low", "min"), ("high", "max"))
                    },
                )
            for name, record in line.items():
                if record.ci_level is None or name in ("percent", "risk_difference"):
                    continue
                low, high = limits(record)
                if name == "median":
                    en, ja = (
                        "Median time was {value} (95% CI, {low} to {high}).",
                        "中央値は{value}（95％信頼区間：{low}～{high}）であった。",
                    )
                elif name.startswith("survival_") and "difference" not in name:
                    en, ja = (
                        "Survival was {value}% (95% CI {low}–{high}).",
                        "生存割合は{value}％（95％信頼区間{low}–{high}）であった。",
                    )
                elif name == "hazard_ratio":
                    p = line["p_value"].text(style)
                    yield write(
                        "The hazard ratio was {value} (95% CI {low}–{high}; P = {p}).",
                        "ハザード比は{value}（95％信頼区間{low}～{high}、P＝{p}）であった。",
                        value=record.text(style),
                        low=low,
                        high=high,
                        p=p,
                    )
                    continue
                else:
                    continue
                yield write(en, ja, value=record.text(style), low=low, high=high)
            if "risk_difference" in line:
                found = line["risk_difference"]
                value, low, high = (format_signed(x, rules, 1) for x in (found.value, found.ci_lower, found.ci_upper))
                yield write(
                    "The difference was {value} percentage points (95% CI {low} to {high}).",
                    "差は{value}ポイント（95％信頼区間{low}～{high}）であった。",
                    value=value,
                    low=low,
                    high=high,
                )
            if "p_value" in line and not group:
                label = cohort.variables[row].label.replace("*", "") if row in cohort.variables else ""
                en = (
                    f"For {label.lower()} the groups did not differ (P = {{p}})."
                    if label
                    else "The curves differed (P = {p})."
                )
                yield write(en, "群間の比較はP＝{p}であった。", p=format_p(line["p_value"].p_value, rules, 0.05))


@dataclasses.dataclass(frozen=True)
class Ready:
    """A study, loaded once, with its exhibits in one language."""

    cohort: cs.Cohort
    analyses: tuple[cs.Analysis, ...]
    lang: str
    known: Known

    def check(self, path: Path) -> cs.ManuscriptCheck:
        """As the public function does, with the exhibits that are here."""
        return hold_against(read_manuscript(path), self.known)

    def manuscript(self, style: str, *, tables: bool = True) -> str:
        """Methods, sentences and tables of the report, with what is no result."""
        methods = join_sentences(map(label_markdown, methods_sentences(self.cohort, self.analyses)), self.lang)
        quoted = [sentence.plain for sentence in sentences(self.cohort, self.analyses, self.lang, style)]
        parts = [methods, *quoted, *NO_RESULTS[self.lang]]
        if tables:
            parts += [write_markdown(dataclasses.replace(a.table, style=style)) for a in self.analyses]
        return "\n\n".join(parts)


@pytest.fixture(scope="module")
def ready() -> Callable[[str, str], Ready]:
    made: dict[tuple[str, str], Ready] = {}

    def load(study: str, lang: str) -> Ready:
        if (study, lang) not in made:
            cohort = cs.load_cohort(with_options(cs.Study.read(ROOT / "data" / "raw" / study), lang=lang))
            analyses = cs.make_exhibits(cohort)
            made[study, lang] = Ready(cohort, analyses, lang, Known.of(cohort, analyses))
        return made[study, lang]

    return load


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("study", STUDIES)
def test_what_quotes_the_report_is_silent(ready, study: str, lang: str, tmp_path: Path) -> None:
    paper = tmp_path / "paper.md"
    one = ready(study, lang)
    for style in ("default", "paper") if study == "sakai2018" else ("jama", "lancet"):
        paper.write_text(one.manuscript(style), encoding="utf-8")
        found = one.check(paper)
        assert found.checked > 150
        # The bar is 5 %; none is known.
        assert not found.unmatched
        assert found.matched == found.checked


# ---------------------------------------------------------------------------------------------------------------------
# Planted changes
# ---------------------------------------------------------------------------------------------------------------------


def other_digit(number: str, chance: random.Random) -> str:
    places = [place for place, sign in enumerate(number) if sign.isdigit()]
    place = chance.choice(places)
    digit = chance.choice([digit for digit in "123456789" if digit != number[place]])
    return number[:place] + digit + number[place + 1 :]


def swapped(number: str) -> str:
    """The last two digits that differ, in the other order; the number itself where all are the same."""
    for first in reversed([found.start() for found in re.finditer(r"\d(?=\.?\d)", number)]):
        place = first + 1 if number[first + 1].isdigit() else first + 2
        if number[first] != number[place]:
            signs = list(number)
            signs[first], signs[place] = signs[place], signs[first]
            return "".join(signs)
    return number


def plants(one: Ready, style: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Kind of the change, and the sentence with it; all five kinds."""
    all_p = {
        format_p(p, STYLES[name], 0.05)
        for analysis in one.analyses
        for record in analysis.records
        if not record.withheld and (p := record.p_value) is not None
        for name in STYLES
    }
    for sentence in sentences(one.cohort, one.analyses, one.lang, style):
        numbers = sentence.numbers
        if "p" in numbers:
            changed = other_digit(numbers["p"], chance)
            # A P that another comparison has is a true statement of the study.
            if changed.replace(" ", "") not in all_p and not {"<0.01", "<0.05"} & {changed}:
                yield "P changed", put(sentence, p=changed)
        if "value" not in numbers:
            continue
        if (turned := swapped(numbers["value"])) != numbers["value"]:
            yield "digits swapped", put(sentence, value=turned)
        role = chance.choice([name for name in numbers if name not in ("p", "low", "high")])
        if any(sign.isdigit() for sign in numbers[role]):
            yield "digit changed", put(sentence, **{role: other_digit(numbers[role], chance)})
        if "low" in numbers:
            limit = chance.choice([name for name in ("low", "high") if any(map(str.isdigit, numbers[name]))])
            yield "limit changed", put(sentence, **{limit: other_digit(numbers[limit], chance)})
        if "total" in numbers and int(numbers["n"]) > 0:
            total = int(numbers["total"]) + chance.choice([-1, 1, 2, 3])
            if total >= int(numbers["n"]):
                share = 100 * int(numbers["n"]) / total
                decimals = len(numbers["value"].partition(".")[2])
                other = f"{share:.{decimals}f}"
                if other != numbers["value"]:
                    yield "% of another denominator", put(sentence, value=other)


def put(sentence: Sentence, **changed: str) -> str:
    return dataclasses.replace(sentence, numbers={**sentence.numbers, **changed}).plain


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("study", STUDIES)
def test_every_planted_change_is_found(ready, study: str, lang: str, tmp_path: Path) -> None:
    one = ready(study, lang)
    chance = random.Random(20180711)
    planted = list(plants(one, "default", chance))
    kinds = {kind for kind, _ in planted}
    assert {"P changed", "digits swapped", "digit changed", "limit changed", "% of another denominator"} <= kinds
    assert len(planted) >= 40
    paper = tmp_path / "paper.md"
    # One sentence a paragraph, two lines each: the line says which one was found.
    paper.write_text("\n\n".join(text for _, text in planted), encoding="utf-8")
    found = {int(item.where.removeprefix("line ")) for item in one.check(paper).unmatched}
    missed = [change for place, change in enumerate(planted) if 2 * place + 1 not in found]
    assert not missed, f"{len(missed)} of {len(planted)}"


def test_changes_in_tables_are_found(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    table4 = write_markdown(next(a for a in one.analyses if a.id == "table4").table)
    paper = tmp_path / "paper.md"
    changes = {
        "| 6 (35.3) | 17.3–58.7 |": [
            "| 6 (53.3) | 17.3–58.7 |",
            "| 5 (35.3) | 17.3–58.7 |",
            "| 6 (35.3) | 13.7–58.7 |",
        ],
        "| 0.00093 | 0.438 |": ["| 0.00093 | 0.483 |", "| 0.00039 | 0.438 |", "| 0.00093 | 0.462 |"],
        "+85.7 (+15.1 to +96.0)": ["+85.7 (+15.1 to +69.0)", "+58.7 (+15.1 to +96.0)", "−85.7 (+15.1 to +96.0)"],
        "| ER and/or PR positive | 17 |".replace("| ER", "| &emsp;ER"): ["| &emsp;ER and/or PR positive | 71 |"],
    }
    for old, new in changes.items():
        assert old in table4
        for text in new:
            paper.write_text(table4.replace(old, text, 1), encoding="utf-8")
            (item,) = one.check(paper).unmatched
            assert item.where == f"line {table4[: table4.index(old)].count(chr(10)) + 1}"
            assert "table4/" in item.nearest


def test_a_p_belongs_to_its_estimate_and_its_variable(ready, tmp_path: Path) -> None:
    one = ready("sepher2020", "en")
    paper = tmp_path / "paper.md"
    # 0.011 is the P of ECOG 2 in the univariable model, 0.017 that of the multivariable one.
    right = "The hazard ratio of ECOG 2 was 1.91 (95% CI 1.16–3.15; P = 0.011), adjusted 1.86 (1.12–3.08, P = 0.017)."
    paper.write_text(right)
    assert not one.check(paper).unmatched
    paper.write_text(right.replace("0.011", "0.017", 1))
    (item,) = one.check(paper).unmatched
    assert (item.text, item.nearest) == ("P = 0.017", "P = 0.011 (cox_os/ecog/2/univariable/p_value)")
    one = ready("sakai2018", "en")
    paper.write_text("Hormone receptor status (P = 0.438) and prior pertuzumab (P = 0.438) did not matter.")
    (item,) = one.check(paper).unmatched
    assert item.nearest == "P = 0.462 (table4/prior_pertuzumab//p_value)"


def test_fewer_digits_and_other_styles_agree_and_wrong_rounding_does_not(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    paper = tmp_path / "paper.md"
    for text in ("26%", "26.5%", "26.47%", "(P = .44)", "(p=0.4)", "(P=0·438)", "(P = 0.050)", "9/34 (26%)", "n = 34"):
        paper.write_text(f"It was {text}.", encoding="utf-8")
        assert one.check(paper).matched == 1, text
    for text in ("26.4%", "9/34 (27%)", "(P = .43)", "(P = 0.051)", "n = 33", "14/34", "(P < 0.0002)"):
        paper.write_text(f"It was {text}.", encoding="utf-8")
        assert len(one.check(paper).unmatched) == 1, text


# ---------------------------------------------------------------------------------------------------------------------
# Word and LaTeX
# ---------------------------------------------------------------------------------------------------------------------


def word_file(path: Path, body: str, **parts: str) -> Path:
    """A Word file of the parts that are read; ``body`` is the XML inside of the body."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document {space}><w:body>{body}</w:body></w:document>")
        for name, content in parts.items():
            archive.writestr(f"word/{name}.xml", f"<w:{name} {space}>{content}</w:{name}>")
    return path


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def test_tracked_changes_count_as_accepted(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    deleted = '<w:del w:id="1"><w:r><w:delText>99.9%</w:delText></w:r></w:del>'
    moved = f'<w:moveFrom w:id="3">{run("88.8%")}</w:moveFrom>'
    body = f"<w:p>{run('It was seen in ')}{deleted}{moved}<w:ins w:id='2'>{run('26.5')}</w:ins>{run('% of patients.')}</w:p>"
    body += "<w:tbl><w:tr><w:trPr><w:del w:id='4'/></w:trPr><w:tc><w:p>" + run("77.7%") + "</w:p></w:tc></w:tr>"
    body += f"<w:tr><w:tc><w:p>{run('ORR')}</w:p></w:tc><w:tc><w:p>{run('26.5%')}</w:p></w:tc></w:tr></w:tbl>"
    found = one.check(word_file(tmp_path / "a.docx", body))
    assert (found.checked, found.matched) == (2, 2)
    body = body.replace('<w:t xml:space="preserve">26.5</w:t>', '<w:t xml:space="preserve">25.6</w:t>')
    (item,) = one.check(word_file(tmp_path / "b.docx", body)).unmatched
    assert (item.text, item.where) == ("25.6%", "paragraph 1")


def test_runs_notes_boxes_and_raised_citations_of_word(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    raised = '<w:vertAlign w:val="superscript"/>'
    body = (
        f"<w:p>{run('The rate was 2')}{run('6.')}{run('5', '<w:b/>')}{run('%')}{run('12,13', raised)}{run('.')}</w:p>"
    )
    body += f"<w:p>{run('Elsewhere it was 61.2%')}{run('7', raised)}{run('.')}</w:p>"
    body += f"<w:sdt><w:sdtContent><w:p>{run('HR-positive: 53.3%.')}</w:p></w:sdtContent></w:sdt>"
    note = f'<w:footnote w:type="separator"><w:p/></w:footnote><w:footnote w:id="1"><w:p>{run("P = 0.483")}</w:p></w:footnote>'
    found = one.check(word_file(tmp_path / "a.docx", body, footnotes=note))
    assert [(item.text, item.where) for item in found.unmatched] == [
        ("53.3%", "paragraph 3"),
        ("P = 0.483", "footnote 1"),
    ]
    assert (found.checked, found.matched, found.cited) == (3, 1, 1)


def test_the_word_report_and_an_edit_of_it(ready, tmp_path: Path) -> None:
    report = cs.write_report(SAKAI, tmp_path / "report", formats=["docx"])
    path = tmp_path / "report" / "report.docx"
    found = cs.check_manuscript(path, study=report.cohort)
    assert found.checked > 250
    assert not found.unmatched
    document = docx.Document(str(path))
    table = next(t for t in document.tables if any("0.462" in cell.text for row in t.rows for cell in row.cells))
    cell = next(cell for row in table.rows for cell in row.cells if cell.text == "0.462")
    cell.paragraphs[0].runs[0].text = "0.426"
    document.save(str(tmp_path / "edited.docx"))
    (item,) = cs.check_manuscript(tmp_path / "edited.docx", study=report.cohort).unmatched
    assert item.text == "0.426"
    assert re.fullmatch(r"table \d+, row \d+, column 7", item.where)
    assert item.nearest == "P = 0.462 (table4/prior_pertuzumab//p_value)"


def test_latex(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    tables = "\n".join(write_latex(analysis.table) for analysis in one.analyses)
    prose = r"""\documentclass{article}
\usepackage{booktabs} % 99.9% of nothing
\begin{document}
\section{Results}\label{sec:12.3}
Resistance was seen in $9/34$ patients (26.5\%; 95\% CI 14.6--43.1), \textbf{6/17} (35.3\%)
with hormone receptors ($P = 0.438$)~\cite{krop2014,verma2012}, see Table~\ref{tab:1}.
% A deleted sentence: 77.7\%.
\begin{equation} h(t) = 0.123 \exp(4.56 x) \end{equation}
The difference was $-17.6$ points (95\% CI $-43.7$ to $+11.9$); dose \SI{3.6}{mg/kg}.

The rate was 53.3\%.
"""
    paper = tmp_path / "paper.tex"
    paper.write_text(prose + tables + r"\end{document}" + "\n26.9\\%", encoding="utf-8")
    found = one.check(paper)
    assert found.checked > 250
    assert [(item.text, item.where) for item in found.unmatched] == [("53.3%", "line 11")]


def test_files_that_a_latex_manuscript_takes_in(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    (tmp_path / "paper" / "tables").mkdir(parents=True)
    table4 = write_latex(next(a for a in one.analyses if a.id == "table4").table)
    (tmp_path / "paper" / "tables" / "table4.tex").write_text(table4.replace("0.462", "0.426"), encoding="utf-8")
    (tmp_path / "outside.tex").write_text(r"99.9\%", encoding="utf-8")
    paper = tmp_path / "paper" / "main.tex"
    paper.write_text(
        "\\input{tables/table4}\n\\input{../outside}\n\\input{main}\n% \\input{old}\n26.5\\%", encoding="utf-8"
    )
    found = one.check(paper)
    (item,) = found.unmatched
    assert item.text == "0.426"
    assert re.fullmatch(r"tables/table4\.tex line \d+", item.where)
    assert found.checked > 50


def test_markdown_in_japanese_with_full_width_signs(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    paper = tmp_path / "論文.md"
    right = "抵抗性は３４例中９例（２６．５％）、Ｐ＝０．０５。中央値は56.5日（95％信頼区間：36～未到達）。"
    paper.write_text(right, encoding="utf-8")
    found = one.check(paper)
    assert (found.checked, found.matched) == (3, 3)
    paper.write_bytes(right.replace("９例", "６例").replace("36～", "63～").encode("cp932"))
    found = one.check(paper)
    assert [item.text for item in found.unmatched] == [
        "３４例中６例（２６．５％）",
        "56.5日（95％信頼区間：63～未到達）",
    ]


# ---------------------------------------------------------------------------------------------------------------------
# What stays unknown
# ---------------------------------------------------------------------------------------------------------------------


def test_withheld_numbers_neither_match_nor_come_near(ready, tmp_path: Path) -> None:
    one = ready("sakai2018", "en")
    paper = tmp_path / "paper.md"
    # Of the shipped rows, by R: Cox hazard ratio with its limits, groups of 8 and 8, events 8 and 6; none is printed.
    hidden = (
        "The hazard ratio was 12.24 (95% CI 1.47–102.05). Groups: n = 8 and n = 8. Survival was 43.8% (95% CI 10–74)."
    )
    paper.write_text(hidden, encoding="utf-8")
    found = one.check(paper)
    assert found.checked == 4
    assert found.matched <= 2  # 8 patients had one of the regimens of Table 1
    near = " ".join(item.nearest for item in found.unmatched)
    withheld = [record.address for analysis in one.analyses for record in analysis.records if record.withheld]
    assert withheld
    assert not any(address in near for address in withheld)
    assert "12.24" not in near
    # Whether a number is right is not told either: another one fares alike.
    paper.write_text(hidden.replace("12.24", "13.31"), encoding="utf-8")
    assert [item.nearest for item in one.check(paper).unmatched] == [item.nearest for item in found.unmatched]


def test_small_cells_stay_unknown(tmp_path: Path) -> None:
    study = cs.Study.read(SAKAI)
    exhibits = tuple(study.exhibit(name) for name in ("table1", "table2"))
    privacy = dataclasses.replace(study.report.privacy, min_cell=5)
    report = dataclasses.replace(study.report, privacy=privacy)
    cohort = cs.load_cohort(dataclasses.replace(study, report=report, exhibits=exhibits))
    analyses = cs.make_exhibits(cohort)
    hidden = [record.address for analysis in analyses for record in analysis.records if record.shown_as]
    assert "table2/best_response/CR/all/n" in hidden  # 2 of 34
    paper = tmp_path / "paper.md"
    paper.write_text("There were 2/34 (5.9%) CR and 3/34 (8.8%) unknown responses.", encoding="utf-8")
    found = cs.check_manuscript(paper, study=cohort)
    assert (found.checked, found.matched) == (2, 0)
    assert not any(address in item.nearest for item in found.unmatched for address in hidden)


# ---------------------------------------------------------------------------------------------------------------------
# Command line and damaged files
# ---------------------------------------------------------------------------------------------------------------------


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper = tmp_path / "paper.md"
    paper.write_text("The rate was 26.5% (P = 0.483).", encoding="utf-8")
    words = ["manuscript", str(paper), "--study", str(SAKAI)]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "line 1" in out
    assert out.endswith("2 numbers checked: 1 match, 1 do not\n")
    assert main([*words, "--json", "--strict"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content == {
        "checked": 2,
        "matched": 1,
        "unmatched": [
            {"text": "P = 0.483", "where": "line 1", "nearest": "P = 0.462 (table4/prior_pertuzumab//p_value)"}
        ],
    }
    paper.write_text("The rate was 26.5%.", encoding="utf-8")
    assert main([*words, "--strict"]) == 0
    assert main(["manuscript", str(tmp_path / "papre.md"), "--study", str(SAKAI)]) == 4
    assert "Did you mean paper.md?" in capsys.readouterr().err
    assert main(["manuscript", str(tmp_path / "paper.pdf"), "--study", str(SAKAI)]) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 cut", b"not a zip"],
    ids=["empty", "cut", "text"],
)
def test_damaged_word_files_are_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "paper.docx"
    path.write_bytes(content)
    with pytest.raises(cs.DataError) as caught:
        cs.check_manuscript(path, study=SAKAI)
    assert caught.value.problems[0].code == "file-unreadable"


def test_entities_of_a_word_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "paper.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", '<!DOCTYPE d [<!ENTITY a "aaaa">]><d>&a;</d>')
    with pytest.raises(cs.DataError):
        cs.check_manuscript(path, study=SAKAI)


def test_a_frame_of_what_does_not_match(ready, tmp_path: Path) -> None:
    paper = tmp_path / "paper.md"
    paper.write_text("The rate was 53.3%.", encoding="utf-8")
    frame = cs.check_manuscript(paper, study=SAKAI).to_frame()
    assert list(frame.columns) == ["text", "where", "nearest"]
    assert frame["text"].tolist() == ["53.3%"]
