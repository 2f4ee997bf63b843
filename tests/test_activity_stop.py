# SPDX-License-Identifier: GPL-3.0-or-later
"""A classifier stops within a second, and its process ends well, in the middle of a long call."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from activity_flow import make_bundle

TESTS = Path(__file__).parent

STOP_IN_MID_CALL = """
import sys, time
sys.path[:0] = [{tests!r}, {root!r}]
from gnuradio import radiofm
from activity_flow import *
options = dict(threads=1, precision="fp32", max_batch=1)  # as the work was measured
classifier = radiofm.activity_classifier({bundle!r}, overload={overload!r}, **options)
window = window_pdu(room_windows()[0], ORDER_LONG)
flow = ClassifierFlow([window] * 500, classifier, rate={rate})
flow.start()
time.sleep(0.5)
begin = time.monotonic()
flow.stop(); flow.wait()
stop_s = time.monotonic() - begin
status = flow.last_status
print("stopped", stop_s, len(flow.answers), status["frames"], status["dropped"], flush=True)
sys.exit(3)
"""


@pytest.mark.parametrize("overload", ["wait", "drop"])
@pytest.mark.parametrize(
    ("seconds", "rate"),
    [
        # a call of 30 s outlives the process; all windows have come, and the stream has ended
        (30.0, 0.0),
        # they still come
        (30.0, 900.0),
        # a call of 1.5 s returns while the interpreter shuts down
        (1.5, 0.0),
    ],
)
def test_stop_in_mid_inference(tmp_path, overload, seconds, rate):
    bundle = make_bundle(tmp_path / "long.pt", work_s=seconds)
    code = STOP_IN_MID_CALL.format(
        tests=str(TESTS), root=str(TESTS.parent), bundle=bundle, overload=overload, rate=rate
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    line = process.stdout.readline()
    begin = time.monotonic()
    rest = process.stdout.read()
    assert process.wait(15) == 3, line + rest
    word, stop_s, answers, frames, dropped = line.split()
    assert word == "stopped", line + rest
    assert float(stop_s) < 1.0
    assert int(answers) == int(frames) == 0
    assert int(dropped) > 100
    assert rest == ""
    assert time.monotonic() - begin < 15.0
