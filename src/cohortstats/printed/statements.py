"""Reading numbers in text, figures, tests, trials, and the rules between them."""

from __future__ import annotations

from typing import Any

from cohortstats.printed.cells import fold_text
from cohortstats.printed.notes import Notes, is_plain
from cohortstats.printed.sections import Identity, PrintedTest, Survival, Text, Trial

__all__ = ["StatementReading"]


class StatementReading(Notes):
    """Every list of statements of the file but its tables."""

    def text(self, key: str, text: Text) -> None:
        address = f"text/{text.id}"
        if not self.address(f"{key}.id", address):
            return
        for name in ("when", "among", "rule", "reading"):
            self.condition(f"{key}.{name}", f"{address}: {name}", getattr(text, name))
        if text.rule and (text.n or text.percent):
            fact = f"{address}: rule excludes n and percent."
            self.problems.add(f"{key}.rule", "key-conflict", fact, "Write two [[text]] entries.")
        if not (text.rule or text.n or text.percent or text.of or self.has(key, "n", "percent", "of")):
            self.problems.add(key, "key-missing", f"{address} needs n, percent or rule.")
        count = self.counted(f"{key}.n", f"{address}, n", text.n)
        of = self.counted(f"{key}.of", f"{address}, of", text.of)
        other = text.cohort == "other"
        self.no_more_than(f"{key}.n", address, count, of if of is not None or other else self.n)
        percent = self.printed_number(f"{key}.percent", f"{address}, percent", text.percent) if text.percent else ""
        if percent and not other and of is None and self.n is None:
            fact = f"{address}: a percentage without a denominator."
            self.problems.add(f"{key}.percent", "key-missing", fact, "Give of, or [cohort] n.")
        if percent and not other and not text.when and count is None:
            fact = f"{address}: a percentage of nothing that is counted."
            self.problems.add(f"{key}.percent", "key-missing", fact, "Give n or when.")
        common = {
            "where": text.where,
            "source": "text",
            "exhibit": "text",
            "variable": text.id,
            "when": text.when,
            "among": text.among,
            "of": fold_text(text.of),
            "other": other,
            "about": text.about,
        }
        if count is not None:
            self.value(f"{key}.n", f"{address}/n", fold_text(text.n), quantity=f"{text.id}, n", **common)
        self.value(f"{key}.percent", f"{address}/percent", percent, quantity=f"{text.id}, percent", **common)

    def survival(self, key: str, survival: Survival) -> None:
        address = survival.id
        if "/" in address:
            self.problems.add(f"{key}.id", "key-conflict", f"[[survival]] id '{address}' may not hold a slash.")
            return
        if not self.address(f"{key}.id", address):
            return
        for name in ("among", "first"):
            self.condition(f"{key}.{name}", f"{address}: {name}", getattr(survival, name))
        kind = self.named(f"{key}.group", f"{address}, group", survival.group) if survival.group else None
        for name in ("time", "event"):
            if getattr(survival, name):
                self.named(f"{key}.{name}", f"{address}, {name}", getattr(survival, name))
        self.confidence(f"{key}.level", address, survival.level)
        common = {
            "where": survival.where,
            "source": "survival",
            "variable": survival.group,
            "among": survival.among,
            "unit": survival.unit,
            "whole": survival.whole,
            "ci": survival.ci,
            "test": survival.test,
        }
        for place, row in enumerate(survival.cells):
            here = f"{key}.cells[{place}]"
            if len(row) != 2:
                fact = f"{address}: a row has {len(row)} texts, it needs 2: level, median (lower-upper)."
                self.problems.add(here, "key-type", fact)
                continue
            level = row[0]
            self.level(here, address, level, kind)
            cell = self.cell(here, f"{address}, {level}", row[1], "value (lower–upper)")
            if cell is None:
                continue
            self.in_order(here, f"{address}, {level}", cell)
            for statistic, text in (("median", cell.value), ("lower", cell.lower), ("upper", cell.upper)):
                quantity = f"{level}, {statistic}"
                self.value(here, f"{address}/{level}/{statistic}", text, level=level, quantity=quantity, **common)
            for statistic, texts in (("n", survival.n), ("events", survival.events)):
                if (
                    place < len(texts)
                    and self.counted(f"{key}.{statistic}", f"{address}, {level}", texts[place]) is not None
                ):
                    quantity, text = f"{level}, {statistic}", fold_text(texts[place])
                    whole = f"{address}/{level}/{statistic}"
                    self.value(f"{key}.{statistic}", whole, text, level=level, quantity=quantity, **common)
        for statistic, texts in (("n", survival.n), ("events", survival.events)):
            if texts and len(texts) != len(survival.cells):
                fact = f"{address}: {statistic} has {len(texts)} texts for {len(survival.cells)} groups."
                self.problems.add(f"{key}.{statistic}", "key-type", fact)
        if survival.p:
            p = self.printed_number(f"{key}.p", f"{address}, p", survival.p)
            self.value(f"{key}.p", f"{address}/p_value", p, quantity="groups, P", **common)

    def test(self, key: str, test: PrintedTest) -> None:
        address = f"test/{test.id}"
        if not self.address(f"{key}.id", address):
            return
        self.tested(f"{key}.table", address, test)
        p = self.printed_number(f"{key}.p", address, test.p)
        common = {"where": test.where, "source": "test", "variable": test.id, "test": test.test, "other": True}
        self.value(f"{key}.p", f"{address}/p_value", p, quantity=f"{test.id}, P", **common)

    def tested(self, key: str, address: str, test: PrintedTest) -> None:
        """The table of a test: two groups as patients with the event and in all, or rows of counts."""
        numbers = [[self.counted(key, f"{address}, table", str(cell)) for cell in row] for row in test.table]
        if len({len(row) for row in numbers}) > 1 or (numbers and (len(numbers) < 2 or len(numbers[0]) < 2)):
            fact = f"{address}: table needs two rows or more, all of one length."
            self.problems.add(key, "key-type", fact, "Write [[a, n1], [b, n2]], or the rows of an r by c table.")
        elif len(numbers) == 2 and len(numbers[0]) == 2:
            for count, total in numbers:
                self.no_more_than(key, f"{address}, table", count, total)

    def trial(self, key: str, trial: Trial) -> None:
        address = f"trial/{trial.id}"
        if not self.address(f"{key}.id", address):
            return
        self.confidence(f"{key}.level", address, trial.level)
        common = {"where": trial.where, "source": "trial", "variable": trial.id, "unit": trial.unit, "other": True}
        if self.counted(f"{key}.n", address, trial.n) is not None:
            self.value(f"{key}.n", f"{address}/n", fold_text(trial.n), quantity=f"{trial.id}, n", **common)
        for name, statistic in (("hr", "hr"), ("p", "p_value")):
            text = self.printed_number(f"{key}.{name}", f"{address}, {name}", getattr(trial, name))
            self.value(f"{key}.{name}", f"{address}/{statistic}", text, quantity=f"{trial.id}, {name}", **common)
        if trial.ci:
            cell = self.cell(f"{key}.ci", f"{address}, ci", trial.ci, "range")
            if cell is not None:
                self.in_order(f"{key}.ci", f"trial {trial.id}", cell)
                for statistic, text in (("lower", cell.lower), ("upper", cell.upper)):
                    quantity = f"{trial.id}, {statistic}"
                    self.value(f"{key}.ci", f"{address}/{statistic}", text, quantity=quantity, **common)
        for name, statistic in (("median", "median"), ("arm_n", "n")):
            texts = getattr(trial, name)
            if not texts:
                continue
            if len(texts) != len(trial.arms):
                fact = f"{address}: {name} has {len(texts)} texts for {len(trial.arms)} arms."
                self.problems.add(f"{key}.{name}", "key-type", fact)
                continue
            for arm, text in zip(trial.arms, texts, strict=True):
                printed = self.printed_number(f"{key}.{name}", f"{address}, {arm}", text)
                quantity = f"{arm}, {statistic}"
                self.value(
                    f"{key}.{name}", f"{address}/{arm}/{statistic}", printed, level=arm, quantity=quantity, **common
                )

    def confidence(self, key: str, address: str, level: str | float) -> None:
        try:
            number = float(str(level).rstrip("% "))
        except ValueError:
            number = 0.0
        if not (0 < number < 1 or 1 < number < 100):
            self.problems.add(
                key, "out-of-range", f"{address}: {level} is no level of an interval.", "Write 95 or 0.95."
            )

    # ---- rules

    def rule(self, section: str, key: str, rule: Any) -> None:
        address = f"{section}/{rule.id}"
        if not self.address(f"{key}.id", address):
            return
        self.condition(f"{key}.rule", f"{address}: rule", rule.rule)
        if section == "identity":
            return
        for name in ("when", "among"):
            self.condition(f"{key}.{name}", f"{address}: {name}", getattr(rule, name))
        self.counted(f"{key}.n", address, rule.n)
        if bool(rule.rule) == bool(rule.n):
            self.problems.add(key, "key-conflict", f"{address} needs either rule or n.")

    def identity(self, key: str, identity: Identity) -> None:
        address = f"identity/{identity.id}"
        if bool(identity.rule) == bool(identity.sum):
            self.problems.add(key, "key-conflict", f"{address} needs either rule or sum.")
        if bool(identity.sum) != bool(identity.equals):
            self.problems.add(key, "key-conflict", f"{address}: sum and equals need each other.")
        by_id = {value.id: value for value in self.values}
        equals = [] if not identity.equals or is_plain(identity.equals) else [identity.equals]
        for part in (*identity.sum, *equals):
            if part not in by_id:
                self.no_address(f"{key}.sum", address, part)
            elif not is_plain(by_id[part].text):
                fact = f"{address}: {part} is '{by_id[part].text}', which cannot be added."
                self.problems.add(f"{key}.sum", "number-invalid", fact)
