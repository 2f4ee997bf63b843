/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spectrogram_loops.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <gnuradio/radiofm/mask_components.h>

namespace gr {
namespace radiofm {

namespace {

// The largest components of a class that are told of one frame
constexpr size_t max_per_class = 128;
// A component reaches to the outermost columns and rows that are filled this much of its fullest.
constexpr double edge_fill = 0.25;
// Equivalent noise bandwidth of the Hann window, in bins: turns a sum over bins into power
constexpr double hann_noise_bins = 1.5;
constexpr double min_snr_db = -20.0;
// Energy gate: what lies less than this above the noise (-10 dB: 0.4 dB more power) is nothing, and
// what noise alone shows now and then (in standard deviations) is nothing either.
constexpr double gate_snr_db = -10.0;
constexpr double gate_sigmas = 7.0;
// Neighbouring bins of a Hann window share power: the variance of a sum over pixels grows by
// 1 + 2 (4 / 9 + 1 / 36).
constexpr double noise_correlation = 1.94;
// The median of the noise is taken over about this many of its pixels, evenly spread.
constexpr size_t median_pixels = 8192;
// Columns by which the power at an edge may correct the mask, and that it is looked at on each side
constexpr double max_refinement = 3.0;
constexpr size_t reach = 4;

struct box
{
    size_t first_row, end_row, first_col, end_col;
    size_t size() const { return (end_row - first_row) * (end_col - first_col); }
};

// A component as it is labelled: its box is that of the closed shape, the rest is of the mask's own
// pixels in it.
struct shape
{
    box around;
    size_t area = 0;
    double confidence = 0.0;
};

/*
 * The frame's components, class by class. Labels are those of the closed shape, 0 is none; they
 * count up in the order of the shapes' first pixels.
 */
class labels
{
public:
    labels(const mask_frame& frame) : d_frame(frame), d_width(frame.cols + 4)
    {
        const size_t size = (frame.rows + 4) * d_width;
        d_a.resize(size);
        d_b.resize(size);
        d_label.resize(frame.rows * frame.cols);
    }

    //! Label the pixels of a class; shapes()[i] has label i + 1.
    void find(size_t label)
    {
        close(label);
        connect();
        measure(label);
    }

    const std::vector<shape>& shapes() const { return d_shapes; }
    //! Whether a pixel is of the mask's own in the shape with this label.
    bool holds(size_t label, size_t at) const
    {
        return d_label[at] == label && d_frame.mask[at] == d_class;
    }

private:
    //! Fill gaps of up to two rows or columns: a closing by a 3 x 3 square, into d_a, which has two
    //! rows and columns more on each side.
    void close(size_t label)
    {
        const size_t width = d_width, size = d_a.size();
        std::fill(d_a.begin(), d_a.end(), 0);
        std::fill(d_b.begin(), d_b.end(), 0);
        for (size_t row = 0; row < d_frame.rows; row++) {
            const uint8_t* from = d_frame.mask + row * d_frame.cols;
            uint8_t* to = d_a.data() + (row + 2) * width + 2;
            for (size_t col = 0; col < d_frame.cols; col++) {
                to[col] = from[col] == label;
            }
        }
        uint8_t *a = d_a.data(), *b = d_b.data();
        for (size_t i = 1; i + 1 < size; i++) {
            b[i] = a[i - 1] | a[i] | a[i + 1];
        }
        for (size_t i = width; i + width < size; i++) {
            a[i] = b[i - width] | b[i] | b[i + width];
        }
        for (size_t i = 1; i + 1 < size; i++) {
            b[i] = a[i - 1] & a[i] & a[i + 1];
        }
        for (size_t i = width; i + width < size; i++) {
            a[i] = b[i - width] & b[i] & b[i + width];
        }
    }

    //! Give each closed pixel the number of a part; parts that touch have one root.
    void connect()
    {
        d_parent.assign(1, 0);
        for (size_t row = 0, at = 0; row < d_frame.rows; row++) {
            const uint8_t* closed = d_a.data() + (row + 2) * d_width + 2;
            for (size_t col = 0; col < d_frame.cols; col++, at++) {
                if (!closed[col]) {
                    d_label[at] = 0;
                    continue;
                }
                const uint32_t left = col ? d_label[at - 1] : 0;
                const uint32_t above = row ? d_label[at - d_frame.cols] : 0;
                if (left && above) {
                    d_label[at] = join(left, above);
                } else if (left || above) {
                    d_label[at] = left | above;
                } else {
                    d_label[at] = uint32_t(d_parent.size());
                    d_parent.push_back(d_label[at]);
                }
            }
        }
    }

    uint32_t root(uint32_t part)
    {
        while (d_parent[part] != part) {
            part = d_parent[part] = d_parent[d_parent[part]];
        }
        return part;
    }

    uint32_t join(uint32_t a, uint32_t b)
    {
        a = root(a);
        b = root(b);
        d_parent[std::max(a, b)] = std::min(a, b);
        return std::min(a, b);
    }

    //! Turn parts into labels, and sum up their shapes.
    void measure(size_t label)
    {
        d_class = uint8_t(label);
        d_shapes.clear();
        d_number.assign(d_parent.size(), 0);
        for (size_t row = 0, at = 0; row < d_frame.rows; row++) {
            for (size_t col = 0; col < d_frame.cols; col++, at++) {
                if (!d_label[at]) {
                    continue;
                }
                uint32_t& number = d_number[root(d_label[at])];
                if (!number) {
                    d_shapes.push_back({{row, row + 1, col, col + 1}});
                    number = uint32_t(d_shapes.size());
                }
                d_label[at] = number;
                shape& found = d_shapes[number - 1];
                found.around.end_row = row + 1;
                found.around.first_col = std::min(found.around.first_col, col);
                found.around.end_col = std::max(found.around.end_col, col + 1);
                if (d_frame.mask[at] == label) {
                    found.area++;
                    found.confidence += double(d_frame.confidence[at]);
                }
            }
        }
        for (shape& found : d_shapes) {
            found.confidence /= double(std::max<size_t>(found.area, 1));
        }
    }

    const mask_frame d_frame;
    const size_t d_width;
    uint8_t d_class = 0;
    std::vector<uint8_t> d_a, d_b;
    std::vector<uint32_t> d_label, d_parent, d_number;
    std::vector<shape> d_shapes;
};

//! As NumPy's percentile with linear interpolation; `values` are left in another order.
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
double noise_power(const mask_frame& frame, const std::vector<float>& power, double looks)
{
    std::vector<float> values;
    values.reserve(power.size());
    for (size_t i = 0; i < power.size(); i++) {
        if (frame.mask[i] == 0) {
            values.push_back(power[i]);
        }
    }
    const size_t step = (values.size() + median_pixels - 1) / median_pixels;
    size_t count = 0;
    for (size_t i = 0; i < values.size(); i += step) {
        values[count++] = values[i];
    }
    values.resize(count);
    return quantile(values, 0.5) / std::pow(1.0 - 1.0 / (9.0 * looks), 3);
}

//! First and one past the last of `filled` that is filled enough.
std::pair<size_t, size_t> extent(const std::vector<size_t>& filled)
{
    const double enough = edge_fill * double(*std::max_element(filled.begin(), filled.end()));
    const auto is_enough = [enough](size_t value) { return double(value) >= enough; };
    const auto first = std::find_if(filled.begin(), filled.end(), is_enough);
    const auto last = std::find_if(filled.rbegin(), filled.rend(), is_enough);
    return {size_t(first - filled.begin()), size_t(filled.rend() - last)};
}

//! What a component's power tells of it.
class power_meter
{
public:
    power_meter(const mask_frame& frame, size_t noise_pixels, double looks)
        : d_frame(frame),
          d_looks(looks),
          d_power(frame.rows * frame.cols)
    {
        loops::from_db(d_power.data(), frame.power_db, d_power.size());
        d_has_noise = noise_pixels >= std::max<size_t>(d_power.size() / 100, 1);
        if (d_has_noise) {
            d_noise = noise_power(frame, d_power, looks);
        } else {
            std::vector<float> values(d_power);
            d_noise = quantile(values, 0.01);
        }
    }

    //! Fill in all but the label; false if the energy gate finds the component empty.
    bool measure(const labels& found, size_t number, mask_component& out) const
    {
        const shape& of = found.shapes()[number - 1];
        const box& around = of.around;
        std::vector<size_t> in_row(around.end_row - around.first_row);
        std::vector<size_t> in_col(around.end_col - around.first_col);
        double in_box = 0.0;
        for (size_t row = around.first_row; row < around.end_row; row++) {
            for (size_t col = around.first_col; col < around.end_col; col++) {
                const size_t at = row * d_frame.cols + col;
                const size_t inside = found.holds(number, at);
                in_row[row - around.first_row] += inside;
                in_col[col - around.first_col] += inside;
                in_box += double(d_power[at]);
            }
        }
        const auto rows = extent(in_row), cols = extent(in_col);
        const box core = {around.first_row + rows.first,
                          around.first_row + rows.second,
                          around.first_col + cols.first,
                          around.first_col + cols.second};
        const double level = mean_inside(found, number, core);
        // A narrow component on a slope must not shrink away: at most a third of it from each side
        const double inwards = std::min(max_refinement, double(core.end_col - core.first_col) / 3);
        out.confidence = of.confidence;
        out.first_row = core.first_row;
        out.end_row = core.end_row;
        out.low_col = refine(core, core.first_col, true, level, inwards);
        out.high_col = refine(core, core.end_col, false, level, inwards);
        const double snr = level / std::max(d_noise, 1e-30) - 1.0;
        out.snr_db = std::max(snr > 0 ? 10.0 * std::log10(snr) : min_snr_db, min_snr_db);
        const double power = level * double(core.end_col - core.first_col) / hann_noise_bins;
        out.pwr_db = 10.0 * std::log10(std::max(power, 1e-30));
        return !d_has_noise || stands_out(out.snr_db, in_box, double(around.size()));
    }

private:
    double mean_inside(const labels& found, size_t number, const box& core) const
    {
        double sum = 0.0;
        size_t count = 0;
        for (size_t row = core.first_row; row < core.end_row; row++) {
            for (size_t col = core.first_col; col < core.end_col; col++) {
                const size_t at = row * d_frame.cols + col;
                if (found.holds(number, at)) {
                    sum += double(d_power[at]);
                    count++;
                }
            }
        }
        return sum / double(std::max<size_t>(count, 1));
    }

    /*
     * The energy gate: whether there is more power in a component's rectangle than noise has. All
     * of the rectangle counts: a mask of noise picks its brighter pixels. A mean of k transforms
     * deviates from its expectation by 1 / sqrt(k) of it.
     */
    bool stands_out(double snr_db, double in_box, double pixels) const
    {
        const double excess = in_box / d_noise - pixels;
        const double deviation = std::sqrt(pixels * noise_correlation / d_looks);
        return snr_db >= gate_snr_db && excess >= gate_sigmas * deviation;
    }

    /*
     * The edge in fractions of a column, from the mean power on both sides of it.
     *
     * A steep edge spreads over the bins of the window's main lobe, symmetrically, so the sum of
     * how full these bins are tells where it lies. Left where the mask puts it when the power says
     * nothing clear: a neighbour, a shallow edge, an edge at the span's end, an edge more than
     * `inwards` columns inside the mask's.
     */
    double refine(const box& core, size_t edge, bool is_low, double level, double inwards) const
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

    const mask_frame d_frame;
    const double d_looks;
    std::vector<float> d_power;
    bool d_has_noise;
    double d_noise;
};

} // namespace

std::vector<mask_component>
find_components(const mask_frame& frame, size_t classes, double looks, size_t min_pixels)
{
    std::vector<mask_component> out;
    const size_t pixels = frame.rows * frame.cols;
    std::array<size_t, 256> counts{};
    for (size_t i = 0; i < pixels; i++) {
        counts[frame.mask[i]]++;
    }
    min_pixels = std::max<size_t>(min_pixels, 1);
    classes = std::min(classes, counts.size());
    if (std::none_of(counts.begin() + 1, counts.end(), [&](size_t n) { return n >= min_pixels; })) {
        return out;
    }
    const power_meter meter(frame, counts[0], std::max(looks, 1.0));
    labels found(frame);
    for (size_t label = 1; label < classes; label++) {
        if (counts[label] < min_pixels) {
            continue;
        }
        found.find(label);
        const std::vector<shape>& shapes = found.shapes();
        std::vector<size_t> order;
        for (size_t i = 0; i < shapes.size(); i++) {
            if (shapes[i].area >= min_pixels) {
                order.push_back(i);
            }
        }
        std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
            return shapes[a].area > shapes[b].area;
        });
        order.resize(std::min(order.size(), max_per_class));
        for (const size_t i : order) {
            mask_component one{};
            one.label = label;
            if (meter.measure(found, i + 1, one)) {
                out.push_back(one);
            }
        }
    }
    return out;
}

} // namespace radiofm
} // namespace gr
