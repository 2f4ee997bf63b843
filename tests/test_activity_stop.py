# SPDX-License-Identifier: GPL-3.0-or-later
"""A classifier stops within a second, and its process ends well, in the middle of a long call."""

import pytest
from activity_flow import make_bundle
from mid_call import LONG_CALL_S, stopped_in_mid_call

STOP_IN_MID_CALL = """
from gnuradio import radiofm
from activity_flow import *
options = dict(threads=1, precision="fp32", max_batch=1)  # as the work was measured
classifier = radiofm.activity_classifier({bundle!r}, overload={overload!r}, **options)
window = window_pdu(room_windows()[0], ORDER_LONG)
flow = ClassifierFlow([window] * 500, classifier, rate={rate})
flow.start()
while classifier.backlog() + classifier.status()["dropped"] < {come}:
    time.sleep(0.01)
time.sleep(0.1)
begin = time.monotonic()
flow.stop(); flow.wait()
stop_s = time.monotonic() - begin
status = flow.last_status
print("stopped", stop_s, len(flow.answers), status["frames"], status["dropped"], flush=True)
sys.exit(3)
"""


@pytest.mark.parametrize("overload", ["wait", "drop"])
@pytest.mark.parametrize(
    ("seconds", "rate", "come"),
    [
        # a long call outlives the process; all windows have come, and the stream has ended
        (LONG_CALL_S, 0.0, 500),
        # they still come
        (LONG_CALL_S, 900.0, 150),
        # a call of 1.5 s returns while the interpreter shuts down
        (1.5, 0.0, 500),
    ],
)
def test_stop_in_mid_inference(tmp_path, overload, seconds, rate, come):
    bundle = make_bundle(tmp_path / "long.pt", work_s=seconds)
    found = stopped_in_mid_call(
        STOP_IN_MID_CALL.format(bundle=bundle, overload=overload, rate=rate, come=come)
    )
    answers, frames, dropped = map(int, found)
    assert answers == frames == 0
    assert dropped > 100
