/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <cstdint>
#include <gnuradio/radiofm/mask_components.h>
#include <vector>

namespace gr {
namespace radiofm {

//! Rows and columns of a frame.
struct box
{
    size_t first_row, end_row, first_col, end_col;
    size_t size() const { return (end_row - first_row) * (end_col - first_col); }
};

//! A component as it is labelled: its box is that of the closed shape, the rest is of the mask's
//! own pixels in it.
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
class mask_labels
{
public:
    mask_labels(const mask_frame& frame);

    //! Label the pixels of a class; shapes()[i] has label i + 1.
    void find(size_t label);

    const std::vector<shape>& shapes() const { return d_shapes; }
    //! Whether a pixel is of the mask's own in the shape with this label.
    bool holds(size_t label, size_t at) const
    {
        return d_label[at] == label && d_frame.mask[at] == d_class;
    }

private:
    void close(size_t label);
    void connect();
    uint32_t root(uint32_t part);
    uint32_t join(uint32_t a, uint32_t b);
    void measure(size_t label);

    const mask_frame d_frame;
    const size_t d_width;
    uint8_t d_class = 0;
    std::vector<uint8_t> d_a, d_b;
    std::vector<uint32_t> d_label, d_parent, d_number;
    std::vector<shape> d_shapes;
};

} // namespace radiofm
} // namespace gr
