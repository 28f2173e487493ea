"""From amplitudes of droplets to a picture: one panel a well, with the counts on both sides of the thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from cohortstats.errors import InputError
from cohortstats.figures.droplet_picture import DropletPanel, DropletPicture
from cohortstats.tables.language import Words, words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

__all__ = ["droplet_picture"]

NEEDED = ("well", "ch1")
# Cluster of an amplitude file -> side: negative for both, the first only, both, the second only.
CLUSTER_SIDES = {1: 0, 2: 1, 3: 3, 4: 2}


def droplet_picture(
    amplitudes: pd.DataFrame,
    *,
    threshold_ch1: float | Mapping[str, float] | None = None,
    threshold_ch2: float | Mapping[str, float] | None = None,
    wells: Sequence[str] | None = None,
    samples: Mapping[str, str] | None = None,
    ch1_label: str = "",
    ch2_label: str = "",
    lang: Literal["en", "ja"] = "en",
) -> DropletPicture:
    """Put amplitudes, thresholds and counts of each well together, ready to be drawn.

    Parameters
    ----------
    amplitudes
        One row a droplet, as ``read_amplitudes`` gives it: ``well``, ``ch1``, and ``ch2`` and ``cluster`` where there
        are.
    threshold_ch1, threshold_ch2
        Amplitude above which a droplet is positive: for all wells, or by well. Without any, droplets take their sides
        from ``cluster``.
    wells
        Which, and in which order; left out, all in the order of the frame.
    samples
        Well -> name of the sample, for the title of its panel.
    ch1_label, ch2_label
        Titles of the axes, such as the dye and the target.
    lang
        Language of the words.

    Returns
    -------
    DropletPicture
        For `draw_droplets`. Droplets without an amplitude are in no panel and no count.

    Raises
    ------
    InputError
        For a frame without these columns or without droplets, a well that is not there, or a threshold of a channel
        without amplitudes.

    Notes
    -----
    A droplet at the threshold is negative, as in the software of the instruments. R: ``table(ch1 > threshold)``.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"well": "A01", "droplet": [1, 2, 3], "ch1": [900.0, 5200.0, 3000.0]})
    >>> droplet_picture(frame, threshold_ch1=3000.0).panels[0].text
    '1 droplet above 3000, 2 not above'
    """
    import numpy as np

    say = words(lang)
    absent = [column for column in NEEDED if column not in amplitudes.columns]
    if absent:
        raise InputError(f"amplitudes lacks {', '.join(absent)}; read_amplitudes gives such a frame.")
    present = list(dict.fromkeys(amplitudes["well"].tolist()))
    chosen = present if wells is None else list(wells)
    unknown = [well for well in chosen if well not in present]
    if unknown:
        raise InputError(f"amplitudes has no well {', '.join(map(str, unknown))}; it has {', '.join(present)}.")
    has_second = "ch2" in amplitudes.columns and bool(amplitudes["ch2"].notna().any())
    if threshold_ch2 is not None and not has_second:
        raise InputError("threshold_ch2 needs amplitudes of channel 2, and there are none.")
    panels = []
    for well in chosen:
        here = amplitudes[amplitudes["well"] == well]
        values = [here["ch1"].to_numpy(dtype=float)]
        values += [here["ch2"].to_numpy(dtype=float)] if has_second else []
        known = np.all([np.isfinite(one) for one in values], axis=0)
        limits = [_limit(threshold_ch1, well), _limit(threshold_ch2, well)]
        kept = [one[known] for one in values]
        sides = _sides_of_clusters(here, known) if limits == [None, None] else ()
        sample = (samples or {}).get(well, "")
        panels.append(
            DropletPanel(
                title=f"{well} {sample}".strip(),
                ch1=tuple(kept[0].tolist()),
                ch2=tuple(kept[1].tolist()) if has_second else (),
                threshold_ch1=limits[0],
                threshold_ch2=limits[1],
                sides=sides,
                text=_counts(kept, limits, sides, say),
            )
        )
    return DropletPicture(
        panels=tuple(panels),
        ch1_label=ch1_label or say("droplet_ch1"),
        ch2_label=ch2_label or say("droplet_ch2"),
        index_label=say("droplet_index"),
    )


def _limit(threshold: float | Mapping[str, float] | None, well: str) -> float | None:
    if isinstance(threshold, Mapping):
        return float(threshold[well]) if well in threshold else None
    return None if threshold is None else float(threshold)


def _sides_of_clusters(here: pd.DataFrame, known: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    if "cluster" not in here.columns or here["cluster"].isna().all():
        return ()
    clusters = here["cluster"][known].astype(object)
    return tuple(
        0 if cluster != cluster or cluster is None else _side(cluster)
        for cluster in clusters.where(clusters.notna(), None)
    )


def _side(cluster: object) -> int:
    return CLUSTER_SIDES.get(int(str(cluster)), 0)


def _counts(
    values: Sequence[npt.NDArray[np.float64]], limits: Sequence[float | None], sides: tuple[int, ...], say: Words
) -> str:
    """What is on which side, in words."""
    import numpy as np

    n = len(values[0])
    first, second = limits
    if first is None and second is None:
        if not sides:
            return say("droplet_n", n=n)
        by_side = np.bincount(np.asarray(sides), minlength=4)
        one, two, both, none = (int(by_side[side]) for side in (1, 2, 3, 0))
    elif first is not None and second is not None:
        above = (values[0] > first, values[1] > second)
        one, two = int((above[0] & ~above[1]).sum()), int((above[1] & ~above[0]).sum())
        both = int((above[0] & above[1]).sum())
        none = n - one - two - both
    else:
        channel, limit = (0, first) if first is not None else (1, float(second or 0.0))
        over = int((values[channel] > limit).sum())
        return say("droplet_above", n=over, limit=_number(limit), below=n - over)
    return say("droplet_quadrants", one=one, two=two, both=both, none=none)


def _number(value: float | None) -> str:
    from cohortstats.tables.numbers import STYLES, format_number

    return format_number(value, STYLES["default"])
