/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"
#include <gnuradio/radiofm/sigmf_sink.h>
#include <optional>

namespace py = pybind11;

namespace {

using gr::radiofm::sample_store;
using gr::radiofm::sample_stretch;
using gr::radiofm::written_samples;

std::optional<sample_stretch> oldest(const sample_store& store)
{
    sample_stretch about;
    return store.oldest(about) ? std::optional<sample_stretch>(about) : std::nullopt;
}

void bind_store(py::module& m)
{
    py::class_<sample_stretch>(m, "sample_stretch")
        .def_readonly("offset", &sample_stretch::offset)
        .def_readonly("samples", &sample_stretch::samples)
        .def_readonly("sample_rate", &sample_stretch::sample_rate)
        .def_readonly("center_frequency", &sample_stretch::center_frequency)
        .def_readonly("begins", &sample_stretch::begins)
        .def_property_readonly("time_s", [](const sample_stretch& one) { return one.time.seconds; })
        .def_property_readonly("time_frac",
                               [](const sample_stretch& one) { return one.time.fraction; });

    py::class_<written_samples>(m, "written_samples")
        .def_readonly("stretches", &written_samples::stretches)
        .def_readonly("lost", &written_samples::lost)
        .def_readonly("error", &written_samples::error);

    const py::call_guard<py::gil_scoped_release> unlocked;
    py::class_<sample_store, std::shared_ptr<sample_store>>(m, "sample_store")
        .def("samples", &sample_store::samples)
        .def("sample_bytes", &sample_store::sample_bytes)
        .def("ended", &sample_store::ended)
        .def("end", &sample_store::end)
        .def("oldest", &oldest)
        .def("wait", &sample_store::wait, py::arg("seconds"), unlocked)
        .def("write_to",
             &sample_store::write_to,
             py::arg("descriptor"),
             py::arg("most_samples"),
             py::arg("most_seconds"),
             unlocked)
        .def("discard", &sample_store::discard, unlocked)
        .def("newest", &sample_store::newest, py::arg("most_samples"), unlocked);
}

} // namespace

void bind_sigmf_sink(py::module& m)
{
    using gr::radiofm::sigmf_sink;

    bind_store(m);
    bind_options<gr::radiofm::sigmf_sink_options>(m, "sigmf_sink_options");

    py::class_<sigmf_sink, gr::sync_block, gr::block, gr::basic_block, std::shared_ptr<sigmf_sink>>(
        m, "sigmf_sink")
        .def(py::init(&sigmf_sink::make), py::arg("options"))
        .def("set_sample_rate", &sigmf_sink::set_sample_rate, py::arg("sample_rate"))
        .def("set_center_frequency", &sigmf_sink::set_center_frequency, py::arg("center_frequency"))
        .def("sample_rate", &sigmf_sink::sample_rate)
        .def("center_frequency", &sigmf_sink::center_frequency)
        .def("position", &sigmf_sink::position)
        .def("dropped", &sigmf_sink::dropped)
        .def("clipped", &sigmf_sink::clipped)
        .def("store", &sigmf_sink::store);
}
