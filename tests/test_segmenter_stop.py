# SPDX-License-Identifier: GPL-3.0-or-later
"""A segmenter stops within a second, and its process ends well, in the middle of a long call."""

import pytest
from mid_call import LONG_CALL_S, stopped_in_mid_call
from segmenter_flow import make_bundle

STOP_IN_MID_CALL = """
from gnuradio import radiofm
from segmenter_flow import *
options = dict(threads=1, precision="fp32")  # as the work was measured
segmenter = radiofm.spectrogram_segmenter({bundle!r}, overload={overload!r}, **options)
source = FrameSource([order_frame(ORDER_LONG)], [frame_meta(0)], repeat=True)
flow = SegmenterFlow(source, segmenter)
flow.start()
while not segmenter.status()["queue_depth"]:
    time.sleep(0.01)
time.sleep(0.3)
begin = time.monotonic()
flow.stop(); flow.wait()
print("stopped", time.monotonic() - begin, len(flow.results.indexes()), flush=True)
sys.exit(3)
"""


@pytest.mark.parametrize("overload", ["wait", "drop"])
@pytest.mark.parametrize("seconds", [LONG_CALL_S, 1.5])
def test_stop_in_mid_inference(tmp_path, overload, seconds):
    # a long call outlives the process, one of 1.5 s returns while the interpreter shuts down
    bundle = make_bundle(tmp_path / "long.pt", work_s=seconds)
    code = STOP_IN_MID_CALL.format(bundle=bundle, overload=overload)
    assert stopped_in_mid_call(code) == ["0"]  # nothing was published
