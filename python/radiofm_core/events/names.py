# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of events, beside that of messages in :mod:`radiofm_core.keys`.

``event.schema.json`` says what each key holds; a test holds the two together.
"""

# A key's removal or another meaning makes another version; a new key does not
SCHEMA_VERSION = 1

# Of every event
VERSION = "version"
TYPE = "type"
TIME = "time"
MONOTONIC = "monotonic"
SEQUENCE = "sequence"
RUN = "run"
HOST = "host"
RECEIVER = "receiver"
# Of the receiver, beside its sample_rate and center_frequency
NAME = "name"

# Types
RUN_TYPE = "run"
SOURCE_TYPE = "source"
EMISSION = "emission"
ACTIVITY = "activity"
MOTION = "motion"
STATUS = "status"
DROPS = "drops"
OUTPUT_TYPE = "output"
CLOCK = "clock"
ROUND = "round"
TYPES = (
    RUN_TYPE,
    SOURCE_TYPE,
    EMISSION,
    ACTIVITY,
    MOTION,
    STATUS,
    DROPS,
    OUTPUT_TYPE,
    CLOCK,
    ROUND,
)

# Values of `event` beside those of an emission
FOUND = "found"
LOST = "lost"
RETRY = "retry"
STEPPED = "stepped"

# Of a run, and of a source that comes and goes
PROGRAM = "program"
SOURCE = "source"
REASON = "reason"
ATTEMPT = "attempt"
WAIT = "wait"

# Of drops
CAUSE = "cause"
UNIT = "unit"
COUNT = "count"
TOTAL = "total"
OUTPUT = "output"
# Causes that this program knows; a cause is a word of its own, so further ones may come
MODEL_TOO_SLOW = "model_too_slow"
NO_RESULT = "no_result"
SOURCE_OVERFLOW = "source_overflow"
OUTPUT_FULL = "output_full"
WATCH_FULL = "watch_full"
# Units
FRAMES = "frames"
SAMPLES = "samples"
PACKETS = "packets"
EVENTS = "events"

# Of the outputs, by their names, in a status
OUTPUTS = "outputs"
DELIVERED = "delivered"
WAITING = "waiting"
DROPPED = "dropped"

# Of a sensor on another host, in its receiver's status
MADE = "made"
DROPPED_BY = "dropped_by"
BYTE_RATE = "byte_rate"
CLOCK_OFFSET = "clock_offset"
ROUND_TRIP = "round_trip"

# Of a round of a sweep, whose number is under ROUND; FRAMES and EMISSIONS of a centre frequency
CENTERS = "centers"
EMISSIONS = "emissions"

# Of the clock
STEP = "step"
