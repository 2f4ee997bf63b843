/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/radiofm/api.h>
#include <gnuradio/radiofm/sample_pipe.h>
#include <gnuradio/sync_block.h>
#include <memory>

namespace gr {
namespace radiofm {

/*!
 * \brief Gives out what pipe sinks put into a pipe, until it is closed.
 *
 * Sets `rx_rate`, `rx_freq` and `rx_time` tags where a mark is, and `radiofm_end` at an end.
 */
class RADIOFM_API pipe_source : virtual public gr::sync_block
{
public:
    typedef std::shared_ptr<pipe_source> sptr;

    static sptr make(const sample_pipe::sptr& pipe);
};

} // namespace radiofm
} // namespace gr
