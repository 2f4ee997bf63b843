/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/radiofm/sample_clock.h>
#include <pybind11/pybind11.h>
#include <stdexcept>
#include <utility>

namespace py = pybind11;

namespace {

std::pair<uint64_t, double>
time_after(uint64_t samples, double sample_rate, uint64_t seconds, double fraction)
{
    gr::radiofm::sample_clock clock(gr::radiofm::sample_clock::checked_rate(sample_rate));
    if (!(fraction >= 0 && fraction < 1)) {
        throw std::invalid_argument("fraction of a second " + std::to_string(fraction) +
                                    " must be from 0 to below 1");
    }
    clock.set_time(0, {seconds, fraction});
    const gr::radiofm::sample_time time = clock.at(samples);
    return {time.seconds, time.fraction};
}

} // namespace

void bind_sample_clock(py::module& m)
{
    m.def("time_after",
          &time_after,
          py::arg("samples"),
          py::arg("sample_rate"),
          py::arg("seconds") = 0,
          py::arg("fraction") = 0.0,
          "(whole seconds, fraction) `samples` samples at `sample_rate` (S/s) after a time, as the "
          "framer counts it. Raises ValueError for a rate below 1 S/s, a fraction outside "
          "[0, 1).");
}
