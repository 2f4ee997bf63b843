/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "mask_patch.h"
#include "noise_floor.h"
#include <vector>

namespace gr {
namespace radiofm {

/*
 * Rows in which an emission pauses, whatever the mask says: its band is at its floor there, for
 * `least_rows` or more.
 *
 * The floor is known where it shows: the quietest tenth of the rows are alike within what noise
 * varies, and others stand clearly above. What is on the air by the mask is then held to the floor
 * of its columns. A floor above the noise that the frame shows is another signal. Powers are
 * averaged in dB, so that spurs, which do not pause, change nothing.
 *
 * \param looks transforms averaged in a row
 * \param noise the frame's, null if it shows none
 */
std::vector<bool>
pauses(const patch& of, double looks, size_t least_rows, const noise_floor* noise);

//! The patch without some rows.
patch without_rows(const patch& of, const std::vector<bool>& rows);

} // namespace radiofm
} // namespace gr
