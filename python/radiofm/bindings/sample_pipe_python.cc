/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"
#include <gnuradio/radiofm/pipe_sink.h>
#include <gnuradio/radiofm/pipe_source.h>

namespace py = pybind11;

void bind_sample_pipe(py::module& m)
{
    using gr::radiofm::pipe_sink;
    using gr::radiofm::pipe_source;
    using gr::radiofm::sample_pipe;

    py::class_<sample_pipe, std::shared_ptr<sample_pipe>>(m, "sample_pipe")
        .def(py::init<uint64_t>(), py::arg("capacity"))
        .def("capacity", &sample_pipe::capacity)
        .def("close", &sample_pipe::close)
        .def("closed", &sample_pipe::closed)
        .def("waiting", &sample_pipe::waiting)
        .def("pushed", &sample_pipe::pushed)
        .def("begun_at", &sample_pipe::begun_at);

    bind_options<gr::radiofm::pipe_sink_options>(m, "pipe_sink_options");

    py::class_<pipe_sink, gr::sync_block, gr::block, gr::basic_block, std::shared_ptr<pipe_sink>>(
        m, "pipe_sink")
        .def(py::init(&pipe_sink::make), py::arg("pipe"), py::arg("options"))
        .def("set_center_frequency", &pipe_sink::set_center_frequency, py::arg("center_frequency"))
        .def("begin_burst",
             &pipe_sink::begin_burst,
             py::arg("center_frequency"),
             py::arg("settle_samples"),
             py::arg("samples"))
        .def("in_burst", &pipe_sink::in_burst)
        .def("finish", &pipe_sink::finish)
        .def("received", &pipe_sink::received)
        .def("dropped", &pipe_sink::dropped);

    py::class_<pipe_source,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<pipe_source>>(m, "pipe_source")
        .def(py::init(&pipe_source::make), py::arg("pipe"));
}
