/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uniform PMT vectors as NumPy arrays and back: the pmt module's own conversion takes
 * milliseconds for a frame, these take none and one memcpy.
 */
#include "vectors.h"
#include <complex>
#include <pybind11/complex.h>
#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace {

// The array's base holds the pmt, so that the elements outlive every view.
template <typename Element>
py::array view(const pmt::pmt_t& vector, const Element* elements, size_t length)
{
    auto* owner = new pmt::pmt_t(vector);
    const py::capsule base(owner, [](void* held) { delete static_cast<pmt::pmt_t*>(held); });
    py::array_t<Element> array(py::ssize_t(length), elements, base);
    array.attr("setflags")(py::arg("write") = false);
    return std::move(array);
}

} // namespace

py::array vector_view(const pmt::pmt_t& vector)
{
    size_t length = 0;
    if (pmt::is_u8vector(vector)) {
        const uint8_t* elements = pmt::u8vector_elements(vector, length);
        return view(vector, elements, length);
    }
    if (pmt::is_f32vector(vector)) {
        const float* elements = pmt::f32vector_elements(vector, length);
        return view(vector, elements, length);
    }
    if (pmt::is_c32vector(vector)) {
        const std::complex<float>* elements = pmt::c32vector_elements(vector, length);
        return view(vector, elements, length);
    }
    if (pmt::is_f64vector(vector)) {
        const double* elements = pmt::f64vector_elements(vector, length);
        return view(vector, elements, length);
    }
    throw py::type_error("vector_view takes a u8, f32, f64 or c32 vector, not " +
                         pmt::write_string(vector).substr(0, 60));
}

pmt::pmt_t make_vector(const py::array& array)
{
    const auto flat = py::array::ensure(array, py::array::c_style);
    const auto length = size_t(flat.size());
    if (py::isinstance<py::array_t<uint8_t>>(flat)) {
        return pmt::init_u8vector(length, static_cast<const uint8_t*>(flat.data()));
    }
    if (py::isinstance<py::array_t<float>>(flat)) {
        return pmt::init_f32vector(length, static_cast<const float*>(flat.data()));
    }
    if (py::isinstance<py::array_t<std::complex<float>>>(flat)) {
        return pmt::init_c32vector(length, static_cast<const std::complex<float>*>(flat.data()));
    }
    throw py::type_error("make_vector takes uint8, float32 or complex64, not " +
                         std::string(py::str(array.dtype())) + "; convert with astype");
}

void bind_vectors(py::module& m)
{
    m.def("vector_view",
          &vector_view,
          py::arg("vector"),
          "A read-only, one-dimensional NumPy view (no copy) of a u8, f32, f64 or c32 vector's "
          "elements; it keeps the vector alive. Raises TypeError for anything else.");
    m.def("make_vector",
          &make_vector,
          py::arg("array"),
          "A uniform PMT vector of a uint8, float32 or complex64 array's elements in C order "
          "(one copy). Raises TypeError for another type.");
}
