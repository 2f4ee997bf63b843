/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * find_groups and group_sums: any mask, confidences and powers of any small frame. What is told
 * lies within the frame and is of its pixels, and without bursts of more than noise's power there
 * is nothing.
 */
#include "input.h"
#include <cmath>
#include <gnuradio/radiofm/group_sums.h>
#include <gnuradio/radiofm/mask_groups.h>
#include <numeric>
#include <vector>

using namespace gr::radiofm;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    input in(data, size);
    const size_t rows = 1 + in.below(24), cols = 1 + in.below(40);
    const size_t classes = in.below(7), min_pixels = in.below(20);
    const double looks = in.number(2.0);
    const bool is_flat = in.take<uint8_t>() % 4 == 0;
    std::vector<uint8_t> mask(rows * cols);
    std::vector<float> confidence(rows * cols), power(rows * cols);
    for (size_t i = 0; i < mask.size(); i++) {
        const uint8_t byte = in.take<uint8_t>();
        // runs of a class, which make regions
        mask[i] = byte < 100 && i >= cols ? mask[i - cols]
                  : byte < 200 && i       ? mask[i - 1]
                                          : byte % 8;
        confidence[i] = float(byte) / 255.0f;
        power[i] = is_flat ? -50.0f : byte == 77 ? float(in.number(-50.0)) : -60.0f + byte % 32;
    }
    const mask_frame frame = {mask.data(), confidence.data(), power.data(), rows, cols};
    const auto found = find_groups(frame, classes, looks, min_pixels, min_pixels % 8, {1, 2});
    const bool has_noise =
        std::count(mask.begin(), mask.end(), uint8_t(0)) > long(mask.size() / 50);
    PROMISE(!(is_flat && has_noise) || found.groups == 0);
    PROMISE(found.group_of.size() == mask.size());
    std::vector<size_t> pixels(found.groups), bursts(found.groups);
    for (size_t i = 0; i < mask.size(); i++) {
        const int16_t group = found.group_of[i];
        PROMISE(group >= mask_groups::none && group < long(found.groups));
        if (group >= 0) {
            PROMISE(mask[i] > 0 && mask[i] < classes);
            pixels[group]++;
        }
    }
    // however the frame is cut into cells, each pixel is in one
    const cell_grid cells = {
        1 + in.below(20), 1 + in.below(50), 0.001 + double(in.below(3000)) / 100.0};
    const std::vector<float> ones(mask.size(), 1.0f);
    const auto sums =
        group_sums(found.group_of.data(), found.groups, ones.data(), rows, cols, cells);
    const size_t count = cells.rows * cells.cols;
    PROMISE(sums.size() == (found.groups + 1) * count);
    for (size_t group = 0; group <= found.groups; group++) {
        const auto first = sums.begin() + long(group * count);
        const size_t all = group < found.groups ? pixels[group] : mask.size();
        PROMISE(std::accumulate(first, first + long(count), 0.0) == double(all));
    }
    for (const mask_burst& one : found.bursts) {
        PROMISE(one.group < found.groups);
        PROMISE(one.first_row < one.end_row && one.end_row <= rows);
        PROMISE(one.low_col < one.high_col && one.low_col > -4.0 && one.high_col < cols + 4.0);
        PROMISE(one.confidence >= 0.0 && one.confidence <= 1.0 + 1e-6);
        PROMISE(std::isfinite(one.snr_db) && std::isfinite(one.pwr_db) && one.snr_db >= -20.0);
        bursts[one.group]++;
    }
    for (size_t group = 0; group < found.groups; group++) {
        PROMISE(bursts[group] >= 1 && pixels[group] >= min_pixels);
    }
    return 0;
}
