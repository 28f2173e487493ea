"""What exhibits of printed evidence refer to: files beside the study file, comparisons in them, arms of curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cohortstats.errors import DataError, did_you_mean
from cohortstats.printed import Printed
from cohortstats.schema import Problems, missing_file
from cohortstats.study.sections import Curves, Exhibit, Trials

__all__ = ["MOST_ARMS", "EvidenceReferences"]

MOST_ARMS = 6


class EvidenceReferences:
    """Looks at ``[[trials]]`` and ``[[curves]]`` of one study file; every problem at once."""

    def __init__(
        self, problems: Problems, folder: Path, leaves: Callable[[str, str], bool], printed: Printed | None
    ) -> None:
        self.problems = problems
        self.folder = folder
        self.leaves = leaves
        self.printed = printed
        self.missing = False
        self.read: dict[str, Printed | None] = {}

    def check(self, exhibits: Sequence[Exhibit], keys: dict[int, str]) -> None:
        """Look at every exhibit; ``keys`` has its dotted key by the id of the object."""
        for exhibit in exhibits:
            if isinstance(exhibit, Trials):
                self._trials(exhibit, keys[id(exhibit)])
            elif isinstance(exhibit, Curves):
                self._curves(exhibit, keys[id(exhibit)])

    def _trials(self, exhibit: Trials, key: str) -> None:
        if not exhibit.file and self.printed is None:
            mend = "Name a file with [[trial]] sections, or set [study] published."
            self.problems.add(key, "key-missing", "[[trials]] needs file.", mend)
            return
        printed = self._printed(f"{key}.file", exhibit.file) if exhibit.file else self.printed
        if printed is None:
            return
        ids = [trial.id for trial in printed.trials]
        name = printed.path.name
        if not ids:
            self.problems.add(f"{key}.file", "key-missing", f"[[trials]] {name} has no [[trial]].")
        for place, row in enumerate(exhibit.rows):
            here = f"{key}.rows[{place}]"
            if row not in ids:
                near = did_you_mean(row, ids)
                mend = f"Did you mean '{near}'?" if near else ""
                self.problems.add(here, "expression-name", f"[[trials]] rows: '{row}' is no trial of {name}.", mend)
            elif row in exhibit.rows[:place]:
                self.problems.add(here, "key-conflict", f"[[trials]] rows names {row} twice.")

    def _printed(self, key: str, file: str) -> Printed | None:
        """The file, read once; None after its problems were told."""
        if file in self.read:
            return self.read[file]
        self.read[file] = None
        if self.leaves(key, file):
            return None
        if self.printed is not None and (self.folder / file).resolve() == self.printed.path.resolve():
            self.read[file] = self.printed
            return self.printed
        try:
            self.read[file] = Printed.read(self.folder / file)
        except DataError as error:
            self.missing = self.missing or error.missing_file
            self.problems.found.extend(error.problems)
        return self.read[file]

    def _curves(self, exhibit: Curves, key: str) -> None:
        add = self.problems.add
        if not 0 < exhibit.early < float("inf"):
            add(f"{key}.early", "key-type", f"[[curves]] early must be above 0, not {exhibit.early:g}.")
        if not 0 <= exhibit.ticks < float("inf"):
            add(f"{key}.ticks", "key-type", f"[[curves]] ticks must be 0 or more, not {exhibit.ticks:g}.")
        if not 1 <= len(exhibit.arms) <= MOST_ARMS:
            fact = f"[[curves]] arms: 1 to {MOST_ARMS} arms can be shown, not {len(exhibit.arms)}."
            add(f"{key}.arms", "key-type", fact)
        labels = [arm.label for arm in exhibit.arms]
        for place, arm in enumerate(exhibit.arms):
            here = f"{key}.arms[{place}]"
            if not arm.label.strip() or arm.label in labels[:place]:
                fact = f"[[curves]] arms: label '{arm.label}' is used twice." if arm.label.strip() else ""
                add(f"{here}.label", "key-conflict", fact or "[[curves]] arms: label is empty.")
            for word in ("n", "events"):
                number = getattr(arm, word)
                least = 1 if word == "n" else 0
                if number is not None and number < least:
                    add(f"{here}.{word}", "key-type", f"[[curves]] arms: {word} must be {least} or more, not {number}.")
            for word, file in (("curve", arm.curve), ("risk", arm.risk)):
                if not file:
                    if word == "curve":
                        add(f"{here}.curve", "key-type", "[[curves]] arms: curve is empty.")
                    continue
                if self.leaves(f"{here}.{word}", file):
                    continue
                target = self.folder / file
                if not target.is_file():
                    told = missing_file(target, file)
                    self.missing = True
                    add(f"{here}.{word}", "file-missing", told.message, told.mend)
