/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample_encoder.h"
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <gnuradio/radiofm/sample_store.h>
#include <unistd.h>

namespace gr {
namespace radiofm {

namespace {

using steady_clock = std::chrono::steady_clock;
using seconds_of = std::chrono::duration<double>;

// Chunks grow from the smaller to the larger size while samples follow each other: many short
// stretches do not fill the memory with room that they do not need
constexpr size_t least_chunk_bytes = 1 << 16;
constexpr size_t most_chunk_bytes = 1 << 20;
constexpr size_t most_free_chunks = 4;

//! Writes all bytes; returns why not, or an empty text. The file is then as long as before.
std::string write_all(int descriptor, const unsigned char* bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        const ssize_t now = ::write(descriptor, bytes + done, n - done);
        if (now < 0 && errno != EINTR) {
            const std::string why = std::strerror(errno);
            const off_t end = ::lseek(descriptor, 0, SEEK_CUR);
            const off_t before = end - off_t(done);
            if (end >= 0 && ::ftruncate(descriptor, before) == 0) {
                ::lseek(descriptor, before, SEEK_SET);
            }
            return why;
        }
        done += now > 0 ? size_t(now) : 0;
    }
    return "";
}

} // namespace

void sample_stretch::skip(uint64_t n)
{
    if (n == 0) {
        return;
    }
    sample_clock clock(sample_rate);
    clock.set_time(0, time);
    time = clock.at(n);
    offset += n;
    samples -= n;
    begins = false;
}

struct sample_store::chunk
{
    explicit chunk(size_t n) : bytes(new unsigned char[n]), room(n) {}

    sample_stretch about;
    const std::unique_ptr<unsigned char[]> bytes;
    const size_t room; // bytes
};

sample_store::sample_store(const std::string& datatype, uint64_t most_bytes, uint64_t most_samples)
    : d_encoder(sample_encoder::find(datatype)),
      d_most_bytes(std::max<uint64_t>(most_bytes, 2 * least_chunk_bytes)),
      d_most_samples(most_samples)
{
}

sample_store::sample_store(const sample_encoder& encoder)
    : d_encoder(encoder),
      d_most_bytes(0),
      d_most_samples(0)
{
}

sample_store::~sample_store() = default;

size_t
sample_store::push(const gr_complex* in, size_t n, const sample_stretch& first, uint64_t& clipped)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    const bool is_history = d_most_samples > 0;
    sample_stretch rest = first;
    rest.samples = n;
    while (rest.samples > 0) {
        const size_t bytes = d_encoder.bytes;
        chunk* to = d_chunks.empty() ? nullptr : d_chunks.back().get();
        const bool goes_on = to && !d_sealed && !rest.begins &&
                             to->about.offset + to->about.samples == rest.offset &&
                             to->about.sample_rate == rest.sample_rate &&
                             (to->about.samples + 1) * bytes <= to->room;
        if (!goes_on) {
            const bool follows = !rest.begins && rest.sample_rate == d_last_rate;
            d_next_bytes =
                follows ? std::min(2 * d_next_bytes, most_chunk_bytes) : least_chunk_bytes;
            // small chunks where there is little room
            d_next_bytes = size_t(std::min<uint64_t>(
                d_next_bytes, std::max<uint64_t>(d_most_bytes / 4, least_chunk_bytes)));
            while (is_history && !d_chunks.empty() && d_bytes + d_next_bytes > d_most_bytes) {
                drop_oldest();
            }
            if (d_bytes + d_next_bytes > d_most_bytes) {
                break;
            }
            d_chunks.push_back(make_chunk(d_next_bytes));
            d_bytes += d_chunks.back()->room;
            d_sealed = false;
            d_last_rate = rest.sample_rate;
            to = d_chunks.back().get();
            to->about = rest;
            to->about.samples = 0;
        }
        const uint64_t now = std::min<uint64_t>(rest.samples, to->room / bytes - to->about.samples);
        clipped += d_encoder.encode(
            to->bytes.get() + to->about.samples * bytes, in + (n - rest.samples), size_t(now));
        to->about.samples += now;
        d_samples += now;
        rest.skip(now);
    }
    while (is_history && d_chunks.size() > 1 &&
           d_samples - (d_chunks.front()->about.samples - d_used) >= d_most_samples) {
        drop_oldest();
    }
    if (is_portion()) {
        d_filled.notify_all();
    }
    return n - size_t(rest.samples);
}

bool sample_store::wait_for_room(double seconds)
{
    std::unique_lock<std::mutex> lock(d_mutex);
    return d_emptied.wait_for(lock, seconds_of(seconds), [this] {
        return d_ended || d_bytes + most_chunk_bytes <= d_most_bytes || d_chunks.empty();
    });
}

void sample_store::clear()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    while (!d_chunks.empty()) {
        drop_oldest();
    }
    d_ended = false;
    d_emptied.notify_all();
}

void sample_store::end()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_ended = true;
    d_filled.notify_all();
    d_emptied.notify_all();
}

void sample_store::set_most_samples(uint64_t most_samples)
{
    std::lock_guard<std::mutex> lock(d_mutex);
    d_most_samples = most_samples;
}

bool sample_store::ended() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_ended;
}

uint64_t sample_store::samples() const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    return d_samples;
}

size_t sample_store::sample_bytes() const
{
    return d_encoder.bytes;
}

uint64_t sample_store::wait(double seconds)
{
    std::unique_lock<std::mutex> lock(d_mutex);
    d_filled.wait_for(lock, seconds_of(seconds), [this] { return d_ended || is_portion(); });
    return d_samples;
}

bool sample_store::oldest(sample_stretch& about) const
{
    std::lock_guard<std::mutex> lock(d_mutex);
    if (d_chunks.empty()) {
        return false;
    }
    about = front();
    return true;
}

written_samples sample_store::write_to(int descriptor, uint64_t most_samples, double most_seconds)
{
    written_samples result;
    const auto begin = steady_clock::now();
    chunk_ptr from;
    uint64_t first = 0, left = most_samples;
    sample_stretch about;
    while (left > 0 && seconds_of(steady_clock::now() - begin).count() < most_seconds) {
        {
            std::lock_guard<std::mutex> lock(d_mutex);
            auto& known = result.stretches;
            const bool fits = !d_chunks.empty() &&
                              (known.empty() || known.front().sample_rate == front().sample_rate);
            if (!fits || !take(left, from, first, about)) {
                break;
            }
        }
        result.error = write_all(descriptor,
                                 from->bytes.get() + first * d_encoder.bytes,
                                 size_t(about.samples) * d_encoder.bytes);
        {
            std::lock_guard<std::mutex> lock(d_mutex);
            recycle(std::move(from));
        }
        left -= about.samples;
        if (!result.error.empty()) {
            result.lost = about.samples;
            break;
        }
        auto& known = result.stretches;
        const bool follows = !known.empty() && !about.begins &&
                             known.back().offset + known.back().samples == about.offset;
        if (follows) {
            known.back().samples += about.samples;
        } else {
            known.push_back(about);
        }
    }
    return result;
}

uint64_t sample_store::discard()
{
    std::lock_guard<std::mutex> lock(d_mutex);
    const uint64_t had = d_samples;
    while (!d_chunks.empty()) {
        drop_oldest();
    }
    d_emptied.notify_all();
    return had;
}

std::shared_ptr<sample_store> sample_store::newest(uint64_t most_samples)
{
    std::shared_ptr<sample_store> made(new sample_store(d_encoder));
    std::lock_guard<std::mutex> lock(d_mutex);
    made->d_chunks = d_chunks;
    made->d_used = d_used;
    made->d_samples = d_samples;
    made->d_bytes = d_bytes;
    made->d_sealed = made->d_ended = true;
    d_sealed = true;
    uint64_t skip = d_samples - std::min(d_samples, most_samples);
    chunk_ptr from;
    uint64_t first = 0;
    sample_stretch about;
    while (skip > 0 && made->take(skip, from, first, about)) {
        skip -= about.samples;
    }
    return made;
}

sample_store::chunk_ptr sample_store::make_chunk(size_t bytes)
{
    if (bytes == most_chunk_bytes && !d_free.empty()) {
        chunk_ptr made = std::move(d_free.back());
        d_free.pop_back();
        return made;
    }
    return std::make_shared<chunk>(bytes);
}

void sample_store::drop_oldest()
{
    chunk_ptr oldest = std::move(d_chunks.front());
    d_chunks.pop_front();
    d_samples -= oldest->about.samples - d_used;
    d_bytes -= oldest->room;
    d_used = 0;
    recycle(std::move(oldest));
}

//! Give a chunk back that is not needed any more; d_mutex is held.
void sample_store::recycle(chunk_ptr&& done)
{
    const chunk_ptr mine = std::move(done);
    if (mine.use_count() == 1 && mine->room == most_chunk_bytes &&
        d_free.size() < most_free_chunks && !d_ended) {
        // after what others, who have let it go, read of it
        std::atomic_thread_fence(std::memory_order_acquire);
        d_free.push_back(mine);
    }
}

//! Whether it is worth while to write what is held; d_mutex is held.
bool sample_store::is_portion() const
{
    return d_samples * d_encoder.bytes >= std::min<uint64_t>(most_chunk_bytes, d_most_bytes / 4);
}

//! Take up to `most` samples out, of one chunk; d_mutex is held.
bool sample_store::take(uint64_t most, chunk_ptr& from, uint64_t& first, sample_stretch& about)
{
    if (d_chunks.empty()) {
        return false;
    }
    about = front();
    first = d_used;
    from = d_chunks.front();
    if (about.samples > most) {
        about.samples = most;
        d_used += most;
        d_samples -= most;
        d_sealed = d_sealed || d_chunks.size() == 1;
        return true;
    }
    d_chunks.pop_front();
    d_used = 0;
    d_samples -= about.samples;
    d_bytes -= from->room;
    d_emptied.notify_all();
    return true;
}

//! Of the oldest sample; d_mutex is held and there is one.
sample_stretch sample_store::front() const
{
    sample_stretch about = d_chunks.front()->about;
    about.skip(d_used);
    return about;
}

} // namespace radiofm
} // namespace gr
