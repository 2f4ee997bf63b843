/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "short_fft.h"
#include "avx2.h"
#include <cmath>

namespace gr {
namespace radiofm {

namespace {

// Where de-interleaving leaves the samples of eight: two vectors of four complex numbers become one
// of real and one of imaginary parts within each half of a vector.
constexpr size_t lane_order[] = {0, 1, 4, 5, 2, 3, 6, 7};

} // namespace

short_fft::short_fft(const std::array<float, points>& window)
{
    for (size_t row = 0; row < points / lanes; row++) {
        for (size_t lane = 0; lane < lanes; lane++) {
            const size_t column = lane_order[lane], at = row * lanes + lane;
            const double angle = -2.0 * M_PI * double(row * column) / double(points);
            d_window[at] = window[row * lanes + column];
            d_cosines[at] = float(std::cos(angle));
            d_sines[at] = float(std::sin(angle));
        }
    }
}

#ifdef RADIOFM_AVX2

namespace {

// Eight complex numbers.
struct vector8
{
    __m256 re, im;
};

RADIOFM_AVX2_INLINE void sum_and_difference(vector8& a, vector8& b)
{
    const vector8 x = a;
    a = {_mm256_add_ps(x.re, b.re), _mm256_add_ps(x.im, b.im)};
    b = {_mm256_sub_ps(x.re, b.re), _mm256_sub_ps(x.im, b.im)};
}

// a + j b, a - j b
RADIOFM_AVX2_INLINE void sum_and_difference_j(vector8& a, vector8& b)
{
    const vector8 x = a, y = b;
    a = {_mm256_sub_ps(x.re, y.im), _mm256_add_ps(x.im, y.re)};
    b = {_mm256_add_ps(x.re, y.im), _mm256_sub_ps(x.im, y.re)};
}

// a + scale b, a - scale b
RADIOFM_AVX2_INLINE void scaled_sum_and_difference(vector8& a, vector8& b, __m256 scale)
{
    const vector8 x = a, y = b;
    a = {_mm256_fmadd_ps(y.re, scale, x.re), _mm256_fmadd_ps(y.im, scale, x.im)};
    b = {_mm256_fnmadd_ps(y.re, scale, x.re), _mm256_fnmadd_ps(y.im, scale, x.im)};
}

// a + j scale b, a - j scale b
RADIOFM_AVX2_INLINE void scaled_sum_and_difference_j(vector8& a, vector8& b, __m256 scale)
{
    const vector8 x = a, y = b;
    a = {_mm256_fnmadd_ps(y.im, scale, x.re), _mm256_fmadd_ps(y.re, scale, x.im)};
    b = {_mm256_fmadd_ps(y.im, scale, x.re), _mm256_fnmadd_ps(y.re, scale, x.im)};
}

// The FFT of x[0..7], lane by lane.
RADIOFM_AVX2_INLINE void fft8(vector8* x)
{
    const __m256 half_root = _mm256_set1_ps(float(M_SQRT1_2));
    sum_and_difference(x[0], x[4]);
    sum_and_difference(x[1], x[5]);
    sum_and_difference(x[2], x[6]);
    sum_and_difference(x[3], x[7]);
    // even ones: of the sums
    vector8 even = x[0], second = x[2], third = x[1], fourth = x[3];
    sum_and_difference(even, second);
    sum_and_difference(third, fourth);
    sum_and_difference(even, third);
    sum_and_difference_j(second, fourth);
    // odd ones: of the differences, turned by 0, 1, 2 and 3 eighths; the roots come last
    const vector8 one = {_mm256_add_ps(x[5].re, x[5].im), _mm256_sub_ps(x[5].im, x[5].re)};
    const vector8 three = {_mm256_sub_ps(x[7].im, x[7].re),
                           _mm256_sub_ps(_mm256_setzero_ps(), _mm256_add_ps(x[7].re, x[7].im))};
    vector8 low = x[4], high = x[6], both = one, apart = three;
    sum_and_difference_j(low, high); // low: + j, high: - j
    sum_and_difference(both, apart);
    scaled_sum_and_difference(high, both, half_root);
    scaled_sum_and_difference_j(low, apart, half_root);
    x[0] = even;
    x[4] = third;
    x[6] = second;
    x[2] = fourth;
    x[1] = high;
    x[5] = both;
    x[7] = low;
    x[3] = apart;
}

// rows[i], lane j becomes rows[j], lane i.
RADIOFM_AVX2_INLINE void transpose(__m256* rows)
{
    __m256 pairs[8], fours[8];
    for (int i = 0; i < 4; i++) {
        pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        const __m256* from = pairs + 4 * i;
        fours[4 * i] = _mm256_shuffle_ps(from[0], from[2], 0x44);
        fours[4 * i + 1] = _mm256_shuffle_ps(from[0], from[2], 0xee);
        fours[4 * i + 2] = _mm256_shuffle_ps(from[1], from[3], 0x44);
        fours[4 * i + 3] = _mm256_shuffle_ps(from[1], from[3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        rows[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
        rows[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
    }
}

} // namespace

RADIOFM_AVX2
void short_fft::transform(gr_complex* out, const gr_complex* in) const
{
    const auto* from = reinterpret_cast<const float*>(in);
    auto* to = reinterpret_cast<float*>(out);
    vector8 x[8];
    for (size_t row = 0; row < 8; row++) {
        const __m256 low = _mm256_loadu_ps(from + 16 * row);
        const __m256 high = _mm256_loadu_ps(from + 16 * row + 8);
        const __m256 weights = _mm256_loadu_ps(&d_window[8 * row]);
        x[row] = {_mm256_mul_ps(_mm256_shuffle_ps(low, high, 0x88), weights),
                  _mm256_mul_ps(_mm256_shuffle_ps(low, high, 0xdd), weights)};
    }
    fft8(x);
    __m256 re[8], im[8];
    for (size_t i = 0; i < 8; i++) {
        // rows in the order of lanes, which interleaving puts right in the end
        const size_t row = lane_order[i];
        const __m256 cosines = _mm256_loadu_ps(&d_cosines[8 * row]);
        const __m256 sines = _mm256_loadu_ps(&d_sines[8 * row]);
        re[i] = _mm256_fmsub_ps(x[row].re, cosines, _mm256_mul_ps(x[row].im, sines));
        im[i] = _mm256_fmadd_ps(x[row].re, sines, _mm256_mul_ps(x[row].im, cosines));
    }
    transpose(re);
    transpose(im);
    for (size_t lane = 0; lane < 8; lane++) {
        x[lane_order[lane]] = {re[lane], im[lane]};
    }
    fft8(x);
    for (size_t row = 0; row < 8; row++) {
        _mm256_storeu_ps(to + 16 * row, _mm256_unpacklo_ps(x[row].re, x[row].im));
        _mm256_storeu_ps(to + 16 * row + 8, _mm256_unpackhi_ps(x[row].re, x[row].im));
    }
}

#else

void short_fft::transform(gr_complex*, const gr_complex*) const
{
    // is never called: has_avx2() is false
}

#endif

} // namespace radiofm
} // namespace gr
