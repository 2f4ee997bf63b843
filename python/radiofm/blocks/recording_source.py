# SPDX-License-Identifier: GPL-3.0-or-later
"""The recording source: a recording of any format, or a pipe, as a complex stream."""

from __future__ import annotations

import os

from gnuradio import gr

from radiofm_core.demo_files import demo_recording
from radiofm_core.fields import number_parameter
from radiofm_core.spectrum.recordings import Recording, is_pipe, open_recording, open_stream

from .. import radiofm_python
from .native_options import filled


def recording_source(
    file: str | os.PathLike | Recording = "",
    sample_rate: float = 0.0,
    center_frequency: float = 0.0,
    datatype: str = "",
    repeat: bool = False,
    real_time: bool = False,
    **more,
):
    """The native block that plays a recording, full scale 1.0.

    Tags ``rx_rate``, ``rx_freq`` and ``rx_time`` mark where each capture starts; one zero
    sample with the tag ``radiofm_end`` follows the last, so that a framer can emit a partial
    frame. Methods of the block: ``n_samples()``, ``progress()`` (samples played so far) and
    ``error()`` (why it ended early, or "").

    What was taken from a header or a name is logged, and what a user has to know of the file.

    Args:
        file: what ``open_recording`` opens (SigMF, WAV, raw, file_meta, compressed or not), or an
            opened Recording (the three options that follow then say nothing). A pipe, or ``-`` for
            standard input, is played as its samples come. Empty: the demo recording that comes
            with the package, of LTE, NR and Wi-Fi at 61.44 MS/s.
        sample_rate: S/s; 0 takes what the header or the name tells.
        center_frequency: Hz; 0 takes what the header or the name tells, 0 Hz where they do not.
        datatype: as SigMF or another program names it; empty takes what the header or the name
            tells.
        repeat: play for ever, with time going on.
        real_time: give each sample out when it would have been received; else as fast as samples
            are taken.
        more: further fields of ``radiofm_python.recording_source_options``, by name.

    Raises:
        InputError: a recording that cannot be used, in one line.
        UsageError: an option that there is not, a rate or a frequency that is no number.
    """
    recording = file
    if not isinstance(file, Recording):
        recording = _opened(file, sample_rate, center_frequency, datatype)
    segments = [
        filled(
            radiofm_python.recording_segment,
            {name: getattr(capture, name) for name in radiofm_python.recording_segment.fields},
        )
        for capture in recording.captures
    ]
    values = {
        "path": os.fspath(recording.data_path),
        "datatype": recording.datatype,
        "sample_rate": recording.sample_rate,
        "start_byte": recording.start_byte,
        "n_samples": recording.num_samples,
        "segments": segments,
        "repeat": bool(repeat),
        "real_time": bool(real_time),
    }
    options = filled(radiofm_python.recording_source_options, values, more)
    return radiofm_python.recording_source(options)


def _opened(file, sample_rate, center_frequency, datatype) -> Recording:
    is_path = isinstance(file, str | os.PathLike)
    open_it = open_stream if is_path and is_pipe(file) else open_recording
    recording = open_it(
        demo_recording() if file == "" else file,
        sample_rate=number_parameter("sample_rate", sample_rate or 0) or None,
        center_frequency=number_parameter("center_frequency", center_frequency or 0) or None,
        datatype=datatype or None,
    )
    logger = gr.logger("recording_source")
    for line in recording.inferred:
        logger.info(line)
    for line in recording.warnings:
        logger.warn(line)
    return recording
