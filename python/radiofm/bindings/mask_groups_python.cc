/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <algorithm>
#include <cstring>
#include <gnuradio/radiofm/group_sums.h>
#include <gnuradio/radiofm/mask_groups.h>
#include <limits>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <stdexcept>
#include <string>

namespace py = pybind11;
using gr::radiofm::mask_burst;

namespace {

template <typename Element>
using array = py::array_t<Element, py::array::c_style | py::array::forcecast>;

constexpr py::ssize_t most_pixels = std::numeric_limits<int16_t>::max(); // along an axis

py::tuple find_groups(const array<uint8_t>& mask,
                      const array<float>& confidence,
                      const array<float>& power_db,
                      size_t classes,
                      double looks,
                      size_t min_pixels,
                      size_t pause_rows,
                      const std::vector<size_t>& scheduled)
{
    const auto shape_of = [](const py::array& x) {
        return x.ndim() == 2 ? std::make_pair(x.shape(0), x.shape(1))
                             : std::make_pair(py::ssize_t(-1), x.ndim());
    };
    const auto shape = shape_of(mask);
    if (shape.first < 0 || shape_of(confidence) != shape || shape_of(power_db) != shape) {
        throw std::invalid_argument("mask, confidence and power_db must have the same two axes");
    }
    if (std::max(shape.first, shape.second) > most_pixels) {
        throw std::invalid_argument("mask: expected at most " + std::to_string(most_pixels) +
                                    " rows and columns, got " + std::to_string(shape.first) +
                                    " x " + std::to_string(shape.second));
    }
    const gr::radiofm::mask_frame frame = {
        mask.data(), confidence.data(), power_db.data(), size_t(shape.first), size_t(shape.second)};
    gr::radiofm::mask_groups found;
    {
        const py::gil_scoped_release release;
        found = gr::radiofm::find_groups(frame, classes, looks, min_pixels, pause_rows, scheduled);
    }
    py::list bursts;
    for (const mask_burst& one : found.bursts) {
        bursts.append(py::make_tuple(one.group,
                                     one.confidence,
                                     one.first_row,
                                     one.end_row,
                                     one.low_col,
                                     one.high_col,
                                     one.snr_db,
                                     one.pwr_db));
    }
    py::array_t<int16_t> group_of({shape.first, shape.second});
    std::memcpy(group_of.mutable_data(),
                found.group_of.data(),
                found.group_of.size() * sizeof(found.group_of[0]));
    return py::make_tuple(bursts, group_of);
}

py::array_t<double> group_sums(const array<int16_t>& group_of,
                               size_t groups,
                               const array<float>& values,
                               size_t cell_rows,
                               size_t cell_cols,
                               double cell_height)
{
    if (group_of.ndim() != 2 || values.ndim() != 2 || group_of.shape(0) != values.shape(0) ||
        group_of.shape(1) != values.shape(1)) {
        throw std::invalid_argument("group_of and values must have the same two axes");
    }
    if (groups > size_t(most_pixels) || !cell_rows || !cell_cols || !(cell_height > 0) ||
        std::max(cell_rows, cell_cols) > size_t(most_pixels)) {
        throw std::invalid_argument("expected up to " + std::to_string(most_pixels) +
                                    " groups and cells along an axis, and cells of some height");
    }
    std::vector<double> sums;
    {
        const py::gil_scoped_release release;
        sums = gr::radiofm::group_sums(group_of.data(),
                                       groups,
                                       values.data(),
                                       size_t(values.shape(0)),
                                       size_t(values.shape(1)),
                                       {cell_rows, cell_cols, cell_height});
    }
    py::array_t<double> out({groups + 1, cell_rows * cell_cols});
    std::copy(sums.begin(), sums.end(), out.mutable_data());
    return out;
}

} // namespace

void bind_mask_groups(py::module& m)
{
    m.def("find_groups",
          &find_groups,
          py::arg("mask"),
          py::arg("confidence"),
          py::arg("power_db"),
          py::arg("classes"),
          py::arg("looks"),
          py::arg("min_pixels"),
          py::arg("pause_rows") = 0,
          py::arg("scheduled") = std::vector<size_t>(),
          "What belongs together in a frame's mask, whatever its labels: a list of bursts (group, "
          "confidence, first row, end row, left edge, right edge, SNR in dB, power in dB), edges "
          "in columns, groups counted from 0; and the group of each pixel, int16 (rows, cols), -1: "
          "none. See gnuradio/radiofm/mask_groups.h. Raises ValueError for arrays that do not "
          "fit.");
    m.def("group_sums",
          &group_sums,
          py::arg("group_of"),
          py::arg("groups"),
          py::arg("values"),
          py::arg("cell_rows"),
          py::arg("cell_cols"),
          py::arg("cell_height"),
          "Sums of a frame's values, float32 (rows, cols), by group and cell: float64 (groups + 1, "
          "cells), the last those of all pixels. The fast twin of sum_cells in "
          "radiofm_core/spectrum/emission_statistics.py. Raises ValueError for arrays that do not "
          "fit.");
}
