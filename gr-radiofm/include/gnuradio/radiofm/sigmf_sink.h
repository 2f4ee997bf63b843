/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/radiofm/api.h>
#include <gnuradio/radiofm/sample_store.h>
#include <gnuradio/sync_block.h>
#include <memory>
#include <string>

namespace gr {
namespace radiofm {

/*!
 * \brief What a SigMF sink is made with. Python sets each of fields() by its name.
 */
struct RADIOFM_API sigmf_sink_options
{
    std::string datatype = "cf32_le"; //!< SigMF's: cf32_le, ci16_le or ci8
    double sample_rate = 0.0;         //!< S/s, until an `rx_rate` tag says otherwise
    double center_frequency = 0.0;    //!< Hz, until an `rx_freq` tag says otherwise
    double history = 0.0;             //!< s that are kept; 0: all samples wait to be written
    uint64_t memory_limit = 0;        //!< bytes that samples may take in memory
    bool drop = false; //!< where all samples are to be written: drop new ones while memory is full

    //! Calls `visit(name, member pointer)` for each field.
    template <typename Visit>
    static void fields(Visit&& visit)
    {
        visit("datatype", &sigmf_sink_options::datatype);
        visit("sample_rate", &sigmf_sink_options::sample_rate);
        visit("center_frequency", &sigmf_sink_options::center_frequency);
        visit("history", &sigmf_sink_options::history);
        visit("memory_limit", &sigmf_sink_options::memory_limit);
        visit("drop", &sigmf_sink_options::drop);
    }
};

/*!
 * \brief Takes complex samples into a sample_store, from which files are written.
 *
 * Input: complex samples, full scale 1.0. It follows `rx_rate`, `rx_freq` and `rx_time` tags as the
 * spectrogram framer does: a retune, a gap in time, a change of rate and what follows
 * `radiofm_end` begin a new stretch; after `radiofm_end` samples are skipped until the next rx_*
 * tag. Until an `rx_time` tag comes, times are those of the computer's clock.
 *
 * With a history, a change of rate forgets the samples before it. Without one, a full store holds
 * the flowgraph up, or (`drop`) new samples are dropped and counted.
 *
 * The message port `stream` carries one message at a run's beginning, when what the store held of
 * an earlier run is gone; GNU Radio tells who subscribes when the stream has ended.
 */
class RADIOFM_API sigmf_sink : virtual public gr::sync_block
{
public:
    typedef std::shared_ptr<sigmf_sink> sptr;

    //! \throws std::invalid_argument: one line that names the value
    static sptr make(const sigmf_sink_options& options);

    //! Sets the sample rate (S/s) of streams without `rx_rate` tags.
    //! \throws std::invalid_argument if it is below 1 S/s
    virtual void set_sample_rate(double sample_rate) = 0;
    //! Sets the centre frequency (Hz) of streams without `rx_freq` tags.
    virtual void set_center_frequency(double center_frequency) = 0;

    virtual double sample_rate() const = 0;      //!< S/s, as in force now
    virtual double center_frequency() const = 0; //!< Hz, as in force now
    virtual uint64_t position() const = 0;       //!< samples of the stream that came so far
    virtual uint64_t dropped() const = 0;        //!< samples that found no room
    virtual uint64_t clipped() const = 0;        //!< samples beyond full scale

    //! What is held.
    virtual std::shared_ptr<sample_store> store() const = 0;
};

} // namespace radiofm
} // namespace gr
