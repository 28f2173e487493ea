"""Where the studies that come with the package are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from cohortstats.errors import InputError

__all__ = ["SHIPPED", "shipped_study"]

SHIPPED = ("sakai2018", "example")


def shipped_study(name: str = "sakai2018") -> Path:
    """Folder of a study that comes with the package.

    Parameters
    ----------
    name
        ``"sakai2018"``: Sakai et al. 2018, Table 3 verbatim and a cohort rebuilt from published aggregates, not patient
        records. ``"example"``: an invented cohort as a hospital hands it over:
        a Japanese workbook, visits, treatments and a plate of droplets.

    Returns
    -------
    pathlib.Path
        Folder with ``study.toml`` and its tables.

    Raises
    ------
    InputError
        For another name.

    Examples
    --------
    >>> sorted(path.name for path in shipped_study("sakai2018").glob("*.csv"))
    ['ctdna.csv', 'patients.csv']
    """
    if name not in SHIPPED:
        raise InputError(f"{name!r} is no shipped study; there are {' and '.join(SHIPPED)}.")
    package = Path(str(files("cohortstats")))
    # A wheel carries the studies; a checkout has them in data/raw.
    for folder in (package / "studies" / name, package.parents[1] / "data" / "raw" / name):
        if (folder / "study.toml").is_file():
            return folder
    raise InputError(f"the study {name} is not in this installation; install cohortstats again.")
