/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence_loops.h"
#include "avx2.h"
#include "spectrogram_loops.h"

namespace gr {
namespace radiofm {
namespace loops {

RADIOFM_CLONES
void correlate_anywhere(float* __restrict straight,
                        float* __restrict crossed,
                        float* __restrict energy,
                        const float* __restrict a,
                        const float* __restrict b,
                        size_t n,
                        size_t count)
{
    for (size_t v = 0; v < count; v++, a += n, b += n) {
        for (size_t i = 0; i < n; i += 2) {
            straight[i] += a[i] * b[i];
            straight[i + 1] += a[i + 1] * b[i + 1];
            crossed[i] += a[i + 1] * b[i];
            crossed[i + 1] += a[i] * b[i + 1];
            energy[i] += b[i] * b[i];
            energy[i + 1] += b[i + 1] * b[i + 1];
        }
    }
}

namespace {

#ifdef RADIOFM_AVX2
// The sums of 16 bins stay in registers.
RADIOFM_AVX2
void correlate_avx2(float* straight,
                    float* crossed,
                    float* energy,
                    const float* a,
                    const float* b,
                    size_t n,
                    size_t count)
{
    constexpr size_t lanes = 8, vectors = 4;
    for (size_t i = 0; i < n; i += lanes * vectors) {
        __m256 s[vectors], c[vectors], e[vectors];
        for (size_t k = 0; k < vectors; k++) {
            s[k] = _mm256_loadu_ps(straight + i + k * lanes);
            c[k] = _mm256_loadu_ps(crossed + i + k * lanes);
            e[k] = _mm256_loadu_ps(energy + i + k * lanes);
        }
        const float *at_a = a + i, *at_b = b + i;
        for (size_t v = 0; v < count; v++, at_a += n, at_b += n) {
            // what comes next of a lag of milliseconds is in no near cache
            const float* soon = at_b + count * n;
            _mm_prefetch(reinterpret_cast<const char*>(soon), _MM_HINT_T0);
            _mm_prefetch(reinterpret_cast<const char*>(soon + 16), _MM_HINT_T0);
            for (size_t k = 0; k < vectors; k++) {
                const __m256 news = _mm256_loadu_ps(at_a + k * lanes);
                const __m256 olds = _mm256_loadu_ps(at_b + k * lanes);
                const __m256 swapped = _mm256_permute_ps(news, 0xb1);
                s[k] = _mm256_fmadd_ps(news, olds, s[k]);
                c[k] = _mm256_fmadd_ps(swapped, olds, c[k]);
                e[k] = _mm256_fmadd_ps(olds, olds, e[k]);
            }
        }
        for (size_t k = 0; k < vectors; k++) {
            _mm256_storeu_ps(straight + i + k * lanes, s[k]);
            _mm256_storeu_ps(crossed + i + k * lanes, c[k]);
            _mm256_storeu_ps(energy + i + k * lanes, e[k]);
        }
    }
}
#endif

} // namespace

void correlate(float* straight,
               float* crossed,
               float* energy,
               const float* a,
               const float* b,
               size_t n,
               size_t count)
{
#ifdef RADIOFM_AVX2
    if (has_avx2()) {
        correlate_avx2(straight, crossed, energy, a, b, n, count);
        return;
    }
#endif
    correlate_anywhere(straight, crossed, energy, a, b, n, count);
}

} // namespace loops
} // namespace radiofm
} // namespace gr
