# SPDX-License-Identifier: GPL-3.0-or-later
"""Section ``framer``: the spectrogram framer against GNU Radio's own chain and a null sink.

All flowgraphs have the same source, a null source: it clears memory and does nothing else, no
source in GNU Radio is cheaper, and neither chain takes another path for zeros. CPU time is that of
the blocks' threads, the scheduler's share included.

The framer takes an FFT every half length and averages rows; GNU Radio's chain takes one every
length and averages nothing: the framer does more for each sample.

What evidence costs beside the power is measured as well, whether or not the model asks for any.
"""

from __future__ import annotations

from dataclasses import replace

from gnuradio import blocks, fft, gr
from gnuradio.radiofm.blocks.spectrogram_framer import spectrogram_framer

from radiofm_core.spectrum.lags import CONTROLS_S, MEANINGS
from radiofm_core.spectrum.spec import SpectrogramSpec

from .block_cpu import Load, measure
from .effort import Effort
from .results import Section, alternate, ratios

SAMPLE_RATE = 61.44e6
# Lags (s) of a model whose spec has none: all that mean something, and the controls
USUAL_LAGS = (*(meaning.lag_s for meaning in MEANINGS), *CONTROLS_S)


def measure_framer(spec: SpectrogramSpec, effort: Effort) -> Section:
    """The section's figures.

    ``cpu_s_per_gs``: CPU seconds for 10^9 samples of null source -> framer, all threads.
    ``framer_cpu_s_per_gs``: of the framer's thread alone.
    ``gnuradio_chain_cpu_s_per_gs``: of the threads of stream_to_vector, fft_vcc,
    complex_to_mag_squared and nlog10_ff.
    ``source_cpu_s_per_gs``: of null source -> null sink, all threads.
    ``cpu_ratio_to_gnuradio_chain``: of the two middle ones, so without the source on both sides;
    ``cpu_ratio_with_source``: of the whole flowgraphs.
    ``evidence_framer_cpu_s_per_gs``, ``cpu_ratio_with_evidence``: of a framer that computes
    evidence as well, the second over GNU Radio's chain; the others are without.
    ``msps``, ``ratio_to_null_sink``: throughput, and over that of null source -> null sink.
    """
    seconds = effort.framer_s
    power = replace(spec, evidence_lags=())
    both = replace(spec, evidence_lags=spec.evidence_lags or USUAL_LAGS)
    found: dict[str, list[Load]] = alternate(
        {
            "framer": lambda: _framer(power, seconds),
            "evidence": lambda: _framer(both, seconds),
            "chain": lambda: _gnuradio_chain(spec, seconds),
            "null": lambda: measure(_source(), _null_sink(1), seconds=seconds),
        },
        effort.repetitions,
    )
    whole = {name: [load.cpu_s_per_gs for load in loads] for name, loads in found.items()}
    own = {name: [load.blocks_cpu_s_per_gs for load in loads] for name, loads in found.items()}
    msps = {name: [load.msps for load in loads] for name, loads in found.items()}
    section = Section()
    section.add_median("cpu_s_per_gs", whole["framer"])
    section.add_median("framer_cpu_s_per_gs", own["framer"])
    section.add_median("gnuradio_chain_cpu_s_per_gs", own["chain"])
    section.add_median("source_cpu_s_per_gs", whole["null"])
    section.add_median("cpu_ratio_to_gnuradio_chain", ratios(own["framer"], own["chain"]))
    section.add_median("cpu_ratio_with_source", ratios(whole["framer"], whole["chain"]))
    section.add_median("evidence_framer_cpu_s_per_gs", own["evidence"])
    section.add_median("cpu_ratio_with_evidence", ratios(own["evidence"], own["chain"]))
    section.add_median("msps", msps["framer"])
    section.add_median("gnuradio_chain_msps", msps["chain"])
    section.add_median("ratio_to_null_sink", ratios(msps["framer"], msps["null"]))
    return section


def _source():
    return blocks.null_source(gr.sizeof_gr_complex)


def _null_sink(items: int, size: int = gr.sizeof_gr_complex):
    return blocks.null_sink(items * size)


def _framer(spec: SpectrogramSpec, seconds: float) -> Load:
    sink = _null_sink(spec.frame_floats, gr.sizeof_float)
    return measure(_source(), spectrogram_framer(SAMPLE_RATE, spec=spec), sink, seconds=seconds)


def gnuradio_chain(fft_size: int) -> tuple:
    """Blocks from samples to vectors of power, as GNU Radio's own spectrum displays use them."""
    window = fft.window.hann(fft_size)
    return (
        blocks.stream_to_vector(gr.sizeof_gr_complex, fft_size),
        fft.fft_vcc(fft_size, True, window, True),
        blocks.complex_to_mag_squared(fft_size),
    )


def _gnuradio_chain(spec: SpectrogramSpec, seconds: float) -> Load:
    size = spec.fft_size
    chain = (*gnuradio_chain(size), blocks.nlog10_ff(10, size, 0))
    return measure(_source(), *chain, _null_sink(size, gr.sizeof_float), seconds=seconds)
