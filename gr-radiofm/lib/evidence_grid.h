/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnuradio/radiofm/spectrogram_spec.h>

namespace gr {
namespace radiofm {

//! A whole number divided by another above 0, towards minus infinity.
inline int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/*!
 * \brief How evidence is taken at one sample rate and row length: the twin of
 * radiofm_core.spectrum.evidence.EvidenceGrid.
 *
 * Transforms of `points` samples, one every hop(). Of these every `stride`-th of a frame is
 * compared with that of a lag before, `compared` of them in a row of cells.
 */
struct evidence_grid
{
    size_t points = 32;
    size_t stride = 1;
    size_t compared = 0;
    size_t cell_rows = 0;
    double sample_rate = 0.0; // S/s

    evidence_grid() = default;
    evidence_grid(const spectrogram_spec& spec, double sample_rate, size_t hops_per_row);

    //! Samples between two transforms.
    size_t hop() const { return points / 2; }

    //! Whether a lag (s) is so long that no transform meets itself.
    bool is_judged(double lag) const { return lag * sample_rate >= double(points); }

    //! Transforms between the two that are compared.
    int64_t hops(double lag) const;

    //! Turns by bin that are missing to the lag: of bin k, k times this.
    double turns(double lag) const;

    //! Whether the samples' own clock shows at this lag.
    static bool is_long(double lag) { return lag >= 1e-3; }

    //! Least share of a cell's transforms that must have one to be compared with.
    static constexpr double least_share = 0.5;
};

} // namespace radiofm
} // namespace gr
