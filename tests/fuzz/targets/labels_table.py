# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of labels beside recordings of CSI."""

import csi_samples

from fuzz import fields
from fuzz.harness import may_refuse, scratch
from radiofm_core.errors import InputError
from training.activity.data.files import LABELS_SUFFIX, read_clips

mutate = fields.mutate
_RECORDING = csi_samples.samples()["intel"]


def seeds() -> dict[str, bytes]:
    """As the README has it, and with line ends and a mark of other systems."""
    return {
        "plain": b"start_s,end_s,label\n0,1.5,WALK\n1.5,3,STAND\n",
        "quoted": b'\xef\xbb\xbfstart_s,end_s,label\r\n0,1,"A, ""B"""\r\n',
    }


def run(data: bytes) -> None:
    """Read the clips of a folder with one recording."""
    folder = scratch() / "labelled"
    folder.mkdir(exist_ok=True)
    (folder / "x.dat").write_bytes(_RECORDING)
    (folder / f"x.dat{LABELS_SUFFIX}").write_bytes(data)
    with may_refuse(InputError):
        for clip in read_clips(folder, labelled=True):
            times = [t for span in clip.spans for t in (span.start_ns, span.end_ns)]
            assert times and times == sorted(times) and all(span.label for span in clip.spans)
