/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <atomic>
#include <chrono>
#include <gnuradio/radiofm/pipe_sink.h>
#include <mutex>
#include <vector>

namespace gr {
namespace radiofm {

class pipe_sink_impl : public pipe_sink
{
public:
    pipe_sink_impl(const sample_pipe::sptr& pipe, const pipe_sink_options& options);

    void set_center_frequency(double center_frequency) override;
    void begin_burst(double center_frequency, uint64_t settle_samples, uint64_t samples) override;
    bool in_burst() const override;
    void finish() override;
    uint64_t received() const override { return d_received; }
    uint64_t dropped() const override { return d_dropped; }

    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    using clock = std::chrono::steady_clock;

    void set_first_time(uint64_t begin, size_t n);
    void correct_time(uint64_t begin, size_t n);
    void set_time(uint64_t offset, const sample_time& told);
    void read_tag(const gr::tag_t& tag);
    size_t skip(size_t n);
    void take(const gr_complex* in, uint64_t offset, size_t n);
    void put(const gr_complex* in, uint64_t offset, size_t n);

    const sample_pipe::sptr d_pipe;
    const pipe_sink_options d_options;

    mutable std::mutex d_mutex; // of all below, work() and the callers of setters
    sample_clock d_clock;
    double d_frequency;
    bool d_has_time = false; // the clock was set
    bool d_has_date = false; // by a tag with a date
    bool d_has_shift = false;
    sample_time d_shift;      // of a device's own time to the date
    bool d_marks_next = true; // the next sample does not follow the one before it
    bool d_is_full = false;
    bool d_finished = false;
    uint64_t d_settle_samples = 0; // to skip before a burst
    clock::time_point d_settled_at;
    uint64_t d_burst_left = 0; // samples to take in a burst
    double d_least_late_s = 0.0;
    clock::time_point d_looked_at;
    std::vector<gr::tag_t> d_tags;

    std::atomic<uint64_t> d_received{0}, d_dropped{0};
};

} // namespace radiofm
} // namespace gr
