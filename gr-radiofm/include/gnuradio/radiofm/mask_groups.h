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

//! One time on the air of a group.
struct mask_burst
{
    size_t group;
    double confidence; //!< mean over its pixels
    size_t first_row;  //!< end_row - 1 is its last
    size_t end_row;
    double low_col, high_col; //!< left and right edge; whole numbers are the left edges of columns
    double snr_db;            //!< power over the noise in the same band, at least -20
    double pwr_db;            //!< power in the band while it is on (0 dB: a full-scale tone)
};

//! What lies in a frame, emission by emission.
struct mask_groups
{
    static constexpr int16_t none = -1;
    size_t groups = 0;
    std::vector<mask_burst> bursts;
    std::vector<int16_t> group_of; //!< of each pixel that is not noise; `none` of all others
};

/*!
 * What belongs together in a frame, whatever the labels of its pixels.
 *
 * Occupied pixels are connected over gaps of up to two rows or columns. What is connected is cut
 * where two carriers lie side by side: into bands each mostly of one label, or with empty columns
 * in between. What uses the same band at different times is one group, and so is what lies within
 * the band of a larger group, but for a compact box of another label that is 6 dB stronger, such
 * as Bluetooth over Wi-Fi. Parts of a carrier apart in frequency that come and go at the same
 * times, of one label and level, are one group, but for equal carriers a guard band apart; of the
 * labels `scheduled`, LTE's and NR's, whatever their times, if each is on for a part of the frame
 * and nothing else lies between: a scheduler scatters its users' resource blocks. The band is that
 * of the columns that are used often, and specks on the air at the same time within it belong to
 * the group.
 *
 * Rows in which a group's band is at its floor for `pause_rows` and more are none of it, whatever
 * the mask says: the pauses of a TDD carrier.
 *
 * What the energy gate finds empty is left out, whatever the mask says, unless the frame holds no
 * noise to compare it with.
 *
 * \param frame what to look at; at most 32767 rows and as many columns
 * \param classes pixels of this class and above count as none
 * \param looks transforms averaged in a row, one every half length; 1 or more
 * \param min_pixels what is smaller is no burst and makes no group
 * \param pause_rows the shortest pause that is looked for by power; 0: none is
 * \param scheduled classes of carriers whose users share them in time and frequency
 */
RADIOFM_API mask_groups find_groups(const mask_frame& frame,
                                    size_t classes,
                                    double looks,
                                    size_t min_pixels,
                                    size_t pause_rows = 0,
                                    const std::vector<size_t>& scheduled = {});

} // namespace radiofm
} // namespace gr
