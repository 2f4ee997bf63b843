# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of samples: opened, checked and found in folders, whatever program wrote them."""

from .finding import recording_stem, recordings_in
from .folders import find_recordings, is_recording_name
from .opening import open_recording
from .pipes import is_pipe, take_pipe
from .recording import Capture, Recording, read_samples
from .sigmf import find_files
from .streams import open_stream
from .suffixes import DATA_SUFFIX, META_SUFFIX

__all__ = [
    "DATA_SUFFIX",
    "META_SUFFIX",
    "Capture",
    "Recording",
    "find_files",
    "find_recordings",
    "is_pipe",
    "is_recording_name",
    "open_recording",
    "open_stream",
    "read_samples",
    "recording_stem",
    "recordings_in",
    "take_pipe",
]
