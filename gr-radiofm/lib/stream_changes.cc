/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_changes.h"
#include "tag_values.h"
#include <algorithm>
#include <gnuradio/radiofm/keys.h>

namespace gr {
namespace radiofm {

void stream_changes::sort()
{
    std::stable_sort(d_tags.begin(), d_tags.end(), gr::tag_t::offset_compare);
    d_next = 0;
}

bool stream_changes::is_at(uint64_t offset) const
{
    return d_next < d_tags.size() && d_tags[d_next].offset == offset;
}

stream_change stream_changes::read(uint64_t offset, gr::logger& log)
{
    static const pmt::pmt_t rate = pmt::mp(keys::TAG_RX_RATE);
    static const pmt::pmt_t frequency = pmt::mp(keys::TAG_RX_FREQ);
    static const pmt::pmt_t time = pmt::mp(keys::TAG_RX_TIME);
    static const pmt::pmt_t end = pmt::mp(keys::TAG_END);
    stream_change here;
    for (; is_at(offset); d_next++) {
        const gr::tag_t& tag = d_tags[d_next];
        bool understood = true;
        if (pmt::eq(tag.key, rate)) {
            understood = here.rate = as_finite(tag.value, here.new_rate) &&
                                     (!d_takes_rate || d_takes_rate(here.new_rate));
        } else if (pmt::eq(tag.key, frequency)) {
            understood = here.frequency = as_finite(tag.value, here.new_frequency);
        } else if (pmt::eq(tag.key, time)) {
            understood = here.time = as_time(tag.value, here.new_time);
        } else if (pmt::eq(tag.key, end)) {
            here.end = true;
        }
        if (!understood && !d_complained) {
            log.warn("tag {:s} with value {:s} at sample {:d} is invalid and ignored "
                     "(reported once)",
                     pmt::symbol_to_string(tag.key),
                     pmt::write_string(tag.value),
                     tag.offset);
            d_complained = true;
        }
    }
    return here;
}

uint64_t stream_changes::next(uint64_t end) const
{
    return d_next < d_tags.size() ? d_tags[d_next].offset : end;
}

} // namespace radiofm
} // namespace gr
