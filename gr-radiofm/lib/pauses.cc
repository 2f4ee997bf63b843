/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pauses.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace gr {
namespace radiofm {

namespace {

// Standard deviation of a transform's power in dB (its logarithm is that of an exponential
// distribution), and by how much the variance of a sum over neighbouring bins of a Hann window
// grows
constexpr double deviation_db = 5.57;
constexpr double bin_correlation = 1.94;
// The floor shows in this share of the rows, whose averages of three lie within so many standard
// deviations; the loudest rows but this share stand so many above it.
constexpr double floor_share = 0.1;
constexpr double floor_spread = 6.0;
constexpr double loud_share = 0.05;
constexpr double least_rise = 8.0;
// A row pauses up to this part of the rise above the floor, 1.5 dB at most, but at least up to so
// many standard deviations.
constexpr double quiet_part = 0.25;
constexpr double most_quiet_db = 1.5;
constexpr double quiet_spread = 2.5;
// Pauses begin and end at once: one of so many rows beside them is this much louder than quiet ones
// may be. The bottom of a fade is no pause.
constexpr size_t edge_rows = 3;
constexpr double edge_step = 2.0;
// A floor that lies so much (dB) above the noise is none
constexpr double most_above_noise_db = 2.0;

double deviation(double looks, double pixels)
{
    return deviation_db * std::sqrt(bin_correlation / (looks * std::max(pixels, 1.0)));
}

// Sums of each row and its neighbours.
std::vector<double> sums_of_three(const std::vector<double>& values)
{
    std::vector<double> out(values.size());
    for (size_t row = 0; row < values.size(); row++) {
        out[row] = values[row] + (row > 0 ? values[row - 1] : 0.0) +
                   (row + 1 < values.size() ? values[row + 1] : 0.0);
    }
    return out;
}

struct floor_level
{
    std::vector<double> columns; // mean dB of each column of the band; empty where it does not show
    std::vector<double> rows;    // mean dB of each row above it
    double rise = 0.0;
};

floor_level find_floor(const patch& of, double looks)
{
    const mask_frame& frame = of.view().frame;
    const size_t rows = frame.rows, low = of.low(), width = of.width();
    std::vector<double> levels(rows), counts(rows, 1.0);
    for (size_t row = 0; row < rows; row++) {
        const float* power = frame.power_db + row * frame.cols + low;
        levels[row] = std::accumulate(power, power + width, 0.0) / double(width);
        if (!std::isfinite(levels[row])) {
            return {};
        }
    }
    std::vector<double> smooth = sums_of_three(levels);
    const std::vector<double> of_rows = sums_of_three(counts);
    for (size_t row = 0; row < rows; row++) {
        smooth[row] /= of_rows[row];
    }
    std::vector<size_t> order(rows);
    std::iota(order.begin(), order.end(), size_t(0));
    std::sort(
        order.begin(), order.end(), [&](size_t a, size_t b) { return smooth[a] < smooth[b]; });
    const size_t quiet = std::max(size_t(floor_share * double(rows)), size_t(3));
    if (quiet >= rows) {
        return {};
    }
    const double one = deviation(looks, 3.0 * double(width));
    const double spread = smooth[order[quiet - 1]] - smooth[order[0]];
    const double loud = smooth[order[size_t((1.0 - loud_share) * double(rows - 1))]];
    const double rise = loud - smooth[order[quiet / 2]];
    if (spread > floor_spread * one || rise < least_rise * one) {
        return {};
    }
    floor_level out{std::vector<double>(width), levels, rise};
    for (size_t i = 0; i < quiet; i++) {
        const float* power = frame.power_db + order[i] * frame.cols + low;
        for (size_t col = 0; col < width; col++) {
            out.columns[col] += double(power[col]) / double(quiet);
        }
    }
    const double level =
        std::accumulate(out.columns.begin(), out.columns.end(), 0.0) / double(width);
    for (double& row : out.rows) {
        row -= level;
    }
    return out;
}

bool is_noise(const floor_level& floor, const patch& of, const noise_floor& noise)
{
    const std::vector<double> levels =
        noise.below(of.low(), of.high(), std::numeric_limits<double>::infinity());
    double above = 0.0;
    for (size_t col = 0; col < levels.size(); col++) {
        above += floor.columns[col] - 10.0 * std::log10(std::max(levels[col], 1e-30));
    }
    return above <= most_above_noise_db * double(levels.size());
}

} // namespace

std::vector<bool> pauses(const patch& of, double looks, size_t least_rows, const noise_floor* noise)
{
    const mask_frame& frame = of.view().frame;
    std::vector<bool> out(frame.rows);
    if (!of.width() || !least_rows) {
        return out;
    }
    const floor_level floor = find_floor(of, looks);
    if (floor.columns.empty() || (noise && !is_noise(floor, of, *noise))) {
        return out;
    }
    std::vector<double> above(frame.rows), pixels(frame.rows);
    for (const pixel_run& run : of.runs()) {
        const size_t first = std::max<size_t>(run.first, of.low());
        const size_t end = std::min<size_t>(run.end, of.high());
        for (size_t col = first; col < end; col++) {
            above[run.row] +=
                double(frame.power_db[run.row * frame.cols + col]) - floor.columns[col - of.low()];
        }
        pixels[run.row] += end > first ? double(end - first) : 0.0;
    }
    const double part = std::min(quiet_part * floor.rise, most_quiet_db);
    const auto allowed = [&](double count) {
        return std::max(part, quiet_spread * deviation(looks, count));
    };
    const double width = double(of.width());
    // What a mask finds in noise are its louder pixels
    const double picked = deviation(looks, 1.0);
    const std::vector<double> band = sums_of_three(floor.rows), sums = sums_of_three(above),
                              counts = sums_of_three(pixels);
    const auto is_quiet = [&](size_t row) {
        return band[row] < 3.0 * allowed(3.0 * width) &&
               sums[row] <= counts[row] * (allowed(counts[row]) + picked);
    };
    const auto is_quiet_alone = [&](size_t row) {
        return floor.rows[row] < allowed(width) &&
               above[row] <= pixels[row] * (allowed(pixels[row]) + picked);
    };
    const auto is_edge = [&](size_t first, size_t end) {
        const auto begin = floor.rows.begin();
        const double most = *std::max_element(begin + std::ptrdiff_t(first),
                                              begin + std::ptrdiff_t(std::min(end, frame.rows)));
        return most >= edge_step * allowed(3.0 * width);
    };
    for (size_t row = 0; row < frame.rows;) {
        size_t first = row;
        while (row < frame.rows && is_quiet(row)) {
            row++;
        }
        size_t end = row++;
        if (end == first) {
            continue;
        }
        // averages of three make a pause shorter than it is
        first -= first > 0 && is_quiet_alone(first - 1);
        end += end < frame.rows && is_quiet_alone(end);
        const bool begins = first == 0 || is_edge(first - std::min(first, edge_rows), first);
        const bool ends = end == frame.rows || is_edge(end, end + edge_rows);
        if (begins && ends && end - first >= least_rows) {
            std::fill(out.begin() + std::ptrdiff_t(first), out.begin() + std::ptrdiff_t(end), true);
        }
    }
    return out;
}

patch without_rows(const patch& of, const std::vector<bool>& rows)
{
    patch out(of.view());
    for (const pixel_run& run : of.runs()) {
        if (!rows[run.row]) {
            out.add(run);
        }
    }
    if (out.pixels()) {
        out.settle();
    }
    return out;
}

} // namespace radiofm
} // namespace gr
