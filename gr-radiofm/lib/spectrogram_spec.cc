/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <algorithm>
#include <cmath>
#include <gnuradio/radiofm/spectrogram_spec.h>
#include <set>
#include <sstream>
#include <stdexcept>

namespace gr {
namespace radiofm {

namespace {

template <typename... Parts>
[[noreturn]] void refuse(const Parts&... parts)
{
    std::ostringstream text;
    (text << ... << parts);
    throw std::invalid_argument(text.str());
}

} // namespace

bool spectrogram_spec::serves(double sample_rate) const
{
    return sample_rate >= sample_rate_min && sample_rate <= sample_rate_max;
}

size_t spectrogram_spec::hops_per_row(double sample_rate, double frame_duration) const
{
    check();
    if (!serves(sample_rate)) {
        refuse("sample rate ",
               sample_rate / 1e6,
               " MS/s is outside the model's range ",
               sample_rate_min / 1e6,
               " to ",
               sample_rate_max / 1e6,
               " MS/s; resample the signal or load another model");
    }
    if (!(std::isfinite(frame_duration) && frame_duration > 0)) {
        refuse("frame duration ", frame_duration, " s must be above zero");
    }
    // nearbyint rounds halves to even, as Python's round does.
    const double wanted = std::nearbyint(frame_duration * sample_rate / double(rows * hop));
    const double least =
        std::max(1.0, std::ceil(row_duration_min * sample_rate / double(hop) - 1e-9));
    const double most =
        std::max(least, std::floor(row_duration_max * sample_rate / double(hop) + 1e-9));
    return size_t(std::min(std::max(wanted, least), most));
}

void spectrogram_spec::check() const
{
    if (hop == 0 || hop % 2 || fft_size % hop) {
        refuse("fft_size ", fft_size, " must be a multiple of an even hop, got hop ", hop);
    }
    if (fft_size < 8 || fft_size > greatest_fft_size || fft_size % 8) {
        refuse("fft_size ", fft_size, " must be a multiple of 8 up to ", greatest_fft_size);
    }
    if (row_multiple == 0 || rows % row_multiple) {
        refuse("rows ", rows, " must be a multiple of ", row_multiple);
    }
    if (evidence_lags.size() > greatest_lags) {
        refuse("evidence_lags: expected up to ",
               greatest_lags,
               " different times in s, got ",
               evidence_lags.size());
    }
    if (rows > greatest_rows || frame_floats() > greatest_frame_floats) {
        refuse("rows ",
               rows,
               " of ",
               fft_size,
               " bins are more than ",
               greatest_rows,
               " or than ",
               greatest_frame_floats,
               " values");
    }
    if (rows * hop < fft_size) {
        refuse("rows ", rows, " of one hop must hold an FFT of ", fft_size, " samples");
    }
    if (!(std::fabs(floor_db) <= greatest_floor_db)) {
        refuse("floor_db ",
               floor_db,
               " is outside ",
               -greatest_floor_db,
               " to ",
               greatest_floor_db,
               " dB");
    }
    if (!(sample_rate_min >= least_sample_rate && sample_rate_max >= sample_rate_min &&
          sample_rate_max <= greatest_sample_rate)) {
        refuse("sample rates: expected a range within ",
               least_sample_rate,
               " to ",
               greatest_sample_rate,
               " S/s, got ",
               sample_rate_min,
               " to ",
               sample_rate_max);
    }
    if (!(row_duration_min >= 0 && row_duration_max >= row_duration_min &&
          row_duration_max <= greatest_row_duration)) {
        refuse("row durations: expected a range within 0 to ",
               greatest_row_duration,
               " s, got ",
               row_duration_min,
               " to ",
               row_duration_max);
    }
    check_lags();
}

void spectrogram_spec::check_lags() const
{
    for (const double lag : evidence_lags) {
        if (!(lag > 0 && lag <= greatest_lag)) {
            refuse("evidence_lags: expected seconds above 0 and up to ",
                   greatest_lag,
                   ", got ",
                   lag,
                   "; a longer lag needs more memory than a receiver has");
        }
        if (lag * sample_rate_max > greatest_lag_samples) {
            refuse("evidence_lags: ",
                   lag,
                   " s at sample_rate_max ",
                   sample_rate_max,
                   " S/s are more than ",
                   size_t(greatest_lag_samples),
                   " samples; lower one of them");
        }
    }
    const std::set<double> different(evidence_lags.begin(), evidence_lags.end());
    if (different.size() < evidence_lags.size()) {
        refuse("evidence_lags: expected different times in s, got one of ",
               *different.begin(),
               " to ",
               *different.rbegin(),
               " twice");
    }
    if (!evidence_lags.empty() && (fft_size % cell_cols || hop % 32)) {
        refuse("evidence needs columns in ",
               cell_cols,
               " equal parts and a hop that is a multiple of 32, got ",
               fft_size,
               " columns and hop ",
               hop);
    }
}

} // namespace radiofm
} // namespace gr
