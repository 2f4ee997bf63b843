# SPDX-License-Identifier: GPL-3.0-or-later
"""The SigMF sink block: samples into SigMF pairs, with the emissions in them as annotations."""

from __future__ import annotations

import os
from pathlib import Path

import pmt
from gnuradio import gr

from radiofm_core import keys
from radiofm_core.errors import UsageError, reason_of
from radiofm_core.fields import finite_number, number_parameter, shown, whole_parameter
from radiofm_core.outputs.emission_log import EmissionLog
from radiofm_core.outputs.sigmf_pairs import SigmfFolder

from .. import radiofm_python
from ..recorder.continuous_writer import ContinuousWriter
from ..recorder.on_demand_writer import OnDemandWriter
from ..recorder.sigmf_notes import MEGABYTE, sigmf_notes
from ..runtime.hier_ports import outside
from .native_options import filled

MODES = (CONTINUOUS, ON_DEMAND) = ("continuous", "on_demand")
OVERLOADS = (WAIT, DROP) = ("wait", "drop")
DEFAULT_HISTORY_S = 10.0
DEFAULT_MEMORY_LIMIT_MB = 512


class sigmf_sink(gr.hier_block2):
    """Writes complex samples into SigMF pairs, and the emissions that are in them as annotations.

    Input: complex samples, full scale 1.0. ``rx_time``, ``rx_rate`` and ``rx_freq`` tags are
    followed: a retune or a gap begins another capture, a change of rate another file. Without an
    ``rx_time`` tag, times are those of the computer's clock.

    Input messages: ``emissions`` of the emission tracker whose framer has the same source; one that
    has not ended is annotated up to the file's end. ``save``, anything: see below.

    Output messages: ``status``, a dict once a second and at the end: ``files``, ``samples`` and the
    ``path`` of the last file that were written; ``dropped``, samples that were not; ``clipped``,
    samples beyond full scale; ``history``, the seconds in memory (mode ``on_demand``); and
    ``failed`` and ``error`` once something could not be written or handled.

    Mode ``continuous`` writes all samples; a file ends at exactly ``file_size`` or
    ``file_duration``, and no sample is lost between two. ``save`` ends a file early. Mode
    ``on_demand`` keeps the last ``history`` seconds in memory, and writes them when a message
    comes on ``save``, or :meth:`save` is called.

    What cannot be written is logged in one line and counted, and the flowgraph goes on; after a
    second it is tried again. Files can be read while they are written, and after the program was
    killed (:mod:`radiofm_core.outputs.sigmf_pairs`).

    Args:
        folder: where the files go; it is made with the first one.
        sample_rate: S/s, until an ``rx_rate`` tag says otherwise.
        center_frequency: Hz, until an ``rx_freq`` tag says otherwise.
        mode: ``continuous`` or ``on_demand``.
        datatype: SigMF's, of the files: ``cf32_le``; ``ci16_le`` and ``ci8``, in which full scale
            is 32768 and 128, and what lies beyond is clipped and counted.
        prefix: of the files' names: ``{prefix}_{UTC time of the first sample}_{counter}``.
        file_size: most bytes of a file's samples; 0 for no limit.
        file_duration: most seconds of them; 0 for no limit.
        max_files: pairs that are kept of those that this block wrote, the oldest are deleted; 0
            keeps all.
        history: seconds that are kept in mode ``on_demand``, as far as the memory limit allows.
        memory_limit: MiB of samples in memory: waiting to be written, or kept. Samples that are
            being saved stay beside those until they are written.
        overload: in mode ``continuous``, while the disk is too slow and the memory full: ``wait``
            holds up the flowgraph (recordings), ``drop`` drops new samples (live receivers).

    Raises:
        UsageError: a parameter outside its range.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        sample_rate: float,
        center_frequency: float = 0.0,
        mode: str = CONTINUOUS,
        datatype: str = "cf32_le",
        prefix: str = "capture",
        file_size: int = 0,
        file_duration: float = 0.0,
        max_files: int = 0,
        history: float = DEFAULT_HISTORY_S,
        memory_limit: int = DEFAULT_MEMORY_LIMIT_MB,
        overload: str = WAIT,
    ):
        _check_choice("mode", mode, MODES)
        _check_choice("overload", overload, OVERLOADS)
        history = _seconds("history", history, above=0.0)
        file_duration = _seconds("file_duration", file_duration)
        file_size = whole_parameter("file_size", file_size, 0)
        max_files = whole_parameter("max_files", max_files, 0)
        limit = whole_parameter("memory_limit", memory_limit, 1) * MEGABYTE
        values = {
            "datatype": datatype,
            "sample_rate": number_parameter("sample_rate", sample_rate, "S/s", least=1.0),
            "center_frequency": number_parameter("center_frequency", center_frequency, "Hz"),
            "history": history if mode == ON_DEMAND else 0.0,
            "memory_limit": limit,
            "drop": overload == DROP,
        }
        options = filled(radiofm_python.sigmf_sink_options, values)
        try:
            self._samples = radiofm_python.sigmf_sink(options)
        except ValueError as error:
            raise UsageError(reason_of(error)) from error
        pairs = SigmfFolder(folder, prefix, datatype, max_files)
        self._notes = sigmf_notes(self._samples, limit)
        if mode == ON_DEMAND:
            writer = OnDemandWriter(pairs, EmissionLog(), self._notes.fail, history)
        else:
            writer = ContinuousWriter(
                pairs, EmissionLog(), self._notes.fail, file_size, file_duration
            )
        self._notes.use(writer, history if mode == ON_DEMAND else 0.0)
        samples = gr.io_signature(1, 1, gr.sizeof_gr_complex)
        gr.hier_block2.__init__(self, "sigmf_sink", samples, gr.io_signature(0, 0, 0))
        self.connect(self, self._samples)
        notes, stream = self._notes, keys.PORT_STREAM
        self.msg_connect((self._samples, stream), (notes, stream))
        for port in (keys.PORT_EMISSIONS, keys.PORT_SAVE):
            self.message_port_register_hier_in(port)
            self.msg_connect((outside(self), port), (notes, port))
        self.message_port_register_hier_out(keys.PORT_STATUS)
        self.msg_connect((notes, keys.PORT_STATUS), (outside(self), keys.PORT_STATUS))

    def save(self) -> Path | None:
        """Write what there is, as a message on ``save`` asks for, and wait until that is done.

        Returns the path of the file of samples; None if it could not be written, which ``status``
        and the log tell.
        """
        return self._notes.save_and_wait()

    def status(self) -> dict:
        """The fields of a ``status`` message, now."""
        return self._notes.status()

    def set_sample_rate(self, sample_rate: float) -> None:
        """Change the sample rate (S/s) of a stream without tags; another file begins."""
        try:
            self._samples.set_sample_rate(float(sample_rate))
        except ValueError as error:
            raise UsageError(reason_of(error)) from error

    def set_center_frequency(self, center_frequency: float) -> None:
        """Change the centre frequency (Hz) of a stream without tags."""
        self._samples.set_center_frequency(float(center_frequency))

    # what flowgraphs are shown; GNU Radio tells those of other blocks by these names

    def message_ports_in(self):
        """The names of its inputs for messages, as a PMT vector."""
        return pmt.to_pmt([keys.PORT_EMISSIONS, keys.PORT_SAVE])

    def message_ports_out(self):
        """The names of its outputs for messages, as a PMT vector."""
        return pmt.to_pmt([keys.PORT_STATUS])


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name}: expected one of {', '.join(known)}, got {shown(value)}")


def _seconds(name: str, value: object, above: float = -1.0) -> float:
    number = finite_number(value)
    if number is None or number < 0 or number <= above:
        least = "more than 0 s" if above >= 0 else "0 s or more"
        raise UsageError(f"{name}: expected {least}, got {shown(value)}")
    return number
