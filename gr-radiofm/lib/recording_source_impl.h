/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sample_format.h"
#include <atomic>
#include <chrono>
#include <gnuradio/radiofm/recording_source.h>
#include <gnuradio/radiofm/sample_clock.h>
#include <mutex>
#include <vector>

namespace gr {
namespace radiofm {

//! A file open for reading, closed with its owner.
class read_only_file
{
public:
    explicit read_only_file(const std::string& path); // throws std::runtime_error
    ~read_only_file();
    read_only_file(const read_only_file&) = delete;
    read_only_file& operator=(const read_only_file&) = delete;

    uint64_t size() const; // bytes, now
    // Bytes read from `offset`: less than `n` at the file's end. Throws std::runtime_error.
    size_t read(unsigned char* to, size_t n, uint64_t offset) const;

private:
    const std::string d_path;
    const int d_descriptor;
};

class recording_source_impl : public recording_source
{
public:
    explicit recording_source_impl(const recording_source_options& options);

    uint64_t progress() const override { return d_progress; }
    uint64_t n_samples() const override { return d_n_samples; }
    std::string error() const override;

    bool start() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    uint64_t check_size(uint64_t wanted_samples) const;
    void check_segments();
    size_t wait_until_received(size_t most);
    size_t fill(gr_complex* out, size_t n);
    void tag_segment(uint64_t item);
    void end_pass();
    void fail(const std::string& text);

    const recording_source_options d_options;
    const sample_format& d_format;
    const read_only_file d_file;
    const uint64_t d_n_samples;
    std::vector<recording_segment> d_segments;

    uint64_t d_position = 0;  // next sample of the recording
    size_t d_segment = 0;     // the next segment to begin
    bool d_failed = false;    // nothing can be read from d_position on
    bool d_done = false;      // the end tag has been sent, and there is no repetition
    sample_time d_time_shift; // added in repetitions, so that time goes on
    sample_time d_end_time;   // of the pass under way
    std::vector<unsigned char> d_raw;
    // In real time: when sample d_first_played of d_progress began to be received
    std::chrono::steady_clock::time_point d_start;
    uint64_t d_first_played = 0;

    std::atomic<uint64_t> d_progress{0};
    mutable std::mutex d_error_mutex;
    std::string d_error;
};

} // namespace radiofm
} // namespace gr
