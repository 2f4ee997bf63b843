# SPDX-License-Identifier: GPL-3.0-or-later
"""A sensor without a receiver, in a process of its own: ``python tests/sensor_process.py``.

It makes frames at its own pace and sends them as ``radiofm sensor`` does, until it is told to end
by a line on its standard input. It prints a line of JSON each half second, and a last one with
``has_ended``. ``--flood`` sends hundreds of frames a second, and more than it may.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from sensor_frames import CENTER, RATE, endless_frames

from radiofm_core import keys
from radiofm_core.errors import RadiofmError
from radiofm_core.spectrum.spec import SpectrogramSpec
from radiofm_net import protocol
from radiofm_net.curve_keys import read_sensor_keys
from radiofm_net.frame_code import FrameEncoder
from radiofm_net.sensor_link import SensorLink

REPORT_S = 0.5
# A sensor that floods makes a few hundred frames a second, and no more while so many are left
FLOOD_PAUSE_S = 0.002
MOST_LEFT = 500
GRACE_S = 100.0


def main() -> int:
    """Run the sensor; exit 2 where the server refuses it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=10.0, help="frames a second")
    parser.add_argument("--buffer", type=int, default=300, help="frames")
    parser.add_argument("--flood", action="store_true")
    options = parser.parse_args()
    link = SensorLink(
        options.server,
        read_sensor_keys(options.keys),
        lambda: {
            protocol.SENDS: protocol.FRAME,
            protocol.SOURCE: "made up",
            keys.SAMPLE_RATE: RATE,
            keys.CENTER_FREQUENCY: CENTER,
        },
        options.buffer,
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    try:
        welcome = link.wait_welcome(GRACE_S)
    except RadiofmError as error:
        print(error, file=sys.stderr)
        return 2
    ending = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), ending.set()), daemon=True).start()
    if options.flood:
        link.buffer.link = _without_window(link.buffer)
        link.buffer._window = 1000
    _send(link, SpectrogramSpec.from_dict(welcome[protocol.SPEC]), options, ending)
    link.close(GRACE_S)
    _report(link, has_ended=True)
    return 0


def _without_window(buffer):
    link = buffer.link
    return lambda server, window, *rest: link(server, 1000, *rest)


def _send(link: SensorLink, spec: SpectrogramSpec, options, ending: threading.Event) -> None:
    encoder = FrameEncoder(spec, 2e6)
    coded = [encoder.encode(*frame) for frame in islice(endless_frames(spec), 8)]
    begin = time.monotonic()
    reported = 0.0
    for index, (fields, vector) in enumerate(endless_frames(spec)):
        if options.flood:
            told, parts = fields | coded[index % 8][0] | _own(fields), coded[index % 8][1]
            time.sleep(FLOOD_PAUSE_S)
            while link.buffer.left > MOST_LEFT and not ending.is_set():
                time.sleep(FLOOD_PAUSE_S)
        else:
            told, parts = encoder.encode(fields, vector)
            ending.wait(max(0.0, begin + index / options.rate - time.monotonic()))
        if ending.is_set() or link.failure is not None:
            return
        link.put(protocol.FRAME, told | {protocol.CAPTURED: time.time()}, parts)
        if time.monotonic() - reported > REPORT_S:
            reported = time.monotonic()
            _report(link)


def _own(fields: dict) -> dict:
    return {key: fields[key] for key in (keys.FRAME_INDEX, keys.SAMPLE_OFFSET, keys.RX_TIME)}


def _report(link: SensorLink, has_ended: bool = False) -> None:
    done = link.buffer.of_this_server()
    told = link.status() | {"has_ended": has_ended, "of_this_server": done, "time": time.time()}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    sys.exit(main())
