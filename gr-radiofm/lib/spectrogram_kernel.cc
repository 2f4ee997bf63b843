/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spectrogram_kernel.h"
#include "fft_plans.h"
#include "spectrogram_loops.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace radiofm {

namespace {

const float* floats(const gr_complex* x)
{
    return reinterpret_cast<const float*>(x);
}
float* floats(volk::vector<gr_complex>& x)
{
    return reinterpret_cast<float*>(x.data());
}

} // namespace

spectrogram_kernel::spectrogram_kernel(
    size_t fft_size, size_t hop, size_t rows, bool peak, float floor_db)
    : d_fft_size(fft_size),
      d_hop(hop),
      d_rows(rows),
      d_peak(peak),
      d_floor_db(floor_db),
      d_plan(fft_plan(fft_size, 1)),
      d_window(2 * fft_size),
      d_segments(fft_size * group),
      d_spectra(fft_size * group),
      d_squares(2 * fft_size),
      d_power(fft_size),
      d_greatest(fft_size),
      d_seam(2 * fft_size),
      d_frame((peak ? 2 : 1) * rows * fft_size)
{
    // A periodic Hann window sums to fft_size / 2; scaled to 1, a full-scale tone is at 0 dB.
    for (size_t i = 0; i < fft_size; i++) {
        const double angle = 2.0 * M_PI * double(i) / double(fft_size);
        const double weight = (1.0 - std::cos(angle)) / double(fft_size);
        d_window[2 * i] = d_window[2 * i + 1] = float(weight);
    }
    start(1);
}

void spectrogram_kernel::start(size_t hops_per_row)
{
    d_hops_per_row = hops_per_row;
    d_position = 0;
    d_next_fft = 0;
    d_waiting = 0;
    d_row_hops = 0;
    d_row = 0;
    std::fill(d_squares.begin(), d_squares.end(), 0.0f);
    std::fill(d_greatest.begin(), d_greatest.end(), 0.0f);
}

size_t spectrogram_kernel::fft_start(size_t j, size_t segment_samples) const
{
    const size_t lead = (d_fft_size - d_hop) / 2;
    const size_t start = j * d_hop > lead ? j * d_hop - lead : 0;
    return std::min(start, segment_samples - d_fft_size);
}

size_t spectrogram_kernel::push(const gr_complex* in, size_t n)
{
    n = std::min(n, frame_samples() - d_position);
    if (n == 0) {
        return 0;
    }
    int32_t limit_bits;
    std::memcpy(&limit_bits, &loops::largest_sample, sizeof(limit_bits));
    if (loops::greatest_magnitude_bits(floats(in), 2 * n) > limit_bits) {
        d_nonfinite += clean(in, n);
        in = d_cleaned.data();
    }
    d_usable = in;

    // FFTs that begin before this push read from the seam, the others from the input itself.
    const size_t seam_samples = std::min(n, d_fft_size);
    std::copy_n(in, seam_samples, d_seam.data() + d_fft_size);
    const size_t end = d_position + n;
    const size_t ffts = d_rows * d_hops_per_row;
    for (; d_next_fft < ffts; d_next_fft++) {
        const size_t start = fft_start(d_next_fft, frame_samples());
        if (start + d_fft_size > end) {
            break;
        }
        add(start < d_position ? d_seam.data() + d_fft_size - (d_position - start)
                               : in + (start - d_position));
    }

    if (n >= d_fft_size) {
        std::copy_n(in + (n - d_fft_size), d_fft_size, d_seam.data());
    } else {
        std::copy(d_seam.begin() + n, d_seam.begin() + d_fft_size + n, d_seam.begin());
    }
    d_position = end;
    return n;
}

size_t spectrogram_kernel::finish()
{
    const size_t whole_rows = d_position < least_samples() ? 0 : d_position / row_samples();
    // At a cut the last row may lack its last FFT, which then moves inwards to the cut: it is
    // the last fft_size samples, the seam's first half.
    for (; d_next_fft < whole_rows * d_hops_per_row; d_next_fft++) {
        const size_t start = fft_start(d_next_fft, d_position);
        add(d_seam.data() + d_fft_size - (d_position - start));
    }
    for (size_t channel = 0; channel < (d_peak ? 2 : 1); channel++) {
        const auto rows = d_frame.begin() + channel * d_rows * d_fft_size;
        std::fill(rows + whole_rows * d_fft_size, rows + d_rows * d_fft_size, d_floor_db);
    }
    return whole_rows;
}

//! Copy `n` samples to d_cleaned with the unusable ones set to 0; returns how many they were.
size_t spectrogram_kernel::clean(const gr_complex* in, size_t n)
{
    d_cleaned.resize(std::max(d_cleaned.size(), n));
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        const bool good = std::fabs(in[i].real()) <= loops::largest_sample &&
                          std::fabs(in[i].imag()) <= loops::largest_sample;
        d_cleaned[i] = good ? in[i] : gr_complex(0.0f, 0.0f);
        bad += !good;
    }
    return bad;
}

/*
 * Window the next segment. Groups begin with the row, and not with a push: a sum's last digits
 * follow from the samples alone, however many of them come at a time.
 */
void spectrogram_kernel::add(const gr_complex* segment)
{
    const size_t n = 2 * d_fft_size;
    loops::multiply(floats(d_segments) + d_waiting * n, floats(segment), d_window.data(), n);
    d_waiting++;
    if (d_waiting == group || d_row_hops + d_waiting == d_hops_per_row) {
        transform();
    }
}

//! Transform and accumulate the segments that wait, and end the row with its last.
void spectrogram_kernel::transform()
{
    auto* in = reinterpret_cast<fftwf_complex*>(d_segments.data());
    auto* out = reinterpret_cast<fftwf_complex*>(d_spectra.data());
    for (size_t v = 0; v < d_waiting; v++) {
        fftwf_execute_dft(d_plan, in + v * d_fft_size, out + v * d_fft_size);
    }
    loops::add_squares(d_squares.data(), floats(d_spectra), 2 * d_fft_size, d_waiting);
    if (d_peak) {
        loops::keep_greatest(d_greatest.data(), floats(d_spectra), d_fft_size, d_waiting);
    }
    d_row_hops += d_waiting;
    d_waiting = 0;
    if (d_row_hops == d_hops_per_row) {
        end_row();
    }
}

//! Write the row's channels in dB, ascending in frequency, and begin the next row.
void spectrogram_kernel::end_row()
{
    const size_t half = d_fft_size / 2;
    const auto write = [&](size_t channel, const float* x, float scale) {
        float* row = d_frame.data() + (channel * d_rows + d_row) * d_fft_size;
        loops::to_db(row, x + half, half, scale, d_floor_db);
        loops::to_db(row + half, x, half, scale, d_floor_db);
    };
    loops::add_pairs(d_power.data(), d_squares.data(), d_fft_size);
    write(0, d_power.data(), 1.0f / float(d_hops_per_row));
    std::fill(d_squares.begin(), d_squares.end(), 0.0f);
    if (d_peak) {
        write(1, d_greatest.data(), 1.0f);
        std::fill(d_greatest.begin(), d_greatest.end(), 0.0f);
    }
    d_row_hops = 0;
    d_row++;
}

} // namespace radiofm
} // namespace gr
