/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstddef>
#include <gnuradio/radiofm/api.h>
#include <string>
#include <vector>

namespace gr {
namespace radiofm {

/*!
 * \brief What a spectrogram frame is: the twin of radiofm_core.spectrum.spec.SpectrogramSpec.
 *
 * A frame is `channels()` x `rows` x `fft_size` pixels of power in dB (Hann window, one FFT
 * every `hop` samples, `hops_per_row` of them averaged into a row), and after them, for each of
 * `evidence_lags`, how far the samples repeat after it: real and imaginary parts in cells of
 * `row_multiple` rows, `cell_cols` side by side. The defaults are the Python class's defaults; a
 * model bundle brings its own values and their fingerprint.
 */
struct RADIOFM_API spectrogram_spec
{
    // Beyond these a number is a mistake, and memory or time would have no end.
    static constexpr double least_sample_rate = 1.0;     // S/s
    static constexpr double greatest_sample_rate = 1e11; // S/s
    static constexpr double greatest_row_duration = 1.0; // s
    static constexpr size_t greatest_fft_size = 65536;
    static constexpr size_t greatest_rows = 65536;
    static constexpr size_t greatest_frame_floats = 1 << 24;
    static constexpr float greatest_floor_db = 300.0f;
    static constexpr double greatest_lag = 0.05; // s
    static constexpr size_t greatest_lags = 32;
    static constexpr double greatest_lag_samples = 1 << 24; // 256 MiB of transforms

    //! Cells of evidence beside each other
    static constexpr size_t cell_cols = 32;

    size_t fft_size = 256;
    size_t hop = 128;
    size_t rows = 256;
    size_t row_multiple = 16; //!< rows of a cell of evidence; `rows` is a multiple of it
    bool peak = false;        //!< a second channel: the greatest power of a row's FFTs
    float floor_db = -200.0f;
    double sample_rate_min = 0.96e6;   //!< S/s
    double sample_rate_max = 122.88e6; //!< S/s
    double row_duration_min = 20e-6;   //!< s
    double row_duration_max = 160e-6;  //!< s
    std::vector<double> evidence_lags; //!< s; none: there is no evidence
    std::string fingerprint;           //!< goes into each frame's dict

    //! Calls `visit(name, member pointer)` for each field.
    template <typename Visit>
    static void fields(Visit&& visit)
    {
        visit("fft_size", &spectrogram_spec::fft_size);
        visit("hop", &spectrogram_spec::hop);
        visit("rows", &spectrogram_spec::rows);
        visit("row_multiple", &spectrogram_spec::row_multiple);
        visit("peak", &spectrogram_spec::peak);
        visit("floor_db", &spectrogram_spec::floor_db);
        visit("sample_rate_min", &spectrogram_spec::sample_rate_min);
        visit("sample_rate_max", &spectrogram_spec::sample_rate_max);
        visit("row_duration_min", &spectrogram_spec::row_duration_min);
        visit("row_duration_max", &spectrogram_spec::row_duration_max);
        visit("evidence_lags", &spectrogram_spec::evidence_lags);
        visit("fingerprint", &spectrogram_spec::fingerprint);
    }

    size_t channels() const { return peak ? 2 : 1; }
    size_t cell_rows() const { return rows / row_multiple; }
    size_t power_floats() const { return channels() * rows * fft_size; }
    size_t evidence_floats() const { return evidence_lags.size() * 2 * cell_rows() * cell_cols; }
    //! Of a frame's vector: the power, then the evidence
    size_t frame_floats() const { return power_floats() + evidence_floats(); }

    //! True if a model of this spec serves `sample_rate` (S/s).
    bool serves(double sample_rate) const;

    /*!
     * Hops averaged into one row for a frame of about `frame_duration` seconds.
     * \throws std::invalid_argument if the rate is outside the range, the duration not above 0,
     * or as check()
     */
    size_t hops_per_row(double sample_rate, double frame_duration) const;

    //! \throws std::invalid_argument naming the field that no frame can have
    void check() const;

private:
    void check_lags() const;
};

} // namespace radiofm
} // namespace gr
