/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/radiofm/api.h>
#include <gnuradio/radiofm/sample_pipe.h>
#include <gnuradio/sync_block.h>
#include <memory>

namespace gr {
namespace radiofm {

/*!
 * \brief What a pipe sink is made with. Python sets each of fields() by its name.
 */
struct RADIOFM_API pipe_sink_options
{
    double sample_rate = 0.0;      //!< S/s, until an `rx_rate` tag says otherwise
    double center_frequency = 0.0; //!< Hz, until an `rx_freq` tag says otherwise
    double frequency_scale = 1.0;  //!< by which what an `rx_freq` tag says is multiplied
    bool host_time = true;   //!< the host's clock gives the date where `rx_time` tags tell none
    double date_span = 10.0; //!< s, over which the date is compared with the host's clock
    bool gate_open = true;   //!< take all samples; or only those that begin_burst() asks for

    //! Calls `visit(name, member pointer)` for each field.
    template <typename Visit>
    static void fields(Visit&& visit)
    {
        visit("sample_rate", &pipe_sink_options::sample_rate);
        visit("center_frequency", &pipe_sink_options::center_frequency);
        visit("frequency_scale", &pipe_sink_options::frequency_scale);
        visit("host_time", &pipe_sink_options::host_time);
        visit("date_span", &pipe_sink_options::date_span);
        visit("gate_open", &pipe_sink_options::gate_open);
    }
};

/*!
 * \brief Puts the samples of a receiver into a pipe: all, or bursts of them.
 *
 * Follows `rx_time`, `rx_rate` and `rx_freq` tags. Where no tag tells the date, the first sample
 * has the host's time; a date that differs from the host's by more than a second for `date_span`
 * (lost samples, a receiver's clock, a host's clock that was set) is set anew. A device's time
 * since it was switched on tells of gaps.
 *
 * Samples that find no room in the pipe are dropped and counted; more are taken once it is half
 * empty.
 */
class RADIOFM_API pipe_sink : virtual public gr::sync_block
{
public:
    typedef std::shared_ptr<pipe_sink> sptr;

    //! \throws std::invalid_argument if the sample rate cannot be
    static sptr make(const sample_pipe::sptr& pipe, const pipe_sink_options& options);

    //! From the next sample on the centre frequency is another (Hz).
    virtual void set_center_frequency(double center_frequency) = 0;

    //! Takes `samples` after skipping `settle_samples`, and as much time, of those that come from
    //! now on, and ends them; the frequency (Hz) is theirs.
    virtual void
    begin_burst(double center_frequency, uint64_t settle_samples, uint64_t samples) = 0;

    //! Whether a burst is under way.
    virtual bool in_burst() const = 0;

    //! Puts nothing more into the pipe, and ends what was put in.
    virtual void finish() = 0;

    virtual uint64_t received() const = 0; //!< samples that came
    virtual uint64_t dropped() const = 0;  //!< of them, found no room in the pipe
};

} // namespace radiofm
} // namespace gr
