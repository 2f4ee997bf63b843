/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recording_source_impl.h"
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <gnuradio/io_signature.h>
#include <gnuradio/radiofm/keys.h>
#include <gnuradio/thread/thread.h>
#include <poll.h>
#include <stdexcept>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace gr {
namespace radiofm {

namespace {

// A frame is a few reads: each hand-over between threads costs time while a model computes
constexpr size_t samples_per_read = 1 << 18;
// In real time: what comes at a time, as a receiver's driver hands it over, s
constexpr double received_span_s = 2e-3;
constexpr double longest_sleep_s = 10e-3;
constexpr int longest_poll_ms = 50;

} // namespace

read_only_file::read_only_file(const std::string& path)
    : d_path(path == "-" ? "standard input" : path),
      d_descriptor(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : ::open(path.c_str(), O_RDONLY | O_CLOEXEC))
{
    struct stat about = {};
    std::string why;
    if (d_descriptor < 0 || ::fstat(d_descriptor, &about) != 0) {
        why = std::strerror(errno);
    } else if (!S_ISREG(about.st_mode) && !S_ISFIFO(about.st_mode) && path != "-") {
        why = "not a regular file";
    }
    d_is_pipe = !S_ISREG(about.st_mode);
    if (!why.empty()) {
        if (d_descriptor >= 0) {
            ::close(d_descriptor);
        }
        fail(why);
    }
}

read_only_file::~read_only_file()
{
    ::close(d_descriptor);
}

void read_only_file::fail(const std::string& why) const
{
    throw std::runtime_error("cannot read " + d_path + ": " + why);
}

uint64_t read_only_file::size() const
{
    struct stat about = {};
    return ::fstat(d_descriptor, &about) == 0 ? uint64_t(about.st_size) : 0;
}

size_t read_only_file::read(unsigned char* to, size_t n, uint64_t offset) const
{
    size_t got = 0;
    while (got < n) {
        const ssize_t now = ::pread(d_descriptor, to + got, n - got, off_t(offset + got));
        if (now == 0) {
            break;
        }
        if (now < 0 && errno != EINTR) {
            fail(std::strerror(errno));
        }
        got += now > 0 ? size_t(now) : 0;
    }
    return got;
}

size_t read_only_file::receive(unsigned char* to, size_t n) const
{
    for (;;) {
        struct pollfd wanted = {d_descriptor, POLLIN, 0};
        if (::poll(&wanted, 1, longest_poll_ms) > 0) {
            const ssize_t now = ::read(d_descriptor, to, n);
            if (now >= 0) {
                return size_t(now);
            }
            if (errno != EINTR && errno != EAGAIN) {
                fail(std::strerror(errno));
            }
        }
        boost::this_thread::interruption_point();
    }
}

recording_source::sptr recording_source::make(const recording_source_options& options)
{
    return gnuradio::make_block_sptr<recording_source_impl>(options);
}

recording_source_impl::recording_source_impl(const recording_source_options& options)
    : gr::sync_block("recording_source",
                     gr::io_signature::make(0, 0, 0),
                     gr::io_signature::make(1, 1, sizeof(gr_complex))),
      d_options(options),
      d_format(sample_format::find(options.datatype)),
      d_file(options.path),
      d_n_samples(check_size(options.n_samples)),
      d_segments(options.segments),
      d_to_skip(options.start_byte)
{
    if (!sample_clock::runs_at(options.sample_rate)) {
        throw std::invalid_argument("sample rate " + std::to_string(options.sample_rate) +
                                    " S/s must be 1 S/s or more");
    }
    check_segments();
    if (!options.real_time) {
        set_min_output_buffer(0, 2 * samples_per_read); // few, large reads
    }
}

//! The samples to play; throws if the file does not hold them.
uint64_t recording_source_impl::check_size(uint64_t wanted) const
{
    if (d_file.is_pipe()) {
        if (d_options.repeat) {
            throw std::invalid_argument(d_options.path + " is a pipe, which cannot be repeated");
        }
        return wanted ? wanted : endless;
    }
    const uint64_t size = d_file.size();
    uint64_t left = size - std::min(size, d_options.start_byte);
    for (const recording_segment& one : d_options.segments) {
        left -= std::min(left, one.header_bytes);
    }
    const uint64_t held = left / uint64_t(d_format.bytes);
    if (held == 0 || wanted > held) {
        throw std::invalid_argument(d_options.path + " holds " + std::to_string(held) + " " +
                                    d_format.name + " samples (" + std::to_string(size) +
                                    " bytes), " + std::to_string(std::max<uint64_t>(wanted, 1)) +
                                    " expected; check the file and its datatype");
    }
    return wanted ? wanted : held;
}

void recording_source_impl::check_segments()
{
    if (d_segments.empty()) {
        d_segments.emplace_back();
    }
    if (d_segments[0].sample_start != 0) {
        throw std::invalid_argument("the first segment starts at sample " +
                                    std::to_string(d_segments[0].sample_start) +
                                    "; it must start at sample 0");
    }
    uint64_t skipped = 0;
    for (size_t i = 0; i < d_segments.size(); i++) {
        const recording_segment& one = d_segments[i];
        skipped += one.header_bytes;
        d_skipped.push_back(skipped);
        if (one.header_bytes && d_file.is_pipe()) {
            throw std::invalid_argument(d_options.path + " is a pipe, in which headers between "
                                                         "samples cannot be left out");
        }
        const bool ascending = i == 0 || one.sample_start > d_segments[i - 1].sample_start;
        if (!ascending || one.sample_start >= d_n_samples) {
            throw std::invalid_argument("segment " + std::to_string(i) + " starts at sample " +
                                        std::to_string(one.sample_start) +
                                        "; starts must ascend and lie within the " +
                                        std::to_string(d_n_samples) + " samples");
        }
        if (!std::isfinite(one.center_frequency) || !(one.time_frac >= 0 && one.time_frac < 1)) {
            throw std::invalid_argument("segment " + std::to_string(i) +
                                        " has a centre frequency or time that is not finite; "
                                        "fractions of a second must be from 0 to below 1");
        }
    }
}

std::string recording_source_impl::error() const
{
    std::lock_guard<std::mutex> lock(d_error_mutex);
    return d_error;
}

void recording_source_impl::fail(const std::string& text)
{
    std::lock_guard<std::mutex> lock(d_error_mutex);
    d_error = text;
    d_failed = true;
}

bool recording_source_impl::start()
{
    d_start = std::chrono::steady_clock::now();
    d_first_played = d_progress;
    return true;
}

int recording_source_impl::work(int noutput_items,
                                gr_vector_const_void_star&,
                                gr_vector_void_star& output_items)
{
    if (d_done) {
        return WORK_DONE;
    }
    auto* out = static_cast<gr_complex*>(output_items[0]);
    size_t produced = 0;
    if (d_position < d_n_samples && !d_failed) {
        produced = next_samples(out, std::min(size_t(noutput_items), samples_per_read));
        d_progress += produced;
    }
    if (produced < size_t(noutput_items) && (d_position == d_n_samples || d_failed)) {
        out[produced] = gr_complex(0.0f, 0.0f);
        add_item_tag(
            0, nitems_written(0) + produced, pmt::mp(keys::TAG_END), pmt::PMT_T, alias_pmt());
        produced++;
        end_pass();
    }
    return int(produced);
}

//! Wait until the next piece of samples would have been received; how many, up to `most`, have.
size_t recording_source_impl::wait_until_received(size_t most)
{
    using seconds = std::chrono::duration<double>;
    const auto received = [this] {
        const seconds passed = std::chrono::steady_clock::now() - d_start;
        return std::floor(passed.count() * d_options.sample_rate) -
               double(d_progress - d_first_played);
    };
    const double left = double(std::min<uint64_t>(most, d_n_samples - d_position));
    const double piece =
        std::min(left, std::max(1.0, std::floor(received_span_s * d_options.sample_rate)));
    double ready;
    while ((ready = received()) < piece) {
        boost::this_thread::interruption_point(); // the flowgraph may be stopped meanwhile
        const double wait = (piece - ready) / d_options.sample_rate;
        std::this_thread::sleep_for(seconds(std::min(wait, longest_sleep_s)));
    }
    return size_t(std::min(ready, left));
}

//! Up to `most` samples from d_position on; how many are good.
size_t recording_source_impl::next_samples(gr_complex* out, size_t most)
{
    if (d_file.is_pipe()) {
        return receive(out, most);
    }
    return fill(out, d_options.real_time ? wait_until_received(most) : most);
}

/*!
 * Where a sample's bytes are in the file. `n` becomes as many samples as follow it there without
 * a header in between.
 */
uint64_t recording_source_impl::offset_of(uint64_t position, size_t& n) const
{
    size_t next = d_segment;
    while (next < d_segments.size() && d_segments[next].sample_start <= position) {
        next++;
    }
    const uint64_t skipped = next ? d_skipped[next - 1] : 0;
    for (; next < d_segments.size() && d_segments[next].sample_start < position + n; next++) {
        if (d_segments[next].header_bytes) {
            n = size_t(d_segments[next].sample_start - position);
        }
    }
    return d_options.start_byte + skipped + position * d_format.bytes;
}

//! Read and convert up to `n` samples from d_position on; returns how many are good.
size_t recording_source_impl::fill(gr_complex* out, size_t n)
{
    n = size_t(std::min<uint64_t>(n, d_n_samples - d_position));
    const uint64_t offset = offset_of(d_position, n);
    d_raw.resize(std::max(d_raw.size(), n * d_format.bytes));
    size_t good = 0;
    try {
        good = d_file.read(d_raw.data(), n * d_format.bytes, offset) / d_format.bytes;
        if (good < n) {
            fail(d_options.path + " ends after " + std::to_string(d_position + good) + " of " +
                 std::to_string(d_n_samples) + " samples: it was truncated while being read");
        }
    } catch (const std::runtime_error& problem) {
        fail(problem.what());
    }
    return take(out, good);
}

//! Of a pipe: what has come, up to `n` samples; once nothing more comes, the recording ends.
size_t recording_source_impl::receive(gr_complex* out, size_t n)
{
    n = size_t(std::min<uint64_t>(n, d_n_samples - d_position));
    d_raw.resize(std::max(d_raw.size(), n * d_format.bytes));
    try {
        do {
            const size_t room = n * d_format.bytes - d_pending;
            const size_t got = d_file.receive(d_raw.data() + d_pending, room);
            const size_t skipped = size_t(std::min<uint64_t>(got, d_to_skip));
            std::memmove(
                d_raw.data() + d_pending, d_raw.data() + d_pending + skipped, got - skipped);
            d_to_skip -= skipped;
            d_pending += got - skipped;
            if (got == 0) {
                d_failed = true; // nothing follows
                break;
            }
        } while (d_pending < d_format.bytes);
    } catch (const std::runtime_error& problem) {
        fail(problem.what());
    }
    const size_t whole = d_pending / d_format.bytes;
    const size_t good = take(out, whole);
    d_pending -= whole * d_format.bytes;
    std::memmove(d_raw.data(), d_raw.data() + whole * d_format.bytes, d_pending);
    if (d_failed && d_pending) {
        d_logger->warn("{} ends with {} bytes that are no whole {} sample",
                       d_options.path,
                       d_pending,
                       d_format.name);
    }
    return good;
}

//! Convert and tag the next `good` samples of d_raw; returns how many are good.
size_t recording_source_impl::take(gr_complex* out, size_t good)
{
    d_format.convert(out, d_raw.data(), good);
    if (d_format.may_be_infinite) {
        const auto finite = [](const gr_complex& x) {
            return std::isfinite(x.real()) && std::isfinite(x.imag());
        };
        const size_t bad = size_t(std::find_if_not(out, out + good, finite) - out);
        if (bad < good) {
            good = bad;
            fail("sample " + std::to_string(d_position + bad) + " of " + d_options.path +
                 " is not a finite number; repair the recording or cut it there");
        }
    }
    const uint64_t item = nitems_written(0);
    while (d_segment < d_segments.size() &&
           d_segments[d_segment].sample_start < d_position + good) {
        tag_segment(item);
        d_segment++;
    }
    d_position += good;
    return good;
}

//! Tag the start of segment d_segment; `item` is the stream's item of sample d_position.
void recording_source_impl::tag_segment(uint64_t item)
{
    const recording_segment& segment = d_segments[d_segment];
    const uint64_t start = segment.sample_start;
    const uint64_t next =
        d_segment + 1 < d_segments.size() ? d_segments[d_segment + 1].sample_start : d_n_samples;
    sample_clock clock(d_options.sample_rate);
    clock.set_time(
        0, {segment.time_s + d_time_shift.seconds, segment.time_frac + d_time_shift.fraction});
    const sample_time time = clock.at(0); // carries whole seconds
    d_end_time = clock.at(next - start);

    item += start - d_position;
    const auto tag = [&](const char* key, const pmt::pmt_t& value) {
        add_item_tag(0, item, pmt::mp(key), value, alias_pmt());
    };
    tag(keys::TAG_RX_RATE, pmt::from_double(d_options.sample_rate));
    tag(keys::TAG_RX_FREQ, pmt::from_double(segment.center_frequency));
    tag(keys::TAG_RX_TIME,
        pmt::make_tuple(pmt::from_uint64(time.seconds), pmt::from_double(time.fraction)));
}

//! After the end tag: stop, or begin again with time going on.
void recording_source_impl::end_pass()
{
    if (!d_options.repeat || d_failed) {
        d_done = true;
        return;
    }
    const double shift =
        std::max(0.0, seconds_between(d_end_time, {d_segments[0].time_s, d_segments[0].time_frac}));
    d_time_shift.seconds = uint64_t(shift);
    d_time_shift.fraction = shift - std::floor(shift);
    d_position = 0;
    d_segment = 0;
}

} // namespace radiofm
} // namespace gr
