/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "noise_floor.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace radiofm {

namespace {

constexpr size_t blocks = 32;
// The median of a block's noise is taken over about this many of its pixels, evenly spread; of
// fewer than the least it is not known
constexpr size_t median_pixels = 512;
constexpr size_t least_pixels = 24;

} // namespace

double quantile(std::vector<float>& values, double share)
{
    const double at = share * double(values.size() - 1);
    const auto below = values.begin() + std::ptrdiff_t(at);
    std::nth_element(values.begin(), below, values.end());
    const double low = *below, part = at - std::floor(at);
    return part > 0 ? low + part * (*std::min_element(below + 1, values.end()) - low) : low;
}

/*
 * Mean noise per pixel, from the median of the noise pixels, which an overlooked emission hardly
 * moves: a mean of k transforms is gamma distributed, and its median is about (1 - 1 / 9k)^3 of its
 * mean (Wilson and Hilferty, 1931).
 */
noise_floor::noise_floor(const mask_frame& frame, const std::vector<float>& power, double looks)
    : d_frame(frame),
      d_power(power.data()),
      d_mean_of_median(1.0 / std::pow(1.0 - 1.0 / (9.0 * looks), 3)),
      d_width((frame.cols + blocks - 1) / blocks),
      d_blocks((frame.cols + d_width - 1) / d_width)
{
    std::vector<float> all, values;
    for (size_t block = 0; block < d_blocks.size(); block++) {
        const size_t first = block * d_width, end = std::min(first + d_width, frame.cols);
        values.clear();
        for (size_t row = 0; row < frame.rows; row++) {
            for (size_t at = row * frame.cols + first; at < row * frame.cols + end; at++) {
                if (frame.mask[at] == 0) {
                    values.push_back(power[at]);
                }
            }
        }
        const size_t step = std::max<size_t>(values.size() / median_pixels, 1);
        size_t count = 0;
        for (size_t i = 0; i < values.size(); i += step) {
            values[count++] = values[i];
        }
        values.resize(count);
        all.insert(all.end(), values.begin(), values.end());
        if (count >= least_pixels) {
            d_blocks[block] = quantile(values, 0.5) * d_mean_of_median;
        }
    }
    d_whole = all.empty() ? 0.0 : quantile(all, 0.5) * d_mean_of_median;
}

std::vector<double> noise_floor::below(size_t first, size_t end, double level) const
{
    std::vector<double> out(end - first);
    const bool is_narrow = end - first < d_width;
    for (size_t col = first; col < end; col++) {
        const double own = is_narrow ? in_column(col) : 0.0;
        if (own > 0.0) {
            out[col - first] = own;
            continue;
        }
        const bool is_next = col == first || col % d_width == 0;
        out[col - first] =
            is_next || is_narrow ? in_block(col / d_width, level) : out[col - first - 1];
    }
    return out;
}

// 0 where there is too little.
double noise_floor::in_column(size_t col) const
{
    std::vector<float> values;
    for (size_t at = col; at < d_frame.rows * d_frame.cols; at += d_frame.cols) {
        if (d_frame.mask[at] == 0) {
            values.push_back(d_power[at]);
        }
    }
    return values.size() >= least_pixels ? quantile(values, 0.5) * d_mean_of_median : 0.0;
}

double noise_floor::in_block(size_t block, double level) const
{
    if (d_blocks[block] > 0.0) {
        return d_blocks[block];
    }
    const double left = beside(std::ptrdiff_t(block) - 1, -1);
    const double right = beside(std::ptrdiff_t(block) + 1, 1);
    const double more = std::max(left, right), less = std::min(left, right);
    if (more <= 0.0) {
        return std::max(d_whole, 1e-30);
    }
    return less > 0.0 && level <= more ? less : more;
}

// The lower of the two nearest known ones, from `block` on: a signal's skirts lie in the first. 0
// where there is none.
double noise_floor::beside(std::ptrdiff_t block, std::ptrdiff_t step) const
{
    double found = 0.0;
    for (; block >= 0 && block < std::ptrdiff_t(d_blocks.size()); block += step) {
        const double here = d_blocks[size_t(block)];
        if (here > 0.0) {
            if (found > 0.0) {
                return std::min(found, here);
            }
            found = here;
        }
    }
    return found;
}

} // namespace radiofm
} // namespace gr
