/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mask_labels.h"
#include <algorithm>

namespace gr {
namespace radiofm {

mask_labels::mask_labels(const mask_frame& frame) : d_frame(frame), d_width(frame.cols + 4)
{
    const size_t size = (frame.rows + 4) * d_width;
    d_a.resize(size);
    d_b.resize(size);
    d_label.resize(frame.rows * frame.cols);
}

void mask_labels::find(size_t label)
{
    close(label);
    connect();
    measure(label);
}

// Fill gaps of up to two rows or columns: a closing by a 3 x 3 square, into d_a, which has two
// rows and columns more on each side.
void mask_labels::close(size_t label)
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

// Give each closed pixel the number of a part; parts that touch have one root.
void mask_labels::connect()
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

uint32_t mask_labels::root(uint32_t part)
{
    while (d_parent[part] != part) {
        part = d_parent[part] = d_parent[d_parent[part]];
    }
    return part;
}

uint32_t mask_labels::join(uint32_t a, uint32_t b)
{
    a = root(a);
    b = root(b);
    d_parent[std::max(a, b)] = std::min(a, b);
    return std::min(a, b);
}

// Turn parts into labels, and sum up their shapes.
void mask_labels::measure(size_t label)
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

} // namespace radiofm
} // namespace gr
