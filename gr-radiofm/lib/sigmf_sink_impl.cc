/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sigmf_sink_impl.h"
#include "tag_values.h"
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

double checked_rate(double rate)
{
    if (!sample_clock::runs_at(rate)) {
        throw std::invalid_argument("sample rate " + std::to_string(rate) +
                                    " S/s must be 1 S/s or more");
    }
    return rate;
}

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
      d_store(std::make_shared<sample_store>(options.datatype,
                                             options.memory_limit,
                                             history_samples(checked_rate(options.sample_rate)))),
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
    d_wanted_rate = checked_rate(sample_rate);
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
    get_tags_in_range(d_tags, 0, begin, end);
    std::stable_sort(d_tags.begin(), d_tags.end(), gr::tag_t::offset_compare);
    size_t next_tag = 0;
    for (uint64_t at = begin; at < end;) {
        bool ends = false, tells = false;
        for (; next_tag < d_tags.size() && d_tags[next_tag].offset == at; next_tag++) {
            const gr::tag_t& tag = d_tags[next_tag];
            ends |= pmt::eq(tag.key, pmt::mp(keys::TAG_END));
            tells |= take_tag(tag);
        }
        // an end and a new beginning at one sample: the new beginning counts
        d_begins |= ends;
        d_ended = !tells && (d_ended || ends);
        const uint64_t until = next_tag < d_tags.size() ? d_tags[next_tag].offset : end;
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

//! Follow a tag; whether it is one that tells how the samples from there on were received.
bool sigmf_sink_impl::take_tag(const gr::tag_t& tag)
{
    double number;
    sample_time time;
    if (pmt::eq(tag.key, pmt::mp(keys::TAG_RX_RATE))) {
        if (as_finite(tag.value, number) && sample_clock::runs_at(number)) {
            set_rate(number, tag.offset);
            return true;
        }
    } else if (pmt::eq(tag.key, pmt::mp(keys::TAG_RX_FREQ))) {
        if (as_finite(tag.value, number)) {
            set_frequency(number);
            return true;
        }
    } else if (pmt::eq(tag.key, pmt::mp(keys::TAG_RX_TIME))) {
        if (as_time(tag.value, time)) {
            const double gap = seconds_between(time, d_clock.at(tag.offset));
            d_begins |= std::abs(gap) * d_clock.rate() > 0.5;
            d_clock.set_time(tag.offset, time);
            return true;
        }
    } else {
        return false;
    }
    complain_about(tag);
    return false;
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

void sigmf_sink_impl::complain_about(const gr::tag_t& tag)
{
    if (!d_complained) {
        d_logger->warn("tag {:s} with value {:s} at sample {:d} is invalid and ignored "
                       "(reported once)",
                       pmt::symbol_to_string(tag.key),
                       pmt::write_string(tag.value),
                       tag.offset);
        d_complained = true;
    }
}

} // namespace radiofm
} // namespace gr
