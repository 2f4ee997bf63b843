/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample_format: any name, any bytes at any alignment; buffers are no longer than they must be. */
#include "input.h"
#include "sample_format.h"
#include <cmath>
#include <memory>
#include <stdexcept>

using gr::radiofm::sample_format;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    constexpr const char* names[] = {
        "cf32_le",
        "cf32_be",
        "cf64_le",
        "cf64_be",
        "ci32_le",
        "ci32_be",
        "cu32_le",
        "cu32_be",
        "ci24_le",
        "ci24_be",
        "ci16_le",
        "ci16_be",
        "cu16_le",
        "cu16_be",
        "ci8",
        "cu8",
    };
    input in(data, size);
    std::string name = in.one_of(names);
    if (in.take<uint8_t>() == 0) {
        name.assign(reinterpret_cast<const char*>(data), size);
    }
    const sample_format* format;
    try {
        format = &sample_format::find(name);
    } catch (const std::invalid_argument&) {
        return 0;
    }
    const size_t skip = in.take<uint8_t>() % 9;
    const size_t used = std::min<size_t>(size, 3) + skip;
    const size_t n = size > used ? (size - used) / format->bytes : 0;
    // copies that end where the samples end, so that one byte too far is seen
    const std::unique_ptr<unsigned char[]> raw(new unsigned char[skip + n * format->bytes]);
    if (n) {
        std::memcpy(raw.get() + skip, data + used, n * format->bytes);
    }
    const std::unique_ptr<gr_complex[]> out(new gr_complex[n]);
    format->convert(out.get(), raw.get() + skip, n);
    for (size_t i = 0; i < n && !format->may_be_infinite; i++) {
        PROMISE(std::fabs(out[i].real()) <= 1.0f && std::fabs(out[i].imag()) <= 1.0f);
    }
    return 0;
}
