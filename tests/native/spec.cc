/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spectrogram_spec: what check() passes can be computed with, whatever rate and duration come. */
#include "input.h"
#include <cmath>
#include <gnuradio/radiofm/spectrogram_spec.h>
#include <stdexcept>

using gr::radiofm::spectrogram_spec;

namespace {

size_t whole(input& in, size_t usual)
{
    constexpr size_t nasty[] = {0, 1, 2, 3, 7, 8, 65536, 65537, size_t(1) << 32, ~size_t(0)};
    switch (in.take<uint8_t>() % 4) {
    case 0:
        return in.one_of(nasty);
    case 1:
        return in.take<uint32_t>();
    case 2:
        return size_t(2) << (in.take<uint8_t>() % 17);
    default:
        return usual;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    input in(data, size);
    spectrogram_spec spec;
    spec.fft_size = whole(in, spec.fft_size);
    spec.hop = whole(in, spec.hop);
    spec.rows = whole(in, spec.rows);
    spec.row_multiple = whole(in, spec.row_multiple);
    for (size_t count = in.take<uint8_t>() % 40; count > 0; count -= std::min<size_t>(count, 3)) {
        spec.evidence_lags.push_back(in.number(10e-3));
    }
    spec.peak = in.take<uint8_t>() & 1;
    const double floor_db = in.number(-200.0);
    spec.floor_db = std::fabs(floor_db) < 1e38 ? float(floor_db) : NAN;
    spec.sample_rate_min = in.number(0.96e6);
    spec.sample_rate_max = in.number(122.88e6);
    spec.row_duration_min = in.number(20e-6);
    spec.row_duration_max = in.number(160e-6);
    const double rate = in.number(19.2e6), duration = in.number(20e-3);
    try {
        spec.check();
    } catch (const std::invalid_argument& refused) {
        PROMISE(std::strlen(refused.what()) > 0 && !std::strchr(refused.what(), '\n'));
        return 0;
    }
    PROMISE(spec.frame_floats() > 0 && spec.frame_floats() <= size_t(1) << 24);
    PROMISE(spec.evidence_floats() < spec.frame_floats());
    for (const double lag : spec.evidence_lags) {
        PROMISE(lag * spec.sample_rate_max <= double(1 << 24));
    }
    for (const double any : {rate, spec.sample_rate_min, spec.sample_rate_max}) {
        try {
            const size_t hops = spec.hops_per_row(any, duration);
            PROMISE(spec.serves(any) && hops >= 1);
            const double row_s = double(hops * spec.hop) / any;
            const double most = std::max(spec.row_duration_max, double(spec.hop) / any);
            // one hop cannot be divided
            PROMISE(row_s <= most + double(spec.hop) / any);
            PROMISE(spec.rows * hops <= (size_t(1) << 62) / spec.hop);
        } catch (const std::invalid_argument&) {
            PROMISE(!spec.serves(any) || !(std::isfinite(duration) && duration > 0));
        }
    }
    return 0;
}
