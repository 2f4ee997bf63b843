# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowgraphs in child processes of one that has run flowgraphs itself, and many models in one."""

import multiprocessing

import pytest
from activity_flow import make_bundle as make_activity_bundle
from activity_flow import numbered, run_windows
from segmenter_flow import band_frame, frame_meta, make_bundle, run_frames

COUNT = 12
WAIT_S = 60


def segment(bundle) -> list[int]:
    frames = [band_frame()] * COUNT
    return run_frames(bundle, frames, [frame_meta(i) for i in range(COUNT)]).results.indexes()


def classify(bundle) -> list[int]:
    return run_windows(bundle, numbered(COUNT)).numbers


def in_child(results, bundle, activity_bundle) -> None:
    results.put((segment(bundle), classify(activity_bundle)))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_of_a_process_that_has_run_flowgraphs(tmp_path, method):
    bundles = (make_bundle(tmp_path / "a.pt"), make_activity_bundle(tmp_path / "b.pt"))
    wanted = (segment(bundles[0]), classify(bundles[1]))
    context = multiprocessing.get_context(method)
    results = context.Queue()
    child = context.Process(target=in_child, args=(results, *bundles))
    child.start()
    try:
        assert results.get(timeout=WAIT_S) == wanted == (list(range(COUNT)),) * 2
        child.join(WAIT_S)
        assert child.exitcode == 0
    finally:
        child.kill()
