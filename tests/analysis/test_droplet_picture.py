"""From amplitudes to panels: both sides of a threshold are counted, and every droplet is on one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cohortstats as cs
from cohortstats.figures import DropletPicture, draw_droplets

FRAME = pd.DataFrame(
    {
        "well": ["B02", "B02", "B02", "B02", "A01", "A01"],
        "droplet": [1, 2, 3, 4, 1, 2],
        "ch1": [900.0, 5200.0, 3000.0, 6000.0, 1000.0, np.nan],
        "ch2": [800.0, 700.0, 4000.0, 4200.0, 900.0, 900.0],
        "cluster": pd.array([1, 2, 4, 3, 1, None], dtype="Int64"),
    }
)


def texts(picture: DropletPicture) -> list[str]:
    return [panel.text for panel in picture.panels]


def test_counts_of_both_sides_in_words() -> None:
    both = cs.droplet_picture(FRAME, threshold_ch1=3000.0, threshold_ch2=2500.0)
    assert [panel.title for panel in both.panels] == ["B02", "A01"]
    # 3000 is at the threshold: not above it. The droplet without an amplitude is in no panel.
    assert texts(both) == [
        "1 in channel 1 only, 1 in channel 2 only, 1 in both, 1 in neither",
        "0 in channel 1 only, 0 in channel 2 only, 0 in both, 1 in neither",
    ]
    one = cs.droplet_picture(FRAME, threshold_ch1=3000.0, wells=["B02"])
    assert texts(one) == ["2 droplets above 3000, 2 not above"]
    other = cs.droplet_picture(FRAME, threshold_ch2=2500.0, wells=["B02"])
    assert texts(other) == ["2 droplets above 2500, 2 not above"]


def test_thresholds_and_samples_by_well() -> None:
    picture = cs.droplet_picture(FRAME, threshold_ch1={"A01": 500.0}, samples={"A01": "Water"})
    assert [panel.threshold_ch1 for panel in picture.panels] == [None, 500.0]
    assert picture.panels[1].title == "A01 Water"
    assert texts(picture)[1] == "1 droplet above 500, 0 not above"


def test_clusters_where_no_threshold_is_given() -> None:
    picture = cs.droplet_picture(FRAME, wells=["B02"])
    assert picture.panels[0].sides == (0, 1, 2, 3)
    assert texts(picture) == ["1 in channel 1 only, 1 in channel 2 only, 1 in both, 1 in neither"]
    bare = cs.droplet_picture(FRAME.drop(columns="cluster"))
    assert texts(bare) == ["4 droplets", "1 droplet"]


def test_counts_add_up_to_the_droplets() -> None:
    generator = np.random.default_rng(3)
    n = 20_000
    frame = pd.DataFrame({"well": "A01", "ch1": generator.uniform(0, 9000, n), "ch2": generator.uniform(0, 9000, n)})
    (panel,) = cs.droplet_picture(frame, threshold_ch1=4000.0, threshold_ch2=7000.0).panels
    found = [int(word) for word in panel.text.split() if word.isdigit() and word not in ("1", "2")]
    one, two = frame.ch1 > 4000, frame.ch2 > 7000
    assert found == [int((one & ~two).sum()), int((two & ~one).sum()), int((one & two).sum()), int((~one & ~two).sum())]
    assert sum(found) == n


def test_one_channel_is_drawn_by_the_order_of_droplets() -> None:
    picture = cs.droplet_picture(FRAME.assign(ch2=np.nan), threshold_ch1=3000.0, lang="ja", ch1_label="FAM")
    assert not picture.two_channels
    words = [text.get_text() for text in draw_droplets(picture).texts]
    assert "ドロップレット" in words and "FAM" in words
    assert "3000超2個、それ以外2個" in words


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(cs.InputError, match="amplitudes lacks well, ch1"):
        cs.droplet_picture(pd.DataFrame({"x": [1.0]}))
    with pytest.raises(cs.InputError, match="no well C03; it has B02, A01"):
        cs.droplet_picture(FRAME, wells=["C03"])
    with pytest.raises(cs.InputError, match="threshold_ch2 needs amplitudes of channel 2"):
        cs.droplet_picture(FRAME.drop(columns="ch2"), threshold_ch2=5.0)
    with pytest.raises(cs.InputError, match="there is no droplet"):
        cs.droplet_picture(FRAME.assign(ch1=np.nan))
