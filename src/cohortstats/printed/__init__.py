"""What a paper printed, as strings with addresses, and where it contradicts itself.

A printed number is kept as its string: the digits say how exactly it is known, the address says what it counts.
"""

from cohortstats.printed.cells import Cell, Rounding, fold_text, half_up_text, is_not_reached, parse_cell, rounds_to
from cohortstats.printed.contradictions import Conflict, conflicts
from cohortstats.printed.sections import Block, PrintedColumn
from cohortstats.printed.values import (
    Address,
    Given,
    Printed,
    PrintedBlock,
    PrintedValue,
    Repeat,
    split_address,
)

__all__ = [
    "Address",
    "Block",
    "Cell",
    "Conflict",
    "Given",
    "Printed",
    "PrintedBlock",
    "PrintedColumn",
    "PrintedValue",
    "Repeat",
    "Rounding",
    "conflicts",
    "fold_text",
    "half_up_text",
    "is_not_reached",
    "parse_cell",
    "rounds_to",
    "split_address",
]
