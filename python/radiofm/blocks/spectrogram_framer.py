# SPDX-License-Identifier: GPL-3.0-or-later
"""The spectrogram framer: complex samples in, spectrogram frames out."""

from __future__ import annotations

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S, SpectrogramSpec
from radiofm_core.tasks import SEGMENTATION

from .. import radiofm_python


def spectrogram_framer(
    sample_rate: float,
    center_frequency: float = 0.0,
    frame_duration: float = DEFAULT_FRAME_DURATION_S,
    model: str = "",
    *,
    spec: SpectrogramSpec | None = None,
):
    """The native block that cuts a complex stream into spectrogram frames.

    Output vectors hold ``spec.frame_floats`` floats (channel, row, column) in dB, each with a
    ``frame`` tag; the message port ``frames`` carries the same as PDUs.

    Args:
        sample_rate: S/s, until an ``rx_rate`` tag says otherwise.
        center_frequency: Hz, until an ``rx_freq`` tag says otherwise.
        frame_duration: wanted length of a frame in seconds, held within the spec's limits.
        model: a bundle whose spec is taken (a name or a path); empty for the default spec.
        spec: the spec itself, instead of ``model``.

    Raises:
        UsageError: a sample rate outside the model's range, a duration that is not above 0.
        BundleError: a bundle that cannot be read, or is of another task.
    """
    if model and spec is not None:
        raise UsageError(f"both model {model!r} and a spec were given; give one of them")
    if model:
        spec = read_bundle_info(model, SEGMENTATION.name).spec
    elif spec is None:
        spec = SpectrogramSpec()
    spec.hops_per_row(sample_rate, frame_duration)  # raises one line that names the value
    return radiofm_python.spectrogram_framer(
        float(sample_rate), float(center_frequency), float(frame_duration), native_spec(spec)
    )


def native_spec(spec: SpectrogramSpec) -> radiofm_python.spectrogram_spec:
    """The C++ twin of ``spec``."""
    native = radiofm_python.spectrogram_spec()
    native.fft_size = spec.fft_size
    native.hop = spec.hop
    native.rows = spec.rows
    native.peak = "peak" in spec.channels
    native.floor_db = spec.floor_db
    native.sample_rate_min = spec.sample_rate_min
    native.sample_rate_max = spec.sample_rate_max
    native.row_duration_min = spec.row_duration_min
    native.row_duration_max = spec.row_duration_max
    native.fingerprint = spec.fingerprint
    return native
