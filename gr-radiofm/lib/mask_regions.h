/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "mask_patch.h"
#include <vector>

namespace gr {
namespace radiofm {

/*
 * The occupied pixels of a frame, of any class, by what is connected: gaps of up to two rows or
 * columns are none, neighbours are those in the same row or column.
 */
class mask_regions
{
public:
    explicit mask_regions(const frame_view& view);

    //! In the order of their first pixels; settled.
    std::vector<patch> find();

private:
    void close();
    void connect();
    uint32_t root(uint32_t part);
    uint32_t join(uint32_t a, uint32_t b);
    bool is_occupied(uint8_t label) const { return label > 0 && label < d_view.classes; }

    const frame_view& d_view;
    const size_t d_width;
    std::vector<uint8_t> d_a, d_b;
    std::vector<uint32_t> d_label, d_parent;
};

/*
 * Cut from a region what is an emission of its own within it: a compact box of another label that
 * is clearly stronger. The region loses these pixels; both are settled.
 */
std::vector<patch> cut_strong_boxes(patch& region, size_t min_pixels);

} // namespace radiofm
} // namespace gr
