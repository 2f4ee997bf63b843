/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the few functions that are written for AVX2 by hand, where the compiler's vectoriser does not
 * get there: RADIOFM_AVX2 before each, in files that have another way for other CPUs.
 */
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define RADIOFM_AVX2 __attribute__((target("avx2,fma")))
#define RADIOFM_AVX2_INLINE RADIOFM_AVX2 inline __attribute__((always_inline))
#include <immintrin.h>
#endif

namespace gr {
namespace radiofm {

//! Whether this CPU runs, and this compiler makes, functions with RADIOFM_AVX2.
inline bool has_avx2()
{
#ifdef RADIOFM_AVX2
    static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    return has;
#else
    return false;
#endif
}

} // namespace radiofm
} // namespace gr
