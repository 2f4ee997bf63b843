/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mask_regions.h"
#include "band_joins.h"
#include <algorithm>
#include <numeric>

namespace gr {
namespace radiofm {

mask_regions::mask_regions(const frame_view& view) : d_view(view), d_width(view.frame.cols + 4)
{
    const size_t size = (view.frame.rows + 4) * d_width;
    d_a.resize(size);
    d_b.resize(size);
    d_label.resize(view.frame.rows * view.frame.cols);
}

std::vector<patch> mask_regions::find()
{
    close();
    connect();
    std::vector<patch> out;
    std::vector<uint32_t> number(d_parent.size());
    const size_t cols = d_view.frame.cols;
    for (size_t row = 0; row < d_view.frame.rows; row++) {
        const uint8_t* mask = d_view.frame.mask + row * cols;
        const uint32_t* part = d_label.data() + row * cols;
        for (size_t col = 0; col < cols;) {
            const size_t first = col++;
            if (!is_occupied(mask[first])) {
                continue;
            }
            // neighbours are connected
            while (col < cols && mask[col] == mask[first]) {
                col++;
            }
            uint32_t& index = number[root(part[first])];
            if (!index) {
                out.emplace_back(d_view);
                index = uint32_t(out.size());
            }
            out[index - 1].add({uint16_t(row), uint16_t(first), uint16_t(col), mask[first]});
        }
    }
    for (patch& region : out) {
        region.settle();
    }
    return out;
}

// Fill gaps of up to two rows or columns: a closing by a 3 x 3 square, into d_a, which has two
// rows and columns more on each side.
void mask_regions::close()
{
    const size_t width = d_width, size = d_a.size();
    for (size_t row = 0; row < d_view.frame.rows; row++) {
        const uint8_t* from = d_view.frame.mask + row * d_view.frame.cols;
        uint8_t* to = d_a.data() + (row + 2) * width + 2;
        for (size_t col = 0; col < d_view.frame.cols; col++) {
            to[col] = is_occupied(from[col]);
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

// Give each closed pixel the number of a part; parts that touch have one root.
void mask_regions::connect()
{
    d_parent.assign(1, 0);
    const size_t cols = d_view.frame.cols;
    for (size_t row = 0, at = 0; row < d_view.frame.rows; row++) {
        const uint8_t* closed = d_a.data() + (row + 2) * d_width + 2;
        for (size_t col = 0; col < cols; col++, at++) {
            if (!closed[col]) {
                d_label[at] = 0;
                continue;
            }
            const uint32_t left = col ? d_label[at - 1] : 0;
            const uint32_t above = row ? d_label[at - cols] : 0;
            if (left && above) {
                d_label[at] = left == above ? left : join(left, above);
            } else if (left || above) {
                d_label[at] = left | above;
            } else {
                d_label[at] = uint32_t(d_parent.size());
                d_parent.push_back(d_label[at]);
            }
        }
    }
}

uint32_t mask_regions::root(uint32_t part)
{
    while (d_parent[part] != part) {
        part = d_parent[part] = d_parent[d_parent[part]];
    }
    return part;
}

uint32_t mask_regions::join(uint32_t a, uint32_t b)
{
    a = root(a);
    b = root(b);
    d_parent[std::max(a, b)] = std::min(a, b);
    return std::min(a, b);
}

namespace {

// For each run, by row, the first run of the same label that it is connected with.
std::vector<uint32_t> connected_runs(const std::vector<pixel_run>& runs)
{
    std::vector<uint32_t> parent(runs.size());
    std::iota(parent.begin(), parent.end(), 0u);
    const auto root = [&parent](uint32_t i) {
        while (parent[i] != i) {
            i = parent[i] = parent[parent[i]];
        }
        return i;
    };
    size_t above = 0; // the first run that may lie over those to come
    for (size_t i = 0; i < runs.size(); i++) {
        const pixel_run& run = runs[i];
        while (above < i && (runs[above].row + 1 < run.row ||
                             (runs[above].row + 1 == run.row && runs[above].end <= run.first))) {
            above++;
        }
        for (size_t j = above; j < i && runs[j].row + 1 == run.row && runs[j].first < run.end;
             j++) {
            if (runs[j].label == run.label) {
                const uint32_t a = root(uint32_t(i)), b = root(uint32_t(j));
                parent[std::max(a, b)] = std::min(a, b);
            }
        }
    }
    for (uint32_t i = 0; i < parent.size(); i++) {
        parent[i] = root(i);
    }
    return parent;
}

} // namespace

std::vector<patch> cut_strong_boxes(patch& region, size_t min_pixels)
{
    std::vector<patch> out;
    if (region.purity() >= 1.0 || region.pixels() < 2 * min_pixels) {
        return out;
    }
    const std::vector<pixel_run>& runs = region.runs();
    const std::vector<uint32_t> first_of = connected_runs(runs);
    std::vector<size_t> sizes(runs.size());
    std::vector<box> boxes(runs.size());
    for (size_t i = 0; i < runs.size(); i++) {
        const box here = {runs[i].row, size_t(runs[i].row) + 1, runs[i].first, runs[i].end};
        const uint32_t first = first_of[i];
        if (first == i) {
            boxes[i] = here;
        } else {
            boxes[first].include(here);
        }
        sizes[first] += runs[i].size();
    }
    std::vector<uint32_t> cut(runs.size()); // 1 + place in `out`
    for (size_t i = 0; i < runs.size(); i++) {
        // most are specks: a closer look costs more
        if (sizes[i] < min_pixels || 2 * sizes[i] < boxes[i].size() ||
            runs[i].label == region.label()) {
            continue;
        }
        patch part(region.view());
        for (size_t j = i; j < runs.size(); j++) {
            if (first_of[j] == i) {
                part.add(runs[j]);
            }
        }
        part.settle();
        const size_t others = region.pixels() - part.pixels();
        const double rest = (region.power() - part.power()) / double(std::max<size_t>(others, 1));
        if (stands_alone(part, region, rest)) {
            out.push_back(std::move(part));
            cut[i] = uint32_t(out.size());
        }
    }
    if (!out.empty()) {
        patch rest(region.view());
        for (size_t i = 0; i < runs.size(); i++) {
            if (!cut[first_of[i]]) {
                rest.add(runs[i]);
            }
        }
        rest.settle();
        region = std::move(rest);
    }
    return out;
}

} // namespace radiofm
} // namespace gr
