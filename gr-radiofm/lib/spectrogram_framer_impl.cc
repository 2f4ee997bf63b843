/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spectrogram_framer_impl.h"
#include "tag_values.h"
#include <algorithm>
#include <cmath>
#include <gnuradio/io_signature.h>
#include <gnuradio/radiofm/keys.h>
#include <gnuradio/radiofm/stream_end.h>
#include <stdexcept>

namespace gr {
namespace radiofm {

namespace {

// What the block before should be able to hand over in one go, s: threads that wake each other
// for every 4096 samples, as is usual, spend more time on that than the framer does on them.
constexpr double input_span_s = 1e-3;

// Samples that stay in a near cache while they are read three times.
constexpr size_t near_samples = 2048;

const pmt::pmt_t& symbol(const char* name)
{
    // Interning takes a lock and a hash each time; these few names are asked for per frame.
    thread_local std::vector<std::pair<const char*, pmt::pmt_t>> known;
    for (const auto& [key, value] : known) {
        if (key == name) {
            return value;
        }
    }
    return known.emplace_back(name, pmt::mp(name)).second;
}

// Both are checked before the members that depend on them are made.
const spectrogram_spec& checked(const spectrogram_spec& spec)
{
    spec.check();
    return spec;
}

} // namespace

spectrogram_framer::sptr spectrogram_framer::make(const spectrogram_framer_options& options)
{
    return gnuradio::make_block_sptr<spectrogram_framer_impl>(options);
}

spectrogram_framer_impl::spectrogram_framer_impl(const spectrogram_framer_options& options)
    : gr::block(
          "spectrogram_framer",
          gr::io_signature::make(1, 1, sizeof(gr_complex)),
          gr::io_signature::make(0, 1, int(checked(options.spec).frame_floats() * sizeof(float)))),
      d_options(options),
      d_spec(d_options.spec),
      d_port(pmt::mp(keys::PORT_FRAMES)),
      d_fingerprint(pmt::intern(d_spec.fingerprint)),
      d_kernel(d_spec.fft_size, d_spec.hop, d_spec.rows, d_spec.peak, d_spec.floor_db),
      d_evidence(d_spec),
      d_clock(sample_clock::checked_rate(options.sample_rate)),
      d_frequency(options.center_frequency),
      d_frame_duration(options.frame_duration)
{
    d_waiting.pixels.resize(d_spec.power_floats());
    d_waiting.evidence.resize(d_spec.evidence_floats());
    check_duration(options.frame_duration);
    set_rate(options.sample_rate);
    d_rate_is_told = d_served;
    d_shown_frequency = options.center_frequency;
    set_tag_propagation_policy(TPP_DONT);
    set_min_output_buffer(0, 16); // a batch of frames may wait while inference runs
    message_port_register_out(d_port);
    const auto command = pmt::mp(keys::PORT_COMMAND);
    message_port_register_in(command);
    set_msg_handler(command, [this](const pmt::pmt_t& message) { take_command(message); });
}

//! What a receiver is told, too; only its frequency is of interest here. Must not throw: that would
//! end the flowgraph.
void spectrogram_framer_impl::take_command(const pmt::pmt_t& message)
{
    const auto key = symbol(keys::COMMAND_FREQUENCY);
    pmt::pmt_t value = pmt::PMT_NIL;
    if (pmt::is_pair(message) && pmt::eqv(pmt::car(message), key)) {
        value = pmt::cdr(message);
    } else if (pmt::is_dict(message)) {
        value = pmt::dict_ref(message, key, pmt::PMT_NIL);
    }
    double frequency;
    if (as_finite(value, frequency)) {
        set_center_frequency(frequency);
    } else if (!pmt::is_null(value)) {
        d_logger->error("a command's {}: expected a number of Hz; it is ignored",
                        keys::COMMAND_FREQUENCY);
    }
}

void spectrogram_framer_impl::set_center_frequency(double center_frequency)
{
    if (!std::isfinite(center_frequency)) {
        throw std::invalid_argument("center frequency: expected a finite number of Hz");
    }
    d_wanted_frequency = center_frequency;
    d_frequency_waits = true;
}

void spectrogram_framer_impl::set_sample_rate(double sample_rate)
{
    d_spec.hops_per_row(sample_rate, d_options.frame_duration); // throws if it is not served
    d_wanted_rate = sample_rate;
    d_rate_waits = true;
}

//! \throws std::invalid_argument if no frame can be that long, whatever the rate
void spectrogram_framer_impl::check_duration(double frame_duration) const
{
    d_spec.hops_per_row(d_spec.sample_rate_min, frame_duration);
}

void spectrogram_framer_impl::set_frame_duration(double frame_duration)
{
    check_duration(frame_duration);
    d_wanted_duration = frame_duration;
    d_duration_waits = true;
}

/*
 * Called before the buffers are made. The one before a block gets room for twice the inverse of
 * the block's relative rate; nothing else depends on that rate here, as tags are not propagated.
 * Not without an output: GNU Radio leaves a sink waiting while less than that is there, for ever
 * at the end of the stream.
 */
bool spectrogram_framer_impl::check_topology(int, int noutputs)
{
    uint64_t samples = 1;
    const double rate = d_served ? double(d_shown_rate) : d_spec.sample_rate_max;
    while (noutputs > 0 && double(samples) < rate * input_span_s) {
        samples *= 2;
    }
    set_relative_rate(1, samples);
    return true;
}

void spectrogram_framer_impl::forecast(int, gr_vector_int& required)
{
    // A frame's work is spread over its samples: take whatever there is beside those taken.
    const bool more = d_taken > 0 && !stream_has_ended(*this);
    std::fill(required.begin(), required.end(), more ? int(d_taken) + 1 : 1);
}

//! Begin a run, or go on after the flowgraph was changed, with the samples left in the buffer.
bool spectrogram_framer_impl::start()
{
    if (nitems_read(0) == 0) {
        d_taken = 0;
        d_ended = false;
        d_clock = sample_clock(d_clock.rate());
    }
    start_anew(nitems_read(0) + d_taken);
    return true;
}

bool spectrogram_framer_impl::stop()
{
    // a frame that waits or is under way can no longer be sent
    d_cut_samples += d_kernel.position() + d_waiting.samples;
    d_waiting.clear();
    d_kernel.start(d_hops_per_row);
    return true;
}

//! Whether these are the stream's last samples.
bool spectrogram_framer_impl::is_all(int ninput_items) const
{
    // some may have come between the scheduler's look and the end
    return stream_has_ended(*this) && detail()->input(0)->items_available() == ninput_items;
}

int spectrogram_framer_impl::general_work(int noutput_items,
                                          gr_vector_int& ninput_items,
                                          gr_vector_const_void_star& input_items,
                                          gr_vector_void_star& output_items)
{
    const auto* in = static_cast<const gr_complex*>(input_items[0]);
    float* out = output_items.empty() ? nullptr : static_cast<float*>(output_items[0]);
    const uint64_t begin = nitems_read(0);
    const uint64_t end = begin + uint64_t(ninput_items[0]);
    int produced = 0;
    const auto send = [&](bool last) {
        // Without an output there is no item count to ask for.
        float* item = out ? out + size_t(produced) * d_spec.frame_floats() : nullptr;
        produced += send_waiting(item, out ? nitems_written(0) + uint64_t(produced) : 0, last);
    };

    uint64_t at = begin + d_taken;
    if (d_frequency_waits.exchange(false)) {
        const double wanted = d_wanted_frequency;
        if (wanted != d_frequency) {
            end_frame();
            d_frequency = wanted;
            d_shown_frequency = wanted;
            start_anew(at);
        }
    }

    if (d_rate_waits.exchange(false) && d_wanted_rate != d_shown_rate) {
        end_frame();
        change_rate(at, d_wanted_rate);
        start_anew(at);
    }

    get_tags_in_range(d_changes.tags(), 0, at, end);
    d_changes.sort();
    // No step sends more than one frame: where one waits, that under way has no row yet.
    while (at < end && produced < noutput_items) {
        if (d_changes.is_at(at)) {
            const stream_change here = d_changes.read(at, *d_logger);
            if (breaks(here, at)) {
                end_frame();
                start_anew(at);
            }
            if (here.end) {
                send(true);
            }
            apply(here, at);
            continue; // there may be no room left
        }
        const uint64_t until = d_changes.next(end);
        if (!d_rate_is_told) {
            d_logger->error("sample rate {:g} MS/s is outside the model's range {:g} to {:g} MS/s, "
                            "and no rx_rate tag came with the first samples; set the rate at which "
                            "samples come, resample them or load another model",
                            d_shown_rate / 1e6,
                            d_spec.sample_rate_min / 1e6,
                            d_spec.sample_rate_max / 1e6);
            return WORK_DONE;
        }
        if (d_ended || !d_served) {
            send(false);
            d_ignored_samples += d_ended ? 0 : until - at;
            at = until;
            start_anew(at);
            continue;
        }
        size_t most = size_t(until - at);
        if (!d_waiting.empty()) {
            most = std::min(most, d_kernel.least_samples() - d_kernel.position());
        }
        at += push(in + (at - begin), most);
        if (!d_waiting.empty() && d_kernel.position() == d_kernel.least_samples()) {
            send(false);
        }
        if (d_kernel.complete()) {
            end_frame();
            start_frame(at);
        }
    }
    d_nonfinite_samples = d_kernel.nonfinite_samples();
    d_taken = 0;
    if (at == end && !d_waiting.empty()) {
        if (produced < noutput_items && is_all(ninput_items[0])) {
            send(false);
        } else {
            d_taken = 1;
        }
    }
    consume(0, int(at - begin - d_taken));
    return out ? produced : 0;
}

//! Whether the sample at `offset` does not go on with what was before it.
bool spectrogram_framer_impl::breaks(const stream_change& here, uint64_t offset) const
{
    const bool gap =
        here.time &&
        std::abs(seconds_between(here.new_time, d_clock.at(offset))) * d_clock.rate() > 0.5;
    return here.end || gap || (here.rate && here.new_rate != d_shown_rate) ||
           (here.frequency && here.new_frequency != d_frequency);
}

void spectrogram_framer_impl::apply(const stream_change& here, uint64_t offset)
{
    if (here.rate) {
        change_rate(offset, here.new_rate);
    }
    if (here.frequency) {
        d_frequency = here.new_frequency;
        d_shown_frequency = d_frequency;
    }
    if (here.time) {
        d_clock.set_time(offset, here.new_time);
    }
    d_ended = here.begins() ? false : d_ended || here.end;
    if (d_kernel.position() == 0) {
        start_frame(offset);
    }
}

//! From sample `offset` on samples come at another rate, by a tag or a caller.
void spectrogram_framer_impl::change_rate(uint64_t offset, double rate)
{
    const bool is_news = rate != d_shown_rate || !d_rate_is_told;
    d_rate_is_told = true;
    if (!is_news) {
        return;
    }
    if (sample_clock::runs_at(rate)) {
        d_clock.set_rate(offset, rate);
    }
    set_rate(rate);
    if (!d_served) {
        d_logger->error("sample rate {:g} MS/s is outside the model's range {:g} to {:g} MS/s: "
                        "its samples are ignored; resample the signal or load another model",
                        rate / 1e6,
                        d_spec.sample_rate_min / 1e6,
                        d_spec.sample_rate_max / 1e6);
    }
}

void spectrogram_framer_impl::set_rate(double rate)
{
    d_served = d_spec.serves(rate);
    d_shown_rate = rate;
    if (!d_served) {
        return;
    }
    d_hops_per_row = d_spec.hops_per_row(rate, d_frame_duration);
    d_shown_row_samples = d_hops_per_row * d_spec.hop;
    d_evidence.set_rate(rate, d_hops_per_row);
}

void spectrogram_framer_impl::start_frame(uint64_t offset)
{
    if (d_duration_waits.exchange(false)) {
        d_frame_duration = d_wanted_duration;
        if (d_served) {
            set_rate(d_shown_rate);
        }
    }
    d_kernel.start(d_hops_per_row);
    d_evidence.start_frame();
    d_frame_offset = offset;
    d_frame_time = d_clock.at(offset);
}

//! Start a frame with a sample that does not follow those before.
void spectrogram_framer_impl::start_anew(uint64_t offset)
{
    d_evidence.forget();
    start_frame(offset);
}

//! Hand on up to `n` samples, none beyond the frame's end; returns how many.
size_t spectrogram_framer_impl::push(const gr_complex* in, size_t n)
{
    size_t taken = 0;
    while (taken < n) {
        const size_t now = d_kernel.push(in + taken, std::min(n - taken, near_samples));
        if (now == 0) {
            break;
        }
        d_evidence.push(d_kernel.usable(), now);
        taken += now;
    }
    return taken;
}

//! End the frame under way; it waits from here on if it has a whole row. Another that waits is
//! kept if not.
void spectrogram_framer_impl::end_frame()
{
    const size_t samples = d_kernel.position();
    const size_t rows = d_kernel.finish();
    d_cut_samples += samples - rows * d_kernel.row_samples();
    if (rows > 0) {
        d_kernel.swap_frame(d_waiting.pixels);
        d_evidence.finish(d_waiting.evidence.data());
        d_waiting.rows = rows;
        d_waiting.samples = rows * d_kernel.row_samples();
        d_waiting.dict = describe(rows);
    }
}

/*
 * Send the frame that waits, if one does, to `out` (item `item_offset`) if there is one and to
 * subscribers of the message port. Returns whether one was sent.
 */
bool spectrogram_framer_impl::send_waiting(float* out, uint64_t item_offset, bool last)
{
    if (d_waiting.empty()) {
        return false;
    }
    const pmt::pmt_t dict = pmt::dict_add(d_waiting.dict, symbol(keys::LAST), pmt::from_bool(last));
    if (out) {
        std::copy(d_waiting.pixels.begin(), d_waiting.pixels.end(), out);
        std::copy(
            d_waiting.evidence.begin(), d_waiting.evidence.end(), out + d_spec.power_floats());
        add_item_tag(0, item_offset, symbol(keys::TAG_FRAME), dict, alias_pmt());
    }
    if (!pmt::is_null(message_subscribers(d_port))) {
        publish(dict, d_waiting.rows);
    }
    d_waiting.clear();
    d_frames++;
    return true;
}

pmt::pmt_t spectrogram_framer_impl::describe(size_t rows) const
{
    const auto time = pmt::make_tuple(pmt::from_uint64(d_frame_time.seconds),
                                      pmt::from_double(d_frame_time.fraction));
    const double row_duration = double(d_kernel.row_samples()) / d_clock.rate();
    auto dict = pmt::make_dict();
    const auto add = [&dict](const char* key, const pmt::pmt_t& value) {
        dict = pmt::dict_add(dict, symbol(key), value);
    };
    add(keys::ROWS, pmt::from_uint64(rows));
    add(keys::COLS, pmt::from_uint64(d_spec.fft_size));
    add(keys::CHANNELS, pmt::from_uint64(d_spec.channels()));
    add(keys::FRAME_INDEX, pmt::from_uint64(d_frames));
    add(keys::SAMPLE_OFFSET, pmt::from_uint64(d_frame_offset));
    add(keys::SAMPLE_RATE, pmt::from_double(d_clock.rate()));
    add(keys::CENTER_FREQUENCY, pmt::from_double(d_frequency));
    add(keys::RX_TIME, time);
    add(keys::ROW_DURATION, pmt::from_double(row_duration));
    add(keys::ROW_SAMPLES, pmt::from_uint64(d_kernel.row_samples()));
    add(keys::SPEC, d_fingerprint);
    return dict;
}

void spectrogram_framer_impl::publish(pmt::pmt_t dict, size_t rows)
{
    const size_t valid = rows * d_spec.fft_size, lags = d_spec.evidence_lags.size();
    const size_t cell_rows = (rows + d_spec.row_multiple - 1) / d_spec.row_multiple;
    const size_t cells = lags ? cell_rows * spectrogram_spec::cell_cols : 0;
    const size_t all_cells = d_spec.cell_rows() * spectrogram_spec::cell_cols;
    const size_t power = d_spec.channels() * valid;
    const auto values = pmt::make_f32vector(power + 2 * lags * cells, 0.0f);
    size_t length;
    float* to = pmt::f32vector_writable_elements(values, length);
    for (size_t channel = 0; channel < d_spec.channels(); channel++) {
        std::copy_n(d_waiting.pixels.data() + channel * d_spec.rows * d_spec.fft_size,
                    valid,
                    to + channel * valid);
    }
    for (size_t part = 0; part < 2 * lags; part++) {
        std::copy_n(d_waiting.evidence.data() + part * all_cells, cells, to + power + part * cells);
    }
    if (lags) {
        const auto add = [&dict](const char* key, const pmt::pmt_t& value) {
            dict = pmt::dict_add(dict, symbol(key), value);
        };
        add(keys::EVIDENCE_LAGS, pmt::init_f64vector(lags, d_spec.evidence_lags));
        add(keys::EVIDENCE_ROWS, pmt::from_uint64(cell_rows));
        add(keys::EVIDENCE_COLS, pmt::from_uint64(spectrogram_spec::cell_cols));
    }
    message_port_pub(d_port, pmt::cons(dict, values));
}

} // namespace radiofm
} // namespace gr
