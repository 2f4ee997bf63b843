/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sigmf_sink_impl.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <gnuradio/io_signature.h>
#include <gnuradio/radiofm/keys.h>
#include <gnuradio/thread/thread.h>
#include <stdexcept>

namespace gr {
namespace radiofm {

namespace {

// The longest wait for room at a time, s: the flowgraph may be stopped meanwhile
constexpr double longest_wait_s = 10e-3;

sample_time time_now()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
    return {uint64_t(seconds.count()), std::chrono::duration<double>(now - seconds).count()};
}

} // namespace

sigmf_sink::sptr sigmf_sink::make(const sigmf_sink_options& options)
{
    return gnuradio::make_block_sptr<sigmf_sink_impl>(options);
}

sigmf_sink_impl::sigmf_sink_impl(const sigmf_sink_options& options)
    : gr::sync_block("sigmf_sink",
                     gr::io_signature::make(1, 1, sizeof(gr_complex)),
                     gr::io_signature::make(0, 0, 0)),
      d_options(options),
      d_store(std::make_shared<sample_store>(
          options.datatype,
          options.memory_limit,
          history_samples(sample_clock::checked_rate(options.sample_rate)))),
      d_clock(options.sample_rate),
      d_frequency(options.center_frequency)
{
    if (!std::isfinite(options.center_frequency)) {
        throw std::invalid_argument("center frequency " + std::to_string(options.center_frequency) +
                                    " Hz must be a finite number");
    }
    if (!(options.history >= 0)) {
        throw std::invalid_argument("history " + std::to_string(options.history) +
                                    " s must be 0 or more");
    }
    d_shown_rate = options.sample_rate;
    d_shown_frequency = options.center_frequency;
    message_port_register_out(pmt::mp(keys::PORT_STREAM));
}

void sigmf_sink_impl::set_sample_rate(double sample_rate)
{
    d_wanted_rate = sample_clock::checked_rate(sample_rate);
    d_rate_waits = true;
}

void sigmf_sink_impl::set_center_frequency(double center_frequency)
{
    d_wanted_frequency = center_frequency;
    d_frequency_waits = true;
}

//! Samples in the history; 0 without one.
uint64_t sigmf_sink_impl::history_samples(double rate) const
{
    if (!(d_options.history > 0)) {
        return 0;
    }
    return uint64_t(std::clamp(std::ceil(d_options.history * rate), 1.0, 1e18));
}

//! Begin a run, or go on after the flowgraph was changed.
bool sigmf_sink_impl::start()
{
    d_store->clear();
    d_begins = true;
    if (nitems_read(0) == 0) {
        d_ended = d_has_time = false;
        d_position = d_dropped = d_clipped = 0;
    }
    message_port_pub(pmt::mp(keys::PORT_STREAM), pmt::PMT_NIL);
    return true;
}

bool sigmf_sink_impl::stop()
{
    d_store->end();
    return true;
}

int sigmf_sink_impl::work(int noutput_items,
                          gr_vector_const_void_star& input_items,
                          gr_vector_void_star&)
{
    const auto* in = static_cast<const gr_complex*>(input_items[0]);
    const uint64_t begin = nitems_read(0), end = begin + uint64_t(noutput_items);
    if (!d_has_time) {
        d_clock.set_time(begin, time_now());
        d_has_time = true;
    }
    take_settings(begin);
    get_tags_in_range(d_changes.tags(), 0, begin, end);
    d_changes.sort();
    for (uint64_t at = begin; at < end;) {
        apply(d_changes.read(at, *d_logger), at);
        const uint64_t until = d_changes.next(end);
        if (!d_ended) {
            keep(in + (at - begin), size_t(until - at), at);
        }
        at = until;
        d_position = at;
    }
    return noutput_items;
}

//! What was set from other threads, from sample `offset` on.
void sigmf_sink_impl::take_settings(uint64_t offset)
{
    if (d_rate_waits.exchange(false)) {
        set_rate(d_wanted_rate, offset);
    }
    if (d_frequency_waits.exchange(false)) {
        set_frequency(d_wanted_frequency);
    }
}

void sigmf_sink_impl::apply(const stream_change& here, uint64_t offset)
{
    if (here.rate) {
        set_rate(here.new_rate, offset);
    }
    if (here.frequency) {
        set_frequency(here.new_frequency);
    }
    if (here.time) {
        const double gap = seconds_between(here.new_time, d_clock.at(offset));
        d_begins |= std::abs(gap) * d_clock.rate() > 0.5;
        d_clock.set_time(offset, here.new_time);
    }
    d_begins |= here.end;
    d_ended = !here.begins() && (d_ended || here.end);
}

void sigmf_sink_impl::set_rate(double rate, uint64_t offset)
{
    if (rate == d_clock.rate()) {
        return;
    }
    d_clock.set_rate(offset, rate);
    d_shown_rate = rate;
    d_begins = true;
    if (d_options.history > 0) {
        d_store->clear(); // a file has one rate
        d_store->set_most_samples(history_samples(rate));
    }
}

void sigmf_sink_impl::set_frequency(double frequency)
{
    d_begins |= frequency != d_frequency;
    d_frequency = frequency;
    d_shown_frequency = frequency;
}

//! Put samples into the store: all, unless it is full and what finds no room is to be dropped.
void sigmf_sink_impl::keep(const gr_complex* in, size_t n, uint64_t offset)
{
    uint64_t clipped = 0;
    for (size_t done = 0; done < n;) {
        const sample_time time = d_clock.at(offset + done);
        const sample_stretch first = {
            offset + done, 0, d_clock.rate(), d_frequency, time, d_begins};
        const size_t now = d_store->push(in + done, n - done, first, clipped);
        d_begins &= now == 0;
        done += now;
        if (done == n) {
            break;
        }
        if (d_options.drop) {
            d_dropped += n - done;
            break;
        }
        boost::this_thread::interruption_point(); // the flowgraph may be stopped meanwhile
        d_store->wait_for_room(longest_wait_s);
    }
    d_clipped += clipped;
}

} // namespace radiofm
} // namespace gr
