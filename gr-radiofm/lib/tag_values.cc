/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tag_values.h"
#include <cmath>

namespace gr {
namespace radiofm {

bool as_finite(const pmt::pmt_t& value, double& number)
{
    if (!pmt::is_number(value) || pmt::is_complex(value)) {
        return false;
    }
    // GNU Radio's to_double throws for this one kind of number, which would end the flowgraph
    number = pmt::is_uint64(value) ? double(pmt::to_uint64(value)) : pmt::to_double(value);
    return std::isfinite(number);
}

bool as_time(const pmt::pmt_t& value, sample_time& time)
{
    if (!pmt::is_tuple(value) || pmt::length(value) != 2) {
        return false;
    }
    const auto seconds = pmt::tuple_ref(value, 0);
    double fraction;
    if (pmt::is_uint64(seconds)) {
        time.seconds = pmt::to_uint64(seconds);
    } else if (pmt::is_integer(seconds) && pmt::to_long(seconds) >= 0) {
        time.seconds = uint64_t(pmt::to_long(seconds));
    } else {
        return false;
    }
    if (!as_finite(pmt::tuple_ref(value, 1), fraction) || fraction < 0 || fraction >= 1) {
        return false;
    }
    time.fraction = fraction;
    return true;
}

} // namespace radiofm
} // namespace gr
