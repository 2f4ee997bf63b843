/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"
#include <gnuradio/radiofm/recording_source.h>

namespace py = pybind11;

void bind_recording_source(py::module& m)
{
    using gr::radiofm::recording_source;

    bind_options<gr::radiofm::recording_segment>(m, "recording_segment");
    bind_options<gr::radiofm::recording_source_options>(m, "recording_source_options");

    py::class_<recording_source,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<recording_source>>(m, "recording_source")
        .def(py::init(&recording_source::make), py::arg("options"))
        .def("progress", &recording_source::progress)
        .def("n_samples", &recording_source::n_samples)
        .def("error", &recording_source::error);
}
