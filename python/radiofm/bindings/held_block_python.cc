/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block written in Python is two objects: GNU Radio's native one, which flowgraphs hold, and the
 * Python one that does the work, to which the native one has a bare pointer (gnuradio#5133, #3435).
 */
#include <gnuradio/basic_block.h>
#include <memory>
#include <pybind11/pybind11.h>

namespace py = pybind11;

namespace {

int drop_reference(void* object)
{
    Py_DECREF(static_cast<PyObject*>(object));
    return 0;
}

//! Gives a reference back on whichever thread a flowgraph lets go of a block.
void give_back(PyObject* object)
{
    if (!Py_IsInitialized()) {
        return; // the interpreter took its objects along
    }
    // Python's lock is not waited for: the thread may hold GNU Radio's
    if (PyGILState_Check()) {
        Py_DECREF(object);
    } else if (Py_AddPendingCall(&drop_reference, object) !=
               0) { // too many wait for the main thread
        const py::gil_scoped_acquire lock;
        Py_DECREF(object);
    }
}

//! The native half as flowgraphs are to hold it: every copy keeps the Python half, too. The Python
//! half keeps none, so the two do not keep each other.
py::object held_by_flowgraph(const gr::basic_block_sptr& native, const py::object& python)
{
    const std::shared_ptr<PyObject> owner(python.inc_ref().ptr(), &give_back);
    // Made by hand: pybind11 would find the object that there is for this pointer, or give a new
    // one the pointer from shared_from_this()
    const auto* type = py::detail::get_type_info(typeid(gr::basic_block));
    auto made = py::reinterpret_steal<py::object>(py::detail::make_new_instance(type->type));
    auto* instance = reinterpret_cast<py::detail::instance*>(made.ptr());
    auto content = instance->get_value_and_holder(type);
    content.value_ptr() = native.get();
    new (&content.holder<gr::basic_block_sptr>()) gr::basic_block_sptr(owner, native.get());
    content.set_holder_constructed();
    instance->owned = true;
    return made;
}

} // namespace

void bind_held_block(py::module& m)
{
    m.def("held_by_flowgraph",
          &held_by_flowgraph,
          py::arg("native"),
          py::arg("python"),
          "The native half of a block written in Python, for connect(): flowgraphs that hold it "
          "hold the Python half, too.");
}
