"""Laws of the audit, on papers printed by our own writers from cohorts drawn at random.

A consistent paper has nothing but what holds and what is not checkable; a paper with one planted fault shows it, at its
address; and the order of tables and keys is no matter.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

import cohortstats as cs
from cohortstats.published.audit.finding import FAILS
from cohortstats.tables.numbers import STYLES, format_count_percent, format_number, format_p, round_half_up

PAPERS = 200
Z = 1.959963984540054


@dataclass
class Paper:
    """A file of printed values on its way: sections as nested dicts and lists."""

    content: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> Path:
        lines = ["cohortstats_published = 1"]
        for name, value in self.content.items():
            if isinstance(value, list):
                for section in value:
                    blocks = section.get("block", [])
                    lines += [f"[[{name}]]", *self.keys(section, but="block")]
                    for block in blocks:
                        lines += [f"[[{name}.block]]", *self.keys(block)]
            else:
                lines += [f"[{name}]", *self.keys(value)]
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return path

    def keys(self, section: dict[str, Any], but: str = "") -> Iterator[str]:
        for key, value in section.items():
            if key != but:
                yield f"{json.dumps(key)} = {self.inline(value)}"

    def inline(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{ " + ", ".join(f"{json.dumps(key)} = {self.inline(one)}" for key, one in value.items()) + " }"
        return json.dumps(value, ensure_ascii=False)


def printed_paper(seed: int) -> Paper:
    """Every kind of statement, from one random cohort and some random trials."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 28))
    style = STYLES[("default", "paper", "jama")[seed % 3]]
    names = [f"v{i}" for i in range(int(rng.integers(2, 4)))]
    levels = {name: [f"{name}-{j}" for j in range(int(rng.integers(2, 5)))] for name in names}
    levels[names[0]] = ["yes", "no"]
    data = {name: rng.choice(levels[name], size=n, p=rng.dirichlet(np.full(len(levels[name]), 2.0))) for name in names}
    drugs = {f"drug{i}": rng.random(n) < rng.random() for i in range(3)}
    tested = rng.random(n) < 0.7
    tested[0] = True
    outcome = rng.random(n) < rng.uniform(0.1, 0.8)
    age = rng.integers(20, 90, size=n)

    def cell(yes: np.ndarray, of: int) -> str:
        return format_count_percent(int(yes.sum()), of, style)

    columns: dict[str, Any] = {name: {} if rows == ["yes", "no"] else {"levels": rows} for name, rows in levels.items()}
    columns |= {name: {} for name in (*drugs, "tested", "resistant")} | {"age": {"type": "integer"}}
    middle, low, high = Fraction(int(np.sort(age)[(n - 1) // 2] + np.sort(age)[n // 2]), 2), age.min(), age.max()
    blocks: list[dict[str, Any]] = [
        {
            "variable": "age",
            "cells": [
                ["median (range)", f"{format_number(float(middle), style)} ({low}–{high})"],
                ["mean", round_half_up(Fraction(int(age.sum()), n), int(rng.integers(0, 3)))],
            ],
        }
    ]
    blocks += [
        {"variable": name, "sums": "all", "cells": [[one, cell(data[name] == one, n)] for one in levels[name]]}
        for name in names
    ]
    blocks.append({"sums": "any", "cells": [[name, cell(yes, n)] for name, yes in drugs.items()]})
    tables: list[dict[str, Any]] = [{"id": "table1", "where": "Table 1", "n": str(n), "block": blocks}]
    compared = []
    for name in names:
        among = tested if rng.random() < 0.4 else np.ones(n, dtype=bool)
        rows, matrix = [], []
        for one in levels[name]:
            group = (data[name] == one) & among
            total, hit = int(group.sum()), int((group & outcome).sum())
            rows.append([one, str(total), format_count_percent(hit, total, style) if total else "0"])
            matrix.append((hit, total - hit))
        p = float(cs.fisher_exact_rxc(matrix).p_value)
        block = {"variable": name, "sums": "all", "cells": rows, "p": format_p(p, style)}
        compared.append(block if among.all() else block | {"among": "tested"})
    tables.append(
        {
            "id": "table4",
            "where": "Table 4",
            "outcome": "resistant",
            "all": cell(outcome, n),
            "test": "fisher",
            "block": compared,
        }
    )
    last = names[-1]
    some = levels[last][:2]
    define = {
        "first_two": " or ".join(f"{last} == '{one}'" for one in some) if last != names[0] else f"{last} or not {last}"
    }
    parts = [
        {"variable": last, "among": "tested", "sums": "all", "cells": []},
        {"variable": "first_two", "sums": "part"},
    ]
    parts[0]["cells"] = [[one, cell((data[last] == one) & tested, int(tested.sum()))] for one in levels[last]]
    parts[1]["cells"] = [["yes", cell(np.isin(data[last], some), n)]]
    tables.append({"id": "table3", "where": "Table 3", "block": parts})
    sides = [(int((outcome & drugs["drug0"]).sum()), int(drugs["drug0"].sum()))]
    sides.append((int(outcome.sum()) - sides[0][0], n - sides[0][1]))
    test = {"id": "drug", "where": "Results", "test": "mid-p", "table": [list(side) for side in sides]}
    counts = cs.CountTable(groups=("1", "2"), events=[a for a, _ in sides], totals=[b for _, b in sides])
    test["p"] = format_p(cs.fisher_midp(counts).p_value, style)
    texts = [
        {"id": "tested", "where": "Methods", "n": str(int(tested.sum())), "when": "tested"},
        {
            "id": "share",
            "where": "Results",
            "n": str(int((outcome & tested).sum())),
            "percent": round_half_up(Fraction(100 * int((outcome & tested).sum()), int(tested.sum())), 1),
            "when": "resistant",
            "among": "tested",
        },
    ]
    repeats = [["Abstract", str(n), "cohort/n"], ["Abstract", cell(outcome, n).split(" ")[0], "table4/all/n"]]
    rule = {"id": "drug_or_none", "rule": "drug0 or not drug0"}
    return Paper(
        {
            "paper": {"id": f"paper{seed}", "title": "Drawn at random"},
            "cohort": {"n": str(n), "where": "Abstract"},
            "columns": columns,
            "define": define,
            "table": tables,
            "text": texts,
            "test": [test],
            "derived": [rule],
            "survival": [curve(rng, style, n, data[names[0]], levels[names[0]], names[0])],
            "trial": [trial(rng, place) for place in range(2)],
            "repeats": {"rows": repeats},
        }
    )


def curve(
    rng: np.random.Generator, style: Any, n: int, group: np.ndarray, levels: list[str], name: str
) -> dict[str, Any]:
    """Medians and limits of whole days, as our own Kaplan-Meier curves have them."""
    time = rng.permutation(np.arange(1, 40 * n))[:n].astype(float)
    event = rng.random(n) < 0.7
    present = [one for one in levels if (group == one).any()]
    cells, sizes, events = [], [], []
    for one in present:
        chosen = group == one
        table = cs.EventTable.from_arrays(time[chosen], event[chosen])
        row = cs.kaplan_meier(table, ci="log-log").quantile(0.5, rule="summary").iloc[0]
        shown = [
            format_number(value, style) if np.isfinite(value) else "NR"
            for value in (row.estimate, row.ci_lower, row.ci_upper)
        ]
        cells.append([one, f"{shown[0]} ({shown[1]}–{shown[2]})"])
        sizes.append(str(int(chosen.sum())))
        events.append(str(int((chosen & event).sum())))
    return {
        "id": "figure1",
        "where": "Fig. 1",
        "group": name,
        "unit": "days",
        "whole": True,
        "ci": "log-log",
        "cells": cells,
        "n": sizes,
        "events": events,
    }


def trial(rng: np.random.Generator, place: int) -> dict[str, Any]:
    """A Wald interval and its P from some centre and standard error; medians of exponential curves."""
    n = int(rng.integers(60, 900))
    events = n * rng.uniform(0.3, 0.9)
    b, s = rng.normal(0, 0.4), 2 / np.sqrt(events)
    digits = int(rng.integers(2, 4))
    median = rng.uniform(8, 40)
    hr, low, high = (round_half_up(float(np.exp(x)), digits) for x in (b, b - Z * s, b + Z * s))
    half = n // 2
    return {
        "id": f"trial{place}",
        "where": "Discussion",
        "trial": f"T{place}",
        "endpoint": "PFS",
        "arms": ["new", "old"],
        "n": str(n),
        "arm_n": [str(half), str(n - half)],
        "unit": "months",
        "median": [round_half_up(median, 1), round_half_up(float(median * np.exp(b)), 1)],
        "hr": hr,
        "ci": f"{low}–{high}",
        "p": format_p(float(2 * ndtr(-abs(b) / s)), STYLES["default"]),
    }


def faults(path: Path) -> list[tuple[str, str, str, str]]:
    found = cs.audit(path)
    return [(item.id, item.check, item.verdict, item.note) for item in found.items if item.verdict in FAILS]


@pytest.mark.parametrize("tens", range(PAPERS // 10))
def test_a_consistent_paper_holds(tmp_path: Path, tens: int) -> None:
    for seed in range(10 * tens, 10 * tens + 10):
        assert faults(printed_paper(seed).write(tmp_path / f"{seed}.toml")) == [], seed


def other_digit(text: str, rng: np.random.Generator, by: tuple[int, ...] = (-2, 2, 3, -3)) -> str:
    """A number with its last digit off by two or three units."""
    digits = len(text.partition(".")[2])
    steps = int(text.replace(".", ""))
    moved = next(steps + step for step in rng.permutation(by) if steps + step > 0)
    return round_half_up(Fraction(int(moved), 10**digits), digits)


def plant(paper: Paper, kind: str, rng: np.random.Generator) -> str:
    """Change one string; the address under which it must be found."""
    table1, table4, _ = paper.content["table"]
    complete = [block for block in table1["block"] if block.get("sums") == "all"]
    block = complete[int(rng.integers(len(complete)))]
    row = block["cells"][int(rng.integers(len(block["cells"])))]
    count, _, rest = row[1].partition(" ")
    if kind == "count":
        n = int(paper.content["cohort"]["n"])
        row[1] = f"{int(count) + (1 if int(count) < n else -1)} {rest}"
        return f"table1/{block['variable']}"
    if kind == "percent":
        row[1] = f"{count} ({other_digit(rest.strip('()'), rng)})"
        return f"table1/{block['variable']}/{row[0]}/percent"
    if kind == "p":
        tested = table4["block"][int(rng.integers(len(table4["block"])))]
        p = tested["p"].lstrip("<>")
        p = f"0{p}" if p.startswith(".") else p
        tested["p"] = round_half_up(
            Fraction(p) / 2 if Fraction(p) > Fraction(1, 2) else Fraction(p) + Fraction(1, 3), 3
        )
        return f"table4/{tested['variable']}/p_value"
    if kind == "interval":
        trial = paper.content["trial"][0]
        low, high = trial["ci"].split("–")
        digits = len(high.partition(".")[2])
        trial["ci"] = f"{low}–{round_half_up(Fraction(high) * Fraction(5, 4), digits)}"
        return "trial/trial0"
    repeat = paper.content["repeats"]["rows"][int(rng.integers(2))]
    repeat[1] = str(int(repeat[1]) + 1)
    return repeat[2]


def test_one_planted_fault_is_found_at_its_address(tmp_path: Path) -> None:
    missed = []
    for seed in range(PAPERS):
        rng = np.random.default_rng(10_000 + seed)
        kind = ("count", "percent", "p", "interval", "repeat")[seed % 5]
        paper = printed_paper(1000 + seed)
        address = plant(paper, kind, rng)
        found = faults(paper.write(tmp_path / f"{seed}.toml"))
        if not any(one == address or one.startswith(f"{address}/") for one, *_ in found):
            missed.append((seed, kind, address, found))
    assert len(missed) <= 10, missed


def shuffled(value: Any, rng: np.random.Generator, name: str = "") -> Any:
    """The same content with tables, blocks, rows of complete blocks and keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        return {keys[i]: shuffled(value[keys[i]], rng, keys[i]) for i in rng.permutation(len(keys))}
    if isinstance(value, list) and name in ("table", "text", "trial", "block", "derived", "rows"):
        return [shuffled(value[i], rng) for i in rng.permutation(len(value))]
    if isinstance(value, list) and name == "cells":
        return [value[i] for i in rng.permutation(len(value))]
    return value


@pytest.mark.parametrize("seed", range(8))
def test_order_changes_no_finding(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    paper = printed_paper(2000 + seed)
    plant(paper, ("count", "p", "percent", "repeat")[seed % 4], rng)
    # Two tables that print one variable differently: a conflict that only the solver finds.
    table1 = paper.content["table"][0]
    drug = next(row for row in table1["block"][-1]["cells"] if row[0] == "drug1")
    count = int(drug[1].split(" ")[0])
    n = int(paper.content["cohort"]["n"])
    other = count + 1 if count < n else count - 1
    block = {"variable": "drug1", "sums": "all", "cells": [["yes", str(other)], ["no", str(n - other)]]}
    paper.content["table"].append({"id": "table5", "block": [block]})
    first = cs.audit(paper.write(tmp_path / "a.toml"))
    again = copy.deepcopy(paper)
    again.content = shuffled(again.content, rng)
    # A survival block lists sizes beside its rows.
    again.content["survival"] = paper.content["survival"]
    second = cs.audit(again.write(tmp_path / "b.toml"))
    assert first.items == second.items
    assert first.sentences == second.sentences
    assert any(item.check == "cross-table" and item.verdict in FAILS for item in first.items)
