/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence_grid.h"
#include <cmath>

namespace gr {
namespace radiofm {

namespace {

// From this sample rate on, 3.2 us are 64 samples
constexpr double wide_rate = 20e6;

size_t stride_at(double sample_rate)
{
    return sample_rate >= 40e6 ? 4 : sample_rate >= 8e6 ? 2 : 1;
}

} // namespace

evidence_grid::evidence_grid(const spectrogram_spec& spec, double sample_rate, size_t hops_per_row)
    : points(sample_rate >= wide_rate ? 64 : 32),
      stride(stride_at(sample_rate)),
      compared(spec.row_multiple * hops_per_row * spec.hop / hop() / stride),
      cell_rows(spec.cell_rows()),
      sample_rate(sample_rate)
{
}

int64_t evidence_grid::hops(double lag) const
{
    return int64_t(std::floor(lag * sample_rate / double(hop()) + 0.5));
}

double evidence_grid::turns(double lag) const
{
    return (double(hops(lag)) * double(hop()) - lag * sample_rate) / double(points);
}

} // namespace radiofm
} // namespace gr
