/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipe_source_impl.h"
#include <boost/thread/thread.hpp>
#include <gnuradio/io_signature.h>
#include <gnuradio/radiofm/keys.h>

namespace gr {
namespace radiofm {

namespace {

// Between two looks whether the flowgraph is to stop, s
constexpr double longest_wait_s = 0.02;

} // namespace

pipe_source::sptr pipe_source::make(const sample_pipe::sptr& pipe)
{
    return gnuradio::make_block_sptr<pipe_source_impl>(pipe);
}

pipe_source_impl::pipe_source_impl(const sample_pipe::sptr& pipe)
    : gr::sync_block("pipe_source",
                     gr::io_signature::make(0, 0, 0),
                     gr::io_signature::make(1, 1, sizeof(gr_complex))),
      d_pipe(pipe)
{
}

int pipe_source_impl::work(int noutput_items,
                           gr_vector_const_void_star&,
                           gr_vector_void_star& output_items)
{
    auto* out = static_cast<gr_complex*>(output_items[0]);
    size_t taken;
    while ((taken = d_pipe->take(out, size_t(noutput_items), d_marks, longest_wait_s)) == 0) {
        if (d_pipe->closed()) {
            return WORK_DONE;
        }
        boost::this_thread::interruption_point(); // the flowgraph may be stopped meanwhile
    }
    for (const sample_mark& mark : d_marks) {
        tag(mark, nitems_written(0) + (mark.offset - d_taken));
    }
    d_taken += taken;
    return int(taken);
}

void pipe_source_impl::tag(const sample_mark& mark, uint64_t item)
{
    const auto add = [&](const char* key, const pmt::pmt_t& value) {
        add_item_tag(0, item, pmt::mp(key), value, alias_pmt());
    };
    if (mark.end) {
        add(keys::TAG_END, pmt::PMT_T);
        return;
    }
    add(keys::TAG_RX_RATE, pmt::from_double(mark.sample_rate));
    add(keys::TAG_RX_FREQ, pmt::from_double(mark.center_frequency));
    add(keys::TAG_RX_TIME,
        pmt::make_tuple(pmt::from_uint64(mark.time.seconds), pmt::from_double(mark.time.fraction)));
}

} // namespace radiofm
} // namespace gr
