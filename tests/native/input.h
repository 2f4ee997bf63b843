/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

// Plans of FFTW are kept for all blocks to come.
extern "C" const char* __lsan_default_suppressions();
const char* __lsan_default_suppressions()
{
    return "leak:libfftw3f";
}

//! Like assert, in every build: a broken promise ends the program as a sanitizer's find does.
#define PROMISE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);           \
            std::abort();                                                                          \
        }                                                                                          \
    } while (0)

//! Reads an input as numbers; zeros follow its end.
class input
{
public:
    input(const uint8_t* data, size_t size) : d_at(data), d_end(data + size) {}

    bool empty() const { return d_at == d_end; }

    template <typename Number>
    Number take()
    {
        Number value = {};
        const size_t n = std::min(sizeof(value), size_t(d_end - d_at));
        if (n) {
            std::memcpy(&value, d_at, n);
            d_at += n;
        }
        return value;
    }

    //! From 0 to below `count`.
    size_t below(size_t count) { return take<uint16_t>() % count; }

    template <typename Value, size_t count>
    Value one_of(const Value (&values)[count])
    {
        return values[take<uint8_t>() % count];
    }

    //! Any double: one of those that things go wrong with, `usual` times a factor, or any bits.
    double number(double usual)
    {
        constexpr double inf = std::numeric_limits<double>::infinity();
        constexpr double nasty[] = {
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            2.0,
            1e-320,
            1e-300,
            1e-9,
            1e9,
            1e11,
            1e18,
            1.9e19,
            1e30,
            1e300,
            -1e300,
            inf,
            -inf,
            0.9999,
            1.8446744073709552e19,
            255.0,
            -4e-10,
            std::numeric_limits<double>::quiet_NaN(),
        };
        switch (take<uint8_t>() % 4) {
        case 0:
            return one_of(nasty);
        case 1:
            return take<double>();
        case 2:
            return usual * (double(take<uint16_t>()) / 4096.0);
        default:
            return usual;
        }
    }

    //! A sample's part: mostly ordinary.
    float part()
    {
        constexpr float inf = std::numeric_limits<float>::infinity();
        constexpr float nasty[] = {inf,
                                   -inf,
                                   1e15f,
                                   -1.1e15f,
                                   3.4e38f,
                                   1e-45f,
                                   1e-38f,
                                   std::numeric_limits<float>::quiet_NaN()};
        const auto byte = take<uint8_t>();
        return byte < 8 ? nasty[byte] : (float(byte) - 128.0f) / 128.0f;
    }

private:
    const uint8_t* d_at;
    const uint8_t* d_end;
};
