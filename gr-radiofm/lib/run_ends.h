/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "noise_floor.h"
#include <cstdint>
#include <gnuradio/radiofm/mask_groups.h>
#include <vector>

namespace gr {
namespace radiofm {

/*
 * The frame's mask, where a row's runs of one label that stand 6 dB and more out of the noise end
 * with their signal: what is at the noise beyond it, such as the guard band up to the next carrier,
 * is noise.
 *
 * `power`: the frame's, as linear numbers; `looks`: transforms averaged in a row.
 */
std::vector<uint8_t> with_ends_at_signals(const mask_frame& frame,
                                          const float* power,
                                          const noise_floor& noise,
                                          double looks);

} // namespace radiofm
} // namespace gr
