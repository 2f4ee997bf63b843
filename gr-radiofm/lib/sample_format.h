/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <gnuradio/gr_complex.h>
#include <string>

namespace gr {
namespace radiofm {

/*!
 * \brief How a file stores complex samples, by SigMF's name (`core:datatype`).
 */
struct sample_format
{
    //! Writes `n` samples, full scale 1.0; `in` need not be aligned.
    using converter = void (*)(gr_complex* out, const unsigned char* in, size_t n);

    const char* name;
    size_t bytes;         //!< of one complex sample
    bool may_be_infinite; //!< floats may hold NaN and infinity
    converter convert;

    //! \throws std::invalid_argument naming the known ones
    static const sample_format& find(const std::string& name);
};

} // namespace radiofm
} // namespace gr
