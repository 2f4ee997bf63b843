/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gnuradio/block.h>
#include <gnuradio/radiofm/sample_clock.h>
#include <gnuradio/tags.h>
#include <vector>

namespace gr {
namespace radiofm {

//! What the tags at one sample say of how the samples from there on were received.
struct stream_change
{
    bool end = false; // none come
    bool rate = false, frequency = false, time = false;
    double new_rate = 0.0, new_frequency = 0.0;
    sample_time new_time;
    //! An end and a new beginning at one sample: the new beginning counts.
    bool begins() const { return rate || frequency || time; }
};

//! Reads rx_rate, rx_freq, rx_time and radiofm_end of a stretch of samples, in their order. A tag
//! that holds anything else than it should is ignored, and told once.
class stream_changes
{
public:
    //! `takes_rate`: whether an rx_rate can be followed.
    explicit stream_changes(bool (*takes_rate)(double) = nullptr) : d_takes_rate(takes_rate) {}

    //! The tags of the next stretch, to be filled in, in any order; then call sort().
    std::vector<gr::tag_t>& tags() { return d_tags; }
    void sort();

    //! Whether there are tags at sample `offset`, of which no earlier one has tags left.
    bool is_at(uint64_t offset) const;

    //! What they say; the tags that come after them are next.
    stream_change read(uint64_t offset, gr::logger& log);

    //! The first sample from which on there may be another change; `end` without one before.
    uint64_t next(uint64_t end) const;

private:
    bool (*d_takes_rate)(double);
    std::vector<gr::tag_t> d_tags;
    size_t d_next = 0;
    bool d_complained = false;
};

} // namespace radiofm
} // namespace gr
