"""What the benchmark of bad networks does with a part that fails or does not end."""

import sys

from benchmarks.network_legs import LEGS
from benchmarks.networks import BARS, LEAST, missed, outcome


def ran(program, patience=60.0):
    return outcome([sys.executable, "-c", program], ["audio_gap_s", "seconds"], patience)


def test_the_figures_of_a_part_are_its_last_line():
    figures = ran("print('on the way'); print('{\"audio_gap_s\": 0.5, \"seconds\": null}')")

    assert figures == {"audio_gap_s": 0.5, "seconds": None}


def test_a_part_that_fails_has_null_for_each_of_its_figures():
    figures = ran("raise SystemExit(3)")

    assert figures == {"audio_gap_s": None, "seconds": None}


def test_a_part_that_does_not_end_is_ended_with_what_it_started():
    figures = ran(
        "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)", patience=0.1
    )

    assert figures == {"audio_gap_s": None, "seconds": None}


def test_every_bar_is_held_against_a_figure_of_some_part_and_null_misses_it():
    figures = {key: None for leg in LEGS.values() for key in leg.keys}

    assert set(missed(figures)) == {*BARS, *LEAST}


def test_a_figure_at_its_bar_is_not_missed():
    assert missed({**BARS, **LEAST, "train_up_freeze_s": 9.0}) == []
