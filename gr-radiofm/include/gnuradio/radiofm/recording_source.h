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
    uint64_t header_bytes = 0;     //!< in the file, between the segment before it and its samples

    //! Calls `visit(name, member pointer)` for each field.
    template <typename Visit>
    static void fields(Visit&& visit)
    {
        visit("sample_start", &recording_segment::sample_start);
        visit("center_frequency", &recording_segment::center_frequency);
        visit("time_s", &recording_segment::time_s);
        visit("time_frac", &recording_segment::time_frac);
        visit("header_bytes", &recording_segment::header_bytes);
    }
};

/*!
 * \brief What a recording source is made with. Python sets each of fields() by its name.
 */
struct RADIOFM_API recording_source_options
{
    std::string path;     //!< data file, or a pipe; "-": standard input
    std::string datatype; //!< SigMF's: cf32, cf64, ci32, cu32, ci16, cu16 + _le or _be, ci8, cu8;
                          //!< and ci24
    double sample_rate = 0.0;                //!< S/s
    uint64_t start_byte = 0;                 //!< bytes to skip at the file's start
    uint64_t n_samples = 0;                  //!< samples to play; 0: to the end
    std::vector<recording_segment> segments; //!< ascending; none: one at 0 Hz, 0 s
    bool repeat = false;                     //!< play for ever; time goes on
    bool real_time = false; //!< give each sample out when it would have been received, not before

    //! Calls `visit(name, member pointer)` for each field.
    template <typename Visit>
    static void fields(Visit&& visit)
    {
        visit("path", &recording_source_options::path);
        visit("datatype", &recording_source_options::datatype);
        visit("sample_rate", &recording_source_options::sample_rate);
        visit("start_byte", &recording_source_options::start_byte);
        visit("n_samples", &recording_source_options::n_samples);
        visit("segments", &recording_source_options::segments);
        visit("repeat", &recording_source_options::repeat);
        visit("real_time", &recording_source_options::real_time);
    }
};

/*!
 * \brief Plays a recording of complex samples; full scale becomes 1.0.
 *
 * Sets `rx_rate`, `rx_freq` and `rx_time` tags where a segment starts. After the last sample
 * comes one zero sample with the tag `radiofm_end`, so that a framer can emit a partial frame.
 * A sample that is not finite or a read error ends the recording there; error() then tells.
 *
 * A pipe or standard input is played as its samples come, to its end.
 */
class RADIOFM_API recording_source : virtual public gr::sync_block
{
public:
    typedef std::shared_ptr<recording_source> sptr;

    //! \throws std::invalid_argument, std::runtime_error: one line that names the value
    static sptr make(const recording_source_options& options);

    virtual uint64_t progress() const = 0;  //!< samples played so far, over all repetitions
    virtual uint64_t n_samples() const = 0; //!< samples in the recording; 0: not known of a pipe
    virtual std::string error() const = 0;  //!< why the recording ended early; or empty
};

} // namespace radiofm
} // namespace gr
