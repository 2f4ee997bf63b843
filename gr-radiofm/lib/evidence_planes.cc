/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a frame in evidence_kernel: from sums of products to the planes. */
#include "evidence_kernel.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace radiofm {

namespace {

constexpr size_t cell_cols = spectrogram_spec::cell_cols;

} // namespace

//! Which cell rows have enough transforms that have one to be compared with.
std::vector<char> evidence_kernel::judged_rows(size_t lag) const
{
    const auto all = int64_t(frame_transforms());
    const int64_t before = d_lags[lag].hops - int64_t(d_frame_hop);
    const int64_t missing = std::max<int64_t>(0, -floor_divide(-before, int64_t(d_grid.stride)));
    std::vector<char> is_judged(d_grid.cell_rows);
    for (size_t cell = 0; cell < is_judged.size(); cell++) {
        const auto first = int64_t(cell * d_grid.compared);
        const int64_t last = std::min(first + int64_t(d_grid.compared), all);
        const int64_t there = last - std::max(first, missing);
        is_judged[cell] = double(there) >= evidence_grid::least_share * double(d_grid.compared);
    }
    return is_judged;
}

void evidence_kernel::write_plane(size_t lag, float* out) const
{
    const size_t points = d_grid.points, wide = points / cell_cols;
    const std::vector<char> is_judged = judged_rows(lag);
    const std::vector<turn> turns = bin_turns(lag, is_judged);
    for (size_t cell = 0; cell < d_grid.cell_rows; cell++) {
        if (!is_judged[cell]) {
            continue;
        }
        const float* olds = gathered(cell, lag, energy);
        const float* news = &d_energy[cell * floats()];
        for (size_t col = 0; col < cell_cols; col++) {
            turn sum = 0.0;
            double old_energy = 0.0, new_energy = 0.0;
            for (size_t i = col * wide; i < (col + 1) * wide; i++) {
                const size_t bin = ascending(i);
                sum += product(cell, lag, bin) * turns[i];
                old_energy += double(olds[2 * bin]) + double(olds[2 * bin + 1]);
                new_energy += double(news[2 * bin]) + double(news[2 * bin + 1]);
            }
            const turn coherence = sum / (std::sqrt(old_energy) * std::sqrt(new_energy));
            if (old_energy > 0 && new_energy > 0 && std::isfinite(coherence.real()) &&
                std::isfinite(coherence.imag())) {
                float* at = out + cell * cell_cols + col;
                at[0] = float(coherence.real());
                at[d_grid.cell_rows * cell_cols] = float(coherence.imag());
            }
        }
    }
}

//! What each bin, in ascending order, is to be turned by: what is missing to the lag and, of long
//! lags, what the receiver's clock is off.
std::vector<evidence_kernel::turn>
evidence_kernel::bin_turns(size_t lag, const std::vector<char>& is_judged) const
{
    const size_t points = d_grid.points;
    const auto at = [points](double turns) {
        std::vector<turn> out(points);
        for (size_t i = 0; i < points; i++) {
            out[i] = std::polar(1.0, 2.0 * M_PI * turns * (double(i) - double(points / 2)));
        }
        return out;
    };
    const double missing = -d_lags[lag].turns;
    const std::vector<turn> turns = at(missing);
    if (!d_lags[lag].is_long) {
        return turns;
    }
    std::vector<turn> whole(points, 0.0);
    for (size_t i = 0; i < points; i++) {
        for (size_t cell = 0; cell < d_grid.cell_rows; cell++) {
            whole[i] += is_judged[cell] ? product(cell, lag, ascending(i)) : 0.0;
        }
        whole[i] *= turns[i];
    }
    turn slope = 0.0;
    for (size_t i = 2; i < points; i++) {
        slope += whole[i] * std::conj(whole[i - 2]);
    }
    return at(missing - std::arg(slope) / (4.0 * M_PI));
}

//! The index of the i-th bin in ascending order of frequency.
size_t evidence_kernel::ascending(size_t i) const
{
    return (i + d_grid.points / 2) % d_grid.points;
}

//! New spectra times conjugate old ones of a bin, summed over a cell.
evidence_kernel::turn evidence_kernel::product(size_t cell, size_t lag, size_t bin) const
{
    const float* pairs = gathered(cell, lag, straight) + 2 * bin;
    const float* swapped = gathered(cell, lag, crossed) + 2 * bin;
    return {double(pairs[0]) + double(pairs[1]), double(swapped[0]) - double(swapped[1])};
}

} // namespace radiofm
} // namespace gr
