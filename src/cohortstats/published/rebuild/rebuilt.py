"""A rebuilt cohort, what does not hold in it, and how it is written: never without its label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cohortstats.published.model.conflict_sets import ConflictSet
from cohortstats.published.model.evaluate import Check
from cohortstats.published.provenance import as_json, check_target, digest, provenance_path, write_whole
from cohortstats.stats.results import frame_bundle
from cohortstats.version import __version__

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Rebuilt"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Rebuilt:
    """A cohort rebuilt from print; it is no record of patients.

    Parameters
    ----------
    patients
        One row a patient, the columns of ``[columns]`` in their order, as texts.
    satisfied, total
        Printed values that the table gives back, and all that a cohort can be checked against.
    exceptions
        Those that it does not give back, each with what it gives and why.
    conflicts
        Statements that exclude each other.
    given_up
        For each conflict, by its id, what was given up.
    tiers_used
        Tiers whose statements hold in the table.
    dropped
        Rules of the assumed tier that could not hold.
    label
        What everything made from this table must carry.
    seed
        Which of the possible cohorts.
    not_written
        Column -> why it is not in the table.
    free
        What no statement constrains.
    choices
        Further choices, in words.
    structure
        For each survival block, the order of times that was chosen.
    source
        Name and digest of every file that was read.

    Examples
    --------
    >>> import cohortstats as cs
    >>> from cohortstats.shipped import shipped_study
    >>> rebuilt = cs.rebuild(shipped_study("sakai2018") / "published.toml", seed=1)
    >>> rebuilt.satisfied, rebuilt.total, rebuilt.tiers_used
    (158, 162, ('published', 'derived', 'assumed'))
    """

    patients: pd.DataFrame
    satisfied: int
    total: int
    exceptions: tuple[Check, ...]
    conflicts: tuple[ConflictSet, ...]
    given_up: Mapping[str, tuple[str, ...]]
    tiers_used: tuple[str, ...]
    dropped: tuple[str, ...]
    label: str
    seed: int
    not_written: Mapping[str, str]
    free: tuple[str, ...]
    choices: tuple[str, ...]
    structure: tuple[Mapping[str, Any], ...]
    source: Mapping[str, str]
    _printed_path: Path = field(default=Path())

    def to_frame(self) -> pd.DataFrame:
        """The patients."""
        return self.patients.copy()

    def as_dict(self) -> dict[str, Any]:
        """What ``cohortstats rebuild --json`` prints."""
        names = ("id", "printed", "rebuilt", "verdict", "note")
        return {
            "satisfied": self.satisfied,
            "total": self.total,
            "exceptions": [{name: getattr(check, name) for name in names} for check in self.exceptions],
            "conflicts": [
                {
                    "id": conflict.id,
                    "core": list(conflict.core),
                    "corrections": [list(some) for some in conflict.corrections],
                    "patients": conflict.patients,
                    "proven": conflict.proven,
                    "tier": conflict.tier,
                    "given_up": list(self.given_up.get(conflict.id, ())),
                }
                for conflict in self.conflicts
            ],
            "tiers_used": list(self.tiers_used),
            "patients": len(self.patients),
            "seed": self.seed,
            "label": self.label,
        }

    def provenance(self) -> dict[str, Any]:
        """Everything beside the table: the summary, what was read, by which programs, and what was chosen."""
        import scipy

        return self.as_dict() | {
            "source": dict(self.source),
            "programs": {"cohortstats": __version__, "solver": f"HiGHS in scipy {scipy.__version__}"},
            "choices": list(self.choices),
            "assumed_dropped": list(self.dropped),
            "structure": [dict(one) for one in self.structure],
            "not_written": dict(self.not_written),
            "free": list(self.free),
        }

    def to_csv(self, *, label_line: bool = False) -> bytes:
        """The table as CSV; with ``label_line`` the label is a comment on its first line."""
        head = f"# {self.label}\n" if label_line else ""
        text: str = self.patients.to_csv(index=False, lineterminator="\n")
        return (head + text).encode("utf-8")

    def write(self, path: str | Path, *, label_line: bool = False) -> tuple[Path, Path]:
        """Write the table and, beside it, ``<name>.provenance.json``.

        Parameters
        ----------
        path
            The CSV file.
        label_line
            Whether the label also stands on the first line, behind ``#``. Readers must then skip that line: in a study
            file ``comment = "#"``.

        Raises
        ------
        InputError
            When the file is there and is no rebuilt table, or a study reads it.
        """
        target = Path(path)
        check_target(target, self.label, [self._printed_path])
        content = self.to_csv(label_line=label_line)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = provenance_path(target)
        table = {"table": {"file": target.name, "sha256": digest(content)}}
        write_whole(beside, as_json(table | self.provenance()))
        write_whole(target, content)
        return target, beside

    def __repr__(self) -> str:
        lines = [
            f"Rebuilt: {len(self.patients)} patients, {self.satisfied} of {self.total} printed values; {self.label}"
        ]
        lines += [
            f"  {check.id}: printed {check.printed}, rebuilt {check.rebuilt or 'nothing'} ({check.verdict})"
            for check in self.exceptions
        ]
        for conflict in self.conflicts:
            gone = ", ".join(self.given_up.get(conflict.id, ()))
            lines.append(f"  {conflict.sentence}{f' Given up: {gone}.' if gone else ''}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude
        name = f"{len(self.patients)} patients, {self.label}"
        return frame_bundle(self.patients, name=name, plain=repr(self))
