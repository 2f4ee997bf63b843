/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/radiofm/sample_clock.h>
#include <pmt/pmt.h>

namespace gr {
namespace radiofm {

//! Takes a real, finite number from a stream tag, which may hold anything; false if it is none.
bool as_finite(const pmt::pmt_t& value, double& number);

//! Takes a time from an `rx_time` tag: (whole seconds, fraction in [0, 1)); false if it is none.
bool as_time(const pmt::pmt_t& value, sample_time& time);

} // namespace radiofm
} // namespace gr
