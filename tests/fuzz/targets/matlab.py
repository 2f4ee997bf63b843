# SPDX-License-Identifier: GPL-3.0-or-later
"""``.mat`` files with a spectrogram and its mask."""

import io

import numpy as np
import scipy.io

from fuzz.harness import may_refuse, scratch
from radiofm_core.errors import InputError, UsageError
from radiofm_core.spectrum.spec import SpectrogramSpec
from training.segmentation.classes import DEFAULT
from training.segmentation.data import matlab
from training.segmentation.data.sources import MatlabConfig

MOST_BYTES = 8192
_SPEC = SpectrogramSpec(fft_size=8, hop=8, rows=16)


def seeds() -> dict[str, bytes]:
    """Versions 4 and 5, and compressed."""
    arrays = {
        "rxSpectrogram": np.linspace(-90, -50, 128).reshape(16, 8),
        "data": np.repeat(np.array([0, 127, 255, 0], np.uint8), 32).reshape(16, 8),
    }
    more = {"params": {"SNRdB": 40, "name": "x"}, "cell": np.array(["a", 1], object)}
    return {
        "v4": _saved(arrays, format="4"),
        "v5": _saved(arrays | more),
        "compressed": _saved(arrays | more, do_compression=True),
    }


def _saved(arrays: dict, **options) -> bytes:
    out = io.BytesIO()
    scipy.io.savemat(out, arrays, **options)
    return out.getvalue()


def run(data: bytes) -> None:
    """Find and read the frames of a folder with this file."""
    folder = scratch() / "matlab"
    folder.mkdir(exist_ok=True)
    (folder / "x.mat").write_bytes(data)
    config = MatlabConfig(str(folder), rows=16, duration=16 * 40e-6)
    with may_refuse(InputError, UsageError):
        for item in matlab.find(config):
            for frame in matlab.read(item, config, _SPEC, DEFAULT):
                assert frame.level.shape == frame.truth.shape == (16, 8)
                assert np.isfinite(frame.level).all()
