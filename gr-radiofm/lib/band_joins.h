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

//! Join what are parts of one carrier, whose users are sent to at the same times: of the `labels`
//! that are scheduled side by side or apart, of others, whose bands have holes at most, side by
//! side. A few resource blocks beside a scheduled carrier are part of it at whatever times.
std::vector<patch> join_shares(std::vector<patch> patches, const std::vector<size_t>& labels);

//! Join what a scheduler may have scattered over one carrier: patches of one of these labels, pure,
//! of about one level, each on for a part of the frame only, with nothing of another label between.
std::vector<patch> join_scattered(std::vector<patch> patches, const std::vector<size_t>& labels);

//! Join what is too small to be an emission (of fewer than `min_pixels`) to what may be one: the
//! pulses of a train, of one label in one band, which is not that of one of the `groups`. What
//! stays smaller is left out.
std::vector<patch> join_pulses(std::vector<patch> specks,
                               const std::vector<patch>& groups,
                               size_t min_pixels,
                               size_t most);

} // namespace radiofm
} // namespace gr
