/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fft_plans.h"
#include <gnuradio/fft/fft.h>
#include <gnuradio/gr_complex.h>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <volk/volk_alloc.hh>

namespace gr {
namespace radiofm {

/*
 * FFTW's planner and its wisdom are global and not thread-safe; executing a plan is. Plans are
 * made under the mutex that GNU Radio's own FFTs use, once per process. Wisdom is neither read
 * from nor written to disk here.
 */
fftwf_plan fft_plan(size_t fft_size, size_t count)
{
    static std::map<std::pair<size_t, size_t>, fftwf_plan> plans;
    std::lock_guard<std::mutex> lock(gr::fft::planner::mutex());
    fftwf_plan& plan = plans[{fft_size, count}];
    if (!plan) {
        // Not measured: which plan is the fastest by a hair changes from run to run, and with it
        // the last digits of all that is computed. Buffers are aligned as all of ours are: a plan
        // serves only equally aligned data.
        // Out of place: in place, FFTW allocates a buffer in each execution.
        volk::vector<gr_complex> in(fft_size * count), out(fft_size * count);
        const int n = int(fft_size);
        plan = fftwf_plan_many_dft(1,
                                   &n,
                                   int(count),
                                   reinterpret_cast<fftwf_complex*>(in.data()),
                                   nullptr,
                                   1,
                                   n,
                                   reinterpret_cast<fftwf_complex*>(out.data()),
                                   nullptr,
                                   1,
                                   n,
                                   FFTW_FORWARD,
                                   FFTW_ESTIMATE);
        if (!plan) {
            throw std::runtime_error("FFTW cannot plan an FFT of " + std::to_string(fft_size) +
                                     " samples");
        }
    }
    return plan;
}

} // namespace radiofm
} // namespace gr
