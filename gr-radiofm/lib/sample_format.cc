/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample_format.h"
#include "named.h"
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace gr {
namespace radiofm {

namespace {

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
constexpr bool host_is_big = true;
#else
constexpr bool host_is_big = false;
#endif

template <typename Stored>
Stored load(const unsigned char* in, bool swap)
{
    unsigned char bytes[sizeof(Stored)];
    std::memcpy(bytes, in, sizeof(bytes));
    if (swap) {
        std::reverse(bytes, bytes + sizeof(bytes));
    }
    Stored value;
    std::memcpy(&value, bytes, sizeof(value));
    return value;
}

/*
 * Signed integers: -1.0 is the most negative value. Unsigned: the centre lies between the two
 * middle values (127.5 for 8 bits), and one unit is as large as in the signed type.
 */
template <typename Stored>
float to_float(Stored value)
{
    if constexpr (std::is_floating_point_v<Stored>) {
        return float(value);
    } else {
        // 32-bit integers do not fit a float's mantissa.
        using real = std::conditional_t<sizeof(Stored) == 4, double, float>;
        using limits = std::numeric_limits<Stored>;
        constexpr real centre = std::is_signed_v<Stored> ? real(0) : real(limits::max()) / 2;
        constexpr real full_scale = real(uint64_t(1) << (8 * sizeof(Stored) - 1));
        return float((real(value) - centre) * (1 / full_scale));
    }
}

template <typename Stored, bool big>
void convert(gr_complex* out, const unsigned char* in, size_t n)
{
    auto* to = reinterpret_cast<float*>(out);
    for (size_t i = 0; i < 2 * n; i++) {
        to[i] = to_float(load<Stored>(in + i * sizeof(Stored), big != host_is_big));
    }
}

//! Signed integers of three bytes, as WAV files hold them.
template <bool big>
void convert_24(gr_complex* out, const unsigned char* in, size_t n)
{
    auto* to = reinterpret_cast<float*>(out);
    for (size_t i = 0; i < 2 * n; i++, in += 3) {
        const uint32_t low = in[big ? 2 : 0], middle = in[1], high = in[big ? 0 : 2];
        const auto value = int32_t(high << 24 | middle << 16 | low << 8);
        to[i] = float(value) * (1 / 2147483648.0f); // no bit of 24 is lost
    }
}

template <typename Stored, bool big = false>
constexpr sample_format format(const char* name)
{
    return {name, 2 * sizeof(Stored), std::is_floating_point_v<Stored>, &convert<Stored, big>};
}

constexpr sample_format formats[] = {
    format<float>("cf32_le"),
    format<float, true>("cf32_be"),
    format<double>("cf64_le"),
    format<double, true>("cf64_be"),
    format<int32_t>("ci32_le"),
    format<int32_t, true>("ci32_be"),
    format<uint32_t>("cu32_le"),
    format<uint32_t, true>("cu32_be"),
    {"ci24_le", 6, false, &convert_24<false>},
    {"ci24_be", 6, false, &convert_24<true>},
    format<int16_t>("ci16_le"),
    format<int16_t, true>("ci16_be"),
    format<uint16_t>("cu16_le"),
    format<uint16_t, true>("cu16_be"),
    format<int8_t>("ci8"),
    format<uint8_t>("cu8"),
};

} // namespace

const sample_format& sample_format::find(const std::string& name)
{
    return find_named(formats, name, "is not known");
}

} // namespace radiofm
} // namespace gr
