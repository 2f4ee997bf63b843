/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spectrogram_kernel: pushes of any length, at any alignment, of any samples. Whatever the pushes,
 * the frame is that of the same samples pushed at once.
 */
#include "input.h"
#include "spectrogram_kernel.h"
#include <algorithm>
#include <cmath>
#include <memory>

using gr::radiofm::spectrogram_kernel;

namespace {

constexpr float floor_db = -200.0f;
// Parts of a spectrum this far below its peak are rounding errors of the FFT.
constexpr float seen_db = 60.0f;

// Samples that end where their memory ends, `floats` floats after its beginning.
struct exact_samples
{
    exact_samples(const gr_complex* from, size_t n, size_t floats)
        : memory(new float[2 * n + floats]),
          at(reinterpret_cast<gr_complex*>(&memory[floats]))
    {
        std::copy_n(from, n, at);
    }
    std::unique_ptr<float[]> memory;
    gr_complex* at;
};

void compare(const float* a, const float* b, size_t rows, size_t columns)
{
    for (size_t row = 0; row < rows; row++, a += columns, b += columns) {
        const float peak = *std::max_element(a, a + columns);
        for (size_t i = 0; i < columns; i++) {
            PROMISE(std::isfinite(a[i]) && a[i] >= floor_db);
            PROMISE(a[i] < peak - seen_db || std::fabs(a[i] - b[i]) < 0.01f);
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    constexpr size_t sizes[] = {8, 16, 24, 40, 64, 256};
    input in(data, size);
    const size_t fft_size = in.one_of(sizes);
    size_t hop = fft_size >> (in.take<uint8_t>() % 4);
    hop = hop % 2 || fft_size % hop ? fft_size : hop;
    const size_t rows = fft_size / hop + in.below(6);
    const bool peak = in.take<uint8_t>() & 1;
    const size_t hops_per_row = 1 + in.below(9);
    spectrogram_kernel parts(fft_size, hop, rows, peak, floor_db);
    spectrogram_kernel whole(fft_size, hop, rows, peak, floor_db);

    for (int frame = 0; frame < 2; frame++) {
        parts.start(hops_per_row);
        whole.start(hops_per_row);
        std::vector<gr_complex> pushed;
        while (!parts.complete() && !in.empty()) {
            std::vector<gr_complex> samples(in.below(3 * fft_size));
            for (gr_complex& sample : samples) {
                sample = {in.part(), in.part()};
            }
            const exact_samples exact(samples.data(), samples.size(), in.take<uint8_t>() % 4);
            const size_t taken = parts.push(exact.at, samples.size());
            PROMISE(taken == std::min(samples.size(), parts.frame_samples() - pushed.size()));
            pushed.insert(pushed.end(), samples.begin(), samples.begin() + ptrdiff_t(taken));
            PROMISE(parts.position() == pushed.size());
        }
        const exact_samples exact(pushed.data(), pushed.size(), 0);
        whole.push(exact.at, pushed.size());
        const size_t done = parts.finish();
        PROMISE(done == whole.finish());
        PROMISE(done == (pushed.size() < fft_size ? 0 : pushed.size() / parts.row_samples()));
        PROMISE(parts.nonfinite_samples() == whole.nonfinite_samples());
        const size_t channel_rows = (peak ? 2 : 1) * rows;
        volk::vector<float> in_parts(channel_rows * fft_size), at_once(channel_rows * fft_size);
        parts.swap_frame(in_parts);
        whole.swap_frame(at_once);
        compare(in_parts.data(), at_once.data(), channel_rows, fft_size);
    }
    return 0;
}
