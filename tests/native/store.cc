/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Samples with any values, retunes and gaps into a store, and out of it into a file: what comes out
 * is what went in, in order, and a store that is full says so.
 */
#include "input.h"
#include "sample_encoder.h"
#include <cmath>
#include <cstdio>
#include <gnuradio/radiofm/sample_store.h>
#include <numeric>
#include <unistd.h>

using gr::radiofm::sample_encoder;
using gr::radiofm::sample_store;
using gr::radiofm::sample_stretch;
using gr::radiofm::written_samples;

namespace {

constexpr size_t most_pushed = 9000;
constexpr uint64_t most_bytes = 400'000;

// The samples that are held, by their numbers in the stream; and the state of the stream.
struct model
{
    std::deque<uint64_t> held;
    uint64_t next = 0;
    double rate = 1e6;
};

// A sample that tells its number, exact in each format.
gr_complex sample_of(uint64_t number)
{
    return {float(number % 128) / 128.0f, float(number / 128 % 128) / -128.0f};
}

size_t push(input& in, sample_store& store, model& known)
{
    const size_t n = 1 + in.below(most_pushed);
    known.next += in.take<uint8_t>() % 8 == 0 ? in.below(100) : 0;
    sample_stretch first = {known.next, 0, known.rate, in.number(1e9), {1, 0.5}, false};
    first.begins = in.take<uint8_t>() % 8 == 0;
    std::vector<gr_complex> samples(n);
    for (size_t i = 0; i < n; i++) {
        samples[i] = sample_of(known.next + i);
    }
    uint64_t clipped = 0;
    const size_t taken = store.push(samples.data(), n, first, clipped);
    PROMISE(taken <= n && clipped == 0);
    for (size_t i = 0; i < taken; i++) {
        known.held.push_back(known.next + i);
    }
    known.next += n;
    return taken;
}

// Takes samples out and compares them with the newest or the oldest that are held.
void write(input& in, sample_store& store, const sample_encoder& encoder, model& known, FILE* file)
{
    const uint64_t most = in.below(3 * most_pushed);
    const auto before = size_t(lseek(fileno(file), 0, SEEK_END));
    const written_samples written = store.write_to(fileno(file), most, 10.0);
    PROMISE(written.error.empty() && written.lost == 0);
    std::vector<unsigned char> bytes, expected(encoder.bytes);
    uint64_t total = 0;
    for (const sample_stretch& one : written.stretches) {
        PROMISE(one.samples > 0);
        bytes.resize(size_t(one.samples) * encoder.bytes);
        const off_t place = off_t(before + total * encoder.bytes);
        PROMISE(pread(fileno(file), bytes.data(), bytes.size(), place) == ssize_t(bytes.size()));
        for (uint64_t i = 0; i < one.samples; i++) {
            PROMISE(!known.held.empty() && known.held.front() == one.offset + i);
            const gr_complex sample = sample_of(one.offset + i);
            encoder.encode(expected.data(), &sample, 1);
            PROMISE(std::memcmp(expected.data(), &bytes[i * encoder.bytes], encoder.bytes) == 0);
            known.held.pop_front();
        }
        total += one.samples;
    }
    PROMISE(total <= most);
    PROMISE(total == most || store.samples() == 0);
}

void use_store(input& in)
{
    constexpr const char* types[] = {"cf32_le", "ci16_le", "ci8"};
    const sample_encoder& encoder = sample_encoder::find(in.one_of(types));
    const uint64_t history = in.take<uint8_t>() % 2 ? 1 + in.below(60000) : 0;
    sample_store store(encoder.name, most_bytes, history);
    model known;
    FILE* file = std::tmpfile();
    PROMISE(file);
    while (!in.empty()) {
        switch (in.take<uint8_t>() % 6) {
        case 0:
        case 1:
        case 2:
            push(in, store, known);
            break;
        case 3:
            write(in, store, encoder, known, file);
            break;
        case 4: {
            const uint64_t most = in.below(2 * most_pushed);
            const auto newest = store.newest(most);
            model of = known;
            const uint64_t kept = std::min(most, store.samples());
            PROMISE(newest->samples() == kept && newest->ended());
            of.held.erase(of.held.begin(), of.held.end() - ptrdiff_t(kept));
            write(in, *newest, encoder, of, file);
            break;
        }
        default:
            PROMISE(store.discard() <= known.held.size());
            known.held.clear();
        }
        if (history) { // the oldest may be gone, never the newest
            PROMISE(store.samples() <= known.held.size());
            while (known.held.size() > store.samples()) {
                known.held.pop_front();
            }
        }
        PROMISE(store.samples() == known.held.size());
        PROMISE(store.samples() * encoder.bytes <= most_bytes);
    }
    std::fclose(file);
}

// Any values: nothing but what the format can hold, and what it cannot is counted.
void encode(input& in)
{
    constexpr const char* types[] = {"ci16_le", "ci8"};
    const sample_encoder& encoder = sample_encoder::find(in.one_of(types));
    const float most = encoder.bytes == 4 ? 32767.0f : 127.0f, scale = most + 1.0f;
    std::vector<gr_complex> samples;
    while (!in.empty()) {
        samples.push_back({in.part(), in.part()});
    }
    std::vector<unsigned char> bytes(samples.size() * encoder.bytes);
    const size_t clipped = encoder.encode(bytes.data(), samples.data(), samples.size());
    size_t expected = 0;
    for (const gr_complex& one : samples) {
        const auto fits = [&](float part) {
            const float value = std::nearbyint(part * scale);
            return value >= -scale && value <= most;
        };
        expected += !(fits(one.real()) && fits(one.imag()));
    }
    PROMISE(clipped == expected);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    input in(data, size);
    if (in.take<uint8_t>() % 4) {
        use_store(in);
    } else {
        encode(in);
    }
    return 0;
}
