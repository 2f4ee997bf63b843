/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/radiofm/pipe_source.h>
#include <vector>

namespace gr {
namespace radiofm {

class pipe_source_impl : public pipe_source
{
public:
    explicit pipe_source_impl(const sample_pipe::sptr& pipe);

    int work(int noutput_items,
             gr_vector_const_void_star& input_items,
             gr_vector_void_star& output_items) override;

private:
    void tag(const sample_mark& mark, uint64_t item);

    const sample_pipe::sptr d_pipe;
    std::vector<sample_mark> d_marks;
    uint64_t d_taken = 0; // from the pipe, with the next piece
};

} // namespace radiofm
} // namespace gr
