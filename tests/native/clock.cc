/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample_clock: times ascend with the samples, whatever rates and times come. */
#include "input.h"
#include <cmath>
#include <gnuradio/radiofm/sample_clock.h>

using gr::radiofm::sample_clock;
using gr::radiofm::sample_time;
using gr::radiofm::seconds_between;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    input in(data, size);
    double rate = in.number(19.2e6);
    if (!sample_clock::runs_at(rate)) {
        return 0;
    }
    sample_clock clock(rate);
    uint64_t offset = 0;
    while (!in.empty()) {
        const bool far = in.take<uint8_t>() & 1;
        // up to months at 100 MS/s
        offset += far ? in.take<uint64_t>() >> 16 : in.take<uint16_t>();
        const sample_time now = clock.at(offset);
        PROMISE(now.fraction >= 0 && now.fraction < 1);
        const double step = seconds_between(clock.at(offset + 1), now);
        // beyond it a sample is shorter than a double's part of a second tells
        PROMISE(rate > 1e12 || std::fabs(step * rate - 1.0) < 0.01);
        switch (in.take<uint8_t>() % 3) {
        case 0: {
            const double fraction = double(in.take<uint32_t>()) / 4294967296.0;
            clock.set_time(offset, {in.take<uint64_t>() >> 1, fraction});
            break;
        }
        case 1:
            if (const double wanted = in.number(1.92e6); sample_clock::runs_at(wanted)) {
                clock.set_rate(offset, rate = wanted);
            }
            break;
        default:
            break;
        }
    }
    return 0;
}
