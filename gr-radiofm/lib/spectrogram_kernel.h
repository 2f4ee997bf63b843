/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <gnuradio/gr_complex.h>
#include <volk/volk_alloc.hh>

struct fftwf_plan_s;

namespace gr {
namespace radiofm {

/*!
 * \brief Computes spectrogram frames from samples as they come.
 *
 * The fast twin of radiofm_core.spectrum.spectrogram.spectrogram_db: FFT j of a frame of N samples
 * starts at clamp(j * hop - (fft_size - hop) / 2, 0, N - fft_size). A frame depends on no
 * sample outside it. The work is done as samples arrive, so that small pushes spread it
 * evenly; one FFT is at most `fft_size` samples late.
 *
 * Samples that are not finite, or beyond 1e15 (full scale is 1), count as 0.
 */
class spectrogram_kernel
{
public:
    spectrogram_kernel(size_t fft_size, size_t hop, size_t rows, bool peak, float floor_db);
    spectrogram_kernel(const spectrogram_kernel&) = delete;
    spectrogram_kernel& operator=(const spectrogram_kernel&) = delete;

    //! Forget what was pushed and begin a frame of `hops_per_row` FFTs a row.
    void start(size_t hops_per_row);

    //! Take up to `n` samples, none beyond the frame's end; returns how many.
    size_t push(const gr_complex* in, size_t n);

    //! The samples that the last push took, with 0 for those that are not usable; valid as long as
    //! what was pushed, until the next push.
    const gr_complex* usable() const { return d_usable; }

    //! True once the frame's last sample has been pushed.
    bool complete() const { return d_position == frame_samples(); }

    /*!
     * End the frame with the samples pushed so far; pixels after the last whole row are set
     * to the floor. Returns the number of whole rows (0 if there are fewer samples than one
     * row or one FFT).
     */
    size_t finish();

    //! Exchange the frame (channel, row, column), valid after finish() until start(), for one
    //! of the same size, whose values are of no account.
    void swap_frame(volk::vector<float>& other) { d_frame.swap(other); }

    size_t position() const { return d_position; } //!< samples pushed into this frame
    size_t row_samples() const { return d_hops_per_row * d_hop; }
    size_t frame_samples() const { return d_rows * row_samples(); }
    //! With so many samples finish() gives a row.
    size_t least_samples() const { return std::max(row_samples(), d_fft_size); }
    uint64_t nonfinite_samples() const { return d_nonfinite; } //!< since construction

private:
    static constexpr size_t group = 4; // segments; few enough to stay in the L1 cache

    size_t fft_start(size_t j, size_t segment_samples) const;
    size_t clean(const gr_complex* in, size_t n);
    void add(const gr_complex* segment);
    void transform();
    void end_row();

    const size_t d_fft_size;
    const size_t d_hop;
    const size_t d_rows;
    const bool d_peak;
    const float d_floor_db;
    fftwf_plan_s* d_plan; // owned by the process-wide plan cache

    size_t d_hops_per_row = 1;
    size_t d_position = 0;
    size_t d_next_fft = 0;
    size_t d_waiting = 0;  // windowed segments of a group that is not full
    size_t d_row_hops = 0; // FFTs in the row under way
    size_t d_row = 0;
    uint64_t d_nonfinite = 0;
    const gr_complex* d_usable = nullptr;

    volk::vector<float> d_window;        // each weight twice, for re and im; sums to 1
    volk::vector<gr_complex> d_segments; // windowed segments of a group
    volk::vector<gr_complex> d_spectra;  // and their transforms
    volk::vector<float> d_squares;       // re^2 and im^2 of each bin, summed over the row
    volk::vector<float> d_power;         // their sum
    volk::vector<float> d_greatest;      // greatest power of each bin in the row
    volk::vector<gr_complex> d_seam;     // last fft_size samples, then the first of the new push
    volk::vector<gr_complex> d_cleaned;
    volk::vector<float> d_frame;
};

} // namespace radiofm
} // namespace gr
