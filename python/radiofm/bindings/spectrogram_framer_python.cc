/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"
#include <gnuradio/radiofm/spectrogram_framer.h>
#include <stdexcept>

namespace py = pybind11;

namespace {

//! A setter as a function that raises UsageError for a value that the block refuses.
auto or_usage_error(void (gr::radiofm::spectrogram_framer::*setter)(double))
{
    return [setter](gr::radiofm::spectrogram_framer& block, double value) {
        try {
            (block.*setter)(value);
        } catch (const std::invalid_argument& refusal) {
            const auto kind = py::module_::import("radiofm_core.errors").attr("UsageError");
            PyErr_SetString(kind.ptr(), refusal.what());
            throw py::error_already_set();
        }
    };
}

} // namespace

void bind_spectrogram_framer(py::module& m)
{
    using gr::radiofm::spectrogram_framer;
    using gr::radiofm::spectrogram_spec;

    bind_options<spectrogram_spec>(m, "spectrogram_spec")
        .def("channels", &spectrogram_spec::channels)
        .def("frame_floats", &spectrogram_spec::frame_floats)
        .def("serves", &spectrogram_spec::serves, py::arg("sample_rate"))
        .def("hops_per_row",
             &spectrogram_spec::hops_per_row,
             py::arg("sample_rate"),
             py::arg("frame_duration"))
        .def("check", &spectrogram_spec::check);

    bind_options<gr::radiofm::spectrogram_framer_options>(m, "spectrogram_framer_options");

    py::class_<spectrogram_framer, gr::block, gr::basic_block, std::shared_ptr<spectrogram_framer>>(
        m, "spectrogram_framer")
        .def(py::init(&spectrogram_framer::make), py::arg("options"))
        .def("set_sample_rate",
             or_usage_error(&spectrogram_framer::set_sample_rate),
             py::arg("sample_rate"))
        .def("set_center_frequency",
             or_usage_error(&spectrogram_framer::set_center_frequency),
             py::arg("center_frequency"))
        .def("set_frame_duration",
             or_usage_error(&spectrogram_framer::set_frame_duration),
             py::arg("frame_duration"))
        .def("sample_rate", &spectrogram_framer::sample_rate)
        .def("center_frequency", &spectrogram_framer::center_frequency)
        .def("row_samples", &spectrogram_framer::row_samples)
        .def("frame_samples", &spectrogram_framer::frame_samples)
        .def("frames", &spectrogram_framer::frames)
        .def("cut_samples", &spectrogram_framer::cut_samples)
        .def("ignored_samples", &spectrogram_framer::ignored_samples)
        .def("nonfinite_samples", &spectrogram_framer::nonfinite_samples);
}
