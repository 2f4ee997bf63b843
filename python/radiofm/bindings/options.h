/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

/*!
 * A struct whose `Options::fields(visit)` calls `visit(name, member pointer)` for each of its
 * fields, as a Python class: made with defaults, each field read and set by name, `fields` the
 * tuple of the names.
 */
template <typename Options>
pybind11::class_<Options> bind_options(pybind11::module& m, const char* name)
{
    pybind11::class_<Options> bound(m, name);
    bound.def(pybind11::init<>());
    pybind11::list names;
    Options::fields([&](const char* field, auto member) {
        bound.def_readwrite(field, member);
        names.append(field);
    });
    bound.attr("fields") = pybind11::tuple(names);
    return bound;
}
