# SPDX-License-Identifier: GPL-3.0-or-later
"""The spectrogram framer: complex samples in, spectrogram frames out."""

from __future__ import annotations

from radiofm_core.bundle import read_bundle_info
from radiofm_core.errors import UsageError
from radiofm_core.fields import number_parameter
from radiofm_core.spectrum.spec import DEFAULT_FRAME_DURATION_S, SpectrogramSpec
from radiofm_core.tasks import SEGMENTATION

from .. import radiofm_python
from .native_options import filled


def spectrogram_framer(
    sample_rate: float,
    center_frequency: float = 0.0,
    frame_duration: float = DEFAULT_FRAME_DURATION_S,
    model: str = "",
    *,
    spec: SpectrogramSpec | None = None,
    **more,
):
    """The native block that cuts a complex stream into spectrogram frames.

    Output vectors hold ``spec.frame_floats`` floats: power (channel, row, column) in dB, then
    evidence (lag, real and imaginary part, cell row, cell column), if the spec has lags. Each has a
    ``frame`` tag; the message port ``frames`` carries the same as PDUs. The message port
    ``command`` takes what a receiver is told: a new ``freq`` (Hz) counts until the next tag.

    Args:
        sample_rate: S/s, until an ``rx_rate`` tag says otherwise. One outside the model's range
            says nothing yet: if the first samples have no such tag, the block logs one line and
            ends the flowgraph.
        center_frequency: Hz, until an ``rx_freq`` tag says otherwise.
        frame_duration: wanted length of a frame in seconds, held within the spec's limits.
        model: the bundle whose spec is taken, as in the segmenter: a name or a path; empty for the
            default one.
        spec: the spec itself, instead of a model's.
        more: further fields of ``radiofm_python.spectrogram_framer_options``, by name.

    Raises:
        UsageError: a sample rate below 1 S/s, a duration that is not above 0, a frequency that is
            no number, an option that there is not.
        BundleError: a bundle that cannot be read, or is of another task.
    """
    if spec is None:
        spec = _spec_of(model)
    elif model:
        raise UsageError(f"both model {model!r} and a spec are set; give one of them")
    values = {
        "sample_rate": number_parameter("sample_rate", sample_rate, "S/s", least=1.0),
        "center_frequency": number_parameter("center_frequency", center_frequency, "Hz"),
        "frame_duration": number_parameter("frame_duration", frame_duration, "s", above=0.0),
        "spec": native_spec(spec),
    }
    options = filled(radiofm_python.spectrogram_framer_options, values, more)
    return radiofm_python.spectrogram_framer(options)


def frame_floats(model: str = "") -> int:
    """Floats of the frame vectors that ``model`` takes (a name or a path; empty: the default one).

    GNU Radio Companion asks for it to draw the ports between framer and segmenter.

    Raises:
        BundleError: a bundle that cannot be read, or is of another task.
    """
    return _spec_of(model).frame_floats


def _spec_of(model: str) -> SpectrogramSpec:
    return read_bundle_info(model or "default", SEGMENTATION.name).spec


def native_spec(spec: SpectrogramSpec) -> radiofm_python.spectrogram_spec:
    """The C++ twin of ``spec``."""
    kind = radiofm_python.spectrogram_spec
    same = {name: getattr(spec, name) for name in kind.fields if name != "peak"}
    return filled(kind, {**same, "peak": "peak" in spec.channels})
