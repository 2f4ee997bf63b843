/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/block.h>
#include <gnuradio/radiofm/api.h>
#include <gnuradio/radiofm/spectrogram_spec.h>
#include <memory>

namespace gr {
namespace radiofm {

/*!
 * \brief What a framer is made with. Python sets each of fields() by its name.
 */
struct RADIOFM_API spectrogram_framer_options
{
    double sample_rate = 0.0;      //!< S/s, 1 or more, until an `rx_rate` tag says otherwise
    double center_frequency = 0.0; //!< Hz, until an `rx_freq` tag says otherwise
    double frame_duration = 20e-3; //!< wanted, of a frame, s; held within the spec's limits
    spectrogram_spec spec;         //!< what a frame is

    //! Calls `visit(name, member pointer)` for each field.
    template <typename Visit>
    static void fields(Visit&& visit)
    {
        visit("sample_rate", &spectrogram_framer_options::sample_rate);
        visit("center_frequency", &spectrogram_framer_options::center_frequency);
        visit("frame_duration", &spectrogram_framer_options::frame_duration);
        visit("spec", &spectrogram_framer_options::spec);
    }
};

/*!
 * \brief Cuts a complex stream into spectrogram frames.
 *
 * Input: complex samples, full scale 1.0. Output (may stay unconnected): one vector of
 * `spec.frame_floats()` floats per frame: power (channel, row, column) in dB, then evidence (lag,
 * real and imaginary part, cell row, cell column), NaN where a lag cannot be judged. Each has a tag
 * `frame` that holds the frame's dict (keys.h). Message port `frames`: the same as PDUs, valid rows
 * only, built only while something is subscribed; message ports have no back-pressure.
 *
 * Message port `command`: what a receiver is told (a dict, or a pair of key and value) as its own
 * port takes it: the value of `freq` (Hz) is taken as by set_center_frequency(). Not every receiver
 * tells a retune by an `rx_freq` tag.
 *
 * Evidence looks back, beyond a frame's beginning, as far as the stream has neither a gap nor one
 * of the changes below.
 *
 * A frame never spans a change of `rx_freq` or `rx_rate`, an `rx_time` that differs from the
 * expected time by more than half a sample, or the tag `radiofm_end`: there it is emitted with
 * its whole rows only (`rows` in its dict), the rest of the power at the spec's floor.
 * After `radiofm_end`, samples are skipped until the next rx_* tag.
 *
 * A frame is sent once the next one has a whole row (or the stream ends): so much later it is
 * certain that the next one will be sent too, or that this one is the last before `radiofm_end`,
 * which its dict then says (`last`).
 */
class RADIOFM_API spectrogram_framer : virtual public gr::block
{
public:
    typedef std::shared_ptr<spectrogram_framer> sptr;

    //! A sample rate that the spec does not serve is none of the stream's yet: if its first samples
    //! have no `rx_rate` tag, the block says so in one line and is done.
    //! \throws std::invalid_argument if the sample rate or the frame duration cannot be
    static sptr make(const spectrogram_framer_options& options);

    //! Sets the sample rate (S/s), until the next `rx_rate` tag; cuts the frame if it is another.
    //! \throws std::invalid_argument if the spec does not serve it
    virtual void set_sample_rate(double sample_rate) = 0;

    //! Sets the centre frequency (Hz), until the next `rx_freq` tag; cuts the frame if it is
    //! another.
    //! \throws std::invalid_argument if it is not finite
    virtual void set_center_frequency(double center_frequency) = 0;

    //! Sets the wanted length of frames (s) from the next frame on, whose evidence begins anew.
    //! \throws std::invalid_argument if it is not above zero
    virtual void set_frame_duration(double frame_duration) = 0;

    virtual double sample_rate() const = 0;      //!< S/s, as in force now
    virtual double center_frequency() const = 0; //!< Hz, as in force now
    virtual uint64_t row_samples() const = 0;    //!< samples that one row covers
    virtual uint64_t frame_samples() const = 0;  //!< samples that one frame covers

    virtual uint64_t frames() const = 0;            //!< frames emitted
    virtual uint64_t cut_samples() const = 0;       //!< left over at cuts and at the end
    virtual uint64_t ignored_samples() const = 0;   //!< came at a rate that is not served
    virtual uint64_t nonfinite_samples() const = 0; //!< not finite (or above 1e15): taken as 0
};

} // namespace radiofm
} // namespace gr
