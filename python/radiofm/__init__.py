# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio blocks that run vision-transformer (ViT) models in flowgraphs.

Samples -> spectrogram_framer -> spectrogram_segmenter -> emission_tracker -> messages; CSI packets
-> csi_framer -> activity_classifier -> messages. PyTorch is imported when a block with a model is
made, not here.
"""

import pmt  # noqa: F401  (the bindings below take and return its types)
from gnuradio import gr  # noqa: F401  (the bindings' block types derive from its own)

from .radiofm_python import make_vector, vector_view  # isort: skip
from .blocks.activity_classifier import activity_classifier
from .blocks.csi_framer import csi_framer
from .blocks.csi_recording_source import csi_recording_source
from .blocks.emission_printer import emission_printer
from .blocks.emission_tracker import emission_tracker
from .blocks.esp32_serial_source import esp32_serial_source
from .blocks.event_output import event_output
from .blocks.live_view import live_view
from .blocks.nexmon_udp_source import nexmon_udp_source
from .blocks.recording_source import recording_source
from .blocks.result_sink import result_sink
from .blocks.sigmf_sink import sigmf_sink
from .blocks.spectrogram_framer import frame_floats, spectrogram_framer
from .blocks.spectrogram_segmenter import spectrogram_segmenter
from .blocks.spectrum_monitor import spectrum_monitor
from .console_errors import show_in_one_line

__all__ = [
    "activity_classifier",
    "csi_framer",
    "csi_recording_source",
    "emission_printer",
    "emission_tracker",
    "esp32_serial_source",
    "event_output",
    "frame_floats",
    "live_view",
    "make_vector",
    "nexmon_udp_source",
    "recording_source",
    "result_sink",
    "sigmf_sink",
    "spectrogram_framer",
    "spectrogram_segmenter",
    "spectrum_monitor",
    "vector_view",
]

show_in_one_line()
