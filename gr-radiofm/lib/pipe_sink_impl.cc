/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipe_sink_impl.h"
#include "tag_values.h"
#include <algorithm>
#include <cmath>
#include <gnuradio/io_signature.h>
#include <gnuradio/radiofm/keys.h>
#include <limits>
#include <stdexcept>

namespace gr {
namespace radiofm {

namespace {

// Seconds since 1970 before which a time is taken for one since a device was switched on
constexpr uint64_t epoch_times = 1'000'000'000;
// A date is set anew when it is wrong by so much, s
constexpr double most_error_s = 1.0;

//! `time` moved by `seconds`, not before 0.
sample_time moved(const sample_time& time, double seconds)
{
    const double sum = time.fraction + seconds;
    const double whole = std::floor(sum);
    if (whole < 0 && uint64_t(-whole) > time.seconds) {
        return {};
    }
    return {time.seconds + uint64_t(int64_t(whole)), sum - whole};
}

//! What the host's clock says.
sample_time host_now()
{
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
    return {uint64_t(ns / 1'000'000'000), double(ns % 1'000'000'000) * 1e-9};
}

} // namespace

pipe_sink::sptr pipe_sink::make(const sample_pipe::sptr& pipe, const pipe_sink_options& options)
{
    return gnuradio::make_block_sptr<pipe_sink_impl>(pipe, options);
}

pipe_sink_impl::pipe_sink_impl(const sample_pipe::sptr& pipe, const pipe_sink_options& options)
    : gr::sync_block("pipe_sink",
                     gr::io_signature::make(1, 1, sizeof(gr_complex)),
                     gr::io_signature::make(0, 0, 0)),
      d_pipe(pipe),
      d_options(options),
      d_clock(sample_clock::checked_rate(options.sample_rate)),
      d_frequency(options.center_frequency)
{
}

void pipe_sink_impl::set_center_frequency(double center_frequency)
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    d_marks_next = d_marks_next || center_frequency != d_frequency;
    d_frequency = center_frequency;
}

void pipe_sink_impl::begin_burst(double center_frequency, uint64_t settle_samples, uint64_t samples)
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    const std::chrono::duration<double> settling(double(settle_samples) / d_clock.rate());
    d_frequency = center_frequency;
    d_settle_samples = settle_samples;
    d_settled_at = clock::now() + std::chrono::duration_cast<clock::duration>(settling);
    d_burst_left = samples;
    d_marks_next = true;
    // The date of a burst is looked up anew, as what lies between bursts may be lost
    d_has_time = d_has_time && (d_has_date || d_has_shift || !d_options.host_time);
}

bool pipe_sink_impl::in_burst() const
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    return d_burst_left > 0;
}

void pipe_sink_impl::finish()
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    if (!d_finished) {
        d_finished = true;
        d_burst_left = 0;
        d_pipe->end();
    }
}

int pipe_sink_impl::work(int noutput_items,
                         gr_vector_const_void_star& input_items,
                         gr_vector_void_star&)
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    const auto* in = static_cast<const gr_complex*>(input_items[0]);
    const uint64_t begin = nitems_read(0), end = begin + uint64_t(noutput_items);
    if (d_finished) {
        return WORK_DONE;
    }
    get_tags_in_range(d_tags, 0, begin, end);
    std::stable_sort(d_tags.begin(), d_tags.end(), gr::tag_t::offset_compare);
    set_first_time(begin, size_t(noutput_items));
    size_t next_tag = 0;
    for (uint64_t at = begin; at < end;) {
        for (; next_tag < d_tags.size() && d_tags[next_tag].offset == at; next_tag++) {
            read_tag(d_tags[next_tag]);
        }
        const uint64_t until = next_tag < d_tags.size() ? d_tags[next_tag].offset : end;
        take(in + (at - begin), at, size_t(until - at));
        at = until;
    }
    correct_time(begin, size_t(noutput_items));
    d_received += uint64_t(noutput_items);
    return noutput_items;
}

//! The newest of `n` samples from `begin` on has just been received, if nothing else is known. A
//! host that was late before, with these samples or another writer's, is no reason for a time that
//! goes back.
void pipe_sink_impl::set_first_time(uint64_t begin, size_t n)
{
    if (!d_has_time && d_options.host_time) {
        const sample_time heard = moved(host_now(), -double(n) / d_clock.rate());
        sample_time first = heard;
        for (const sample_time& reached : {d_clock.at(begin), d_pipe->reached()}) {
            const double back = seconds_between(reached, first);
            first = back > 0.0 && back < most_error_s ? reached : first;
        }
        d_clock.set_time(begin, first);
        d_looked_at = clock::now();
        d_least_late_s = std::numeric_limits<double>::infinity();
    }
    d_has_time = true;
}

//! Samples come late at times, as a host is busy, and never early: the least is what the clock is
//! wrong by.
void pipe_sink_impl::correct_time(uint64_t begin, size_t n)
{
    if (!d_options.host_time || d_has_date || d_has_shift) {
        return;
    }
    const double late = seconds_between(host_now(), d_clock.at(begin + n));
    d_least_late_s = std::min(d_least_late_s, late);
    const auto now = clock::now();
    if (std::chrono::duration<double>(now - d_looked_at).count() < d_options.date_span) {
        return;
    }
    if (std::abs(d_least_late_s) > most_error_s) {
        d_clock.set_time(begin + n, moved(d_clock.at(begin + n), d_least_late_s));
        d_marks_next = true;
    }
    d_looked_at = now;
    d_least_late_s = std::numeric_limits<double>::infinity();
}

//! A tag says when sample `offset` was received.
void pipe_sink_impl::set_time(uint64_t offset, const sample_time& told)
{
    sample_time time = told;
    if (told.seconds >= epoch_times) {
        d_has_date = true;
    } else if (d_options.host_time) {
        if (!d_has_shift) {
            d_shift = moved(d_clock.at(offset), -(double(told.seconds) + told.fraction));
            d_has_shift = true;
        }
        time = moved({told.seconds + d_shift.seconds, told.fraction}, d_shift.fraction);
    }
    const bool gap = std::abs(seconds_between(time, d_clock.at(offset))) * d_clock.rate() > 0.5;
    d_clock.set_time(offset, time);
    d_marks_next = d_marks_next || gap;
}

void pipe_sink_impl::read_tag(const gr::tag_t& tag)
{
    double value;
    sample_time time;
    if (pmt::eqv(tag.key, pmt::mp(keys::TAG_RX_TIME)) && as_time(tag.value, time)) {
        set_time(tag.offset, time);
    } else if (pmt::eqv(tag.key, pmt::mp(keys::TAG_RX_RATE)) && as_finite(tag.value, value) &&
               sample_clock::runs_at(value)) {
        d_marks_next = d_marks_next || value != d_clock.rate();
        d_clock.set_rate(tag.offset, value);
    } else if (pmt::eqv(tag.key, pmt::mp(keys::TAG_RX_FREQ)) && as_finite(tag.value, value)) {
        value *= d_options.frequency_scale;
        d_marks_next = d_marks_next || value != d_frequency;
        d_frequency = value;
    } else if (pmt::eqv(tag.key, pmt::mp(keys::TAG_END))) {
        d_pipe->end();
        d_marks_next = true;
    }
}

//! How many of `n` samples are of the time in which the receiver settles.
size_t pipe_sink_impl::skip(size_t n)
{
    const size_t skipped = size_t(std::min<uint64_t>(d_settle_samples, n));
    d_settle_samples -= skipped;
    if (skipped == n || clock::now() < d_settled_at) {
        return n;
    }
    return skipped;
}

//! `n` samples from `offset` on, between two tags, go where they belong.
void pipe_sink_impl::take(const gr_complex* in, uint64_t offset, size_t n)
{
    if (d_options.gate_open) {
        put(in, offset, n);
        return;
    }
    if (d_burst_left == 0) {
        return;
    }
    const size_t skipped = skip(n);
    const size_t taken = size_t(std::min<uint64_t>(n - skipped, d_burst_left));
    if (taken > 0) {
        put(in + skipped, offset + skipped, taken);
        d_burst_left -= taken;
        if (d_burst_left == 0) {
            d_pipe->end();
        }
    }
}

void pipe_sink_impl::put(const gr_complex* in, uint64_t offset, size_t n)
{
    if (d_is_full) {
        d_is_full = d_pipe->waiting() > d_pipe->capacity() / 2;
        d_marks_next = true;
    }
    if (d_marks_next && !d_is_full) {
        sample_mark mark;
        mark.sample_rate = d_clock.rate();
        mark.center_frequency = d_frequency;
        mark.time = d_clock.at(offset);
        d_pipe->mark(mark);
        d_marks_next = false;
    }
    const size_t taken = d_is_full ? 0 : d_pipe->push(in, n);
    d_is_full = d_is_full || taken < n;
    d_dropped += n - taken;
}

} // namespace radiofm
} // namespace gr
