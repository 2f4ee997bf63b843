/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "evidence_grid.h"
#include "short_fft.h"
#include <complex>
#include <cstddef>
#include <cstdint>
#include <gnuradio/gr_complex.h>
#include <gnuradio/radiofm/spectrogram_spec.h>
#include <optional>
#include <vector>
#include <volk/volk_alloc.hh>

struct fftwf_plan_s;

namespace gr {
namespace radiofm {

/*!
 * \brief Computes, from samples as they come, how far a frame's samples repeat after given lags.
 *
 * The fast twin of radiofm_core.spectrum.evidence.evidence_planes. Transforms are kept for as long
 * as the longest lag, from frame to frame, until forget(). The work is done as samples arrive,
 * eight compared transforms at a time, so that small pushes spread it evenly.
 *
 * Without lags, or where none can be judged, pushes cost nothing.
 */
class evidence_kernel
{
public:
    explicit evidence_kernel(const spectrogram_spec& spec);
    evidence_kernel(const evidence_kernel&) = delete;
    evidence_kernel& operator=(const evidence_kernel&) = delete;

    //! Frames at `sample_rate` (S/s), of `hops_per_row`, from here on; forgets.
    void set_rate(double sample_rate, size_t hops_per_row);

    //! The next sample does not follow those before.
    void forget();

    //! Begin a frame with the next sample: after a whole one, or after forget().
    void start_frame();

    //! Take `n` finite samples, none beyond the frame's end.
    void push(const gr_complex* in, size_t n);

    /*!
     * End the frame with the samples pushed so far, and write its planes to `out`: (lag, part,
     * cell row, cell column), NaN where a lag cannot be judged.
     */
    void finish(float* out);

private:
    static constexpr size_t batch = 8; // transforms at a time
    using turn = std::complex<double>;

    // A lag that can be judged at this rate.
    struct judged_lag
    {
        size_t number; // in the spec
        int64_t hops;
        double turns; // by bin, that are missing to the lag
        bool is_long;
    };

    // The latest spectra of every stride-th transform, of those that some lag needs.
    struct ring
    {
        size_t capacity = 0; // a multiple of `batch`
        volk::vector<gr_complex> spectra;
    };

    // In what a row of cells gathers of a lag, floats apart
    enum part : size_t { straight, crossed, energy, parts };

    void make_window();
    void make_rings(size_t frame_hops);
    size_t block_hops() const { return batch * d_grid.stride; }
    size_t floats() const { return 2 * d_grid.points; }
    float* gathered(size_t cell, size_t lag, part which);
    const float* gathered(size_t cell, size_t lag, part which) const;
    size_t frame_transforms() const;
    void transform_block();
    void compare();
    void compare_lag(size_t lag, size_t cell, const float* news, size_t count);
    std::vector<char> judged_rows(size_t lag) const;
    void write_plane(size_t lag, float* out) const;
    std::vector<turn> bin_turns(size_t lag, const std::vector<char>& is_judged) const;
    size_t ascending(size_t i) const;
    turn product(size_t cell, size_t lag, size_t bin) const;

    const spectrogram_spec d_spec;
    evidence_grid d_grid;
    std::vector<judged_lag> d_lags;
    std::optional<short_fft> d_short_fft; // where it can serve
    fftwf_plan_s* d_plan = nullptr;       // otherwise; owned by the process-wide plan cache

    // Since forget()
    uint64_t d_position = 0;  // samples
    uint64_t d_next_hop = 0;  // transforms whose samples are all there
    uint64_t d_frame_hop = 0; // the first of the frame
    size_t d_compared = 0;    // of the frame

    volk::vector<float> d_window;        // each weight twice, for re and im
    volk::vector<gr_complex> d_segments; // windowed, of the block under way: by phase, in time
    std::vector<ring> d_rings;           // by the transform's number modulo the stride
    volk::vector<gr_complex> d_seam;     // last `points` samples, then the first of the new push
    volk::vector<float> d_energy;        // (cell row, bin, re and im) of the new spectra
    volk::vector<float> d_gathered;      // (cell row, lag, part, bin, re and im)
};

} // namespace radiofm
} // namespace gr
