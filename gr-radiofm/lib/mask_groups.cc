/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "band_joins.h"
#include "band_splits.h"
#include "mask_patch.h"
#include "mask_regions.h"
#include "pauses.h"
#include "power_meter.h"
#include "run_ends.h"
#include <algorithm>
#include <gnuradio/radiofm/mask_groups.h>

namespace gr {
namespace radiofm {

namespace {

// The largest groups that are told of one frame, and the bursts of one: of more, those with the
// shortest pauses are told as one
constexpr size_t max_groups = 128;
constexpr size_t max_bursts = 32;
// Specks are no burst: less than this share of their box, in runs of this length on average
constexpr double speck_fill = 0.1;
constexpr double speck_length = 2.5;

// At most `most` of them: the shortest pauses are closed.
void merge_to(std::vector<row_span>& times, size_t most)
{
    if (times.size() <= most) {
        return;
    }
    std::vector<size_t> ends(times.size() - 1); // places after which there is a pause
    for (size_t i = 0; i < ends.size(); i++) {
        ends[i] = i;
    }
    const auto pause = [&times](size_t i) { return times[i + 1].first - times[i].end; };
    std::stable_sort(
        ends.begin(), ends.end(), [&](size_t a, size_t b) { return pause(a) > pause(b); });
    ends.resize(most - 1);
    std::sort(ends.begin(), ends.end());
    std::vector<row_span> out;
    size_t first = 0;
    for (const size_t end : ends) {
        out.push_back({times[first].first, times[end].end});
        first = end + 1;
    }
    out.push_back({times[first].first, times.back().end});
    times = std::move(out);
}

class finder
{
public:
    finder(const mask_frame& frame,
           size_t classes,
           const power_meter& meter,
           double looks,
           size_t min_pixels,
           size_t pause_rows,
           const std::vector<size_t>& scheduled)
        : d_view{frame, classes, meter.power()},
          d_meter(meter),
          d_looks(looks),
          d_min_pixels(min_pixels),
          d_pause_rows(pause_rows),
          d_scheduled(scheduled)
    {
        d_out.group_of.assign(frame.rows * frame.cols, mask_groups::none);
    }

    mask_groups find()
    {
        std::vector<patch> groups = gather();
        const size_t most = max_groups - std::min(groups.size(), max_groups);
        for (patch& train : join_pulses(add_specks(groups), groups, d_min_pixels, most)) {
            groups.push_back(std::move(train));
        }
        for (const patch& group : groups) {
            const std::vector<bool> quiet = pauses(group, d_looks, d_pause_rows, d_meter.noise());
            if (std::find(quiet.begin(), quiet.end(), true) == quiet.end()) {
                add(group);
            } else {
                add(without_rows(group, quiet));
            }
        }
        return std::move(d_out);
    }

private:
    std::vector<patch> gather()
    {
        std::vector<patch> parts;
        const auto take = [&](patch&& whole) {
            for (patch& part : split_bands(std::move(whole))) {
                (part.pixels() < d_min_pixels ? d_specks : parts).push_back(std::move(part));
            }
        };
        for (patch& region : mask_regions(d_view).find()) {
            if (region.pixels() < d_min_pixels) {
                d_specks.push_back(std::move(region));
                continue;
            }
            for (patch& box : cut_strong_boxes(region, d_min_pixels)) {
                parts.push_back(std::move(box));
            }
            take(std::move(region));
        }
        std::vector<patch> joined = join_bands(std::move(parts), max_groups);
        // Two carriers may have been one band in a burst that covered both
        parts.clear();
        for (patch& group : joined) {
            take(std::move(group));
        }
        return join_scattered(join_shares(std::move(parts), d_scheduled), d_scheduled);
    }

    void paint(const patch& of, int16_t group)
    {
        for (const pixel_run& run : of.runs()) {
            int16_t* row = d_out.group_of.data() + run.row * d_view.frame.cols;
            std::fill(row + run.first, row + run.end, group);
        }
    }

    bool is_burst(const std::vector<pixel_run>& runs, const box& around, size_t pixels) const
    {
        const bool is_thin = double(pixels) < speck_length * double(runs.size());
        return pixels >= d_min_pixels &&
               !(is_thin && double(pixels) < speck_fill * double(around.size()));
    }

    // Whether what a group sends in these rows is enough to be judged. It is a burst if it stands
    // out; else it is noise, and `gone`.
    bool add_burst(const patch& group,
                   const row_span& time,
                   int16_t number,
                   std::vector<pixel_run>& gone)
    {
        std::vector<pixel_run> runs;
        size_t pixels = 0;
        box around{};
        for (const pixel_run& run : group.runs()) {
            if (run.row < time.first || run.row >= time.end) {
                continue;
            }
            const box here = {run.row, size_t(run.row) + 1, run.first, run.end};
            if (runs.empty()) {
                around = here;
            } else {
                around.include(here);
            }
            runs.push_back(run);
            pixels += run.size();
        }
        if (!is_burst(runs, around, pixels)) {
            return false; // it is what the rest of its group is
        }
        mask_burst burst{};
        burst.group = d_out.groups;
        if (d_meter.measure(d_out.group_of, number, around, burst)) {
            d_out.bursts.push_back(burst);
        } else {
            gone.insert(gone.end(), runs.begin(), runs.end());
        }
        return true;
    }

    void add(const patch& group)
    {
        if (!group.pixels()) {
            return;
        }
        const int16_t number = int16_t(d_out.groups);
        paint(group, number);
        std::vector<row_span> times = times_on(group.row_use());
        merge_to(times, max_bursts);
        const size_t before = d_out.bursts.size();
        std::vector<pixel_run> gone;
        size_t judged = 0;
        for (const row_span& time : times) {
            judged += add_burst(group, time, number, gone);
        }
        if (!judged && times.size() > 1) {
            // a train of pulses, each too little to be judged alone
            add_burst(group, {times.front().first, times.back().end}, number, gone);
        }
        if (d_out.bursts.size() == before) {
            paint(group, mask_groups::none);
            return;
        }
        for (const pixel_run& run : gone) {
            int16_t* row = d_out.group_of.data() + run.row * d_view.frame.cols;
            std::fill(row + run.first, row + run.end, mask_groups::none);
        }
        d_out.groups++;
    }

    // A speck in the band of a group that is on at the time is part of it. Returns the others.
    std::vector<patch> add_specks(std::vector<patch>& groups)
    {
        std::vector<patch> others;
        std::vector<std::vector<size_t>> uses;
        for (const patch& group : groups) {
            uses.push_back(group.row_use());
        }
        for (patch& speck : d_specks) {
            const box& at = speck.around();
            const size_t first = at.first_row - std::min(at.first_row, closed_rows);
            const size_t end = std::min(at.end_row + closed_rows, d_view.frame.rows);
            size_t i = 0;
            for (; i < groups.size(); i++) {
                const auto begin = uses[i].begin();
                if (groups[i].low() <= at.first_col && at.end_col <= groups[i].high() &&
                    std::any_of(begin + std::ptrdiff_t(first),
                                begin + std::ptrdiff_t(end),
                                [](size_t n) { return n > 0; })) {
                    groups[i].absorb(std::move(speck));
                    break;
                }
            }
            if (i == groups.size()) {
                others.push_back(std::move(speck));
            }
        }
        return others;
    }

    const frame_view d_view;
    const power_meter& d_meter;
    const double d_looks;
    const size_t d_min_pixels, d_pause_rows;
    const std::vector<size_t>& d_scheduled;
    std::vector<patch> d_specks;
    mask_groups d_out;
};

} // namespace

mask_groups find_groups(const mask_frame& frame,
                        size_t classes,
                        double looks,
                        size_t min_pixels,
                        size_t pause_rows,
                        const std::vector<size_t>& scheduled)
{
    const size_t pixels = frame.rows * frame.cols;
    min_pixels = std::max<size_t>(min_pixels, 1);
    classes = std::clamp<size_t>(classes, 1, 256);
    size_t noise = 0, occupied = 0;
    for (size_t i = 0; i < pixels; i++) {
        noise += frame.mask[i] == 0;
        occupied += frame.mask[i] > 0 && frame.mask[i] < classes;
    }
    if (occupied < min_pixels) {
        mask_groups nothing;
        nothing.group_of.assign(pixels, mask_groups::none);
        return nothing;
    }
    looks = looks >= 1.0 ? looks : 1.0; // not a number, too
    const power_meter meter(frame, noise, looks);
    mask_frame ended = frame;
    std::vector<uint8_t> mask;
    if (meter.noise()) {
        mask = with_ends_at_signals(frame, meter.power(), *meter.noise(), looks);
        ended.mask = mask.data();
    }
    return finder(ended, classes, meter, looks, min_pixels, pause_rows, scheduled).find();
}

} // namespace radiofm
} // namespace gr
