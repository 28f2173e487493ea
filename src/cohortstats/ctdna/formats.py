"""Generations of droplet digital PCR exports, told by the names of their columns.

Neither the number of columns nor their place says anything: both differ between rows of one file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cohortstats.files.folding import fold

__all__ = [
    "FIELDS",
    "GENERATIONS",
    "Generation",
    "find_channels",
    "find_fields",
    "find_generation",
    "fold_header",
    "is_amplitude_header",
    "is_well_header",
    "plain_well",
    "reason_against",
    "wells_in",
]

_WELL = re.compile(r"([A-P])0*([1-9][0-9]?)")
_NOT_PLAIN = re.compile(r"[^a-z0-9+-]")
_CLUSTER = re.compile(r"ch[0-9][+-]?")
# "copies/µL", "copies/uL" and "copies/L" are one name: Excel, R and a wrong encoding all lose the micro sign.
_MICRO_U = re.compile(r"(copies|20|pg)u(?=l)")
_AMPLITUDE = re.compile(r"(?:ch|assay)([1-9])amplitude")

# field -> folded names under which it occurs, the preferred one first
FIELDS: dict[str, tuple[str, ...]] = {
    "well": ("well",),
    "sample": ("sample", "sampledescription1", "samplename"),
    "sample_2": ("sampledescription2",),
    "sample_3": ("sampledescription3",),
    "sample_4": ("sampledescription4",),
    "target": ("target", "assay", "targetname"),
    "target_type": ("targettype", "typeassay"),
    "sample_type": ("sampletype",),
    "status": ("status",),
    "dye": ("dyenames", "dyename", "dye"),
    "copies_per_ul": ("concentration", "conccopiesl"),
    "ci_lower": ("poissonconfmin", "poissonconfidencemin"),
    "ci_upper": ("poissonconfmax", "poissonconfidencemax"),
    "copies_per_well": ("copiesper20lwell", "copies20lwell"),
    "positives": ("positives",),
    "negatives": ("negatives",),
    "accepted": ("accepteddroplets", "accepted"),
    "threshold": ("threshold", "threshold1"),
    "merged_from": ("mergedwells",),
    "pos_pos": ("ch1+ch2+",),
    "pos_neg": ("ch1+ch2-",),
    "neg_pos": ("ch1-ch2+",),
    "neg_neg": ("ch1-ch2-",),
}
# R keeps neither + nor -, so the four clusters become one name with the numbers that R appends in their order.
_R_CLUSTERS = {"pos_pos": "ch1ch2", "pos_neg": "ch1ch21", "neg_pos": "ch1ch22", "neg_neg": "ch1ch23"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One layout of the exported table.

    Parameters
    ----------
    name
        Short name, recorded with the result.
    software
        Program that writes it.
    marks
        Folded names that a file of this generation has.
    """

    name: str
    software: str
    marks: frozenset[str]


_COUNTS = frozenset({"well", "positives", "negatives", "accepteddroplets", "poissonconfmax", "poissonconfmin"})
_QX = _COUNTS | {"sampledescription1", "target", "dyenames", "targettype", "conccopiesl", "copies20lwell"}

# The first whose marks are all there is the one.
GENERATIONS: tuple[Generation, ...] = (
    Generation(
        name="cluster export", software="QX Manager", marks=frozenset({"well", "target1", "count", "clusterid"})
    ),
    Generation(
        name="QuantaSoft, QX100 era",
        software="QuantaSoft",
        marks=_COUNTS | {"expttype", "typeassay", "assay", "concentration"},
    ),
    Generation(
        name="QuantaSoft 1.7.4",
        software="QuantaSoft 1.7.4",
        marks=_COUNTS | {"expttype", "targettype", "target", "concentration", "copiesper20lwell"},
    ),
    Generation(
        name="QuantaSoft 1.7.4, pasted",
        software="QuantaSoft 1.7.4",
        marks=_COUNTS | {"expttype", "targettype", "target", "conccopiesl", "copies20lwell"},
    ),
    Generation(name="QX Manager 1.x", software="QX Manager", marks=_QX | {"copiesllinkedmolecules"}),
    Generation(name="QX Manager variant", software="QX Manager", marks=_QX | {"linkage"}),
)
TRIMMED = Generation(name="trimmed", software="", marks=frozenset({"well"}))


def fold_header(name: str) -> str:
    """The comparable spelling of a column name: no blanks, no case, no dots of R, no micro sign before ``L``.

    Examples
    --------
    >>> names = ("Conc(copies/µL)", "Conc(copies/μL)", "Conc(copies/ｵL)", "Conc(copies/uL)", "Conc(copies/L)",
    ...          "Conc.copies.µL.")
    >>> {fold_header(name) for name in names}
    {'conccopiesl'}
    >>> fold_header("CopiesPer20uLWell"), fold_header("Accepted Droplets"), fold_header("DyeName(s)")
    ('copiesper20lwell', 'accepteddroplets', 'dyenames')
    >>> fold_header("Ch1+Ch2-"), fold_header("Ch1.Ch2..1"), fold_header("Ch1 Amplitude")
    ('ch1+ch2-', 'ch1ch21', 'ch1amplitude')
    """
    key = _NOT_PLAIN.sub("", fold(name).casefold())
    if not _CLUSTER.match(key):
        key = key.replace("+", "").replace("-", "")
    return _MICRO_U.sub(r"\1", key)


def find_fields(columns: Iterable[str]) -> dict[str, str]:
    """Field -> column of the file that holds it; fields that the file lacks are absent.

    Examples
    --------
    >>> find_fields(["Accepted.Droplets", "Well", "Sample description 1", "note"])
    {'well': 'Well', 'sample': 'Sample description 1', 'accepted': 'Accepted.Droplets'}
    """
    by_key: dict[str, str] = {}
    for column in columns:
        by_key.setdefault(fold_header(column), column)
    fields = {}
    for field, keys in FIELDS.items():
        key = next((key for key in keys if key in by_key), None)
        if key is not None:
            fields[field] = by_key[key]
    if all(key in by_key for key in _R_CLUSTERS.values()):
        fields |= {field: by_key[key] for field, key in _R_CLUSTERS.items() if field not in fields}
    return fields


def find_generation(columns: Iterable[str]) -> Generation | None:
    """Generation of a table, ``trimmed`` for a part of one, or None when it is no export.

    Examples
    --------
    >>> find_generation(["Accepted", "Positives", "Target", "Well"]).name
    'trimmed'
    >>> find_generation(["Well", "Sample type"]) is None
    True
    """
    columns = list(columns)
    keys = {fold_header(column) for column in columns}
    for generation in GENERATIONS:
        if generation.marks <= keys:
            return generation
    return None if reason_against(columns) else TRIMMED


def reason_against(columns: Iterable[str]) -> str:
    """Why a table with these columns is no export, or an empty text when it is one.

    Examples
    --------
    >>> reason_against(["Well", "Target", "Concentration"])
    'no column holds accepted droplets'
    """
    fields = find_fields(columns)
    if "well" not in fields:
        return "no column is named Well"
    if "target" not in fields:
        return "no column names the targets"
    if "accepted" not in fields:
        return "no column holds accepted droplets"
    if not {"positives", "negatives", "copies_per_ul"} & set(fields):
        return "no column holds positives, negatives or a concentration"
    return ""


def is_well_header(keys: Collection[str]) -> bool:
    """Whether a row with these folded cells is the header of a table of wells."""
    return "well" in keys and len(keys) > 1


def is_amplitude_header(keys: Collection[str]) -> bool:
    """Whether a row with these folded cells is the header of a file of amplitudes."""
    return any(_AMPLITUDE.fullmatch(key) for key in keys)


def plain_well(text: str) -> str:
    """A well as the exports write it, or an empty text when it is none.

    Examples
    --------
    >>> plain_well("a1"), plain_well("Ｂ０7"), plain_well("Z1")
    ('A01', 'B07', '')
    """
    match = _WELL.fullmatch(fold(text).upper())
    return f"{match[1]}{int(match[2]):02d}" if match else ""


def wells_in(text: str) -> list[str]:
    """All wells that a text names, such as those of a merge.

    Examples
    --------
    >>> wells_in("A1,B12")
    ['A01', 'B12']
    """
    return [f"{letter}{int(number):02d}" for letter, number in _WELL.findall(fold(text).upper())]


def find_channels(columns: Iterable[str]) -> dict[int, str]:
    """Channel number -> column of its amplitudes.

    Examples
    --------
    >>> find_channels(["Ch1 Amplitude", "Ch2 Amplitude", "Cluster"])
    {1: 'Ch1 Amplitude', 2: 'Ch2 Amplitude'}
    """
    found: dict[int, str] = {}
    for column in columns:
        channel = _AMPLITUDE.fullmatch(fold_header(column))
        if channel:
            found.setdefault(int(channel[1]), column)
    return dict(sorted(found.items()))
