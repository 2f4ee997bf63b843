/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sample_format.h"
#include <atomic>
#include <chrono>
#include <gnuradio/radiofm/recording_source.h>
#include <gnuradio/radiofm/sample_clock.h>
#include <limits>
#include <mutex>
#include <vector>

namespace gr {
namespace radiofm {

//! A file or a pipe open for reading, closed with its owner. Throws std::runtime_error.
class read_only_file
{
public:
    explicit read_only_file(const std::string& path); // "-": standard input
    ~read_only_file();
    read_only_file(const read_only_file&) = delete;
    read_only_file& operator=(const read_only_file&) = delete;

    bool is_pipe() const { return d_is_pipe; } // it has no size, and is read once
    uint64_t size() const;                     // bytes, now
    // Bytes read from `offset`: less than `n` at the file's end.
    size_t read(unsigned char* to, size_t n, uint64_t offset) const;
    // Bytes of a pipe that are there, up to `n`, once there are some; 0 at its end. The flowgraph
    // may be stopped meanwhile.
    size_t receive(unsigned char* to, size_t n) const;

private:
    [[noreturn]] void fail(const std::string& why) const;

    const std::string d_path;
    const int d_descriptor;
    bool d_is_pipe = false;
};

class recording_source_impl : public recording_source
{
public:
    explicit recording_source_impl(const recording_source_options& options);

    uint64_t progress() const override { return d_progress; }
    uint64_t n_samples() const override { return d_n_samples == endless ? 0 : d_n_samples; }
    std::string error() const override;

    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    static constexpr uint64_t endless = std::numeric_limits<uint64_t>::max();

    uint64_t check_size(uint64_t wanted_samples) const;
    void check_segments();
    size_t wait_until_received(size_t most);
    size_t next_samples(gr_complex* out, size_t most);
    size_t fill(gr_complex* out, size_t n);
    size_t receive(gr_complex* out, size_t n);
    uint64_t offset_of(uint64_t position, size_t& n) const;
    size_t take(gr_complex* out, size_t n);
    void tag_segment(uint64_t item);
    void end_pass();
    void fail(const std::string& text);

    const recording_source_options d_options;
    const sample_format& d_format;
    const read_only_file d_file;
    const uint64_t d_n_samples;
    std::vector<recording_segment> d_segments;
    std::vector<uint64_t> d_skipped; // bytes of headers up to and with each segment's

    uint64_t d_position = 0;  // next sample of the recording
    size_t d_segment = 0;     // the next segment to begin
    bool d_failed = false;    // nothing can be read from d_position on
    bool d_done = false;      // the end tag has been sent, and there is no repetition
    sample_time d_time_shift; // added in repetitions, so that time goes on
    sample_time d_end_time;   // of the pass under way
    std::vector<unsigned char> d_raw;
    size_t d_pending = 0;   // bytes of a pipe's last sample, in d_raw, that has not come whole
    uint64_t d_to_skip = 0; // bytes at a pipe's start
    // In real time: when sample d_first_played of d_progress began to be received
    std::chrono::steady_clock::time_point d_start;
    uint64_t d_first_played = 0;

    std::atomic<uint64_t> d_progress{0};
    mutable std::mutex d_error_mutex;
    std::string d_error;
};

} // namespace radiofm
} // namespace gr
