#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A flowgraph without a window: prints the emissions of a recording, one JSON object a line.

Run it with the Python environment's own Python, from any folder:

    .venv/bin/python examples/segment_headless.py examples/demo/demo.sigmf-meta

Each block does one thing, so any of them can be replaced. For a live receiver: a Soapy or UHD
source block instead of the recording, and ``overload="drop"``.
"""

import argparse
import json
import sys

from gnuradio import gr, radiofm

from radiofm_core import keys
from radiofm_core.errors import RadiofmError
from radiofm_core.spectrum.recordings import open_recording


class SegmentHeadless(gr.top_block):
    """recording -> frames -> masks and detections -> emissions -> Python function."""

    def __init__(self, path: str, model: str, on_message):
        gr.top_block.__init__(self, "segment_headless", catch_exceptions=True)
        recording = open_recording(path)
        self.source = radiofm.recording_source(recording)
        self.framer = radiofm.spectrogram_framer(recording.sample_rate, model=model)
        self.segmenter = radiofm.spectrogram_segmenter(model, overload="wait")
        self.tracker = radiofm.emission_tracker()
        self.sink = radiofm.result_sink(on_message, ports=[keys.PORT_EMISSIONS, keys.PORT_STATUS])

        self.connect(self.source, self.framer, self.segmenter)
        self.msg_connect(self.segmenter, keys.PORT_DETECTIONS, self.tracker, keys.PORT_DETECTIONS)
        self.msg_connect(self.tracker, keys.PORT_EMISSIONS, self.sink, keys.PORT_EMISSIONS)
        self.msg_connect(self.segmenter, keys.PORT_STATUS, self.sink, keys.PORT_STATUS)


def print_message(port: str, fields: dict, data) -> None:
    """Emissions when they have ended to standard output, the status to standard error."""
    if port == keys.PORT_STATUS:
        print(f"{fields[keys.FRAMES]} frames, {fields[keys.MSPS]:.1f} MS/s", file=sys.stderr)
    elif fields[keys.EVENT] == keys.EVENT_END:
        print(json.dumps(fields), flush=True)


def main() -> int:
    """Run the flowgraph to the recording's end; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording", help="a SigMF recording")
    parser.add_argument("--model", default="default", help="a bundled model's name or a file")
    options = parser.parse_args()
    try:
        top_block = SegmentHeadless(options.recording, options.model, print_message)
    except RadiofmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    try:
        top_block.run()
    except KeyboardInterrupt:
        top_block.stop()
        top_block.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
