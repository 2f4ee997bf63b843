/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <gnuradio/radiofm/mask_components.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <stdexcept>
#include <tuple>

namespace py = pybind11;
using gr::radiofm::mask_component;

namespace {

template <typename Element>
using array = py::array_t<Element, py::array::c_style | py::array::forcecast>;

py::list find_components(const array<uint8_t>& mask,
                         const array<float>& confidence,
                         const array<float>& power_db,
                         size_t classes,
                         double looks,
                         size_t min_pixels)
{
    const auto shape_of = [](const py::array& x) {
        return x.ndim() == 2 ? std::make_pair(x.shape(0), x.shape(1))
                             : std::make_pair(py::ssize_t(-1), x.ndim());
    };
    const auto shape = shape_of(mask);
    if (shape.first < 0 || shape_of(confidence) != shape || shape_of(power_db) != shape) {
        throw std::invalid_argument("mask, confidence and power_db must have the same two axes");
    }
    const gr::radiofm::mask_frame frame = {
        mask.data(), confidence.data(), power_db.data(), size_t(shape.first), size_t(shape.second)};
    std::vector<mask_component> found;
    {
        const py::gil_scoped_release release;
        found = gr::radiofm::find_components(frame, classes, looks, min_pixels);
    }
    py::list out;
    for (const mask_component& one : found) {
        out.append(py::make_tuple(one.label,
                                  one.confidence,
                                  one.first_row,
                                  one.end_row,
                                  one.low_col,
                                  one.high_col,
                                  one.snr_db,
                                  one.pwr_db));
    }
    return out;
}

} // namespace

void bind_mask_components(py::module& m)
{
    m.def("find_components",
          &find_components,
          py::arg("mask"),
          py::arg("confidence"),
          py::arg("power_db"),
          py::arg("classes"),
          py::arg("looks"),
          py::arg("min_pixels"),
          "The transmissions in a frame's mask: a list of (class, confidence, first row, end row, "
          "left edge, right edge, SNR in dB, power in dB); edges in columns. See "
          "gnuradio/radiofm/mask_components.h. Raises ValueError for arrays that do not fit.");
}
