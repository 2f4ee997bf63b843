# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities and names as people read them."""


def readable_hz(hertz: float) -> str:
    """A frequency or bandwidth with its unit: 1815.3 MHz, 180 kHz, 0 Hz."""
    size = abs(hertz)
    if size >= 1e6:
        return f"{hertz / 1e6:.7g} MHz"
    return f"{hertz / 1e3:.5g} kHz" if size >= 1e3 else f"{hertz:.4g} Hz"


def readable_time(seconds: float) -> str:
    """A duration with its unit: 0.14 ms, 80 ms, 12.5 s, 10 min."""
    if seconds >= 600:
        return f"{seconds / 60:.4g} min"
    return f"{seconds:.4g} s" if seconds >= 0.9995 else f"{seconds * 1e3:.3g} ms"


def display_name(label: str) -> str:
    """A class's name as people write it: LTE, NR, Wi-Fi, other."""
    if label == "wifi":
        return "Wi-Fi"
    return label.upper() if len(label) <= 3 else label
