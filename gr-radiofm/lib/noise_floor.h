/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <gnuradio/radiofm/mask_groups.h>
#include <vector>

namespace gr {
namespace radiofm {

/*
 * The noise of a frame, by blocks of columns: receivers' filters and gains make floors that differ
 * by tens of dB from one end of a span to the other.
 */
class noise_floor
{
public:
    //! `power`: the frame's, as linear numbers, which has to stay; `looks`: transforms averaged in
    //! a row.
    noise_floor(const mask_frame& frame, const std::vector<float>& power, double looks);

    //! Mean noise per pixel in each of the columns first to end - 1, under a signal of mean power
    //! `level`. Of a narrow signal it is the columns' own where they show enough, so that a faint
    //! line in the noise is not found now and then; else the block's; and where that shows none,
    //! that beside it, of the side with more unless the signal is below it.
    std::vector<double> below(size_t first, size_t end, double level) const;

private:
    double in_column(size_t col) const;
    double in_block(size_t block, double level) const;
    double beside(std::ptrdiff_t block, std::ptrdiff_t step) const;

    const mask_frame d_frame;
    const float* d_power;
    const double d_mean_of_median;
    const size_t d_width;         // columns in a block
    std::vector<double> d_blocks; // mean noise per pixel, 0 where not known
    double d_whole;               // of the frame
};

//! As NumPy's percentile with linear interpolation; `values` are left in another order.
double quantile(std::vector<float>& values, double share);

} // namespace radiofm
} // namespace gr
