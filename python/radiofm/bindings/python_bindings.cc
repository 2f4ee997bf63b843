/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pybind11/pybind11.h>

namespace py = pybind11;

void bind_spectrogram_framer(py::module& m);
void bind_recording_source(py::module& m);
void bind_sigmf_sink(py::module& m);
void bind_sample_clock(py::module& m);
void bind_sample_pipe(py::module& m);
void bind_vectors(py::module& m);
void bind_messages(py::module& m);
void bind_mask_groups(py::module& m);
void bind_stream_end(py::module& m);
void bind_held_block(py::module& m);

PYBIND11_MODULE(radiofm_python, m)
{
    m.doc() = "The native blocks of gr-radiofm, and Python's values as PMTs and back";
    // The base classes and pmt are registered by GNU Radio's own modules.
    py::module::import("gnuradio.gr");
    py::module::import("pmt");
    bind_spectrogram_framer(m);
    bind_recording_source(m);
    bind_sigmf_sink(m);
    bind_sample_clock(m);
    bind_sample_pipe(m);
    bind_vectors(m);
    bind_messages(m);
    bind_mask_groups(m);
    bind_stream_end(m);
    bind_held_block(m);
}
