/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/block.h>
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace {

//! Whether nothing more comes to a block's only stream input; what came may still wait there.
bool stream_has_ended(const gr::block& block)
{
    const gr::block_detail_sptr detail = block.detail();
    if (!detail || detail->ninputs() != 1) {
        throw py::value_error("the block is in no flowgraph with one stream input");
    }
    const gr::buffer_reader_sptr input = detail->input(0);
    gr::thread::scoped_lock guard(*input->mutex());
    return input->done();
}

} // namespace

void bind_stream_end(py::module& m)
{
    m.def("stream_has_ended",
          &stream_has_ended,
          py::arg("block"),
          py::call_guard<py::gil_scoped_release>(),
          "Whether nothing more comes to a block's only stream input; what came may still wait "
          "there. For the block's own calls, while the flowgraph runs. Raises ValueError for a "
          "block without one.");
}
