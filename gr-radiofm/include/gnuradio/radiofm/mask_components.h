/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnuradio/radiofm/api.h>
#include <vector>

namespace gr {
namespace radiofm {

//! A segmented frame; each pointer is to rows * cols elements.
struct mask_frame
{
    const uint8_t* mask;     //!< class of each pixel; 0 is noise
    const float* confidence; //!< 0 to 1
    const float* power_db;   //!< mean power
    size_t rows;
    size_t cols;
};

//! One transmission within a frame.
struct mask_component
{
    size_t label;      //!< its class
    double confidence; //!< mean over its pixels
    size_t first_row;  //!< end_row - 1 is its last
    size_t end_row;
    double low_col, high_col; //!< left and right edge; whole numbers are the left edges of columns
    double snr_db;            //!< power over the frame's noise in the same band, at least -20
    double pwr_db;            //!< power in the band while it is on (0 dB: a full-scale tone)
};

/*!
 * Connected pixels of one class: gaps of up to two rows or columns are none, neighbours are those
 * in the same row or column. What the energy gate finds empty is left out, whatever the mask says,
 * unless the frame holds no noise to compare it with.
 *
 * \param frame what to look at
 * \param classes pixels of this class and above count as none
 * \param looks transforms averaged in a row, one every half length; 1 or more
 * \param min_pixels smaller components are left out
 */
RADIOFM_API std::vector<mask_component>
find_components(const mask_frame& frame, size_t classes, double looks, size_t min_pixels);

} // namespace radiofm
} // namespace gr
