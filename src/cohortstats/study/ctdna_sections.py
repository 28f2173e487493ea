"""``[ctdna.NAME]``: what is called from the droplets of a sample, a copy-number ratio or a count of mutations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from cohortstats.expressions import ColumnKind
from cohortstats.schema import key

__all__ = ["ASSAYS", "CALL_LEVELS", "Assay", "CountAssay", "RatioAssay"]

CALL_LEVELS = ("positive", "indeterminate", "negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assay:
    """What both kinds have."""

    name: str
    kind: str = key("ratio or count.")
    target: str = key("Target that is called, as the export names it.")
    table: str = key('Table with kind = "ddpcr"; needed when there are several.', default="")
    sample: Literal["", "first", "last"] = key(
        "Which sample of a patient counts, by order of the table; left out, a patient may have only one.", default=""
    )
    label: str = key("Name in tables; *word* is italic.", default="")
    labels: tuple[str, ...] = key("Names of the calls in tables: positive, indeterminate, negative.", default=())
    note: str = key("Footnote of the variable.", default="")
    known: Literal["", "baseline", "after start"] = key(
        "When the sample was drawn; what is known after the start of time may not form groups in silence.", default=""
    )

    @property
    def unit(self) -> str:
        """Unit of the value and its limits."""
        raise NotImplementedError

    @property
    def targets(self) -> tuple[str, str]:
        """The target that is called, and the one that it is held against."""
        raise NotImplementedError

    @property
    def blank_samples(self) -> tuple[str, ...]:
        """Samples that give the limit of blank, and are no patient's."""
        return ()

    @property
    def makes(self) -> Mapping[str, ColumnKind]:
        """Every variable that comes of it, NAME first, and what it is."""
        number = ColumnKind(kind="number", unit=self.unit)
        made = {self.name: number, f"{self.name}_lower": number, f"{self.name}_upper": number}
        return MappingProxyType(made | {f"{self.name}_call": ColumnKind(kind="category", levels=CALL_LEVELS)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioAssay(Assay):
    """``[ctdna.NAME]`` with ``kind = "ratio"``."""

    kind: Literal["ratio"] = key("ratio")
    reference: str = key("Target whose copies are the denominator.")
    threshold: str = key('Side and cut-off of the call, such as "> 1.25"; there is no default.')
    interval: Literal["log-delta", "quantasoft", "fieller"] = key(
        "Interval of the ratio; it decides the call.", default="log-delta"
    )
    linked: bool = key(
        "Whether one piece of DNA may hold both targets: double-positive droplets then narrow the interval.",
        default=False,
    )

    @property
    def unit(self) -> str:
        """Unit of the value and its limits."""
        return f"ratio to {self.reference}"

    @property
    def targets(self) -> tuple[str, str]:
        """Target and reference."""
        return self.target, self.reference


@dataclass(frozen=True, slots=True, kw_only=True)
class CountAssay(Assay):
    """``[ctdna.NAME]`` with ``kind = "count"``."""

    kind: Literal["count"] = key("count")
    wild_type: str = key("Target that tells how many copies could have been mutated.")
    blanks: str | tuple[str, ...] = key(
        "Samples without the mutation, whose wells give the limit of blank.", default=()
    )
    lob: int | None = key("Limit of blank in droplets, instead of blanks.", default=None)
    lod_vaf: float = key("Fraction of mutated copies that a negative sample must have been able to show, such as 0.01.")
    threshold: str = key(
        "Rule of the two-state call that is kept beside the other, such as > 3; left out, above the limit of blank.",
        default="",
    )
    threshold_unit: Literal["", "copies", "droplets"] = key(
        "What that rule counts: copies move with the number of droplets, droplets do not.", default=""
    )
    interval: Literal["quantasoft", "exact", "wilson", "jeffreys"] = key(
        "Interval of the copies in the reaction.", default="quantasoft"
    )

    @property
    def unit(self) -> str:
        """Unit of the value and its limits."""
        return "copies/20 µL"

    @property
    def targets(self) -> tuple[str, str]:
        """Mutation and wild type."""
        return self.target, self.wild_type

    @property
    def blank_samples(self) -> tuple[str, ...]:
        """Samples that give the limit of blank, and are no patient's."""
        return (self.blanks,) if isinstance(self.blanks, str) else self.blanks


ASSAYS: Mapping[str, type[Assay]] = {"ratio": RatioAssay, "count": CountAssay}
"""Value of ``kind`` -> its class."""
