# SPDX-License-Identifier: GPL-3.0-or-later
"""What spoke for a label is told in every output, and what is not known in none."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sigmf

from radiofm_cli.emission_table import emission_table
from radiofm_core import keys
from radiofm_core.bundle import BundleInfo, ClassInfo
from radiofm_core.outputs.emission_lines import emission_line
from radiofm_core.outputs.evidence_words import emission_name, evidence_words
from radiofm_core.outputs.labels import draw_labels
from radiofm_core.outputs.sigmf_annotations import write_sigmf_meta
from radiofm_core.outputs.sigmf_emissions import annotation
from radiofm_core.spectrum.detections import Detection, Evidence
from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_core.spectrum.tracking import EmissionTracker

RATE = 20e6
CLASSES = (ClassInfo("noise", "#5b6270"), ClassInfo("lte", "#23c4ff"))
INFO = BundleInfo("test", None, 1, "", CLASSES, SpectrogramSpec(), ("fp32",), {}, "", "", "")
EVIDENCE = (
    Evidence(1 / 45e3, 0.2123456789123, 0.003, "LTE's reference symbols"),
    Evidence(1 / 15e3, 0.07, 0.003, "symbols of 15 kHz"),
)


def emission(label="lte", **changes):
    """An emission's message."""
    found = Detection(label, 0.9, 1.8e9, 9e6, 0.0, 0.02, 0, 400_000, 20.0, -30.0, **changes)
    tracker = EmissionTracker()
    tracker.process([found], 0.02, RATE)
    (end,) = tracker.finish()
    return end


KNOWN = emission(subcarrier_spacing=15e3, evidence=EVIDENCE)
UNKNOWN = emission("unknown", subcarrier_spacing=15e3, evidence=EVIDENCE[1:])
PLAIN = emission()


@pytest.fixture
def recording(tmp_path):
    """Of 20 ms."""
    np.random.default_rng(1).integers(-9, 9, 800_000, np.int8).tofile(tmp_path / "x.ci8")
    return open_recording(tmp_path / "x.ci8", RATE, 1.8e9, "ci8")


def test_an_unknown_emission_is_called_by_what_is_known():
    assert emission_name(UNKNOWN) == "unknown (OFDM, 15 kHz)"
    assert (emission_name(KNOWN), emission_name(PLAIN)) == ("LTE", "LTE")
    assert evidence_words(KNOWN) == "LTE's reference symbols, symbols of 15 kHz"
    assert evidence_words(PLAIN) == ""


def test_a_line_of_json_holds_the_evidence_as_programs_read_it():
    fields = json.loads(emission_line(KNOWN))
    assert fields["subcarrier_spacing"] == 15e3
    assert fields["evidence"][0] == {
        "lag": 2.2222e-05,
        "coherence": 0.212345679,
        "floor": 0.003,
        "meaning": "LTE's reference symbols",
    }
    assert not {"subcarrier_spacing", "evidence"} & set(json.loads(emission_line(PLAIN)))


def test_the_annotation_says_it_in_words_and_in_fields(recording, tmp_path):
    told = annotation(KNOWN, 0, "radiofm")
    words = "; LTE's reference symbols, symbols of 15 kHz"
    assert told["core:comment"] == f"9.00 MHz wide, 20.0 dB SNR{words}"
    assert told["radiofm:subcarrier_spacing"] == 15e3
    assert [each["lag"] for each in told["radiofm:evidence"]] == [1 / 45e3, 1 / 15e3]
    comment = annotation(UNKNOWN, 0, "radiofm")["core:comment"]
    assert comment.startswith("unknown (OFDM, 15 kHz), 9.00 MHz wide")
    assert annotation(PLAIN, 0, "radiofm")["core:comment"] == "9.00 MHz wide, 20.0 dB SNR"
    path = tmp_path / "x.sigmf-meta"
    with path.open("wb") as file:
        write_sigmf_meta(file, recording, [KNOWN, UNKNOWN, PLAIN], "test")
    sigmf.SigMFFile(metadata=path.read_text()).validate()


def test_the_table_has_a_column_of_evidence_where_there_is_any(recording):
    header, *lines = emission_table([KNOWN, UNKNOWN, PLAIN], recording, INFO, 3)
    assert header.endswith("confidence  evidence")
    assert lines[0].endswith("0.90  LTE's reference symbols, symbols of 15 kHz")
    assert lines[1].startswith("  unknown (OFDM, 15 kHz)  1800.000 MHz")
    assert lines[2].endswith("0.90")
    assert "evidence" not in emission_table([PLAIN], recording, INFO, 1)[0]


def test_the_pictures_label_names_the_spacing():
    figure, axes = plt.subplots(figsize=(12, 7))
    axes.set_xlim(0, 20)
    axes.set_ylim(1790, 1810)
    draw_labels(axes, [UNKNOWN], 1, RATE, CLASSES, 1e3)
    drawn = [text.get_text() for text in axes.texts]
    plt.close(figure)
    assert drawn == ["unknown (OFDM, 15 kHz)   9 MHz   20 dB   15 kHz symbols"]


def test_messages_go_round_and_old_ones_stay_readable():
    found = Detection(
        *("lte", 0.9, 1.8e9, 9e6, 0.0, 0.02, 0, 400_000, 20.0, -30.0),
        subcarrier_spacing=15e3,
        evidence=EVIDENCE,
    )
    assert Detection.from_dict(found.to_dict()) == found
    old = {k: v for k, v in found.to_dict().items() if k not in ("subcarrier_spacing", "evidence")}
    assert Detection.from_dict(old).evidence == ()
    assert Detection.from_dict(old).to_dict() == old
    assert keys.EVIDENCE not in old
