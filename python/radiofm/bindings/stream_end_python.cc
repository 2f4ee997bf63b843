/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/radiofm/stream_end.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_stream_end(py::module& m)
{
    m.def("stream_has_ended",
          &gr::radiofm::stream_has_ended,
          py::arg("block"),
          py::call_guard<py::gil_scoped_release>(),
          "Whether nothing more comes to a block's only stream input; what came may still wait "
          "there. For the block's own calls, while the flowgraph runs. Raises ValueError for a "
          "block without one.");
}
