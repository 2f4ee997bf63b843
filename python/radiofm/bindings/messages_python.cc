/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Python values as PMTs and back, by the table of messages.py. A frame's detections are some
 * hundreds of PMTs, each of which costs a microsecond through the pmt module.
 */
#include "vectors.h"
#include <pmt/pmt.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <string>
#include <vector>

namespace py = pybind11;

namespace {

// No message of ours is nested deeper than four; a recursion without end would be the end.
constexpr int most_depth = 64;
// PMT has no larger tuples.
constexpr size_t most_in_tuple = 10;

py::object usage_error()
{
    return py::module::import("radiofm_core.errors").attr("UsageError");
}

[[noreturn]] void refuse(const std::string& text)
{
    PyErr_SetString(usage_error().ptr(), text.c_str());
    throw py::error_already_set();
}

std::string describe(const pmt::pmt_t& message)
{
    const py::object describe =
        py::module::import("gnuradio.radiofm.pmts.messages").attr("describe");
    return py::cast<std::string>(describe(message));
}

void check_depth(int depth)
{
    if (depth > most_depth) {
        refuse("a message is nested more than " + std::to_string(most_depth) + " deep");
    }
}

py::object text_of(const pmt::pmt_t& symbol)
{
    const std::string text = pmt::symbol_to_string(symbol);
    PyObject* made = PyUnicode_DecodeUTF8(text.data(), py::ssize_t(text.size()), "strict");
    if (!made) {
        throw py::error_already_set();
    }
    return py::reinterpret_steal<py::object>(made);
}

py::object from_pmt(const pmt::pmt_t& message, int depth);

py::object dict_from(const pmt::pmt_t& message, int depth)
{
    py::dict values;
    pmt::pmt_t rest = message;
    for (; pmt::is_pair(rest); rest = pmt::cdr(rest)) {
        const pmt::pmt_t entry = pmt::car(rest);
        if (!(pmt::is_pair(entry) && pmt::is_symbol(pmt::car(entry)))) {
            refuse("a message's entry: expected a pair of a symbol and a value, got " +
                   describe(entry));
        }
        const py::object key = text_of(pmt::car(entry));
        const py::object value = from_pmt(pmt::cdr(entry), depth + 1);
        // the first of two equal keys counts, as in pmt::dict_ref
        if (!PyDict_SetDefault(values.ptr(), key.ptr(), value.ptr())) {
            throw py::error_already_set();
        }
    }
    if (!pmt::is_null(rest)) {
        refuse("expected a dict, got " + describe(message) + "; split a PDU with split_pdu()");
    }
    return std::move(values);
}

py::object from_pmt(const pmt::pmt_t& message, int depth)
{
    check_depth(depth);
    if (pmt::is_null(message)) {
        return py::dict();
    }
    if (pmt::is_bool(message)) {
        return py::bool_(pmt::to_bool(message));
    }
    if (pmt::is_symbol(message)) {
        return text_of(message);
    }
    if (pmt::is_uint64(message)) {
        return py::int_(pmt::to_uint64(message));
    }
    if (pmt::is_integer(message)) {
        return py::int_(pmt::to_long(message));
    }
    if (pmt::is_real(message)) {
        return py::float_(pmt::to_double(message));
    }
    if (pmt::is_uniform_vector(message)) {
        try {
            return vector_view(message);
        } catch (const py::type_error& error) { // one of another element type
            refuse(error.what());
        }
    }
    if (pmt::is_tuple(message)) {
        const size_t length = pmt::length(message);
        py::tuple values(length);
        for (size_t i = 0; i < length; i++) {
            values[i] = from_pmt(pmt::tuple_ref(message, i), depth + 1);
        }
        return std::move(values);
    }
    if (pmt::is_vector(message)) {
        const size_t length = pmt::length(message);
        py::list values(length);
        for (size_t i = 0; i < length; i++) {
            values[i] = from_pmt(pmt::vector_ref(message, i), depth + 1);
        }
        return std::move(values);
    }
    if (pmt::is_dict(message)) {
        return dict_from(message, depth);
    }
    refuse(describe(message) + " is of a PMT type that radiofm's messages do not use");
}

//! The values of a dict's entries, None where there is none, the PMT itself where it has no Python
//! value.
py::list dict_values(const pmt::pmt_t& dict, const std::vector<pmt::pmt_t>& keys)
{
    py::list values;
    for (const pmt::pmt_t& key : keys) {
        const pmt::pmt_t value = pmt::dict_ref(dict, key, pmt::PMT_NIL);
        if (pmt::is_null(value)) {
            values.append(py::none());
            continue;
        }
        try {
            values.append(from_pmt(value, 1));
        } catch (py::error_already_set& error) {
            // what refuse() and text_of() raise; anything else is no property of the message
            if (!error.matches(usage_error()) && !error.matches(PyExc_UnicodeDecodeError)) {
                throw;
            }
            values.append(value);
        }
    }
    return values;
}

pmt::pmt_t to_pmt(const py::handle& value, int depth);

pmt::pmt_t symbol_of(const py::handle& text)
{
    py::ssize_t length = 0;
    const char* bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &length);
    if (!bytes) {
        throw py::error_already_set();
    }
    return pmt::intern(std::string(bytes, size_t(length)));
}

pmt::pmt_t whole_number(const py::handle& value)
{
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (!overflow) {
        return number >= 0 ? pmt::from_uint64(uint64_t(number)) : pmt::from_long(long(number));
    }
    const unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(value.ptr()) : 0;
    if (overflow < 0 || PyErr_Occurred()) {
        PyErr_Clear();
        refuse("an integer beyond 64 bits cannot be put into a message");
    }
    return pmt::from_uint64(large);
}

pmt::pmt_t extend_dict(pmt::pmt_t base, const py::dict& values, int depth)
{
    for (const auto& [key, value] : values) {
        if (!PyUnicode_Check(key.ptr())) {
            refuse("a message's key: expected text, got " + py::cast<std::string>(py::repr(key)));
        }
        base = pmt::dict_add(base, symbol_of(key), to_pmt(value, depth + 1));
    }
    return base;
}

[[noreturn]] void refuse_value(const py::handle& value)
{
    const std::string text = py::cast<std::string>(py::repr(value));
    const std::string type = py::cast<std::string>(py::type::of(value).attr("__name__"));
    refuse(text + " of type " + type +
           " cannot be put into a message; use bool, int, float, str, tuple, list, dict or an "
           "array of "
           "uint8, float32 or complex64");
}

pmt::pmt_t to_pmt(const py::handle& value, int depth)
{
    check_depth(depth);
    PyObject* object = value.ptr();
    // bool before int: True is an int in Python
    if (PyBool_Check(object)) {
        return object == Py_True ? pmt::PMT_T : pmt::PMT_F;
    }
    if (PyLong_Check(object)) {
        return whole_number(value);
    }
    if (PyFloat_Check(object)) {
        return pmt::from_double(PyFloat_AS_DOUBLE(object));
    }
    if (PyUnicode_Check(object)) {
        return symbol_of(value);
    }
    if (PyDict_Check(object)) {
        return extend_dict(pmt::make_dict(), py::reinterpret_borrow<py::dict>(value), depth);
    }
    if (PyTuple_Check(object)) {
        const size_t length = size_t(PyTuple_GET_SIZE(object));
        if (length > most_in_tuple) {
            refuse("a tuple of " + std::to_string(length) +
                   " values cannot be put into a message, only up to " +
                   std::to_string(most_in_tuple) + "; use a list");
        }
        const pmt::pmt_t items = pmt::make_vector(length, pmt::PMT_NIL);
        for (size_t i = 0; i < length; i++) {
            pmt::vector_set(items, i, to_pmt(PyTuple_GET_ITEM(object, py::ssize_t(i)), depth + 1));
        }
        return pmt::to_tuple(items);
    }
    if (PyList_Check(object)) {
        const auto list = py::reinterpret_borrow<py::list>(value);
        const pmt::pmt_t items = pmt::make_vector(list.size(), pmt::PMT_NIL);
        for (size_t i = 0; i < list.size(); i++) {
            pmt::vector_set(items, i, to_pmt(list[i], depth + 1));
        }
        return items;
    }
    if (py::isinstance<py::array>(value)) {
        try {
            return make_vector(py::reinterpret_borrow<py::array>(value));
        } catch (const py::type_error& error) {
            refuse(error.what());
        }
    }
    // NumPy's numbers have it too
    if (py::hasattr(value, "item") && py::hasattr(value, "dtype")) {
        return to_pmt(py::object(value.attr("item")()), depth + 1);
    }
    refuse_value(value);
}

} // namespace

void bind_messages(py::module& m)
{
    m.def(
        "from_pmt",
        [](const pmt::pmt_t& message) { return from_pmt(message, 0); },
        py::arg("message"),
        "See gnuradio.radiofm.pmts.messages.from_pmt.");
    m.def("dict_values",
          &dict_values,
          py::arg("dict"),
          py::arg("keys"),
          "The Python values of a dict's entries with these keys (symbols): None where there is "
          "none, the PMT itself where it has no Python value.");
    m.def(
        "to_pmt",
        [](const py::object& value) { return to_pmt(value, 0); },
        py::arg("value"),
        "See gnuradio.radiofm.pmts.messages.to_pmt.");
    m.def(
        "extend_dict",
        [](const pmt::pmt_t& base, const py::dict& values) { return extend_dict(base, values, 0); },
        py::arg("base"),
        py::arg("values"),
        "See gnuradio.radiofm.pmts.messages.extend_dict.");
}
