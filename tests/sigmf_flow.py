# SPDX-License-Identifier: GPL-3.0-or-later
"""Real flowgraphs into the SigMF sink, and what they wrote, read back."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sigmf
from activity_flow import MessageSource
from framer_flow import Halting, tag, time_value
from gnuradio import blocks, gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt

from radiofm_core import keys

RATE = 1e6
START_S = 1_700_000_000
START = [tag(0, "rx_time", time_value(START_S, 0.25)), tag(0, "rx_freq", 1e9)]


@dataclass
class Pair:
    """A pair as ``sigmf`` reads it: ``stored`` as in the file, (samples, 2)."""

    path: Path
    meta: dict
    stored: np.ndarray

    @property
    def samples(self) -> np.ndarray:
        """complex64, of a cf32_le file."""
        return self.stored.astype("<f4").view("<c8")[:, 0]

    @property
    def annotations(self) -> list[dict]:
        return self.meta["annotations"]

    @property
    def captures(self) -> list[dict]:
        return self.meta["captures"]


DTYPES = {"cf32_le": "<f4", "ci16_le": "<i2", "ci8": "i1"}


def pairs_in(folder: Path) -> list[Pair]:
    """All pairs of a folder in the order of their names; each passes SigMF's validator."""
    found = []
    for path in sorted(folder.glob("*.sigmf-meta")):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # as for an extension that is not declared
            sigmf.fromfile(path).validate()
        meta = json.loads(path.read_text())
        dtype = DTYPES[meta["global"]["core:datatype"]]
        stored = np.fromfile(path.with_suffix(".sigmf-data"), dtype).reshape(-1, 2)
        found.append(Pair(path, meta, stored))
    data = {path.stem for path in folder.glob("*.sigmf-data")}
    assert data == {pair.path.stem for pair in found}
    return found


def ramp(count: int, first: int = 0) -> np.ndarray:
    """Samples each of which tells its number, complex64."""
    numbers = np.arange(first, first + count)
    return ((numbers % 1000) / 1000 + 1j * ((numbers // 1000) / 1e6)).astype(np.complex64)


def run_samples(sink, samples, tags=()) -> list[dict]:
    """Run samples with tags into a sink to the end; returns the messages on ``status``."""
    top = gr.top_block()
    got = []
    results = radiofm.result_sink(lambda port, fields, data: got.append(fields), ["status"])
    source = blocks.vector_source_c(samples, False, 1, list(tags))
    top.connect(source, sink)
    top.msg_connect(sink, keys.PORT_STATUS, results, keys.PORT_STATUS)
    top.run()
    # so that the sink can join another flowgraph
    top.msg_disconnect(sink, keys.PORT_STATUS, results, keys.PORT_STATUS)
    top.disconnect_all()
    return got


def emission(start: int, stop: int, number: int = 0, event: str = "end", **more) -> dict:
    """An event of the tracker about samples [start, stop)."""
    return {
        keys.EVENT: event,
        keys.BURST_ID: number,
        keys.LABEL: "lte",
        keys.CONFIDENCE: 0.9,
        keys.CENTER_FREQUENCY: 1e9,
        keys.BANDWIDTH: 2e5,
        keys.START_TIME: start / RATE,
        keys.DURATION: (stop - start) / RATE,
        keys.START_OFFSET: start,
        keys.END_OFFSET: stop,
        keys.SNR_DB: 20.0,
        keys.PWR_DB: -30.0,
        keys.ACTIVE_TIME: (stop - start) / RATE,
        keys.BURSTS: 1,
        **more,
    }


def logged(capfd) -> list[str]:
    """The lines that GNU Radio's log got: it has both streams."""
    return "".join(capfd.readouterr()).splitlines()


def run_with_emissions(sink, samples, events, tags=START) -> None:
    """Run samples and events of a tracker into a sink; the samples end after the events."""
    sent = MessageSource([to_pmt(e) for e in events], port=keys.PORT_EMISSIONS)
    taken = blocks.message_debug()
    top = gr.top_block()
    halt = len(samples) - 1
    source = Halting(samples, tags, {halt}, lambda: taken.num_messages() == len(events), 60.0)
    top.connect(source, sink)
    for receiver, port in ((sink, keys.PORT_EMISSIONS), (taken, "store")):
        top.msg_connect(sent, keys.PORT_EMISSIONS, receiver, port)
    top.run()
