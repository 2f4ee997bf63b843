/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "mask_patch.h"
#include <vector>

namespace gr {
namespace radiofm {

//! Whether a patch is an emission of its own in the band of a wider one: a compact box of one
//! other label that stands 6 dB out of the wider one's `level` (mean power of a pixel).
bool stands_alone(const patch& narrow, const patch& wide, double level);

/*
 * Patches that use one band, at whatever times, as one, the largest first: bands that are nearly
 * equal, and what lies within the band of another but for what stands alone in it.
 *
 * At most `most` are kept; those are the largest.
 */
std::vector<patch> join_bands(std::vector<patch> patches, size_t most);

//! Join what are parts of one carrier, side by side or apart, whose users are sent to at the same
//! times.
std::vector<patch> join_shares(std::vector<patch> patches);

//! Join what a scheduler may have scattered over one carrier: patches of one of these labels, pure,
//! of about one level, each on for a part of the frame only, with nothing of another label between.
std::vector<patch> join_scattered(std::vector<patch> patches, const std::vector<size_t>& labels);

} // namespace radiofm
} // namespace gr
