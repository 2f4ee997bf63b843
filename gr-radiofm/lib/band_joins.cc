/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "band_joins.h"
#include <algorithm>

namespace gr {
namespace radiofm {

namespace {

// Bands are one when so much of the wider one is common to both.
constexpr double nearly_equal = 0.7;
// What lies within another band may reach out of it by so many columns, or this share of itself or
// of the wider one, whose edges are rarely in use; but most of it lies within.
constexpr double loose_columns = 2.0;
constexpr double loose_share = 0.1;
constexpr double least_within = 0.65;
// An emission of its own within a wider band: at least so many columns and rows (what is narrower
// is a line: a spur, or the receiver's own DC), at most this share of the wider one's columns, a
// box so full, of one label so purely, and so much stronger (6 dB).
constexpr size_t alone_columns = 5;
constexpr size_t alone_rows = 2;
constexpr double alone_width = 0.5;
constexpr double alone_solidity = 0.7;
constexpr double alone_purity = 0.8;
constexpr double alone_power = 4.0;
// As strong as the wider one it is an emission of its own, too, if it is not much less of it: a
// carrier is no part of a wide burst that came over it.
constexpr double alone_pixels = 0.5;

// A sender's shares of a carrier, side by side: of one label so purely, of levels that differ by no
// more than 6 dB; the smaller is on only while the other is, but for this share of its time, and so
// many of its beginnings and ends are the other's, too.
constexpr double share_purity = 0.8;
constexpr double share_level = 4.0;
constexpr double share_outside = 0.2;
constexpr double share_aligned = 0.5;
// Two carriers of synchronous cells are alike in all that: about equally wide, a guard band apart
constexpr double carrier_widths = 0.6;
constexpr double guard_least = 0.02;
constexpr double guard_most = 0.15;

// A hole in the band of an emission without a scheduler: a notch, a line that is left out
constexpr double hole = 0.5; // of the narrower part

// Pulses of a train are in one band, but for so many columns at each edge.
constexpr size_t pulse_edge = 1;

// A user's few resource blocks beside those of the others: so little of what the carrier is, as
// near to it, as a share of its columns or in columns
constexpr double fragment_pixels = 0.1;
constexpr double fragment_gap = 0.05;
constexpr double fragment_columns = 3.0;

// What a scheduler scatters over a carrier: each part is on for at most so much of the frame, less
// than the downlink of a carrier of its own, TDD or not.
constexpr double scattered_time = 0.4;

bool is_guard_band(const patch& a, const patch& b)
{
    const double narrow = double(std::min(a.width(), b.width()));
    const double wide = double(std::max(a.width(), b.width()));
    const double gap = double(std::max(a.low(), b.low())) - double(std::min(a.high(), b.high()));
    return narrow >= carrier_widths * wide && gap >= guard_least * wide && gap <= guard_most * wide;
}

bool is_aligned(const std::vector<row_span>& own, const std::vector<row_span>& others, size_t rows)
{
    size_t edges = 0, common = 0, on = 0, outside = 0;
    const auto near = [](size_t a, size_t b) { return a <= b + 1 && b <= a + 1; };
    for (const row_span& time : own) {
        size_t shared = 0;
        bool begins = false, ends = false;
        for (const row_span& other : others) {
            const size_t first = std::max(time.first, other.first);
            const size_t end = std::min(time.end, other.end);
            shared += end > first ? end - first : 0;
            begins = begins || (other.first > 0 && near(time.first, other.first));
            ends = ends || (other.end < rows && near(time.end, other.end));
        }
        on += time.end - time.first;
        outside += time.end - time.first - shared;
        if (time.first > 0) {
            edges++;
            common += begins;
        }
        if (time.end < rows) {
            edges++;
            common += ends;
        }
    }
    return common > 0 && double(common) >= share_aligned * double(edges) &&
           double(outside) <= share_outside * double(on);
}

bool is_alike(const patch& a, const patch& b)
{
    return a.label() == b.label() && a.purity() >= share_purity && b.purity() >= share_purity &&
           a.level() <= share_level * b.level() && b.level() <= share_level * a.level();
}

// Whether two patches are parts of one carrier whose users are sent to at the same times.
bool are_shares(const patch& a, const patch& b)
{
    if (!is_alike(a, b) || is_guard_band(a, b)) {
        return false;
    }
    const patch& small = a.pixels() <= b.pixels() ? a : b;
    const patch& large = &small == &a ? b : a;
    return is_aligned(small.times(), large.times(), a.view().frame.rows);
}

bool is_side_by_side(const patch& a, const patch& b)
{
    const double gap = double(std::max(a.low(), b.low())) - double(std::min(a.high(), b.high()));
    return gap <= hole * double(std::min(a.width(), b.width()));
}

bool is_fragment(const patch& a, const patch& b)
{
    const patch& small = a.pixels() <= b.pixels() ? a : b;
    const patch& large = &small == &a ? b : a;
    const double gap = double(std::max(a.low(), b.low())) - double(std::min(a.high(), b.high()));
    return a.label() == b.label() && small.purity() >= share_purity &&
           double(small.pixels()) <= fragment_pixels * double(large.pixels()) &&
           gap <= std::max(fragment_columns, fragment_gap * double(large.width()));
}

bool are_pulses(const patch& a, const patch& b)
{
    const auto near = [](size_t x, size_t y) { return x <= y + pulse_edge && y <= x + pulse_edge; };
    return a.label() == b.label() && near(a.low(), b.low()) && near(a.high(), b.high());
}

bool is_part_time(const patch& one)
{
    size_t on = 0;
    for (const row_span& time : one.times()) {
        on += time.end - time.first;
    }
    return double(on) <= scattered_time * double(one.view().frame.rows);
}

bool is_one_band(const patch& a, const patch& b)
{
    const patch& narrow = a.width() <= b.width() ? a : b;
    const patch& wide = &narrow == &a ? b : a;
    const double common = double(std::min(a.high(), b.high())) - double(std::max(a.low(), b.low()));
    if (common >= nearly_equal * double(wide.width())) {
        return true;
    }
    const double width = double(narrow.width());
    const double loose = std::max(loose_columns, loose_share * double(wide.width()));
    if (common < std::max(width - loose, least_within * width)) {
        return false;
    }
    return !stands_alone(narrow, wide, wide.strongest());
}

// Join two that are one, until there are none.
template <typename AreOne>
void join_pairs(std::vector<patch>& patches, AreOne&& are_one)
{
    for (bool is_changed = true; is_changed;) {
        is_changed = false;
        for (size_t i = 0; i < patches.size(); i++) {
            for (size_t j = patches.size() - 1; j > i; j--) {
                if (are_one(patches[i], patches[j])) {
                    patches[i].absorb(std::move(patches[j]));
                    patches[i].settle();
                    patches.erase(patches.begin() + std::ptrdiff_t(j));
                    is_changed = true;
                }
            }
        }
    }
}

} // namespace

bool stands_alone(const patch& narrow, const patch& wide, double level)
{
    return narrow.label() != wide.label() && narrow.purity() >= alone_purity &&
           narrow.solidity() >= alone_solidity && narrow.width() >= alone_columns &&
           narrow.around().height() >= alone_rows &&
           double(narrow.width()) <= alone_width * double(wide.width()) &&
           (narrow.level() >= alone_power * level ||
            double(narrow.pixels()) >= alone_pixels * double(wide.pixels()));
}

std::vector<patch> join_bands(std::vector<patch> patches, size_t most)
{
    std::stable_sort(patches.begin(), patches.end(), [](const patch& a, const patch& b) {
        return a.pixels() > b.pixels();
    });
    std::vector<patch> out;
    for (patch& part : patches) {
        const auto same = std::find_if(
            out.begin(), out.end(), [&part](const patch& one) { return is_one_band(part, one); });
        if (same != out.end()) {
            same->absorb(std::move(part));
            same->settle();
        } else if (out.size() < most) {
            out.push_back(std::move(part));
        }
    }
    if (out.size() < patches.size()) {
        // A band that grew may hold others now
        join_pairs(out, is_one_band);
    }
    return out;
}

std::vector<patch> join_shares(std::vector<patch> patches, const std::vector<size_t>& labels)
{
    join_pairs(patches, [&](const patch& a, const patch& b) {
        const bool is_scheduled =
            std::find(labels.begin(), labels.end(), a.label()) != labels.end();
        return ((is_scheduled || is_side_by_side(a, b)) && are_shares(a, b)) ||
               (is_scheduled && is_fragment(a, b));
    });
    return patches;
}

std::vector<patch> join_pulses(std::vector<patch> specks,
                               const std::vector<patch>& groups,
                               size_t min_pixels,
                               size_t most)
{
    const auto is_of_group = [&groups](const patch& train) {
        return std::any_of(groups.begin(), groups.end(), [&train](const patch& group) {
            return group.label() == train.label() && group.low() <= train.low() + pulse_edge &&
                   train.high() <= group.high() + pulse_edge;
        });
    };
    std::vector<patch> out;
    for (patch& speck : specks) {
        const auto same = std::find_if(out.begin(), out.end(), [&speck](const patch& train) {
            return are_pulses(train, speck);
        });
        if (same != out.end()) {
            same->absorb(std::move(speck));
            same->settle();
        } else if (out.size() < most) {
            out.push_back(std::move(speck));
        }
    }
    out.erase(std::remove_if(out.begin(),
                             out.end(),
                             [&](const patch& train) {
                                 return train.pixels() < min_pixels || is_of_group(train);
                             }),
              out.end());
    return out;
}

std::vector<patch> join_scattered(std::vector<patch> patches, const std::vector<size_t>& labels)
{
    const auto is_clear = [&patches](const patch& a, const patch& b) {
        const size_t low = std::min(a.low(), b.low()), high = std::max(a.high(), b.high());
        return std::none_of(patches.begin(), patches.end(), [&](const patch& other) {
            const size_t middle = (other.low() + other.high()) / 2;
            return other.label() != a.label() && low < middle && middle < high;
        });
    };
    join_pairs(patches, [&](const patch& a, const patch& b) {
        return std::find(labels.begin(), labels.end(), a.label()) != labels.end() &&
               is_alike(a, b) && is_part_time(a) && is_part_time(b) && !is_guard_band(a, b) &&
               is_clear(a, b);
    });
    return patches;
}

} // namespace radiofm
} // namespace gr
