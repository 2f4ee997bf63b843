/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "evidence_kernel.h"
#include "spectrogram_kernel.h"
#include "stream_changes.h"
#include <atomic>
#include <gnuradio/radiofm/sample_clock.h>
#include <gnuradio/radiofm/spectrogram_framer.h>

namespace gr {
namespace radiofm {

class spectrogram_framer_impl : public spectrogram_framer
{
public:
    explicit spectrogram_framer_impl(const spectrogram_framer_options& options);

    void set_sample_rate(double sample_rate) override;
    void set_center_frequency(double center_frequency) override;
    void set_frame_duration(double frame_duration) override;
    double sample_rate() const override { return d_shown_rate; }
    double center_frequency() const override { return d_shown_frequency; }
    uint64_t row_samples() const override { return d_shown_row_samples; }
    uint64_t frame_samples() const override { return d_spec.rows * d_shown_row_samples; }
    uint64_t frames() const override { return d_frames; }
    uint64_t cut_samples() const override { return d_cut_samples; }
    uint64_t ignored_samples() const override { return d_ignored_samples; }
    uint64_t nonfinite_samples() const override { return d_nonfinite_samples; }

    bool check_topology(int ninputs, int noutputs) override;
    bool start() override;
    bool stop() override;
    void forecast(int noutput_items, gr_vector_int& required) override;
    int general_work(int noutput_items,
                     gr_vector_int& ninput_items,
                     gr_vector_const_void_star& input_items,
                     gr_vector_void_star& output_items) override;

private:
    // A whole frame, or what a cut left of one, until it is known whether it is the last.
    struct waiting_frame
    {
        size_t rows = 0;
        uint64_t samples = 0; // that the rows cover
        pmt::pmt_t dict;      // without `last`
        volk::vector<float> pixels;
        volk::vector<float> evidence;
        bool empty() const { return rows == 0; }
        void clear() { rows = samples = 0; }
    };

    void take_command(const pmt::pmt_t& message);
    bool breaks(const stream_change& at, uint64_t offset) const;
    void apply(const stream_change& at, uint64_t offset);
    void change_rate(uint64_t offset, double rate);
    void set_rate(double rate);
    void check_duration(double frame_duration) const;
    void start_frame(uint64_t offset);
    void start_anew(uint64_t offset);
    size_t push(const gr_complex* in, size_t n);
    void end_frame();
    bool send_waiting(float* out, uint64_t item_offset, bool last);
    pmt::pmt_t describe(size_t rows) const;
    void publish(pmt::pmt_t dict, size_t rows);
    bool is_all(int ninput_items) const;

    const spectrogram_framer_options d_options;
    const spectrogram_spec& d_spec; // of d_options
    const pmt::pmt_t d_port;
    const pmt::pmt_t d_fingerprint;
    spectrogram_kernel d_kernel;
    evidence_kernel d_evidence;
    sample_clock d_clock;
    double d_frequency;
    double d_frame_duration;
    size_t d_hops_per_row = 1;
    bool d_served = true; // the rate is in the spec's range
    // The rate is one that is served, or a tag or a caller has told another meanwhile
    bool d_rate_is_told = true;
    bool d_ended = false; // after radiofm_end, until the next rx_* tag
    uint64_t d_frame_offset = 0;
    sample_time d_frame_time;
    stream_changes d_changes;
    waiting_frame d_waiting; // the frame before: until the one under way has a row
    // How many samples at the input's head the kernel has: while a frame waits, the last one is
    // left there, as GNU Radio calls no block at the end of a stream whose samples are all consumed
    uint64_t d_taken = 0;

    // Written by work(), or by a setter for work(), and read from other threads
    std::atomic<double> d_wanted_rate{0.0};
    std::atomic<bool> d_rate_waits{false};
    std::atomic<double> d_wanted_frequency{0.0};
    std::atomic<bool> d_frequency_waits{false};
    std::atomic<double> d_wanted_duration{0.0};
    std::atomic<bool> d_duration_waits{false};
    std::atomic<double> d_shown_rate{0.0}, d_shown_frequency{0.0};
    std::atomic<uint64_t> d_shown_row_samples{0};
    std::atomic<uint64_t> d_frames{0}, d_cut_samples{0}, d_ignored_samples{0};
    std::atomic<uint64_t> d_nonfinite_samples{0};
};

} // namespace radiofm
} // namespace gr
