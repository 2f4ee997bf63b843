/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "mask_patch.h"
#include <vector>

namespace gr {
namespace radiofm {

/*
 * A patch cut in frequency where carriers lie side by side: into bands each mostly of one label
 * over the time that it is on, or with columns in between that are hardly used. Specks and thin
 * stripes of another label are left in the band that they lie in. All are settled; the pixels of
 * columns in between belong to none.
 */
std::vector<patch> split_bands(patch whole);

} // namespace radiofm
} // namespace gr
