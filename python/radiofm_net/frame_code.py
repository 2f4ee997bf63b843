# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames in a few bits a pixel: power in steps of 0.5 dB or more, evidence in 8 bit, compressed.

Power: code 255 is the frame's highest value, each lower one a step less, 0 is the spec's floor. The
step grows where a frame would take more bytes than it may. What is sent are the columns' mean
codes, how far each row lies from them on average in each of 16 bands, and what then is left of each
pixel: Huffman coding takes noise about as far as it goes. Evidence: the root of each part's
magnitude in 127 steps, so that the faint coherence of reference symbols is not lost; -128 where
there is none.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import numpy as np

from radiofm_core import keys
from radiofm_core.errors import InputError
from radiofm_core.fields import check_decibels, check_present, check_whole, number_parameter
from radiofm_core.spectrum.spec import CELL_COLS, SpectrogramSpec

# In a coded frame's fields beside the frame's own
POWER_TOP = "power_top"
POWER_STEP = "power_step"

LEAST_STEP_DB, MOST_STEP_DB = 0.5, 8.0
# Columns are taken in so many bands, if they can be
BANDS = 16
# From frame to frame the step falls by this, and grows by this at least where it is too small
EASE, LEAST_GROWTH = 0.98, 1.03
HIGHEST, LOWEST, FLOOR = 255, 1, 0
EVIDENCE_STEPS, NO_EVIDENCE = 127, -128


def encode_frame(
    fields: Mapping, vector: np.ndarray, spec: SpectrogramSpec, step: float = LEAST_STEP_DB
) -> tuple[dict, list[bytes]]:
    """A frame as the framer's port ``frames`` has it, in bytes.

    Args:
        fields: the frame's dict.
        vector: float32, power in dB (channels x rows x cols), then evidence, if the spec has lags.
        spec: the framer's.
        step: dB between two codes, or more where the levels do not fit into so many.

    Returns:
        The dict with what decoding needs, and the coded power and, if there is any, evidence.
    """
    shape = (fields[keys.CHANNELS], fields[keys.ROWS], fields[keys.COLS])
    count = math.prod(shape)
    codes, top, step = _power_codes(vector[:count].reshape(shape), spec.floor_db, step)
    told = {k: v for k, v in fields.items() if k != keys.EVIDENCE_LAGS}
    told |= {POWER_TOP: top, POWER_STEP: step}
    parts = [_packed(_differences(codes))]
    if spec.evidence_lags:
        parts.append(_packed(_evidence_codes(vector[count:]).tobytes()))
    return told, parts


class FrameEncoder:
    """Codes a stream's frames within ``most_rate`` bytes a second of signal: where they would take
    more, the step of their power grows.

    Raises:
        UsageError: ``most_rate`` is no number above 0.
    """

    def __init__(self, spec: SpectrogramSpec, most_rate: float):
        self._spec = spec
        self._most_rate = number_parameter("most_rate", most_rate, "B/s", above=0.0)
        self._step = LEAST_STEP_DB

    def encode(self, fields: Mapping, vector: np.ndarray) -> tuple[dict, list[bytes]]:
        """As :func:`encode_frame`. At a step of MOST_STEP_DB a frame takes what it takes."""
        most = self._most_rate * fields[keys.ROWS] * fields[keys.ROW_DURATION]
        self._step = max(LEAST_STEP_DB, self._step * EASE)
        while True:
            coded = encode_frame(fields, vector, self._spec, self._step)
            excess = sum(map(len, coded[1])) / most
            if excess <= 1.0 or self._step >= MOST_STEP_DB:
                return coded
            # half a bit of a pixel saves about a tenth of its bytes
            self._step = min(self._step * max(excess, LEAST_GROWTH) ** 1.5, MOST_STEP_DB)


def decode_frame(fields: Mapping, parts: list[bytes], spec: SpectrogramSpec) -> np.ndarray:
    """A frame's vector as a segmenter takes it: float32 (spec.frame_floats,); what follows the
    valid rows is at the floor, evidence that there is none of NaN.

    Args:
        fields: as of :func:`encode_frame`; checked here as far as decoding needs it.
        parts: the coded power and evidence.

    Raises:
        InputError: fields or bytes that no frame of ``spec`` has.
    """
    check_present(fields, (keys.ROWS, POWER_TOP, POWER_STEP), "frame")
    check_whole(fields, (keys.ROWS,))
    check_decibels(fields, (POWER_TOP, POWER_STEP))
    rows, channels, cols = fields[keys.ROWS], len(spec.channels), spec.cols
    if not 1 <= rows <= spec.rows:
        raise InputError(f"its {rows} rows: expected 1 to {spec.rows}")
    if len(parts) != 1 + bool(spec.evidence_lags):
        raise InputError(f"its {len(parts)} parts: expected {1 + bool(spec.evidence_lags)}")
    vector = np.full(spec.frame_floats, spec.floor_db, np.float32)
    power = vector[: spec.power_floats].reshape(channels, spec.rows, cols)
    codes = _codes(parts[0], (channels, rows, cols))
    power[:, :rows] = _levels(fields[POWER_TOP], fields[POWER_STEP], spec.floor_db)[codes]
    if spec.evidence_lags:
        cell_rows = -(-rows // spec.row_multiple)
        shape = (len(spec.evidence_lags), 2, cell_rows, CELL_COLS)
        evidence = vector[spec.power_floats :]
        evidence[:] = np.nan
        planes = evidence.reshape(*shape[:2], spec.rows // spec.row_multiple, CELL_COLS)
        found = _unpacked(parts[1], math.prod(shape), "evidence").view(np.int8)
        planes[:, :, :cell_rows] = _evidence(found).reshape(shape)
    return vector


def _power_codes(power: np.ndarray, floor: float, step: float) -> tuple[np.ndarray, float, float]:
    """Codes, the highest level, and the step, which is wider where the levels need it."""
    # also of NaN that is false
    is_level = (power > floor) & (power < np.inf)
    top = float(np.max(power, initial=floor, where=is_level))
    lowest = float(np.min(power, initial=top, where=is_level))
    step = max(step, (top - lowest) / (HIGHEST - LOWEST))
    scaled = (np.where(is_level, power, floor) - np.float32(top)) * np.float32(1 / step) + HIGHEST
    codes = np.rint(scaled).clip(LOWEST, HIGHEST).astype(np.uint8)
    codes[~is_level] = FLOOR
    return codes, top, step


def _differences(codes: np.ndarray) -> bytes:
    """Codes (channels, rows, cols) as columns' means, bands' means and the rest. All wrap around:
    bytes have no sign."""
    means = np.rint(codes.mean(axis=1, keepdims=True, dtype=np.float32)).astype(np.uint8)
    rest = (codes - means).view(np.int8)
    split = _by_band(rest)
    levels = np.rint(split.mean(axis=3, keepdims=True, dtype=np.float32)).astype(np.int8)
    # band after band: blocks of the coder then hold what scatters alike
    left = (split - levels).transpose(0, 2, 1, 3)
    return means.tobytes() + levels.tobytes() + left.tobytes()


def _codes(data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """The inverse of :func:`_differences` and :func:`_packed`; raises InputError."""
    channels, rows, cols = shape
    bands = _bands(cols)
    sizes = (channels * cols, channels * rows * bands, channels * rows * cols)
    flat = _unpacked(data, sum(sizes), "power")
    means, levels, left = np.split(flat, (sizes[0], sizes[0] + sizes[1]))
    rest = left.reshape(channels, bands, rows, cols // bands).transpose(0, 2, 1, 3)
    rest = rest + levels.reshape(channels, rows, bands, 1)
    return rest.reshape(shape) + means.reshape(channels, 1, cols)


def _bands(cols: int) -> int:
    return BANDS if cols % BANDS == 0 else 1


def _by_band(values: np.ndarray) -> np.ndarray:
    channels, rows, cols = values.shape
    return values.reshape(channels, rows, _bands(cols), -1)


def _levels(top: float, step: float, floor: float) -> np.ndarray:
    """dB of each code."""
    levels = (top + (np.arange(HIGHEST + 1) - HIGHEST) * step).astype(np.float32)
    levels[FLOOR] = floor
    return np.maximum(levels, np.float32(floor))


def _evidence_codes(planes: np.ndarray) -> np.ndarray:
    roots = np.sqrt(np.minimum(np.abs(planes), 1.0)) * EVIDENCE_STEPS
    codes = np.where(np.isnan(planes), NO_EVIDENCE, np.copysign(np.rint(roots), planes))
    return codes.astype(np.int8)


def _evidence(codes: np.ndarray) -> np.ndarray:
    roots = codes.astype(np.float32) / EVIDENCE_STEPS
    return np.where(codes == NO_EVIDENCE, np.float32(np.nan), roots * np.abs(roots))


def _packed(data: bytes) -> bytes:
    # noise repeats nothing: looking for what does takes ten times as long and finds none
    coder = zlib.compressobj(1, strategy=zlib.Z_HUFFMAN_ONLY)
    return coder.compress(data) + coder.flush()


def _unpacked(data: bytes, size: int, what: str) -> np.ndarray:
    coder = zlib.decompressobj()
    try:
        found = coder.decompress(data, size + 1)
    except zlib.error as error:
        raise InputError(f"its {what} cannot be unpacked ({error})") from error
    if len(found) != size or not coder.eof:
        raise InputError(f"its {what}: expected {size} bytes, got {len(found)} or more")
    return np.frombuffer(found, np.uint8)
