/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cmath>
#include <cstdint>
#include <sstream>
#include <stdexcept>

namespace gr {
namespace radiofm {

//! A time as GNU Radio's `rx_time` carries it.
struct sample_time
{
    uint64_t seconds = 0;
    double fraction = 0.0; // of a second, in [0, 1)
};

//! a - b in seconds; exact enough to compare times that are close.
inline double seconds_between(const sample_time& a, const sample_time& b)
{
    return double(int64_t(a.seconds - b.seconds)) + (a.fraction - b.fraction);
}

/*!
 * \brief The time of each sample, from the last known time and the sample rate.
 *
 * Whole seconds are counted in integers, so that the error stays far below a sample after days:
 * a sample count divided in doubles would lose samples after hours at 100 MS/s.
 */
class sample_clock
{
public:
    //! True for a rate that the clock can count with: slower ones could leave its seconds' range.
    static bool runs_at(double rate) { return rate >= 1.0 && std::isfinite(rate); }

    //! `rate`; throws std::invalid_argument where runs_at() is not true of it.
    static double checked_rate(double rate)
    {
        if (!runs_at(rate)) {
            std::ostringstream text;
            text << "sample rate " << rate << " S/s: expected 1 S/s or more";
            throw std::invalid_argument(text.str());
        }
        return rate;
    }

    //! `rate` (S/s): runs_at() is true of it.
    explicit sample_clock(double rate) : d_rate(rate) {}

    double rate() const { return d_rate; } // S/s

    //! From here on sample `offset` has time `time`, its fraction in [0, 1).
    void set_time(uint64_t offset, const sample_time& time)
    {
        d_offset = offset;
        d_time = time;
    }

    //! From sample `offset` on, samples come at `rate`; runs_at() is true of it.
    void set_rate(uint64_t offset, double rate)
    {
        set_time(offset, at(offset));
        d_rate = rate;
    }

    //! The time of sample `offset`, which must not lie before the last set_*().
    sample_time at(uint64_t offset) const
    {
        const uint64_t samples = offset - d_offset;
        uint64_t seconds;
        double fraction;
        if (d_rate == std::floor(d_rate) && d_rate < 1e18) {
            const auto rate = uint64_t(d_rate);
            seconds = samples / rate;
            fraction = double(samples % rate) / d_rate;
        } else {
            const auto rate = static_cast<long double>(d_rate);
            const long double whole = std::floor(static_cast<long double>(samples) / rate);
            seconds = uint64_t(whole);
            fraction = double((static_cast<long double>(samples) - whole * rate) / rate);
        }
        fraction += d_time.fraction;
        seconds += d_time.seconds;
        const double carry = std::floor(fraction);
        return {seconds + uint64_t(int64_t(carry)), fraction - carry};
    }

private:
    double d_rate;
    uint64_t d_offset = 0;
    sample_time d_time;
};

} // namespace radiofm
} // namespace gr
