/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <array>
#include <cstddef>
#include <gnuradio/gr_complex.h>

namespace gr {
namespace radiofm {

/*!
 * \brief Windows and transforms 64 samples at once, on CPUs with AVX2.
 *
 * Eight FFTs of 8 samples side by side, twice (Cooley and Tukey, 1965), from the samples to the
 * spectrum without a detour through memory: as FFTW computes one alone, windows excluded, it takes
 * twice as long.
 */
class short_fft
{
public:
    static constexpr size_t points = 64;

    //! \param window the weights of the samples
    explicit short_fft(const std::array<float, points>& window);

    //! The forward transform of windowed samples, DC first; only where has_avx2().
    void transform(gr_complex* out, const gr_complex* in) const;

private:
    static constexpr size_t lanes = 8;

    // In the order of the vectors' lanes
    std::array<float, points> d_window;
    std::array<float, points> d_cosines; // of what row k, column n is turned by, k n / 64 of a turn
    std::array<float, points> d_sines;
};

} // namespace radiofm
} // namespace gr
