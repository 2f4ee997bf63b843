/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inner loops over pixels and samples, written for the compiler's vectoriser. Each is compiled
 * for several instruction sets, the best of which is chosen when the library is loaded.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__)
#define RADIOFM_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define RADIOFM_CLONES
#endif

namespace gr {
namespace radiofm {
namespace loops {

//! Magnitudes above this (of re or im; full scale is 1) are as unusable as infinity.
constexpr float largest_sample = 1e15f;

//! Bit pattern of the greatest |x|: ordered as the floats, NaN and infinity above all.
int32_t greatest_magnitude_bits(const float* x, size_t n);

//! out = x * w, element by element.
void multiply(float* out, const float* x, const float* w, size_t n);

//! squares[i] += sum over the `count` vectors of x[v * n + i]^2
void add_squares(float* squares, const float* x, size_t n, size_t count);

//! greatest[i] = max(greatest[i], |x_i|^2 of each of the `count` vectors of n bins)
void keep_greatest(float* greatest, const float* x, size_t n, size_t count);

//! out[i] = squares[2 i] + squares[2 i + 1]
void add_pairs(float* out, const float* squares, size_t n);

//! out[i] = max(10 log10(scale * x[i]), floor_db), within 1e-4 dB
void to_db(float* out, const float* x, size_t n, float scale, float floor_db);

//! out[i] = 10^(x[i] / 10) within 1e-5 of it; x is held within -300 to 300, what is no number is
//! -300
void from_db(float* out, const float* x, size_t n);

} // namespace loops
} // namespace radiofm
} // namespace gr
