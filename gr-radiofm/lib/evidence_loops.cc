/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence_loops.h"
#include "spectrogram_loops.h"

namespace gr {
namespace radiofm {
namespace loops {

RADIOFM_CLONES
void swap_pairs(float* __restrict out, const float* __restrict x, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        out[i] = x[i + 1];
        out[i + 1] = x[i];
    }
}

RADIOFM_CLONES
void correlate(float* __restrict straight,
               float* __restrict crossed,
               float* __restrict energy,
               const float* __restrict a,
               const float* __restrict a_swapped,
               const float* __restrict b,
               size_t n,
               size_t count)
{
    size_t v = 0;
    for (; v + 4 <= count; v += 4, a += 4 * n, a_swapped += 4 * n, b += 4 * n) {
        for (size_t i = 0; i < n; i++) {
            const float b0 = b[i], b1 = b[n + i], b2 = b[2 * n + i], b3 = b[3 * n + i];
            straight[i] += (a[i] * b0 + a[n + i] * b1) + (a[2 * n + i] * b2 + a[3 * n + i] * b3);
            crossed[i] += (a_swapped[i] * b0 + a_swapped[n + i] * b1) +
                          (a_swapped[2 * n + i] * b2 + a_swapped[3 * n + i] * b3);
            energy[i] += (b0 * b0 + b1 * b1) + (b2 * b2 + b3 * b3);
        }
    }
    for (; v < count; v++, a += n, a_swapped += n, b += n) {
        for (size_t i = 0; i < n; i++) {
            straight[i] += a[i] * b[i];
            crossed[i] += a_swapped[i] * b[i];
            energy[i] += b[i] * b[i];
        }
    }
}

} // namespace loops
} // namespace radiofm
} // namespace gr
