/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mask_labels.h"
#include "power_meter.h"
#include <algorithm>
#include <array>
#include <gnuradio/radiofm/mask_components.h>

namespace gr {
namespace radiofm {

// The largest components of a class that are told of one frame
static constexpr size_t max_per_class = 128;

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
    mask_labels found(frame);
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
