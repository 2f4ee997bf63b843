/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spectrogram_loops.h"
#include <algorithm>
#include <cmath>

namespace gr {
namespace radiofm {
namespace loops {

RADIOFM_CLONES
int32_t greatest_magnitude_bits(const float* x, size_t n)
{
    int32_t greatest = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        std::memcpy(&bits, x + i, sizeof(bits));
        bits &= 0x7fffffff;
        greatest = bits > greatest ? bits : greatest;
    }
    return greatest;
}

RADIOFM_CLONES
void multiply(float* __restrict out, const float* __restrict x, const float* __restrict w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = x[i] * w[i];
    }
}

RADIOFM_CLONES
void add_squares(float* __restrict squares, const float* __restrict x, size_t n, size_t count)
{
    size_t v = 0;
    for (; v + 4 <= count; v += 4, x += 4 * n) {
        for (size_t i = 0; i < n; i++) {
            const float a = x[i], b = x[n + i], c = x[2 * n + i], d = x[3 * n + i];
            squares[i] += (a * a + b * b) + (c * c + d * d);
        }
    }
    for (; v < count; v++, x += n) {
        for (size_t i = 0; i < n; i++) {
            squares[i] += x[i] * x[i];
        }
    }
}

RADIOFM_CLONES
void keep_greatest(float* __restrict greatest, const float* __restrict x, size_t n, size_t count)
{
    for (size_t v = 0; v < count; v++, x += 2 * n) {
        for (size_t i = 0; i < n; i++) {
            const float power = x[2 * i] * x[2 * i] + x[2 * i + 1] * x[2 * i + 1];
            greatest[i] = power > greatest[i] ? power : greatest[i];
        }
    }
}

RADIOFM_CLONES
void add_pairs(float* __restrict out, const float* __restrict squares, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = squares[2 * i] + squares[2 * i + 1];
    }
}

RADIOFM_CLONES
void to_db(float* __restrict out, const float* __restrict x, size_t n, float scale, float floor_db)
{
    constexpr float db_per_octave = 3.0102999566f;
    // The smallest normal float: its exponent can be read from the bits.
    constexpr float least = 1.17549435e-38f;
    for (size_t i = 0; i < n; i++) {
        float value = x[i] * scale;
        value = value > least ? value : least;
        int32_t bits;
        std::memcpy(&bits, &value, sizeof(bits));
        // value = 2^exponent * mantissa with the mantissa in [sqrt(1/2), sqrt(2))
        const int32_t exponent = (bits - 0x3f3504f3) >> 23;
        bits -= exponent * (1 << 23);
        float mantissa;
        std::memcpy(&mantissa, &bits, sizeof(mantissa));
        // ln(m) = 2 atanh(z), z = (m - 1) / (m + 1), |z| < 0.172: z^9 / 9 is below 1.5e-8
        const float z = (mantissa - 1.0f) / (mantissa + 1.0f);
        const float zz = z * z;
        const float atanh_z =
            z * (1.0f + zz * (1.0f / 3.0f + zz * (1.0f / 5.0f + zz * (1.0f / 7.0f))));
        const float log2 = float(exponent) + 2.88539008f * atanh_z;
        const float db = db_per_octave * log2;
        out[i] = db > floor_db ? db : floor_db;
    }
}

RADIOFM_CLONES
void from_db(float* __restrict out, const float* __restrict x, size_t n)
{
    constexpr float octaves_per_db = 0.33219281f;
    for (size_t i = 0; i < n; i++) {
        float db = x[i] > -300.0f ? x[i] : -300.0f; // so is what is no number
        db = db < 300.0f ? db : 300.0f;
        // 2^(whole + part) with the part in [-1/2, 1/2]: e^(part ln 2) by its series, whose next
        // term is below 2e-7 of it
        const float octaves = db * octaves_per_db;
        const float whole = std::floor(octaves + 0.5f);
        const float y = (octaves - whole) * 0.69314718f;
        const float part =
            1.0f +
            y * (1.0f + y * (0.5f + y * (1.0f / 6 + y * (1.0f / 24 + y * (1.0f / 120 + y / 720)))));
        const int32_t bits = (int32_t(whole) + 127) * (1 << 23);
        float scale;
        std::memcpy(&scale, &bits, sizeof(scale));
        out[i] = part * scale;
    }
}

} // namespace loops
} // namespace radiofm
} // namespace gr
