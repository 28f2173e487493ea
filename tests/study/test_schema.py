"""A TOML file into frozen values: lines of keys, sentences, the reference page."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from cohortstats.errors import DataError
from cohortstats.schema import Problems, describe, join_key, key, key_lines, read_document, read_section
from cohortstats.study import EXHIBITS, Column, DataTable, Derived, ReportOptions, StudySection

TRICKY = '''\
# a comment with [brackets] and = signs
top = 1
"quoted key" = "a # no comment"
dotted.key . deep = true
'single.quoted' = 'C:\\path'

[table]
text = """
line = 1
[not.a.table]
\\""" still inside
"""
after = 2 # behind a string of many lines
literal = \'\'\'
x = 1
quotes \'\' inside\'\'\'
ends_with_quotes = """a"""""
after_quotes = 3

[ table . "sub table" ]   # spaces are allowed
a = [ 1, 2, # comment ]
  [ 3,
    4 ],
]
b = { x = 1, y = { z = [ "}", ']' ] } }
c = 1979-05-27T07:32:00Z
d = [
  "age",
  { variable = "stage", omit = ["]", "#"] },

  "last",
]
[[list]]
id = "one"
[[list.block]]
x = 1
[[list.block]]
x = 2
[list.block.more]
y = 3
[[list]]
id = "two"
[[list.block]]
x = 4
["年齢"]
"体重" = 5
'''


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Every dotted key of a parsed file."""
    if path:
        yield join_key(*path)
    if isinstance(value, Mapping):
        for name, inside in value.items():
            yield from paths(inside, (*path, name))
    elif isinstance(value, list):
        for place, inside in enumerate(value):
            yield from paths(inside, (*path, place))


def test_every_key_has_a_line_and_nothing_else_has() -> None:
    lines = key_lines(TRICKY)
    assert set(lines) == set(paths(tomllib.loads(TRICKY)))


@pytest.mark.parametrize(
    ("dotted", "start"),
    [
        ("top", "top = 1"),
        ('"quoted key"', '"quoted key" ='),
        ("quoted key", '"quoted key" ='),
        ("dotted.key.deep", "dotted.key"),
        ('"single.quoted"', "'single.quoted'"),
        ("table", "[table]"),
        ("table.text", 'text = """'),
        ("table.after", "after = 2"),
        ("table.literal", "literal = "),
        ("table.after_quotes", "after_quotes"),
        ("table.sub table", "[ table ."),
        ("table.sub table.a[2]", "  [ 3,"),
        ("table.sub table.a[2][1]", "    4 ],"),
        ("table.sub table.b.y.z[1]", "b = {"),
        ("table.sub table.d[1].omit", "  { variable"),
        ("table.sub table.d[2]", '  "last"'),
        ("list[0].block[1].more.y", "y = 3"),
        ("list[1].block[0].x", "x = 4"),
        ("年齢.体重", '"体重" = 5'),
    ],
)
def test_lines_of_keys(dotted: str, start: str) -> None:
    lines = key_lines(TRICKY)
    if dotted == '"quoted key"':
        dotted = "quoted key"
    assert TRICKY.splitlines()[lines[dotted] - 1].startswith(start)


def test_the_published_file_of_the_shipped_study() -> None:
    path = Path(__file__).parents[2] / "data" / "raw" / "sakai2018" / "published.toml"
    document = read_document(path)
    assert set(document.lines) == set(paths(document.data))
    text = path.read_text(encoding="utf-8").splitlines()
    assert text[document.lines["table[2].block[6].cells[1]"] - 1].startswith("cells    = [[")
    assert '"Discussion", "2"' in text[document.lines["repeats.rows[43]"] - 1]
    assert text[document.lines["known.figure1/yes/median"] - 1].startswith('"figure1/yes/median"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    low: int = key("Low.")
    high: int = key("High.", default=9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    name: str
    id: str = key("Address.")
    source: str = key("Source.", name="from", default="")
    n: int | None = key("Count.", default=None)
    alpha: float = key("Level.", default=0.05)
    deep: bool = key("Deep.", default=False)
    effect: Literal["odds ratio", "none"] = key("Effect.", default="none")
    epoch: Literal[0, 1900] = key("Epoch.", default=0)
    words: tuple[str, ...] = key("Words.", default=())
    kinds: tuple[Literal["html", "md"], ...] = key("Kinds.", default=("html",))
    pair: tuple[float, float] | None = key("Pair.", default=None)
    cases: tuple[tuple[str, str], ...] = key("Cases.", default=())
    table: Mapping[str, str] = key("Table.", default={})
    sums: Mapping[str, tuple[str, ...]] = key("Sums.", default={})
    either: str | Mapping[str, str] = key("Either.", default="")
    inner: Inner | None = key("Inner.", default=None)  # noqa: RUF009
    rows: tuple[str | Inner, ...] = key("Rows.", default=())


def read(raw: dict[str, Any]) -> tuple[Section | None, list[str]]:
    problems = Problems("study.toml", {"section": 3, "section.id": 4})
    section = read_section(Section, raw, path="section", problems=problems, fixed={"name": "x"})
    return section, [str(problem) for problem in problems.found]


def test_every_type_is_read() -> None:
    raw = tomllib.loads(
        """
        id = "a"
        from = "A"
        n = 3
        alpha = 1
        deep = true
        effect = "odds ratio"
        epoch = 1900
        words = ["x"]
        kinds = ["md", "html"]
        pair = [18, inf]
        cases = [["a > 1", "old"]]
        table = { x = "y" }
        sums = { "CR + PR" = ["CR", "PR"] }
        either = { profile = "ezr" }
        inner = { low = 1 }
        rows = ["age", { low = 2, high = 3 }]
        """
    )
    section, problems = read(raw)
    assert problems == []
    assert section is not None
    assert (section.name, section.source, section.n, section.alpha) == ("x", "A", 3, 1.0)
    assert isinstance(section.alpha, float)
    assert section.pair == (18.0, float("inf"))
    assert section.cases == (("a > 1", "old"),)
    assert section.sums["CR + PR"] == ("CR", "PR")
    assert section.either == {"profile": "ezr"}
    assert section.inner == Inner(low=1, high=9)
    assert section.rows == ("age", Inner(low=2, high=3))


def test_what_is_read_cannot_be_changed() -> None:
    section, _ = read({"id": "a", "table": {"x": "y"}})
    assert section is not None
    with pytest.raises(FrozenInstanceError):
        section.id = "b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        section.table["x"] = "z"  # type: ignore[index]
    with pytest.raises(TypeError):
        section.sums["x"] = ()  # type: ignore[index]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ({}, "line 3: [section] needs id. Add it: Address."),
        ({"id": 3}, "line 4: [section] id must be text, not 3."),
        ({"id": "a", "effekt": "none"}, "line 3: [section] effekt is not a known key. Did you mean 'effect'?"),
        ({"id": "a", "form": "x"}, "line 3: [section] form is not a known key. Did you mean 'from'?"),
        ({"id": "a", "name": "x"}, "[section] name is not a known key."),
        ({"id": "a", "n": "34"}, '[section] n must be a whole number, not "34".'),
        ({"id": "a", "n": True}, "[section] n must be a whole number, not true."),
        ({"id": "a", "n": 3.0}, "[section] n must be a whole number, not 3.0."),
        ({"id": "a", "alpha": "x"}, '[section] alpha must be a number, not "x".'),
        ({"id": "a", "alpha": float("nan")}, "[section] alpha must be a number, not nan."),
        ({"id": "a", "deep": 1}, "[section] deep must be true or false, not 1."),
        (
            {"id": "a", "effect": "odd ratio"},
            '[section] effect must be "odds ratio" or "none", not "odd ratio". Did you mean "odds ratio"?',
        ),
        ({"id": "a", "epoch": 1904}, "[section] epoch must be 0 or 1900, not 1904."),
        ({"id": "a", "epoch": False}, "[section] epoch must be 0 or 1900, not false."),
        ({"id": "a", "words": "x"}, '[section] words must be a list of texts, not "x".'),
        ({"id": "a", "words": ["x", 3]}, "[section] words must be a list of texts, not 3."),
        ({"id": "a", "kinds": ["docx"]}, '[section] kinds must be a list of "html" or "md", not "docx".'),
        ({"id": "a", "pair": [1]}, "[section] pair must be a list of 2 numbers, not a list of 1."),
        ({"id": "a", "cases": [["x"]]}, "[section] cases must be a list of 2 texts, not a list of 1."),
        ({"id": "a", "table": []}, "[section] table must be a table, not an empty list."),
        ({"id": "a", "sums": {"x": "CR"}}, '[section] sums.x must be a list of texts, not "CR".'),
        ({"id": "a", "either": 3}, "[section] either must be text or a table, not 3."),
        ({"id": "a", "inner": {}}, "[section] inner: needs low. Add it: Low."),
        ({"id": "a", "inner": {"low": 1, "hihg": 2}}, "[section] inner: hihg is not a known key. Did you mean 'high'?"),
        ({"id": "a", "rows": [3]}, "[section] rows must be text or a table, not 3."),
        ({"id": "a", "rows": [{"low": 1, "hig": 1}]}, "[section] rows: hig is not a known key. Did you mean 'high'?"),
    ],
)
def test_sentences(raw: dict[str, Any], sentence: str) -> None:
    section, problems = read(raw)
    assert section is None
    assert len(problems) == 1
    assert sentence in problems[0]


def test_all_faults_of_a_section_at_once() -> None:
    _, problems = read({"n": "x", "alpha": "y", "zzz": 1, "deep": 0, "inner": {"lo": 1}})
    assert len(problems) == 6  # with id, which is missing; lo is told as a misspelt low


def test_a_section_that_is_no_table() -> None:
    problems = Problems("study.toml", {})
    assert read_section(Section, [1], path="section", problems=problems, fixed={"name": ""}) is None
    assert problems.found[0].message == "[section] must be a table, not a list of 1."


@pytest.mark.parametrize("cls", [*EXHIBITS.values(), DataTable, Column, Derived, ReportOptions, StudySection])
def test_the_reference_page_has_every_key_with_type_default_and_meaning(cls: type) -> None:
    rows = describe(cls)
    assert rows
    for row in rows:
        assert row.key
        assert row.type
        assert row.default
        assert row.meaning.endswith(".") or row.meaning in ("binary", "time to event")
    names = [row.key for row in rows]
    assert len(set(names)) == len(names)


def test_rows_of_the_reference_page() -> None:
    rows = {row.key: row for row in describe(Section)}
    assert (rows["id"].type, rows["id"].default) == ("text", "required")
    assert "source" not in rows
    assert (rows["effect"].type, rows["effect"].default) == ('"odds ratio" or "none"', '"none"')
    assert (rows["kinds"].type, rows["kinds"].default) == ('a list of "html" or "md"', '["html"]')
    assert rows["pair"].type == "a list of 2 numbers"
    assert rows["rows"].type == "a list of texts and tables"
    privacy = next(row for row in describe(ReportOptions) if row.key == "privacy")
    assert privacy.default == "{ hide_ids = true, min_cell = 0, curve_csv = false }"


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        read_document(path)
    return caught.value


def test_toml_that_is_not_valid_keeps_its_line(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('a = 1\nb = "open\n', encoding="utf-8")
    problem = refused(path).problems[0]
    assert (problem.code, problem.row) == ("toml-invalid", 2)
    assert str(problem) == "error   study.toml line 2: Illegal character '\\n' at character 10."
    path.write_text("a = 1\na = 2\n", encoding="utf-8")
    assert str(refused(path).problems[0]).startswith("error   study.toml line 2: Cannot overwrite a value")
    path.write_text("a = 1\nb = [1,\n", encoding="utf-8")
    assert str(refused(path).problems[0]).endswith("Invalid value at the end of the file.")
    path.write_text("[columns.patients]\n年齢 = 3\n", encoding="utf-8")
    problem = refused(path).problems[0]
    assert problem.row == 2
    assert problem.mend == 'Keys that are not ASCII need quotes: "年齢".'


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    error = refused(tmp_path / "stduy.toml")
    assert error.missing_file
    assert str(error) == "error   stduy.toml: stduy.toml is not there. Files beside the study: none."
    (tmp_path / "study.toml").write_bytes("a = '不明'".encode("cp932"))
    (tmp_path / "cases.csv").touch()
    error = refused(tmp_path / "stduy.toml")
    assert error.problems[0].mend == "Did you mean study.toml? Files beside the study: cases.csv, study.toml."
    assert refused(tmp_path / "other").problems[0].mend == "Files beside the study: cases.csv, study.toml."
    error = refused(tmp_path / "study.toml")
    assert not error.missing_file
    assert error.problems[0].code == "encoding-unknown"
    deep = tmp_path / "deep.toml"
    deep.write_text("a = " + "[" * 5000 + "]" * 5000, encoding="utf-8")
    assert refused(deep).problems[0].code == "toml-invalid"


def test_line_ends_and_the_byte_order_mark_do_not_move_lines(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n\r\n[t]\r\nb = '''x\r\ny'''\r\nc = 2\r\n")
    assert read_document(path).lines == {"a": 1, "t": 3, "t.b": 4, "t.c": 6}
