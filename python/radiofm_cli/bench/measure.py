# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``radiofm bench`` measures, a module for each section; :func:`measure` runs them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from gnuradio import gr
from gnuradio.radiofm.blocks.spectrogram_segmenter import spectrogram_segmenter

from radiofm_core.bundle import read_bundle_info
from radiofm_core.inference import load_bundle
from radiofm_core.tasks import SEGMENTATION

from .effort import FULL, QUICK, Effort
from .end_to_end import measure_end_to_end
from .framer import measure_framer
from .live import measure_live
from .live_view import measure_live_view
from .results import Section
from .scaling import measure_scaling
from .segmenter import measure_segmenter

__all__ = ["FULL", "QUICK", "SECTIONS", "Effort", "gnuradio_version", "measure"]

# Each takes the model's description, the effort and a folder for recordings
SECTIONS: dict[str, Callable[..., Section]] = {
    "framer": lambda info, effort, folder: measure_framer(info.spec, effort),
    "segmenter": lambda info, effort, folder: measure_segmenter(load_bundle(info.path), effort),
    "end_to_end": lambda info, effort, folder: measure_end_to_end(
        spectrogram_segmenter(str(info.path)), effort, folder
    ),
    "live": measure_live,
    "scaling": measure_scaling,
    "view": measure_live_view,
}


def gnuradio_version() -> str:
    """Of the GNU Radio that all sections run in."""
    return gr.version()


def measure(
    sections: Sequence[str],
    model: str = "default",
    effort: Effort = FULL,
    on_section: Callable[[str], None] = lambda name: None,
) -> dict[str, Section]:
    """Measure ``sections``, keys of SECTIONS, one after the other.

    Args:
        sections: which.
        model: name of a bundled model, or a bundle's path.
        effort: how long each takes.
        on_section: called with the name of each before it starts.

    Raises:
        BundleError: a model that cannot be loaded.
        RadiofmError: a measurement that failed.
    """
    info = read_bundle_info(model, SEGMENTATION.name)
    found = {}
    for name in sections:
        on_section(name)
        with tempfile.TemporaryDirectory(prefix="radiofm-bench-") as folder:
            found[name] = SECTIONS[name](info, effort, Path(folder))
    return found
