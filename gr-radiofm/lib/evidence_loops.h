/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inner loops of evidence_kernel; see spectrogram_loops.h. */
#pragma once

#include <cstddef>

namespace gr {
namespace radiofm {
namespace loops {

/*!
 * What two lots of `count` spectra of n floats (re, im of each bin) have in common, added up; n is
 * a multiple of 32.
 *
 * Pair by pair, the sums of `straight` become the real part of a times conjugate b, the
 * differences of `crossed` its imaginary part, and the sums of `energy` |b|^2.
 */
void correlate(float* straight,
               float* crossed,
               float* energy,
               const float* a,
               const float* b,
               size_t n,
               size_t count);

//! The same, as it is where there is no AVX2.
void correlate_anywhere(float* straight,
                        float* crossed,
                        float* energy,
                        const float* a,
                        const float* b,
                        size_t n,
                        size_t count);

} // namespace loops
} // namespace radiofm
} // namespace gr
