# SPDX-License-Identifier: GPL-3.0-or-later
"""The description in a model bundle, its spec's fingerprint made to fit where it can be."""

import json

from fuzz import json_tree
from fuzz.targets import bundle
from radiofm_core.csi.spec import CsiSpec
from radiofm_core.spec_fields import fingerprint_of
from radiofm_core.spectrum.spec import SpectrogramSpec

mutate = json_tree.mutate


def seeds() -> dict[str, bytes]:
    """One of each task."""
    return {
        "segmenter": bundle.described("spectrogram-segmentation", SpectrogramSpec()),
        "activity": bundle.described("csi-activity", CsiSpec()),
    }


def run(data: bytes) -> None:
    """Pack and show it."""
    try:
        fields = json.loads(data)
        fields["spec_fingerprint"] = fingerprint_of(fields["spec"])
        data = json.dumps(fields).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    bundle.run(bundle.pack(data))
