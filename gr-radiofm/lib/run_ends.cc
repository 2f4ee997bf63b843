/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run_ends.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace gr {
namespace radiofm {

namespace {

// Power is averaged over the rows around: over so many transforms, of which noise deviates by an
// eighth, as far as so many rows hold them
constexpr double averaged_looks = 64.0;
constexpr size_t least_reach = 1, most_reach = 8;
// Less than this, over the noise, is noise; and less than this share of the run's mean is skirts
// (-16 dB).
constexpr double empty_power = 1.5;
constexpr double skirts_share = 0.025;
// A run of less power in the mean, over the noise, is left as it is: a faint signal has empty ends
constexpr double clear_power = 4.0;

// Columns into which a signal's skirts reach
constexpr size_t skirts = 4;

// Each pixel's power over the noise of its column, averaged over the rows up to `reach` away.
std::vector<float> averaged(const mask_frame& frame,
                            const float* power,
                            const std::vector<double>& noise,
                            size_t reach)
{
    std::vector<float> out(frame.rows * frame.cols);
    std::vector<double> sums(frame.cols);
    size_t first = 0, end = 0; // rows in the sums
    for (size_t row = 0; row < frame.rows; row++) {
        for (; end < std::min(row + reach + 1, frame.rows); end++) {
            for (size_t col = 0; col < frame.cols; col++) {
                sums[col] += double(power[end * frame.cols + col]);
            }
        }
        for (; first + reach < row; first++) {
            for (size_t col = 0; col < frame.cols; col++) {
                sums[col] -= double(power[first * frame.cols + col]);
            }
        }
        float* here = out.data() + row * frame.cols;
        for (size_t col = 0; col < frame.cols; col++) {
            here[col] = float(sums[col] / (double(end - first) * noise[col]));
        }
    }
    return out;
}

// How many of a run's pixels, from an end on, are empty: up to the first that is not, but for the
// skirts of another signal at that end.
template <typename IsEmpty>
size_t empty_from(size_t pixels, bool is_beside_other, IsEmpty&& is_empty)
{
    size_t first = 0; // that is empty
    while (is_beside_other && first < std::min(skirts, pixels) && !is_empty(first)) {
        first++;
    }
    size_t count = first;
    while (count < pixels && is_empty(count)) {
        count++;
    }
    return count > first ? count : 0;
}

} // namespace

std::vector<uint8_t> with_ends_at_signals(const mask_frame& frame,
                                          const float* power,
                                          const noise_floor& noise,
                                          double looks)
{
    std::vector<uint8_t> out(frame.mask, frame.mask + frame.rows * frame.cols);
    const size_t rows = size_t(std::ceil(averaged_looks / std::max(looks, 1.0)));
    const size_t reach = std::clamp(rows / 2, least_reach, most_reach);
    const std::vector<float> level = averaged(
        frame, power, noise.below(0, frame.cols, std::numeric_limits<double>::infinity()), reach);
    for (size_t begin = 0, end; begin < out.size(); begin = end) {
        const size_t row_end = (begin / frame.cols + 1) * frame.cols;
        end = begin + 1;
        while (end < row_end && out[end] == out[begin]) {
            end++;
        }
        double sum = 0.0;
        for (size_t at = begin; at < end; at++) {
            sum += double(level[at]);
        }
        if (out[begin] == 0 || sum < clear_power * double(end - begin)) {
            continue;
        }
        const bool is_after_other = begin > row_end - frame.cols && frame.mask[begin - 1] != 0;
        const bool is_before_other = end < row_end && frame.mask[end] != 0;
        const double least = std::max(empty_power, skirts_share * sum / double(end - begin));
        const auto is_empty = [&](size_t at) { return double(level[at]) < least; };
        const size_t low =
            empty_from(end - begin, is_after_other, [&](size_t n) { return is_empty(begin + n); });
        const size_t high = empty_from(
            end - begin, is_before_other, [&](size_t n) { return is_empty(end - 1 - n); });
        std::fill_n(out.begin() + std::ptrdiff_t(begin), low, uint8_t(0));
        std::fill_n(out.begin() + std::ptrdiff_t(end - high), high, uint8_t(0));
    }
    return out;
}

} // namespace radiofm
} // namespace gr
