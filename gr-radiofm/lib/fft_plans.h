/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <fftw3.h>

namespace gr {
namespace radiofm {

/*!
 * \brief A plan for `count` forward FFTs of `fft_size` complex samples each, side by side.
 *
 * Out of place, for fftwf_execute_dft() with arrays aligned as volk::vector aligns its own. Plans
 * belong to the process and are never freed: blocks may come and go while others transform.
 *
 * \throws std::runtime_error if FFTW cannot plan it
 */
fftwf_plan fft_plan(size_t fft_size, size_t count);

} // namespace radiofm
} // namespace gr
