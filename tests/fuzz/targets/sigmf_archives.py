# SPDX-License-Identifier: GPL-3.0-or-later
"""SigMF archives; collections are read the same way."""

import io
import json
import tarfile

import recording_files as files

from fuzz import recordings
from fuzz.harness import may_refuse, written
from radiofm_core.errors import InputError
from radiofm_core.spectrum.recordings import open_recording, recordings_in

MOST_BYTES = 16384


def seeds() -> dict[str, bytes]:
    """One recording, and two."""
    return {"one": _archive(["x"]), "two": _archive(["x", "sub/y"])}


def _archive(names) -> bytes:
    top = {"core:datatype": "ci16_le", "core:sample_rate": 1e6, "core:version": "1.2.5"}
    meta = json.dumps({"global": top, "captures": [], "annotations": []}).encode()
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in names:
            data = files.stored(recordings.SAMPLES, "ci16_le")
            for suffix, content in ((".sigmf-meta", meta), (".sigmf-data", data)):
                info = tarfile.TarInfo(name + suffix)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def run(data: bytes) -> None:
    """Open all that it holds."""
    path = written("x.sigmf", data)
    with may_refuse(InputError):
        for name in recordings_in(path):
            with may_refuse(InputError):
                recordings.check(open_recording(name))
