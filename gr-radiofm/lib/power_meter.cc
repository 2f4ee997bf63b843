/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "power_meter.h"
#include "spectrogram_loops.h"
#include <algorithm>
#include <array>
#include <cmath>

namespace gr {
namespace radiofm {

namespace {

// Equivalent noise bandwidth of the Hann window, in bins: turns a sum over bins into power
constexpr double hann_noise_bins = 1.5;
constexpr double min_snr_db = -20.0;
// Energy gate: what lies less than this above the noise (-10 dB: 0.4 dB more power) is nothing, and
// what noise alone shows now and then (in standard deviations) is nothing either.
constexpr double gate_excess = 0.1;
constexpr double gate_sigmas = 7.0;
// Neighbouring bins of a Hann window share power: the variance of a sum over pixels grows by
// 1 + 2 (4 / 9 + 1 / 36).
constexpr double noise_correlation = 1.94;
// Columns by which the power at an edge may correct the mask, and that it is looked at on each side
constexpr double max_refinement = 3.0;
// ... and of what it may take away on each side at most this share of the columns
constexpr double most_inwards = 1.0 / 6;
constexpr size_t reach = 4;

} // namespace

power_meter::power_meter(const mask_frame& frame, size_t noise_pixels, double looks)
    : d_frame(frame),
      d_looks(looks),
      d_power(frame.rows * frame.cols)
{
    loops::from_db(d_power.data(), frame.power_db, d_power.size());
    if (noise_pixels >= std::max<size_t>(d_power.size() / 100, 1)) {
        d_noise.emplace(frame, d_power, looks);
    } else {
        std::vector<float> values(d_power);
        d_faintest = quantile(values, 0.01);
    }
}

bool power_meter::measure(const std::vector<int16_t>& group_of,
                          int16_t group,
                          const box& around,
                          mask_burst& out) const
{
    std::vector<size_t> in_row(around.height()), in_col(around.width());
    std::vector<double> in_box(around.width());
    double confidence = 0.0;
    size_t pixels = 0;
    for (size_t row = around.first_row; row < around.end_row; row++) {
        const size_t begin = row * d_frame.cols + around.first_col;
        const int16_t* of = group_of.data() + begin;
        const float* power = d_power.data() + begin;
        for (size_t col = 0; col < in_col.size(); col++) {
            in_box[col] += double(power[col]);
            if (of[col] == group) {
                in_row[row - around.first_row]++;
                in_col[col]++;
                confidence += double(d_frame.confidence[begin + col]);
                pixels++;
            }
        }
    }
    const auto rows = usual_extent(in_row), cols = usual_extent(in_col);
    const box core = {around.first_row + rows.first,
                      around.first_row + rows.second,
                      around.first_col + cols.first,
                      around.first_col + cols.second};
    const double level = mean_inside(group_of, group, core);
    // A narrow burst must not shrink away, on a slope, or as a line whose power is all in one bin
    const double inwards = std::min(max_refinement, most_inwards * double(core.width()));
    out.confidence = confidence / double(std::max<size_t>(pixels, 1));
    out.first_row = core.first_row;
    out.end_row = core.end_row;
    out.low_col = refine(core, core.first_col, true, level, inwards);
    out.high_col = refine(core, core.end_col, false, level, inwards);
    const std::vector<double> noise =
        d_noise ? d_noise->below(around.first_col, around.end_col, level)
                : std::vector<double>(around.width(), std::max(d_faintest, 1e-30));
    double of_core = 0.0, over_noise = 0.0;
    for (size_t col = 0; col < noise.size(); col++) {
        of_core += cols.first <= col && col < cols.second ? noise[col] : 0.0;
        over_noise += in_box[col] / noise[col];
    }
    const double snr = level * double(core.width()) / of_core - 1.0;
    out.snr_db = std::max(snr > 0 ? 10.0 * std::log10(snr) : min_snr_db, min_snr_db);
    const double power = level * double(core.width()) / hann_noise_bins;
    out.pwr_db = 10.0 * std::log10(std::max(power, 1e-30));
    return !d_noise || stands_out(over_noise, double(around.size()));
}

double
power_meter::mean_inside(const std::vector<int16_t>& group_of, int16_t group, const box& core) const
{
    double sum = 0.0;
    size_t count = 0;
    for (size_t row = core.first_row; row < core.end_row; row++) {
        for (size_t col = core.first_col; col < core.end_col; col++) {
            const size_t at = row * d_frame.cols + col;
            if (group_of[at] == group) {
                sum += double(d_power[at]);
                count++;
            }
        }
    }
    return sum / double(std::max<size_t>(count, 1));
}

/*
 * The energy gate: whether there is more power in a burst's rectangle (`in_box`, over the noise of
 * a pixel) than noise has. All
 * of the rectangle counts: a mask of noise picks its brighter pixels. A mean of k transforms
 * deviates from its expectation by 1 / sqrt(k) of it.
 */
bool power_meter::stands_out(double in_box, double pixels) const
{
    const double excess = in_box - pixels;
    const double deviation = std::sqrt(pixels * noise_correlation / d_looks);
    return excess >= std::max(gate_excess * pixels, gate_sigmas * deviation);
}

/*
 * The edge in fractions of a column, from the mean power on both sides of it.
 *
 * A steep edge spreads over the bins of the window's main lobe, symmetrically, so the sum of
 * how full these bins are tells where it lies. Left where the mask puts it when the power says
 * nothing clear: a neighbour, a shallow edge, an edge at the span's end, an edge more than
 * `inwards` columns inside the mask's.
 */
double
power_meter::refine(const box& core, size_t edge, bool is_low, double level, double inwards) const
{
    if (edge < reach || edge + reach > d_frame.cols) {
        return double(edge);
    }
    std::array<double, 2 * reach> values{}; // from outside to inside
    for (size_t row = core.first_row; row < core.end_row; row++) {
        const float* near = d_power.data() + row * d_frame.cols + edge - reach;
        for (size_t i = 0; i < values.size(); i++) {
            values[i] += double(near[is_low ? i : values.size() - 1 - i]);
        }
    }
    for (double& value : values) {
        value /= double(core.end_row - core.first_row);
    }
    const double outside = values.front(), inside = std::max(values.back(), 0.25 * level);
    if (inside < 4.0 * outside) {
        return double(edge);
    }
    double shift = -double(reach);
    for (const double value : values) {
        shift += std::clamp((value - outside) / (inside - outside), 0.0, 1.0);
    }
    // `shift` columns more are filled than the mask says: outwards
    const bool is_clear = -inwards <= shift && shift <= max_refinement;
    return double(edge) + (is_clear ? (is_low ? -shift : shift) : 0.0);
}

} // namespace radiofm
} // namespace gr
