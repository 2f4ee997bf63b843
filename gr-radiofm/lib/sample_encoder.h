/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <gnuradio/gr_complex.h>
#include <string>

namespace gr {
namespace radiofm {

/*!
 * \brief How complex samples are put into a file, by SigMF's name (`core:datatype`).
 *
 * The inverse of sample_format: full scale, 1.0, is 32768 of ci16_le and 128 of ci8. What lies
 * outside an integer's range becomes the nearest value in it, NaN becomes 0. cf32_le stays as it
 * is.
 */
struct sample_encoder
{
    //! Encodes `n` samples; returns how many of them were clipped. `out` need not be aligned.
    using encoding = size_t (*)(unsigned char* out, const gr_complex* in, size_t n);

    const char* name;
    size_t bytes; //!< of one complex sample
    encoding encode;

    //! \throws std::invalid_argument naming the known ones
    static const sample_encoder& find(const std::string& name);
};

} // namespace radiofm
} // namespace gr
