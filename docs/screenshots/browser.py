# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view in a browser, of the demo recording played again and again."""

from __future__ import annotations

import time
from pathlib import Path

from gnuradio.radiofm.blocks.recording_source import recording_source
from gnuradio.radiofm.flowgraphs import WatchFlowgraph, make_segmenter
from gnuradio.radiofm.live_sources import LiveSource

from radiofm_core.spectrum.recordings import open_recording
from radiofm_core.view.spectrum_state import PORTS
from radiofm_web.server import ViewServer
from tests.browser import Browser

DEMO = Path(__file__).parents[2] / "examples/demo/demo.sigmf-meta"
SIZE = (1280, 800)
# Longer than the usual frames, which a small machine may not keep up with at this rate
FRAME_DURATION_S = 0.04
# A second of waterfall is on the page, and the tracker has settled
LONG_ENOUGH_S = 4.0


def take(path: Path, size: tuple[int, int] = SIZE, selected: bool = True) -> None:
    """Write a screenshot as PNG; needs Chromium and takes about 20 seconds.

    Args:
        path: of the picture.
        size: of the page in pixels.
        selected: whether the first emission of the list is selected.
    """
    recording = open_recording(DEMO)
    center = recording.captures[0].center_frequency
    block = recording_source(recording, real_time=True, repeat=True)
    source = LiveSource(block, recording.sample_rate, center)
    segmenter = make_segmenter(overload="drop")
    with ViewServer("0", source=f"file={DEMO.name}") as server:
        flowgraph = WatchFlowgraph(
            source, segmenter, server.take, frame_duration=FRAME_DURATION_S, ports=PORTS
        )
        flowgraph.launch()
        try:
            with Browser(size) as browser:
                page = browser.open(server.url, size)
                page.until("radiofmView.emissions.size >= 3 && radiofmView.drawn > 10")
                # short enough to see single packets
                page.run(
                    "document.getElementById('span').value = 1;"
                    "document.getElementById('span').dispatchEvent(new Event('change'))"
                )
                time.sleep(LONG_ENOUGH_S)
                if selected:
                    page.run("document.querySelector('tbody tr').click()")
                time.sleep(0.5)
                page.screenshot(path)
        finally:
            flowgraph.halt(5.0)
            flowgraph.close()
