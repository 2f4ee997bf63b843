# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view in a browser, of the demo recording's signals."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gnuradio.radiofm.flowgraphs import WatchFlowgraph, make_segmenter

from radiofm_core.view.spectrum_state import PORTS
from radiofm_web.server import ViewServer

sys.path.insert(0, str(Path(__file__).parents[2]))

from docs.screenshots.scene import make_source
from tests.browser import Browser

SIZE = (1280, 800)
# Longer than the usual frames, which a small machine may not keep up with at this rate
FRAME_DURATION_S = 0.04
SPAN_S = 2
# What is on the page has been seen by the model then
LONG_ENOUGH_S = 7.0


def take(path: Path, size: tuple[int, int] = SIZE, selected: bool = True) -> None:
    """Write a screenshot as PNG; needs Chromium and 2 GB of memory, and takes about 30 seconds.

    Args:
        path: of the picture.
        size: of the page in pixels.
        selected: whether the first emission of the list is selected.
    """
    source = make_source()
    segmenter = make_segmenter(overload="drop")
    with ViewServer("0", source="LTE, NR, Wi-Fi") as server, Browser(size) as browser:
        flowgraph = WatchFlowgraph(
            source, segmenter, server.take, frame_duration=FRAME_DURATION_S, ports=PORTS
        )
        page = browser.open(server.url, size)
        page.until("document.getElementById('connection').dataset.state === 'live'")
        page.run(
            f"document.getElementById('span').value = {SPAN_S};"
            "document.getElementById('span').dispatchEvent(new Event('change'))"
        )
        flowgraph.launch()
        try:
            page.until("radiofmView.emissions.size >= 3", 60)
            time.sleep(LONG_ENOUGH_S)
            if selected:
                page.run("document.querySelector('tbody tr').click()")
            time.sleep(0.3)
            page.screenshot(path)
        finally:
            flowgraph.halt(5.0)
            flowgraph.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
