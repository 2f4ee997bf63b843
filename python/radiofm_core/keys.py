# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of messages, ports and tags: one definition in Python.

``gr-radiofm/include/gnuradio/radiofm/keys.h`` has what C++ uses of it; ``tests/test_keys.py``
holds the two together. Quantities are in Hz, seconds and dB.
"""

# Message ports
PORT_FRAMES = "frames"
PORT_MASKS = "masks"
PORT_DETECTIONS = "detections"
PORT_EMISSIONS = "emissions"
PORT_CSI = "csi"
PORT_WINDOWS = "windows"
PORT_ACTIVITY = "activity"
PORT_MOTION = "motion"
PORT_STATUS = "status"
PORT_SAVE = "save"
PORT_COMMAND = "command"
# Of the SigMF sink's native part: a run's samples are to come; GNU Radio tells of their end
PORT_STREAM = "stream"

# Stream tags that GNU Radio's sources set (UHD, Soapy)
TAG_RX_TIME = "rx_time"
TAG_RX_RATE = "rx_rate"
TAG_RX_FREQ = "rx_freq"
# Stream tag of a recording's end: samples from here to the next rx_* tag are not data
TAG_END = "radiofm_end"
# Stream tag on every frame vector, holding the frame's dict
TAG_FRAME = "frame"

# A frame's dict (tag `frame`, PDUs on `frames` and `masks`)
ROWS = "rows"
COLS = "cols"
CHANNELS = "channels"
FRAME_INDEX = "frame_index"
SAMPLE_OFFSET = "sample_offset"
SAMPLE_RATE = "sample_rate"
CENTER_FREQUENCY = "center_frequency"
RX_TIME = "rx_time"
ROW_DURATION = "row_duration"
ROW_SAMPLES = "row_samples"
SPEC = "spec"
LAST = "last"
# Of PDUs on `frames` whose vector holds evidence behind the power
EVIDENCE_LAGS = "evidence_lags"
EVIDENCE_ROWS = "evidence_rows"
EVIDENCE_COLS = "evidence_cols"

# Added by the segmenter
CLASSES = "classes"
CLASS_COLORS = "class_colors"
MODEL = "model"
LATENCY = "latency"
DROPPED = "dropped"
DETECTIONS = "detections"

# One detection, one emission
LABEL = "label"
CONFIDENCE = "confidence"
BANDWIDTH = "bandwidth"
START_TIME = "start_time"
DURATION = "duration"
START_OFFSET = "start_offset"
END_OFFSET = "end_offset"
SNR_DB = "snr_db"
PWR_DB = "pwr_db"
# Where they are known; a packet of CSI has the same word for its subcarriers
SUBCARRIER_SPACING = "subcarrier_spacing"
EVIDENCE = "evidence"
EVENT = "event"
BURST_ID = "burst_id"
ACTIVE_TIME = "active_time"
BURSTS = "bursts"
MERGED_INTO = "merged_into"
EVENT_START = "start"
EVENT_UPDATE = "update"
EVENT_END = "end"

# One piece of evidence
LAG = "lag"
COHERENCE = "coherence"
FLOOR = "floor"
MEANING = "meaning"

# What the live view asks a source for; the word of Soapy's and UHD's command ports
COMMAND_FREQUENCY = "freq"

# A CSI packet (gr-ieee802-11 has the same word for the estimate)
CSI = "csi"
SUBCARRIERS = "subcarriers"
MAC = "mac"
RSSI = "rssi"
SEQUENCE = "sequence"
CHANNEL = "channel"

# A CSI window (PDUs on `windows`)
ANTENNAS = "antennas"
FREQUENCY_STEP = "frequency_step"
PACKET_RATE = "packet_rate"
LOST_PACKETS = "lost_packets"
JITTER = "jitter"
INTERPOLATED = "interpolated"
RECEIVED = "received"
OUTLIERS = "outliers"
GAIN_STEPS = "gain_steps"
SOURCE = "source"
HOP = "hop"

# Added by the activity classifier
PROBABILITIES = "probabilities"
MOTION_DB = "motion_db"
MOTION_PROBABILITY = "motion_probability"

# Of a state of motion
STATE = "state"

# Status of the CSI framer
PACKETS = "packets"
WINDOWS = "windows"
REFUSED_PACKETS = "refused_packets"
REFUSED_WINDOWS = "refused_windows"
CUTS = "cuts"
REASON = "reason"

# Status of the SigMF sink
FILES = "files"
SAMPLES = "samples"
CLIPPED = "clipped"
HISTORY = "history"
PATH = "path"

# Status of an inference block
FRAMES = "frames"
QUEUE_DEPTH = "queue_depth"
LATENCY_P50 = "latency_p50"
LATENCY_P99 = "latency_p99"
MSPS = "msps"
FAILED = "failed"
ERROR = "error"
