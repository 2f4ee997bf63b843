/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/radiofm/recording_source.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace {

using gr::radiofm::recording_segment;
using gr::radiofm::recording_source;
// (sample_start, center_frequency in Hz, time_s, time_frac)
using segment_tuple = std::tuple<uint64_t, double, uint64_t, double>;

recording_source::sptr make(const std::string& path,
                            const std::string& datatype,
                            double sample_rate,
                            uint64_t start_byte,
                            uint64_t n_samples,
                            const std::vector<segment_tuple>& segments,
                            bool repeat,
                            bool real_time)
{
    std::vector<recording_segment> converted;
    for (const auto& [sample_start, center_frequency, time_s, time_frac] : segments) {
        converted.push_back({sample_start, center_frequency, time_s, time_frac});
    }
    return recording_source::make(
        path, datatype, sample_rate, start_byte, n_samples, converted, repeat, real_time);
}

} // namespace

void bind_recording_source(py::module& m)
{
    py::class_<recording_source,
               gr::sync_block,
               gr::block,
               gr::basic_block,
               std::shared_ptr<recording_source>>(m, "recording_source")
        .def(py::init(&make),
             py::arg("path"),
             py::arg("datatype"),
             py::arg("sample_rate"),
             py::arg("start_byte") = 0,
             py::arg("n_samples") = 0,
             py::arg("segments") = std::vector<segment_tuple>(),
             py::arg("repeat") = false,
             py::arg("real_time") = false)
        .def("progress", &recording_source::progress)
        .def("n_samples", &recording_source::n_samples)
        .def("error", &recording_source::error);
}
