# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask of a whole recording as an ``.npz``, written with memory that does not grow."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..spectrum.detections import FrameGeometry
from .files import output_errors

CHUNK_BYTES = 1 << 20
# Masks are long runs of the same value: the fastest level already packs them about 1:100
DEFLATE_LEVEL = 1


class MaskArchive:
    """Collects the masks of a run, frame by frame, and writes them as one array.

    The archive holds ``mask`` uint8 (rows, cols); ``time_s`` float64 (rows,), each row's start
    in seconds (since 1970 if the recording knows, else from its start); ``frequency_hz``
    float64 (cols,), the bins' absolute centres; ``classes`` (names in mask order). A recording
    that is retuned has ``segment_row``, ``segment_center_frequency_hz`` in which the bins of
    each stretch of rows are told; ``frequency_hz`` is then the first one's. Until :meth:`write`
    the rows wait, compressed, in a nameless file in ``folder``.
    """

    def __init__(self, folder: Path, classes: tuple[str, ...]):
        self._folder = folder
        self._classes = classes
        with output_errors(folder):
            self._spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by close)
        self._deflate = zlib.compressobj(DEFLATE_LEVEL)
        self._first: FrameGeometry | None = None
        # One entry a frame: seconds (whole, fraction), rows, seconds a row, samples, Hz
        self._seconds = array("q")
        self._fractions = array("d")
        self._rows = array("I")
        self._row_durations = array("d")
        self._offsets = array("Q")
        self._row_samples = array("Q")
        self._centers = array("d")
        self._segments: list[tuple[int, float]] = []
        self._flushed = False
        self.rows = 0

    def add(self, mask: np.ndarray, geometry: FrameGeometry) -> None:
        """Append one frame's mask, uint8 (rows, cols)."""
        if self._first is None:
            self._first = geometry
        if not self._segments or self._segments[-1][1] != geometry.center_frequency:
            self._segments.append((self.rows, geometry.center_frequency))
        self._seconds.append(geometry.rx_time[0])
        self._fractions.append(geometry.rx_time[1])
        self._rows.append(mask.shape[0])
        self._row_durations.append(geometry.row_duration)
        self._offsets.append(geometry.sample_offset)
        self._row_samples.append(geometry.row_samples)
        self._centers.append(geometry.center_frequency)
        self.rows += mask.shape[0]
        with output_errors(self._folder):
            self._spool.write(self._deflate.compress(np.ascontiguousarray(mask).data))

    def write(self, file) -> None:
        """Write the archive to a seekable binary file; no more masks can be added."""
        first = self._first or FrameGeometry(0, 1.0, 0.0, (0, 0.0), 1)
        bins = (np.arange(first.cols) - first.cols // 2) * first.bin_width
        small = {
            "frequency_hz": first.center_frequency + bins,
            "classes": np.array(self._classes),
            "segment_row": np.array([row for row, _ in self._segments], dtype=np.uint64),
            "segment_center_frequency_hz": np.array([hertz for _, hertz in self._segments]),
        }
        level = {"compression": zipfile.ZIP_DEFLATED, "compresslevel": DEFLATE_LEVEL}
        with zipfile.ZipFile(file, "w", **level) as archive:
            with archive.open("mask.npy", "w", force_zip64=True) as member:
                member.write(_npy_header("|u1", (self.rows, first.cols)))
                for chunk in self._packed_rows():
                    member.write(chunk)
            with archive.open("time_s.npy", "w", force_zip64=True) as member:
                member.write(_npy_header("<f8", (self.rows,)))
                for chunk in self._row_times():
                    member.write(chunk)
            for name, values in small.items():
                with archive.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, values, allow_pickle=False)

    def frames(self) -> Iterator[tuple[np.ndarray, FrameGeometry]]:
        """Each frame's mask, uint8 (rows, cols), and where it lies; no more can be added."""
        if self._first is None:
            return
        cols, waiting = self._first.cols, bytearray()
        chunks = self._packed_rows()
        for index, rows in enumerate(self._rows):
            while len(waiting) < rows * cols:
                waiting += next(chunks)
            mask = np.frombuffer(bytes(waiting[: rows * cols]), np.uint8).reshape(rows, cols)
            del waiting[: rows * cols]
            yield (
                mask,
                replace(
                    self._first,
                    sample_offset=self._offsets[index],
                    center_frequency=self._centers[index],
                    rx_time=(self._seconds[index], self._fractions[index]),
                    row_samples=self._row_samples[index],
                ),
            )

    def close(self) -> None:
        """Give the disk space back."""
        self._spool.close()

    def _packed_rows(self):
        if not self._flushed:
            self._spool.write(self._deflate.flush())
            self._flushed = True
        self._spool.seek(0)
        inflate = zlib.decompressobj()
        while packed := self._spool.read(CHUNK_BYTES // 16):
            # max_length keeps a spool of equal bytes (1:1000) from filling the memory at once
            chunk = inflate.decompress(packed, CHUNK_BYTES)
            yield chunk
            while inflate.unconsumed_tail:
                yield inflate.decompress(inflate.unconsumed_tail, CHUNK_BYTES)
        yield inflate.flush()

    def _row_times(self):
        frames = zip(self._seconds, self._fractions, self._rows, self._row_durations, strict=True)
        for seconds, fraction, rows, row_duration in frames:
            times = seconds + (fraction + np.arange(rows) * row_duration)
            yield np.asarray(times, dtype="<f8").tobytes()


def _npy_header(descr: str, shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    return header.getvalue()
