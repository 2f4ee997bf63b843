/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnuradio/radiofm/api.h>
#include <vector>

namespace gr {
namespace radiofm {

//! Cells of a frame: `height` rows and cols / `cols` columns each, the last ones cut or longer.
struct cell_grid
{
    size_t rows, cols;
    double height;
};

/*!
 * Sums of a frame's values by group and cell.
 *
 * \param group_of rows * cols; what is not from 0 to groups - 1 is of no group
 * \param groups how many there are
 * \param values rows * cols
 * \param rows of the frame
 * \param cols of the frame
 * \param cells at least one
 * \return groups + 1 times the cells' sums, row by row; the last are those of all pixels
 */
RADIOFM_API std::vector<double> group_sums(const int16_t* group_of,
                                           size_t groups,
                                           const float* values,
                                           size_t rows,
                                           size_t cols,
                                           const cell_grid& cells);

} // namespace radiofm
} // namespace gr
