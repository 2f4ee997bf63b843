/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <pmt/pmt.h>
#include <pybind11/numpy.h>

//! A read-only view of a u8, f32 or c32 vector's elements; throws pybind11::type_error.
pybind11::array vector_view(const pmt::pmt_t& vector);

//! The uniform vector of an array's elements; throws pybind11::type_error.
pmt::pmt_t make_vector(const pybind11::array& array);
