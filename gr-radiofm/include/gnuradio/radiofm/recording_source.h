/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <cstdint>
#include <gnuradio/radiofm/api.h>
#include <gnuradio/sync_block.h>
#include <memory>
#include <string>
#include <vector>

namespace gr {
namespace radiofm {

/*!
 * \brief A stretch of a recording with one centre frequency and a known start time.
 */
struct RADIOFM_API recording_segment
{
    uint64_t sample_start = 0;     //!< first sample, counted from the recording's first
    double center_frequency = 0.0; //!< Hz
    uint64_t time_s = 0;           //!< whole seconds of the first sample's time
    double time_frac = 0.0;        //!< and the rest of a second
};

/*!
 * \brief Plays a recording of complex samples; full scale becomes 1.0.
 *
 * Sets `rx_rate`, `rx_freq` and `rx_time` tags where a segment starts. After the last sample
 * comes one zero sample with the tag `radiofm_end`, so that a framer can emit a partial frame.
 * A sample that is not finite or a read error ends the recording there; error() then tells.
 */
class RADIOFM_API recording_source : virtual public gr::sync_block
{
public:
    typedef std::shared_ptr<recording_source> sptr;

    /*!
     * \param path data file
     * \param datatype SigMF's name: cf32, cf64, ci32, cu32, ci16, cu16 with _le or _be, ci8, cu8
     * \param sample_rate S/s
     * \param start_byte bytes to skip at the file's start
     * \param n_samples samples to play; 0: to the file's end
     * \param segments ascending in sample_start; none: one at 0 Hz, 0 s
     * \param repeat play for ever; time goes on
     * \param real_time give each sample out when it would have been received, not before
     * \throws std::invalid_argument, std::runtime_error: one line that names the value
     */
    static sptr make(const std::string& path,
                     const std::string& datatype,
                     double sample_rate,
                     uint64_t start_byte = 0,
                     uint64_t n_samples = 0,
                     const std::vector<recording_segment>& segments = {},
                     bool repeat = false,
                     bool real_time = false);

    virtual uint64_t progress() const = 0;  //!< samples played so far, over all repetitions
    virtual uint64_t n_samples() const = 0; //!< samples in the recording
    virtual std::string error() const = 0;  //!< why the recording ended early; or empty
};

} // namespace radiofm
} // namespace gr
