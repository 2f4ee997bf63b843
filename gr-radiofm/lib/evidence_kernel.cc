/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence_kernel.h"
#include "avx2.h"
#include "evidence_loops.h"
#include "fft_plans.h"
#include "spectrogram_loops.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>

namespace gr {
namespace radiofm {

namespace {

const float* floats_of(const gr_complex* x)
{
    return reinterpret_cast<const float*>(x);
}
float* floats_of(gr_complex* x)
{
    return reinterpret_cast<float*>(x);
}

} // namespace

evidence_kernel::evidence_kernel(const spectrogram_spec& spec) : d_spec(spec) {}

void evidence_kernel::set_rate(double sample_rate, size_t hops_per_row)
{
    d_grid = evidence_grid(d_spec, sample_rate, hops_per_row);
    const size_t points = d_grid.points;
    d_lags.clear();
    for (size_t number = 0; number < d_spec.evidence_lags.size(); number++) {
        const double lag = d_spec.evidence_lags[number];
        // of cells shorter than the stride nothing is compared
        if (d_grid.is_judged(lag) && d_grid.compared > 0) {
            d_lags.push_back(
                {number, d_grid.hops(lag), d_grid.turns(lag), evidence_grid::is_long(lag)});
        }
    }
    if (!d_lags.empty()) {
        make_window();
        make_rings(d_spec.rows * hops_per_row * d_spec.hop / d_grid.hop());
        d_segments.assign(block_hops() * points, gr_complex(0.0f, 0.0f));
        d_seam.resize(2 * points);
        d_energy.resize(d_grid.cell_rows * floats());
        d_gathered.resize(d_grid.cell_rows * d_lags.size() * parts * floats());
    }
    forget();
}

//! The window, and what windows and transforms.
void evidence_kernel::make_window()
{
    const size_t points = d_grid.points;
    d_window.resize(floats());
    for (size_t i = 0; i < points; i++) {
        const double angle = 2.0 * M_PI * double(i) / double(points);
        d_window[2 * i] = d_window[2 * i + 1] = float(0.5 - 0.5 * std::cos(angle));
    }
    d_short_fft.reset();
    if (points == short_fft::points && has_avx2()) {
        std::array<float, short_fft::points> weights;
        for (size_t i = 0; i < points; i++) {
            weights[i] = d_window[2 * i];
        }
        d_short_fft.emplace(weights);
    } else {
        d_plan = fft_plan(points, batch);
    }
}

//! Room for what the lags look back to. Transforms that no lag needs are not computed.
void evidence_kernel::make_rings(size_t frame_hops)
{
    const auto stride = int64_t(d_grid.stride);
    std::vector<int64_t> depth(d_grid.stride, -1);
    // frames begin at every stride-th transform, or at any
    const bool is_aligned = frame_hops % d_grid.stride == 0;
    for (int64_t begin = 0; begin < (is_aligned ? 1 : stride); begin++) {
        depth[size_t(begin)] = std::max<int64_t>(depth[size_t(begin)], 0);
        for (const judged_lag& lag : d_lags) {
            const int64_t first = floor_divide(begin - lag.hops, stride);
            int64_t& needed = depth[size_t(begin - lag.hops - first * stride)];
            needed = std::max(needed, -first);
        }
    }
    d_rings.assign(d_grid.stride, ring());
    for (size_t phase = 0; phase < d_rings.size(); phase++) {
        if (depth[phase] >= 0) {
            // a block that is being filled, and one that is being compared
            const size_t blocks = (size_t(depth[phase]) + batch - 1) / batch + 2;
            d_rings[phase].capacity = blocks * batch;
            d_rings[phase].spectra.resize(d_rings[phase].capacity * d_grid.points);
        }
    }
}

void evidence_kernel::forget()
{
    d_position = 0;
    d_next_hop = 0;
    start_frame();
}

void evidence_kernel::start_frame()
{
    d_frame_hop = d_position / d_grid.hop();
    d_compared = 0;
    std::fill(d_energy.begin(), d_energy.end(), 0.0f);
    std::fill(d_gathered.begin(), d_gathered.end(), 0.0f);
}

void evidence_kernel::push(const gr_complex* in, size_t n)
{
    if (d_lags.empty() || n == 0) {
        return;
    }
    // Transforms that begin before this push read from the seam, the others from the input itself.
    const size_t points = d_grid.points;
    std::copy_n(in, std::min(n, points), d_seam.data() + points);
    const uint64_t end = d_position + n;
    for (uint64_t start; (start = d_next_hop * d_grid.hop()) + points <= end;) {
        const gr_complex* at = start < d_position
                                   ? d_seam.data() + points - size_t(d_position - start)
                                   : in + size_t(start - d_position);
        const size_t phase = d_next_hop % d_grid.stride;
        ring& to = d_rings[phase];
        if (to.capacity > 0 && d_short_fft) {
            const size_t entry = d_next_hop / d_grid.stride % to.capacity;
            d_short_fft->transform(&to.spectra[entry * points], at);
        } else if (to.capacity > 0) {
            const size_t slot = phase * batch + d_next_hop / d_grid.stride % batch;
            loops::multiply(floats_of(d_segments.data() + slot * points),
                            floats_of(at),
                            d_window.data(),
                            floats());
        }
        d_next_hop++;
        if (d_next_hop % block_hops() == 0) {
            transform_block();
            compare();
        }
    }
    if (n >= points) {
        std::copy_n(in + (n - points), points, d_seam.data());
    } else {
        std::copy(d_seam.begin() + n, d_seam.begin() + points + n, d_seam.begin());
    }
    d_position = end;
}

/*
 * Transform the block of the latest segment. What of it is still to come is of an older block; it
 * is transformed again, once it has come.
 */
void evidence_kernel::transform_block()
{
    if (d_short_fft) {
        return; // they were transformed as they came
    }
    const uint64_t block = (d_next_hop - 1) / block_hops();
    for (size_t phase = 0; phase < d_rings.size(); phase++) {
        ring& to = d_rings[phase];
        if (to.capacity > 0) {
            const size_t entry = block * batch % to.capacity;
            fftwf_execute_dft(
                d_plan,
                reinterpret_cast<fftwf_complex*>(&d_segments[phase * batch * d_grid.points]),
                reinterpret_cast<fftwf_complex*>(&to.spectra[entry * d_grid.points]));
        }
    }
}

//! Transforms of the frame that are to be compared, so far.
size_t evidence_kernel::frame_transforms() const
{
    if (d_next_hop <= d_frame_hop) {
        return 0;
    }
    return size_t((d_next_hop - d_frame_hop - 1) / d_grid.stride + 1);
}

const float* evidence_kernel::gathered(size_t cell, size_t lag, part which) const
{
    return &d_gathered[((cell * d_lags.size() + lag) * parts + which) * floats()];
}
float* evidence_kernel::gathered(size_t cell, size_t lag, part which)
{
    return &d_gathered[((cell * d_lags.size() + lag) * parts + which) * floats()];
}

//! Compare those transforms of the frame that have come since the last time.
void evidence_kernel::compare()
{
    const size_t end = std::min(frame_transforms(), d_grid.cell_rows * d_grid.compared);
    const ring& from = d_rings[d_frame_hop % d_grid.stride];
    while (d_compared < end) {
        const size_t cell = d_compared / d_grid.compared;
        const size_t entry = size_t((d_frame_hop / d_grid.stride + d_compared) % from.capacity);
        const size_t count = std::min({end - d_compared,
                                       (cell + 1) * d_grid.compared - d_compared,
                                       batch,
                                       from.capacity - entry});
        const float* spectra = floats_of(&from.spectra[entry * d_grid.points]);
        loops::add_squares(&d_energy[cell * floats()], spectra, floats(), count);
        for (size_t lag = 0; lag < d_lags.size(); lag++) {
            compare_lag(lag, cell, spectra, count);
        }
        d_compared += count;
    }
}

//! Compare the next `count` spectra `news`, all of one cell, with those of a lag before.
void evidence_kernel::compare_lag(size_t lag, size_t cell, const float* news, size_t count)
{
    const auto stride = int64_t(d_grid.stride);
    const int64_t hop = int64_t(d_frame_hop) - d_lags[lag].hops;
    const int64_t first = floor_divide(hop, stride) + int64_t(d_compared);
    const ring& olds = d_rings[size_t(hop - floor_divide(hop, stride) * stride)];
    // the first ones may be of before all samples
    size_t done = size_t(std::clamp<int64_t>(-first, 0, int64_t(count)));
    while (done < count) {
        const size_t entry = size_t(first + int64_t(done)) % olds.capacity;
        const size_t run = std::min(count - done, olds.capacity - entry);
        loops::correlate(gathered(cell, lag, straight),
                         gathered(cell, lag, crossed),
                         gathered(cell, lag, energy),
                         news + done * floats(),
                         floats_of(&olds.spectra[entry * d_grid.points]),
                         floats(),
                         run);
        done += run;
    }
}

void evidence_kernel::finish(float* out)
{
    std::fill_n(out, d_spec.evidence_floats(), std::numeric_limits<float>::quiet_NaN());
    if (d_lags.empty() || frame_transforms() == 0) {
        return;
    }
    if (d_next_hop % block_hops() != 0) {
        transform_block();
        compare();
    }
    for (size_t lag = 0; lag < d_lags.size(); lag++) {
        write_plane(lag,
                    out + d_lags[lag].number * 2 * d_grid.cell_rows * spectrogram_spec::cell_cols);
    }
}

} // namespace radiofm
} // namespace gr
