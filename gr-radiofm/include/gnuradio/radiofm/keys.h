/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The vocabulary of messages, ports and tags: the twin of python/radiofm_core/keys.py, name by
 * name (tests/test_keys.py holds the two together). Quantities are in Hz, seconds and dB.
 */
#pragma once

namespace gr {
namespace radiofm {
namespace keys {

// Message ports
constexpr const char* PORT_FRAMES = "frames";
constexpr const char* PORT_MASKS = "masks";
constexpr const char* PORT_DETECTIONS = "detections";
constexpr const char* PORT_EMISSIONS = "emissions";
constexpr const char* PORT_CSI = "csi";
constexpr const char* PORT_WINDOWS = "windows";
constexpr const char* PORT_ACTIVITY = "activity";
constexpr const char* PORT_STATUS = "status";

// Stream tags that GNU Radio's sources set (UHD, Soapy)
constexpr const char* TAG_RX_TIME = "rx_time";
constexpr const char* TAG_RX_RATE = "rx_rate";
constexpr const char* TAG_RX_FREQ = "rx_freq";
// Stream tag of a recording's end: samples from here to the next rx_* tag are not data
constexpr const char* TAG_END = "radiofm_end";
// Stream tag on every frame vector, holding the frame's dict
constexpr const char* TAG_FRAME = "frame";

// A frame's dict (tag `frame`, PDUs on `frames` and `masks`)
constexpr const char* ROWS = "rows";
constexpr const char* COLS = "cols";
constexpr const char* CHANNELS = "channels";
constexpr const char* FRAME_INDEX = "frame_index";
constexpr const char* SAMPLE_OFFSET = "sample_offset";
constexpr const char* SAMPLE_RATE = "sample_rate";
constexpr const char* CENTER_FREQUENCY = "center_frequency";
constexpr const char* RX_TIME = "rx_time";
constexpr const char* ROW_DURATION = "row_duration";
constexpr const char* ROW_SAMPLES = "row_samples";
constexpr const char* SPEC = "spec";
constexpr const char* LAST = "last";

// Added by the segmenter
constexpr const char* CLASSES = "classes";
constexpr const char* MODEL = "model";
constexpr const char* LATENCY = "latency";
constexpr const char* DROPPED = "dropped";
constexpr const char* DETECTIONS = "detections";

// One detection, one emission
constexpr const char* LABEL = "label";
constexpr const char* CONFIDENCE = "confidence";
constexpr const char* BANDWIDTH = "bandwidth";
constexpr const char* START_TIME = "start_time";
constexpr const char* DURATION = "duration";
constexpr const char* START_OFFSET = "start_offset";
constexpr const char* END_OFFSET = "end_offset";
constexpr const char* SNR_DB = "snr_db";
constexpr const char* PWR_DB = "pwr_db";
constexpr const char* EVENT = "event";
constexpr const char* BURST_ID = "burst_id";
constexpr const char* ACTIVE_TIME = "active_time";
constexpr const char* BURSTS = "bursts";
constexpr const char* MERGED_INTO = "merged_into";
constexpr const char* EVENT_START = "start";
constexpr const char* EVENT_UPDATE = "update";
constexpr const char* EVENT_END = "end";

// A CSI packet (gr-ieee802-11 has the same word for the estimate)
constexpr const char* CSI = "csi";
constexpr const char* SUBCARRIERS = "subcarriers";
constexpr const char* SUBCARRIER_SPACING = "subcarrier_spacing";
constexpr const char* MAC = "mac";
constexpr const char* RSSI = "rssi";
constexpr const char* SEQUENCE = "sequence";

// A CSI window (PDUs on `windows`)
constexpr const char* ANTENNAS = "antennas";
constexpr const char* FREQUENCY_STEP = "frequency_step";
constexpr const char* PACKET_RATE = "packet_rate";
constexpr const char* LOST_PACKETS = "lost_packets";
constexpr const char* JITTER = "jitter";
constexpr const char* INTERPOLATED = "interpolated";
constexpr const char* OUTLIERS = "outliers";
constexpr const char* GAIN_STEPS = "gain_steps";
constexpr const char* SOURCE = "source";
constexpr const char* HOP = "hop";

// Added by the activity classifier
constexpr const char* PROBABILITIES = "probabilities";
constexpr const char* MOTION_DB = "motion_db";

// Status of the CSI framer
constexpr const char* PACKETS = "packets";
constexpr const char* WINDOWS = "windows";
constexpr const char* REFUSED_PACKETS = "refused_packets";
constexpr const char* REFUSED_WINDOWS = "refused_windows";
constexpr const char* CUTS = "cuts";
constexpr const char* REASON = "reason";

// Status of an inference block
constexpr const char* FRAMES = "frames";
constexpr const char* QUEUE_DEPTH = "queue_depth";
constexpr const char* LATENCY_P50 = "latency_p50";
constexpr const char* LATENCY_P99 = "latency_p99";
constexpr const char* MSPS = "msps";
constexpr const char* FAILED = "failed";
constexpr const char* ERROR = "error";

} // namespace keys
} // namespace radiofm
} // namespace gr
