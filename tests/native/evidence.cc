/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * evidence_kernel: any lags, rates, frames and pushes, of any samples. Whatever the pushes, the
 * planes are those of the same samples pushed at once, and no coherence is above 1. What is written
 * for AVX2 by hand computes what the plain loops do.
 */
#include "avx2.h"
#include "evidence_kernel.h"
#include "evidence_loops.h"
#include "input.h"
#include "short_fft.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <memory>
#include <vector>

using gr::radiofm::evidence_kernel;
using gr::radiofm::has_avx2;
using gr::radiofm::short_fft;
using gr::radiofm::spectrogram_spec;

namespace {

// Lags of about so many samples; whole transforms, parts of them and what is too short
double lag_samples(input& in)
{
    return double(in.below(2000)) / 2.0 + 0.5;
}

spectrogram_spec any_spec(input& in, double rate)
{
    spectrogram_spec spec;
    constexpr size_t hops[] = {32, 64, 128};
    spec.hop = in.one_of(hops);
    spec.fft_size = spec.hop << (spec.hop < 64);
    spec.row_multiple = 1 + in.below(4);
    spec.rows = spec.row_multiple * (1 + in.below(4)) + spec.row_multiple;
    spec.row_duration_min = 0.0;
    for (size_t count = in.below(5); count > 0; count--) {
        const double lag = lag_samples(in) / rate;
        auto& lags = spec.evidence_lags;
        if (std::find(lags.begin(), lags.end(), lag) == lags.end()) {
            lags.push_back(lag);
        }
    }
    spec.check();
    return spec;
}

// Samples that end where their memory ends.
std::unique_ptr<gr_complex[]> any_samples(input& in, size_t n)
{
    std::unique_ptr<gr_complex[]> samples(new gr_complex[n]);
    const bool is_silent = in.take<uint8_t>() == 0;
    // a few that repeat: inputs are short
    const size_t period = 1 + in.below(300);
    for (size_t i = 0; i < n; i++) {
        const float part = in.part();
        const float usable = std::fabs(part) <= 1e15f ? part : 0.0f; // as the framer hands them on
        samples[i] = is_silent                   ? gr_complex(0.0f, 0.0f)
                     : i < period || !in.empty() ? gr_complex(usable, float(i % 7) * 0.1f)
                                                 : samples[i - period];
    }
    return samples;
}

void check_planes(const std::vector<float>& a, const std::vector<float>& b)
{
    for (size_t i = 0; i < a.size(); i++) {
        PROMISE(std::isnan(a[i]) == std::isnan(b[i]));
        PROMISE(std::isnan(a[i]) || std::fabs(a[i]) < 1.001f);
        PROMISE(std::isnan(a[i]) || std::fabs(a[i] - b[i]) < 1e-3f);
    }
}

// Both ways to the sums, with and without AVX2, and none beyond the memory's end.
void check_sums(input& in)
{
    const size_t n = 32 * (1 + in.below(4)), count = in.below(12);
    std::vector<float> a(n * count), b(n * count), sums[2];
    for (size_t i = 0; i < n * count; i++) {
        a[i] = float(in.take<uint8_t>()) / 64.0f - 2.0f;
        b[i] = float(in.take<uint8_t>()) / 64.0f - 2.0f;
    }
    for (auto& each : sums) {
        each.assign(3 * n, 0.5f);
    }
    float *here = sums[0].data(), *anywhere = sums[1].data();
    namespace loops = gr::radiofm::loops;
    loops::correlate(here, here + n, here + 2 * n, a.data(), b.data(), n, count);
    loops::correlate_anywhere(
        anywhere, anywhere + n, anywhere + 2 * n, a.data(), b.data(), n, count);
    for (size_t i = 0; i < 3 * n; i++) {
        PROMISE(std::fabs(here[i] - anywhere[i]) < 1e-3f);
    }
}

// The transform by hand and the sum that defines it.
void check_transform(input& in)
{
    if (!has_avx2()) {
        return;
    }
    constexpr size_t points = short_fft::points;
    std::array<float, points> window;
    std::vector<gr_complex> samples(points), spectrum(points);
    for (size_t i = 0; i < points; i++) {
        window[i] = float(in.take<uint8_t>()) / 255.0f;
        samples[i] = {float(in.take<int8_t>()) / 128.0f, float(in.take<int8_t>()) / 128.0f};
    }
    short_fft(window).transform(spectrum.data(), samples.data());
    for (size_t bin = 0; bin < points; bin++) {
        std::complex<double> sum = 0.0;
        for (size_t i = 0; i < points; i++) {
            const double turns = -double(bin * i) / double(points);
            sum += std::complex<double>(samples[i]) * double(window[i]) *
                   std::polar(1.0, 2.0 * M_PI * turns);
        }
        PROMISE(std::abs(sum - std::complex<double>(spectrum[bin])) < 1e-4);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    constexpr double rates[] = {1e6, 8e6, 19.9e6, 20e6, 61.44e6, 122.88e6};
    input in(data, size);
    const double rate = in.one_of(rates);
    const spectrogram_spec spec = any_spec(in, rate);
    if (in.take<uint8_t>() % 8 == 0) {
        check_sums(in);
        check_transform(in);
    }
    const size_t hops_per_row = 1 + in.below(4);
    const size_t frame_samples = spec.rows * hops_per_row * spec.hop;
    evidence_kernel parts(spec), whole(spec);
    std::vector<float> in_parts(spec.evidence_floats()), at_once(spec.evidence_floats());
    parts.set_rate(rate, hops_per_row);
    whole.set_rate(rate, hops_per_row);
    for (int frame = 0; frame < 4; frame++) {
        const bool is_cut = in.take<uint8_t>() % 4 == 0;
        const size_t n = is_cut ? in.below(frame_samples + 1) : frame_samples;
        const auto samples = any_samples(in, n);
        for (size_t done = 0; done < n;) {
            const size_t some = std::min(n - done, 1 + in.below(3 * spec.fft_size));
            parts.push(samples.get() + done, some);
            done += some;
        }
        whole.push(samples.get(), n);
        parts.finish(in_parts.data());
        whole.finish(at_once.data());
        check_planes(in_parts, at_once);
        for (evidence_kernel* kernel : {&parts, &whole}) {
            if (is_cut) {
                kernel->forget();
            } else {
                kernel->start_frame();
            }
        }
    }
    return 0;
}
