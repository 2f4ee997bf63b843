/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "mask_labels.h"
#include <gnuradio/radiofm/mask_components.h>
#include <vector>

namespace gr {
namespace radiofm {

//! What a component's power tells of it.
class power_meter
{
public:
    power_meter(const mask_frame& frame, size_t noise_pixels, double looks);

    //! Fill in all but the label; false if the energy gate finds the component empty.
    bool measure(const mask_labels& found, size_t number, mask_component& out) const;

private:
    double mean_inside(const mask_labels& found, size_t number, const box& core) const;
    bool stands_out(double snr_db, double in_box, double pixels) const;
    double refine(const box& core, size_t edge, bool is_low, double level, double inwards) const;

    const mask_frame d_frame;
    const double d_looks;
    std::vector<float> d_power;
    bool d_has_noise;
    double d_noise;
};

} // namespace radiofm
} // namespace gr
