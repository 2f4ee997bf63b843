/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mask_patch.h"
#include <algorithm>
#include <numeric>

namespace gr {
namespace radiofm {

// What is used less often than this share of what is usual is a fringe.
static constexpr double edge_share = 0.25;
// Rows with so little that they count as empty: a share of what is usual.
static constexpr double on_share = 0.05;

void box::include(const box& other)
{
    first_row = std::min(first_row, other.first_row);
    end_row = std::max(end_row, other.end_row);
    first_col = std::min(first_col, other.first_col);
    end_col = std::max(end_col, other.end_col);
}

double usual(const std::vector<size_t>& use)
{
    std::vector<size_t> used;
    used.reserve(use.size());
    std::copy_if(use.begin(), use.end(), std::back_inserter(used), [](size_t n) { return n > 0; });
    if (used.empty()) {
        return 0.0;
    }
    const auto middle = used.begin() + std::ptrdiff_t(used.size() / 2);
    std::nth_element(used.begin(), middle, used.end());
    return double(*middle);
}

std::vector<row_span> times_on(const std::vector<size_t>& use)
{
    const double enough = std::max(on_share * usual(use), 1.0);
    std::vector<row_span> out;
    for (size_t row = 0; row < use.size(); row++) {
        if (double(use[row]) < enough) {
            continue;
        }
        if (!out.empty() && row - out.back().end <= closed_rows) {
            out.back().end = row + 1;
        } else {
            out.push_back({row, row + 1});
        }
    }
    return out;
}

std::pair<size_t, size_t> usual_extent(const std::vector<size_t>& use)
{
    const double enough = edge_share * usual(use);
    const auto is_enough = [enough](size_t n) { return n > 0 && double(n) >= enough; };
    const auto first = std::find_if(use.begin(), use.end(), is_enough);
    const auto last = std::find_if(use.rbegin(), use.rend(), is_enough);
    if (first == use.end()) {
        return {0, 0};
    }
    return {size_t(first - use.begin()), size_t(use.rend() - last)};
}

patch::patch(const frame_view& view) : d_view(&view), d_weights(view.classes) {}

void patch::add(const pixel_run& run)
{
    const box here = {run.row, size_t(run.row) + 1, run.first, run.end};
    if (d_runs.empty()) {
        d_around = here;
    } else {
        d_around.include(here);
    }
    d_runs.push_back(run);
    d_pixels += run.size();
    const size_t at = run.row * d_view->frame.cols;
    float weight = 0.0f, power = 0.0f;
    for (size_t i = at + run.first; i < at + run.end; i++) {
        weight += d_view->frame.confidence[i];
        power += d_view->power[i];
    }
    d_weights[run.label] += double(weight);
    d_power += double(power);
}

void patch::absorb(patch&& other)
{
    // The share that is filled is of each part's own box: bursts have pauses in between
    d_boxed += other.d_boxed;
    d_strongest = std::max(strongest(), other.strongest());
    d_absorbed = true;
    d_around.include(other.d_around);
    d_pixels += other.d_pixels;
    d_power += other.d_power;
    for (size_t label = 0; label < d_weights.size(); label++) {
        d_weights[label] += other.d_weights[label];
    }
    d_runs.insert(d_runs.end(), other.d_runs.begin(), other.d_runs.end());
}

void patch::settle()
{
    if (!d_absorbed) {
        d_boxed = d_around.size();
    }
    const auto best = std::max_element(d_weights.begin(), d_weights.end());
    d_label = size_t(best - d_weights.begin());
    const double total = std::accumulate(d_weights.begin(), d_weights.end(), 0.0);
    d_purity = total > 0.0 ? *best / total : 0.0;
    std::vector<size_t> use(d_around.width() + 1);
    count_columns(use, d_around.first_col);
    const auto columns = usual_extent(use);
    d_low = d_around.first_col + columns.first;
    d_high = d_around.first_col + columns.second;
    d_times = times_on(row_use());
}

std::vector<size_t> patch::row_use() const
{
    std::vector<size_t> use(d_view->frame.rows);
    for (const pixel_run& run : d_runs) {
        use[run.row] += run.size();
    }
    return use;
}

std::vector<size_t> patch::column_use() const
{
    std::vector<size_t> use(d_view->frame.cols + 1);
    count_columns(use, 0);
    use.pop_back();
    return use;
}

// Pixels by column, from `first` on; the last element becomes 0.
void patch::count_columns(std::vector<size_t>& use, size_t first) const
{
    // steps at the runs' ends, which then are summed up
    for (const pixel_run& run : d_runs) {
        use[run.first - first]++;
        use[run.end - first]--; // wraps around, and back in the sum
    }
    std::partial_sum(use.begin(), use.end(), use.begin());
}

std::vector<double> patch::column_weights() const
{
    const size_t cols = d_view->frame.cols;
    std::vector<double> weights(d_view->classes * cols);
    for (const pixel_run& run : d_runs) {
        double* of = weights.data() + run.label * cols;
        const float* confidence = d_view->frame.confidence + run.row * cols;
        for (size_t col = run.first; col < run.end; col++) {
            of[col] += double(confidence[col]);
        }
    }
    return weights;
}

} // namespace radiofm
} // namespace gr
