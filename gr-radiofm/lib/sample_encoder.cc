/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample_encoder.h"
#include "named.h"
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

namespace gr {
namespace radiofm {

namespace {

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
constexpr bool host_is_big = true;
#else
constexpr bool host_is_big = false;
#endif

// Rounded at a time: what stays in a near cache
constexpr size_t piece = 2048;

template <typename Stored>
void store(unsigned char* out, const Stored* values, size_t n)
{
    std::memcpy(out, values, n * sizeof(Stored));
    for (size_t i = 0; host_is_big && i < n; i++) {
        std::reverse(out + i * sizeof(Stored), out + (i + 1) * sizeof(Stored));
    }
}

size_t as_floats(unsigned char* out, const gr_complex* in, size_t n)
{
    store(out, reinterpret_cast<const float*>(in), 2 * n);
    return 0;
}

//! Rounds to the nearest, and of two to the even value; the compiler has vectors for it.
float rounded(float value)
{
    constexpr float shift = 12582912.0f; // 1.5 * 2^23
    return (value + shift) - shift;
}

template <typename Stored>
size_t as_integers(unsigned char* out, const gr_complex* in, size_t n)
{
    using limits = std::numeric_limits<Stored>;
    constexpr float low = float(limits::min()), high = float(limits::max()), full_scale = -low;
    Stored values[2 * piece];
    size_t clipped = 0;
    while (n > 0) {
        const size_t now = std::min(n, piece);
        const auto* parts = reinterpret_cast<const float*>(in);
        uint32_t bad = 0;
        for (size_t i = 0; i < now; i++) {
            uint32_t here = 0;
            for (size_t part = 2 * i; part < 2 * i + 2; part++) {
                const float value = parts[part] * full_scale;
                here |= uint32_t(!(value >= low - 0.5f && value < high + 0.5f));
                // NaN compares false with all
                const float least = value > low ? value : low;
                const float held = least < high ? least : high;
                values[part] = Stored(int32_t(rounded(value == value ? held : 0.0f)));
            }
            bad += here;
        }
        store(out, values, 2 * now);
        clipped += bad;
        out += 2 * now * sizeof(Stored);
        in += now;
        n -= now;
    }
    return clipped;
}

constexpr sample_encoder encoders[] = {
    {"cf32_le", 2 * sizeof(float), &as_floats},
    {"ci16_le", 2 * sizeof(int16_t), &as_integers<int16_t>},
    {"ci8", 2 * sizeof(int8_t), &as_integers<int8_t>},
};

} // namespace

const sample_encoder& sample_encoder::find(const std::string& name)
{
    return find_named(encoders, name, "cannot be written");
}

} // namespace radiofm
} // namespace gr
