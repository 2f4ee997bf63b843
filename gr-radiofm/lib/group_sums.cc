/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <algorithm>
#include <gnuradio/radiofm/group_sums.h>

namespace gr {
namespace radiofm {

std::vector<double> group_sums(const int16_t* group_of,
                               size_t groups,
                               const float* values,
                               size_t rows,
                               size_t cols,
                               const cell_grid& cells)
{
    const size_t size = cells.rows * cells.cols;
    std::vector<double> sums((groups + 1) * size);
    double* const all = sums.data() + groups * size;
    std::vector<uint32_t> cell_of(cols);
    for (size_t col = 0; col < cols; col++) {
        cell_of[col] = uint32_t(col * cells.cols / cols);
    }
    for (size_t row = 0; row < rows; row++) {
        const double above = std::min(double(row) / cells.height, double(cells.rows - 1));
        const size_t begin = size_t(above) * cells.cols;
        const int16_t* group = group_of + row * cols;
        const float* value = values + row * cols;
        for (size_t col = 0; col < cols; col++) {
            const size_t cell = begin + cell_of[col];
            all[cell] += double(value[col]);
            if (group[col] >= 0 && size_t(group[col]) < groups) {
                sums[size_t(group[col]) * size + cell] += double(value[col]);
            }
        }
    }
    return sums;
}

} // namespace radiofm
} // namespace gr
