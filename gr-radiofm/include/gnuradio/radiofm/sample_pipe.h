/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <gnuradio/gr_complex.h>
#include <gnuradio/radiofm/api.h>
#include <gnuradio/radiofm/sample_clock.h>
#include <memory>
#include <mutex>
#include <vector>

namespace gr {
namespace radiofm {

/*!
 * \brief What is new from a sample on, or that the samples before it were the last for now.
 */
struct sample_mark
{
    uint64_t offset = 0;           //!< of the sample in the pipe's stream
    bool end = false;              //!< the sample is none: it marks the end of those before it
    double sample_rate = 0.0;      //!< S/s
    double center_frequency = 0.0; //!< Hz
    sample_time time;              //!< of the sample
};

/*!
 * \brief A bounded queue of samples between two flowgraphs, one of which may come and go.
 *
 * Its stream is one for all writers, which follow each other: each begins with mark(), and what it
 * left open is ended by end(), which adds one zero sample. One thread reads.
 */
class RADIOFM_API sample_pipe
{
public:
    typedef std::shared_ptr<sample_pipe> sptr;

    //! \param capacity samples held at most
    //! \throws std::invalid_argument if it is below 2
    explicit sample_pipe(uint64_t capacity);
    sample_pipe(const sample_pipe&) = delete;
    sample_pipe& operator=(const sample_pipe&) = delete;

    uint64_t capacity() const { return d_ring.size(); }

    //! Tells of the next sample that is pushed.
    void mark(const sample_mark& about);

    //! Puts up to `n` samples in; how many found room.
    size_t push(const gr_complex* in, size_t n);

    //! Ends the samples that were pushed since the last end, if there are any.
    void end();

    //! No more samples will come; those that are there can still be taken.
    void close();

    //! Takes up to `n` samples out, with the marks on them, after waiting up to `seconds` for one.
    size_t take(gr_complex* out, size_t n, std::vector<sample_mark>& marks, double seconds);

    bool closed() const;       //!< close() was called, and all samples are taken
    uint64_t waiting() const;  //!< samples that are there
    uint64_t pushed() const;   //!< put in so far, zero samples at ends included
    uint64_t begun_at() const; //!< offset of the newest mark() that was followed by a sample

    //! Time up to which samples were pushed, by the newest mark() that was followed by one; 0:
    //! none.
    sample_time reached() const;

private:
    mutable std::mutex d_mutex;
    std::condition_variable d_filled;
    std::vector<gr_complex> d_ring;
    std::deque<sample_mark> d_marks; // of samples that are there
    sample_mark d_next;              // of the next sample, if d_has_next
    sample_mark d_begun;             // the newest that was followed by a sample
    bool d_has_next = false;
    bool d_open = false; // samples were pushed since the last end: one place is kept for its mark
    bool d_closed = false;
    uint64_t d_pushed = 0;
    uint64_t d_taken = 0;
};

} // namespace radiofm
} // namespace gr
