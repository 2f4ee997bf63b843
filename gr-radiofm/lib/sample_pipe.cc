/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <algorithm>
#include <chrono>
#include <gnuradio/radiofm/sample_pipe.h>
#include <stdexcept>
#include <string>

namespace gr {
namespace radiofm {

namespace {

uint64_t checked_capacity(uint64_t capacity)
{
    if (capacity < 2) {
        throw std::invalid_argument("capacity of a sample pipe: expected 2 samples or more, got " +
                                    std::to_string(capacity));
    }
    return capacity;
}

} // namespace

sample_pipe::sample_pipe(uint64_t capacity) : d_ring(checked_capacity(capacity)) {}

void sample_pipe::mark(const sample_mark& about)
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    d_next = about;
    d_has_next = true;
}

size_t sample_pipe::push(const gr_complex* in, size_t n)
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    const uint64_t room =
        d_ring.size() - 1 - std::min<uint64_t>(d_ring.size() - 1, d_pushed - d_taken);
    n = d_closed ? 0 : size_t(std::min<uint64_t>(n, room));
    if (n == 0) {
        return 0;
    }
    if (d_has_next) {
        d_next.offset = d_pushed;
        d_marks.push_back(d_next);
        d_begun = d_next;
        d_has_next = false;
    }
    const size_t at = size_t(d_pushed % d_ring.size());
    const size_t first = std::min(n, d_ring.size() - at);
    std::copy_n(in, first, d_ring.begin() + long(at));
    std::copy_n(in + first, n - first, d_ring.begin());
    d_pushed += n;
    d_open = true;
    d_filled.notify_one();
    return n;
}

void sample_pipe::end()
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    if (!d_open || d_closed) {
        return;
    }
    d_ring[size_t(d_pushed % d_ring.size())] = gr_complex(0.0f, 0.0f);
    sample_mark mark;
    mark.offset = d_pushed;
    mark.end = true;
    d_marks.push_back(mark);
    d_pushed++;
    d_open = false;
    d_filled.notify_one();
}

void sample_pipe::close()
{
    end();
    const std::lock_guard<std::mutex> guard(d_mutex);
    d_closed = true;
    d_filled.notify_one();
}

size_t sample_pipe::take(gr_complex* out, size_t n, std::vector<sample_mark>& marks, double seconds)
{
    marks.clear();
    std::unique_lock<std::mutex> guard(d_mutex);
    d_filled.wait_for(guard, std::chrono::duration<double>(seconds), [this] {
        return d_pushed > d_taken || d_closed;
    });
    n = size_t(std::min<uint64_t>(n, d_pushed - d_taken));
    const size_t at = size_t(d_taken % d_ring.size());
    const size_t first = std::min(n, d_ring.size() - at);
    std::copy_n(d_ring.begin() + long(at), first, out);
    std::copy_n(d_ring.begin(), n - first, out + first);
    d_taken += n;
    while (!d_marks.empty() && d_marks.front().offset < d_taken) {
        marks.push_back(d_marks.front());
        d_marks.pop_front();
    }
    return n;
}

bool sample_pipe::closed() const
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    return d_closed && d_pushed == d_taken;
}

uint64_t sample_pipe::waiting() const
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    return d_pushed - d_taken;
}

uint64_t sample_pipe::pushed() const
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    return d_pushed;
}

uint64_t sample_pipe::begun_at() const
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    return d_begun.offset;
}

sample_time sample_pipe::reached() const
{
    const std::lock_guard<std::mutex> guard(d_mutex);
    if (!sample_clock::runs_at(d_begun.sample_rate)) {
        return {};
    }
    sample_clock clock(d_begun.sample_rate);
    clock.set_time(d_begun.offset, d_begun.time);
    // the sample that marks an end takes no time
    return clock.at(d_pushed - (d_open ? 0 : 1));
}

} // namespace radiofm
} // namespace gr
