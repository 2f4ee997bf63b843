/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "band_splits.h"
#include <algorithm>
#include <limits>

namespace gr {
namespace radiofm {

namespace {

// A band that lies next to another has at least so many columns and this share of both.
constexpr size_t least_columns = 4;
constexpr double least_share = 0.05;
// ... and this share of its weight is of its label.
constexpr double least_purity = 0.75;
// Of the times at which both are on, at most this share has the same label on both sides: bursts of
// one carrier run over the boundary.
constexpr double most_common = 0.25;
// A band is on in a row in which this share of it is of one label: less is of its neighbour.
constexpr double least_on = 0.2;
// A change of label must be worth so many columns whose label is another, a step into or out of
// empty columns so many empty ones.
constexpr double label_step = 4.0;
constexpr double empty_step = 2.0;
// Columns are empty that are used less than this share of what is usual.
constexpr double empty_share = 0.1;

constexpr size_t empty = 0; // the state in which no class is on

struct band
{
    size_t first, end;
    size_t label; // `empty` between two carriers
};

struct columns
{
    explicit columns(const patch& of)
        : whole(of),
          count(of.view().frame.cols),
          classes(of.view().classes),
          use(of.column_use()),
          typical(std::max(usual(use), 1.0)),
          weights(of.column_weights())
    {
    }

    double weight(size_t label, size_t col) const { return weights[label * count + col]; }

    double total(size_t col) const
    {
        double sum = 0.0;
        for (size_t label = 1; label < classes; label++) {
            sum += weight(label, col);
        }
        return sum;
    }

    // What it costs to say that a column is of a label, or empty: at most 1
    double cost(size_t label, size_t col) const
    {
        const double share = std::min(double(use[col]) / typical, 1.0);
        if (label == empty) {
            return share;
        }
        const double all = total(col);
        const double others = all > 0.0 ? 1.0 - weight(label, col) / all : 0.0;
        return share * others + std::max(1.0 - share / empty_share, 0.0);
    }

    const patch& whole;
    const size_t count, classes;
    const std::vector<size_t> use;
    const double typical;
    const std::vector<double> weights;
};

double step(size_t from, size_t to)
{
    return from == to ? 0.0 : from == empty || to == empty ? empty_step : label_step;
}

// The cheapest labels of all columns from left to right (Viterbi, 1967), as bands.
std::vector<band> cheapest(const columns& of, const box& around, const std::vector<size_t>& labels)
{
    const size_t width = around.width(), states = labels.size();
    std::vector<double> costs(states), next(states);
    std::vector<uint8_t> from(width * states);
    for (size_t x = 0; x < width; x++) {
        for (size_t s = 0; s < states; s++) {
            double best = std::numeric_limits<double>::infinity();
            for (size_t t = 0; t < states; t++) {
                const double here = x ? costs[t] + step(labels[t], labels[s]) : 0.0;
                if (here < best) {
                    best = here;
                    from[x * states + s] = uint8_t(t);
                }
            }
            next[s] = best + of.cost(labels[s], around.first_col + x);
        }
        costs.swap(next);
    }
    size_t state = size_t(std::min_element(costs.begin(), costs.end()) - costs.begin());
    std::vector<band> out; // from the right
    for (size_t x = width; x-- > 0; state = from[x * states + state]) {
        const size_t col = around.first_col + x;
        if (!out.empty() && out.back().label == labels[state]) {
            out.back().first = col;
        } else {
            out.push_back({col, col + 1, labels[state]});
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

// How much of a band there is, and how much of that is of the band's label.
std::pair<double, double> weigh(const columns& of, const band& one)
{
    double all = 0.0, own = 0.0;
    for (size_t col = one.first; col < one.end; col++) {
        all += of.total(col);
        own += of.weight(one.label, col);
    }
    return {all, own};
}

// Two touching bands as one, of the label of more weight.
band united(const columns& of, const band& a, const band& b)
{
    band as_a = {a.first, b.end, a.label}, as_b = {a.first, b.end, b.label};
    return weigh(of, as_a).second >= weigh(of, as_b).second ? as_a : as_b;
}

// The label of most pixels of a band in each row; `empty` where it is not on.
std::vector<size_t> row_labels(const columns& of, const band& one)
{
    std::vector<size_t> counts(of.whole.view().frame.rows * of.classes);
    for (const pixel_run& run : of.whole.runs()) {
        const size_t first = std::max<size_t>(run.first, one.first);
        const size_t end = std::min<size_t>(run.end, one.end);
        counts[run.row * of.classes + run.label] += end > first ? end - first : 0;
    }
    std::vector<size_t> out(of.whole.view().frame.rows);
    for (size_t row = 0; row < out.size(); row++) {
        const auto begin = counts.begin() + std::ptrdiff_t(row * of.classes);
        const auto most = std::max_element(begin, begin + std::ptrdiff_t(of.classes));
        const bool is_on = double(*most) >= least_on * double(one.end - one.first);
        out[row] = is_on ? size_t(most - begin) : empty;
    }
    return out;
}

// Whether bursts run over the boundary between two bands.
bool is_crossed(const columns& of, const band& a, const band& b)
{
    const std::vector<size_t> left = row_labels(of, a), right = row_labels(of, b);
    size_t same = 0, both = 0;
    for (size_t row = 0; row < left.size(); row++) {
        both += left[row] && right[row];
        same += left[row] && left[row] == right[row];
    }
    return double(same) > most_common * double(both);
}

// Whether two touching bands are two carriers.
bool are_two(const columns& of, const band& a, const band& b)
{
    const size_t least = std::max(least_columns, size_t(least_share * double(b.end - a.first)));
    const auto is_carrier = [&](const band& one) {
        const auto [all, own] = weigh(of, one);
        return one.end - one.first >= least && own >= least_purity * all;
    };
    return a.label != b.label && is_carrier(a) && is_carrier(b) && !is_crossed(of, a, b);
}

// Unite touching bands that are no two carriers, the narrowest first.
void unite(const columns& of, std::vector<band>& bands)
{
    while (true) {
        size_t best = bands.size(), narrowest = of.count + 1;
        for (size_t i = 0; i + 1 < bands.size(); i++) {
            const band &a = bands[i], &b = bands[i + 1];
            const size_t width = std::min(a.end - a.first, b.end - b.first);
            const bool touch = a.end == b.first && a.label != empty && b.label != empty;
            if (touch && width < narrowest && !are_two(of, a, b)) {
                best = i;
                narrowest = width;
            }
        }
        if (best == bands.size()) {
            return;
        }
        bands[best] = united(of, bands[best], bands[best + 1]);
        bands.erase(bands.begin() + std::ptrdiff_t(best) + 1);
    }
}

} // namespace

std::vector<patch> split_bands(patch whole)
{
    std::vector<patch> out;
    if (whole.around().width() < 2 * least_columns) {
        out.push_back(std::move(whole));
        return out;
    }
    const columns of(whole);
    std::vector<size_t> labels = {empty};
    for (size_t label = 1; label < of.classes; label++) {
        const auto begin = of.weights.begin() + std::ptrdiff_t(label * of.count);
        if (std::any_of(begin, begin + std::ptrdiff_t(of.count), [](double w) { return w > 0; })) {
            labels.push_back(label);
        }
    }
    std::vector<band> bands = cheapest(of, whole.around(), labels);
    unite(of, bands);
    bands.erase(std::remove_if(
                    bands.begin(), bands.end(), [](const band& one) { return one.label == empty; }),
                bands.end());
    if (bands.size() < 2) {
        out.push_back(std::move(whole));
        return out;
    }
    for (const band& one : bands) {
        patch part(whole.view());
        for (const pixel_run& run : whole.runs()) {
            const size_t first = std::max<size_t>(run.first, one.first);
            const size_t end = std::min<size_t>(run.end, one.end);
            if (first < end) {
                part.add({run.row, uint16_t(first), uint16_t(end), run.label});
            }
        }
        if (part.pixels()) {
            part.settle();
            out.push_back(std::move(part));
        }
    }
    return out;
}

} // namespace radiofm
} // namespace gr
