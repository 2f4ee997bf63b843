/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/radiofm/spectrogram_framer.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_spectrogram_framer(py::module& m)
{
    using gr::radiofm::spectrogram_framer;
    using gr::radiofm::spectrogram_spec;

    py::class_<spectrogram_spec>(m, "spectrogram_spec")
        .def(py::init<>())
        .def_readwrite("fft_size", &spectrogram_spec::fft_size)
        .def_readwrite("hop", &spectrogram_spec::hop)
        .def_readwrite("rows", &spectrogram_spec::rows)
        .def_readwrite("peak", &spectrogram_spec::peak)
        .def_readwrite("floor_db", &spectrogram_spec::floor_db)
        .def_readwrite("sample_rate_min", &spectrogram_spec::sample_rate_min)
        .def_readwrite("sample_rate_max", &spectrogram_spec::sample_rate_max)
        .def_readwrite("row_duration_min", &spectrogram_spec::row_duration_min)
        .def_readwrite("row_duration_max", &spectrogram_spec::row_duration_max)
        .def_readwrite("fingerprint", &spectrogram_spec::fingerprint)
        .def("channels", &spectrogram_spec::channels)
        .def("frame_floats", &spectrogram_spec::frame_floats)
        .def("serves", &spectrogram_spec::serves, py::arg("sample_rate"))
        .def("hops_per_row",
             &spectrogram_spec::hops_per_row,
             py::arg("sample_rate"),
             py::arg("frame_duration"))
        .def("check", &spectrogram_spec::check);

    py::class_<spectrogram_framer, gr::block, gr::basic_block, std::shared_ptr<spectrogram_framer>>(
        m, "spectrogram_framer")
        .def(py::init(&spectrogram_framer::make),
             py::arg("sample_rate"),
             py::arg("center_frequency") = 0.0,
             py::arg("frame_duration") = 20e-3,
             py::arg("spec") = spectrogram_spec())
        .def("set_center_frequency",
             &spectrogram_framer::set_center_frequency,
             py::arg("center_frequency"))
        .def("sample_rate", &spectrogram_framer::sample_rate)
        .def("center_frequency", &spectrogram_framer::center_frequency)
        .def("row_samples", &spectrogram_framer::row_samples)
        .def("frame_samples", &spectrogram_framer::frame_samples)
        .def("frames", &spectrogram_framer::frames)
        .def("cut_samples", &spectrogram_framer::cut_samples)
        .def("ignored_samples", &spectrogram_framer::ignored_samples)
        .def("nonfinite_samples", &spectrogram_framer::nonfinite_samples);
}
