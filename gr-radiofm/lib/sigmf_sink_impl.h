/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "stream_changes.h"
#include <atomic>
#include <gnuradio/radiofm/sample_clock.h>
#include <gnuradio/radiofm/sigmf_sink.h>

namespace gr {
namespace radiofm {

class sigmf_sink_impl : public sigmf_sink
{
public:
    explicit sigmf_sink_impl(const sigmf_sink_options& options);

    void set_sample_rate(double sample_rate) override;
    void set_center_frequency(double center_frequency) override;
    double sample_rate() const override { return d_shown_rate; }
    double center_frequency() const override { return d_shown_frequency; }
    uint64_t position() const override { return d_position; }
    uint64_t dropped() const override { return d_dropped; }
    uint64_t clipped() const override { return d_clipped; }
    std::shared_ptr<sample_store> store() const override { return d_store; }

    bool start() override;
    bool stop() override;
    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    void take_settings(uint64_t offset);
    void apply(const stream_change& here, uint64_t offset);
    void set_rate(double rate, uint64_t offset);
    void set_frequency(double frequency);
    void keep(const gr_complex* in, size_t n, uint64_t offset);
    uint64_t history_samples(double rate) const;

    const sigmf_sink_options d_options;
    const std::shared_ptr<sample_store> d_store;
    sample_clock d_clock;
    double d_frequency;
    bool d_has_time = false; // the clock is set
    bool d_begins = true;    // the next sample does not follow the last one
    bool d_ended = false;    // after radiofm_end, until the next rx_* tag
    stream_changes d_changes{sample_clock::runs_at};

    // Written by work(), or by a setter for work(), and read from other threads
    std::atomic<double> d_wanted_rate{0.0}, d_wanted_frequency{0.0};
    std::atomic<bool> d_rate_waits{false}, d_frequency_waits{false};
    std::atomic<double> d_shown_rate{0.0}, d_shown_frequency{0.0};
    std::atomic<uint64_t> d_position{0}, d_dropped{0}, d_clipped{0};
};

} // namespace radiofm
} // namespace gr
