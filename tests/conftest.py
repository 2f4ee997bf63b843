# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the installed packages, real recordings, a home folder of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

# Before anything imports matplotlib: tests have no display
os.environ["MPLBACKEND"] = "Agg"
# Before anything imports PyTorch: its threads wait for work by spinning, which on few cores is most
# of the CPU time of the tests, and slows down whatever runs beside
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_configure(config):
    """Refuse to test anything but what ``./dev build`` installed."""
    try:
        import radiofm_core
    except ImportError as error:
        raise pytest.UsageError(f"{error}; run the tests with: ./dev test") from error
    found = Path(radiofm_core.__file__).resolve()
    if not found.is_relative_to(Path(sys.prefix).resolve()):
        raise pytest.UsageError(
            f"radiofm_core comes from {found.parent}, not from the Python environment "
            f"{sys.prefix}; run the tests with: ./dev test"
        )


@pytest.fixture(scope="session", autouse=True)
def own_home(tmp_path_factory):
    """GNU Radio, GRC and matplotlib keep their settings and caches out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("HOME", str(home))
        # GNU Radio asks these before HOME
        for name in ("GR_PREFS_PATH", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("GRC_BLOCKS_PATH", str(Path(sys.prefix) / "share/gnuradio/grc/blocks"))
        yield home


@pytest.fixture(scope="module")
def one_thread():
    """For models so small that several threads wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def application():
    """The one QApplication of the process, which paints in memory: of a second one, what Qt and
    pyqtgraph keep of the first would make a crash."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PyQt5.QtWidgets import QApplication

    return QApplication.instance() or QApplication(sys.argv[:1])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, which are not part of this repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real recordings are not here ({SHARED_DATA}): they are not published")
    return SHARED_DATA


@pytest.fixture(scope="session")
def gr_ieee80211_messages(shared_data) -> list:
    """PDUs that gr-ieee802-11's ``decode_mac`` put out."""
    import pmt

    data = (shared_data / "csi/formats/gr-ieee802-11.pdus").read_bytes()
    messages = []
    while data:
        messages.append(pmt.deserialize_str(data))
        data = data[len(pmt.serialize_str(messages[-1])) :]
    return messages


@pytest.fixture
def write_file(tmp_path):
    """Write bytes, or lines of text, to a file of any name; returns its path."""

    def write(content, name="x.bin") -> Path:
        if not isinstance(content, bytes):
            content = "".join(f"{line}\n" for line in content).encode()
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write
