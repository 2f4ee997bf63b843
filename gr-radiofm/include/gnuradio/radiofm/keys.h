/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What C++ uses of the vocabulary of messages, ports and tags in python/radiofm_core/keys.py, by
 * the same names (tests/test_keys.py holds the two together). Quantities are in Hz and seconds.
 */
#pragma once

namespace gr {
namespace radiofm {
namespace keys {

// Message ports
constexpr const char* PORT_FRAMES = "frames";
// What the user wants of a receiver, and the key of its frequency, as GNU Radio's sources take it
constexpr const char* PORT_COMMAND = "command";
constexpr const char* COMMAND_FREQUENCY = "freq";
// Of the SigMF sink's native part: a run's samples are to come; GNU Radio tells of their end
constexpr const char* PORT_STREAM = "stream";

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
// Of PDUs on `frames` whose vector holds evidence behind the power
constexpr const char* EVIDENCE_LAGS = "evidence_lags";
constexpr const char* EVIDENCE_ROWS = "evidence_rows";
constexpr const char* EVIDENCE_COLS = "evidence_cols";

} // namespace keys
} // namespace radiofm
} // namespace gr
