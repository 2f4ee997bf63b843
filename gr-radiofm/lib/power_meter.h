/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "mask_patch.h"
#include "noise_floor.h"
#include <gnuradio/radiofm/mask_groups.h>
#include <optional>
#include <vector>

namespace gr {
namespace radiofm {

//! What a burst's power tells of it.
class power_meter
{
public:
    power_meter(const mask_frame& frame, size_t noise_pixels, double looks);

    //! The frame's power as linear numbers.
    const float* power() const { return d_power.data(); }

    //! Null if the frame does not show enough of it.
    const noise_floor* noise() const { return d_noise ? &*d_noise : nullptr; }

    //! Fill in all but the group, of a group's pixels in a box; false if the energy gate finds it
    //! empty.
    bool measure(const std::vector<int16_t>& group_of,
                 int16_t group,
                 const box& around,
                 mask_burst& out) const;

private:
    double mean_inside(const std::vector<int16_t>& group_of, int16_t group, const box& core) const;
    bool stands_out(double in_box, double pixels) const;
    double refine(const box& core, size_t edge, bool is_low, double level, double inwards) const;

    const mask_frame d_frame;
    const double d_looks;
    std::vector<float> d_power;
    std::optional<noise_floor> d_noise; // of a frame that shows enough of it
    double d_faintest = 0.0;            // of a frame that does not
};

} // namespace radiofm
} // namespace gr
