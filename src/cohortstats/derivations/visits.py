"""Visits with a RECIST 1.1 response, as arrays: which word is which response, in which order, and until when."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cohortstats.derivations.occasions import Ints, Mask
from cohortstats.study.rules import RESPONSES

__all__ = [
    "CR",
    "NE",
    "NON_CR_NON_PD",
    "PD",
    "PR",
    "RESPONSES",
    "SD",
    "Visits",
    "first_places",
    "is_irecist",
    "response_codes",
]

CR, PR, SD, NON_CR_NON_PD, PD, NE = range(len(RESPONSES))
"""Places in RESPONSES, the best response first."""

WORST_FIRST = np.array([4, 3, 2, 1, 0, 5])
"""Rank of each response among two on one day: PD before NON-CR/NON-PD, SD, PR and CR; NE says least."""

# Eisenhauer's words with an i in front, and those of iRECIST (Seymour 2017, 10.1016/S1470-2045(17)30074-8) for
# unconfirmed and confirmed progression, whatever their case: no word of RECIST 1.1 is spelt so.
_IRECIST = frozenset({"icr", "ipr", "isd", "ipd", "ine", "iupd", "icpd", "nicr", "inon-cr/non-pd", "non-icr/non-iupd"})


def is_irecist(word: str) -> bool:
    """Whether a word is a response of iRECIST, in which progression is confirmed or not.

    Examples
    --------
    >>> [is_irecist(word) for word in ("iUPD", "iCR", "NICR", "CR", "ICPD", "PD")]
    [True, True, True, False, True, False]
    """
    return unicodedata.normalize("NFKC", word).strip().casefold().replace(" ", "") in _IRECIST


def response_codes(words: npt.NDArray[np.object_], unknown: Collection[str] = ()) -> Ints:
    """Place in RESPONSES of each word; NE for words declared unknown, -1 for none, -2 for a word that is no response.

    Examples
    --------
    >>> response_codes(np.array(["PD", "CR", "", "Unknown", "iCR"], dtype=object), {"Unknown"})
    array([ 4,  0, -1,  5, -2])
    """
    number, found = pd.factorize(words)
    meaning = {"": -1} | dict.fromkeys(unknown, NE) | {word: place for place, word in enumerate(RESPONSES)}
    codes = np.array([meaning.get(word, -2) for word in found] + [-1], dtype=np.int64)
    return codes[number]


def first_places(patient: Ints, marks: Mask) -> tuple[Ints, Ints]:
    """Patients with a marked element, and the place of the first; elements of a patient stand together, in order."""
    places = np.flatnonzero(marks)
    patients, first = np.unique(patient[places], return_index=True)
    return patients, places[first].astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visits:
    """Visits of one reader: those of a patient together, in the order of their days, one a day.

    Parameters
    ----------
    n
        Number of patients, also of those without a visit.
    patient
        Place of the patient of each visit, 0 to n - 1.
    day
        Days from the start.
    code
        Place of the response in `RESPONSES`.
    source
        Place of each visit in the arrays that it came from.
    """

    n: int
    patient: Ints
    day: Ints
    code: Ints
    source: Ints

    def __len__(self) -> int:
        return len(self.patient)

    @classmethod
    def of(cls, n: int, patient: Ints, day: Ints, code: Ints) -> Visits:
        """Visits in any order; of several responses on one day the worst counts, as `clashes` says."""
        order = np.lexsort((WORST_FIRST[code], day, patient))
        patient, day = patient[order], day[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (np.diff(patient) != 0) | (np.diff(day) != 0)
        return cls(n=n, patient=patient[new], day=day[new], code=code[order][new], source=order[new].astype(np.int64))

    @staticmethod
    def clashes(patient: Ints, day: Ints, code: Ints) -> Ints:
        """Pairs of visits of a patient on one day that have two responses, one row a pair, as places in the arrays."""
        order = np.lexsort((code, day, patient))
        one, two = order[:-1], order[1:]
        same = (patient[one] == patient[two]) & (day[one] == day[two]) & (code[one] != code[two])
        pairs = np.column_stack([one[same], two[same]]).astype(np.int64)
        return np.sort(pairs, axis=1)

    def keep(self, marks: Mask) -> Visits:
        """Those marked."""
        return Visits(
            n=self.n,
            patient=self.patient[marks],
            day=self.day[marks],
            code=self.code[marks],
            source=self.source[marks],
        )

    def until_progression(self) -> Visits:
        """Those up to and including the first PD of each patient."""
        progressed = self.code == PD
        before = np.cumsum(progressed) - progressed
        start = np.ones(len(self), dtype=bool)
        start[1:] = np.diff(self.patient) != 0
        at_start = before[start][np.cumsum(start) - 1] if len(self) else before
        return self.keep(before == at_start)

    def count(self) -> Ints:
        """Visits of each patient."""
        return np.bincount(self.patient, minlength=self.n).astype(np.int64)

    def partial_after_complete(self) -> Ints:
        """Places of the first PR of each patient that follows a CR, which RECIST 1.1 does not know."""
        patients, first = first_places(self.patient, self.code == CR)
        complete = np.full(self.n, len(self), dtype=np.int64)
        complete[patients] = first
        late = (self.code == PR) & (np.arange(len(self)) > complete[self.patient])
        return first_places(self.patient, late)[1]
