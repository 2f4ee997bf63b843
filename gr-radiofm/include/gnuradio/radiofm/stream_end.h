/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/block.h>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <stdexcept>

namespace gr {
namespace radiofm {

/*!
 * \brief Whether nothing more comes to a block's only stream input; what came may still wait there.
 *
 * For the block's own calls, while the flowgraph runs.
 * \throws std::invalid_argument for a block without such an input
 */
inline bool stream_has_ended(const gr::block& block)
{
    const gr::block_detail_sptr detail = block.detail();
    if (!detail || detail->ninputs() != 1) {
        throw std::invalid_argument("the block is in no flowgraph with one stream input");
    }
    const gr::buffer_reader_sptr input = detail->input(0);
    gr::thread::scoped_lock guard(*input->mutex());
    return input->done();
}

} // namespace radiofm
} // namespace gr
