# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ESP32's firmware gives in place of an estimate: other numbers, or one again and again."""

from __future__ import annotations

from collections import OrderedDict, deque

import numpy as np

REPEATED = "estimate that the firmware repeats unchanged"

# The upper bytes of 12-bit numbers within ±1024 (espressif/esp-idf#18982 saw ±512)
_UPPER = (0, 1, 2, 3, 12, 13, 14, 15)
_LEAST_NEGATIVE = 12
# In a buffer that is clearly of such numbers, positive and negative ones have this share at least:
# a channel cannot jump from 0…3 to 12…15 so often without anything in between
_LEAST_SHARE = 0.1
_LEAST_NUMBERS = 16
# So many packets of a sender with MOST_REPEATED estimates among them are no measurement: of a still
# room one in twenty repeats another (espressif/esp-idf#18493, where two took turns)
REPEATS = 20
MOST_REPEATED = 2
_MAX_SENDERS = 64


class TwelveBits:
    """Tells buffers of 12-bit numbers, two bytes each, from those of signed bytes.

    A few say so clearly. It is a setting of the firmware: once it was seen, those count as well
    that could be either.
    """

    def __init__(self):
        self._seen = False

    def __call__(self, buffer: np.ndarray) -> bool:
        """Whether int16 (n,), signed bytes, are halves of 12-bit numbers."""
        upper = buffer[1::2]
        if not np.isin(upper, _UPPER).all():
            return False
        if not self._seen and len(upper) >= _LEAST_NUMBERS:
            negative = np.mean(upper >= _LEAST_NEGATIVE)
            self._seen = bool(_LEAST_SHARE <= negative <= 1 - _LEAST_SHARE)
        return self._seen


class Repeats:
    """Tells senders whose estimate does not change any more; 64 of them are followed.

    ``has_changed``, ``has_repeated``: whether any sender's did, ever.
    """

    def __init__(self):
        self.has_changed = self.has_repeated = False
        self._last: OrderedDict[str, deque[int]] = OrderedDict()

    def __call__(self, sender: str, csi: np.ndarray) -> bool:
        """Whether the latest REPEATS packets of a sender, this one included, are repeated ones."""
        last = self._last.setdefault(sender, deque(maxlen=REPEATS))
        self._last.move_to_end(sender)
        if len(self._last) > _MAX_SENDERS:
            self._last.popitem(last=False)
        last.append(hash(csi.tobytes()))
        is_changing = len(set(last)) > MOST_REPEATED
        self.has_changed = self.has_changed or is_changing
        is_repeated = len(last) == REPEATS and not is_changing
        self.has_repeated = self.has_repeated or is_repeated
        return is_repeated
