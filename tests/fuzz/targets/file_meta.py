# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of GNU Radio's File Meta Sink, headers between the samples."""

from functools import partial

import recording_files as files

from fuzz import recordings
from fuzz.harness import scratch

run = partial(recordings.read, name="x.dat")


def seeds() -> dict[str, bytes]:
    """One segment, and several with a retune."""
    path = scratch() / "seed.dat"
    retunes = ((0, 1e9, (7, 0.5), None), (25, 2e9, (9, 0.25), None))
    return {
        "one": files.write_file_meta(path, recordings.SAMPLES).read_bytes(),
        "several": files.write_file_meta(
            path, recordings.SAMPLES, "ci16_le", segment=20, retunes=retunes
        ).read_bytes(),
    }
