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
#include <string>
#include <vector>

namespace gr {
namespace radiofm {

struct sample_encoder;

/*!
 * \brief Where a stretch of samples lies in the stream, and how it was received.
 */
struct sample_stretch
{
    uint64_t offset = 0;           //!< of its first sample, counted from the stream's first
    uint64_t samples = 0;          //!< how many
    double sample_rate = 0.0;      //!< S/s
    double center_frequency = 0.0; //!< Hz
    sample_time time;              //!< of its first sample
    bool begins = false;           //!< a retune, a gap in time or the stream's beginning precedes

    //! Drops the first `n` samples.
    void skip(uint64_t n);
};

/*!
 * \brief What became of samples that were to be written.
 */
struct written_samples
{
    std::vector<sample_stretch> stretches; //!< in the file now, in order
    uint64_t lost = 0;                     //!< taken out of the store, but not in the file
    std::string error;                     //!< why; or empty
};

/*!
 * \brief Samples between a flowgraph and its files, encoded as the files hold them.
 *
 * Holds a bounded number of bytes. When that is full, it either takes no more until samples were
 * written (a queue), or forgets the oldest ones (a history). One thread puts samples in; others
 * may take them out at the same time.
 */
class RADIOFM_API sample_store
{
public:
    /*!
     * \param datatype SigMF's name of a format that sample_encoder knows
     * \param most_bytes held at most, though not less than two small chunks
     * \param most_samples of a history: how many are of interest; 0 makes a queue
     * \throws std::invalid_argument for an unknown datatype
     */
    sample_store(const std::string& datatype, uint64_t most_bytes, uint64_t most_samples = 0);
    ~sample_store();
    sample_store(const sample_store&) = delete;
    sample_store& operator=(const sample_store&) = delete;

    //! Puts up to `n` samples in; `first` tells of the first one. Returns how many found room: a
    //! history takes all. `clipped` is increased by those that had to be clipped.
    size_t push(const gr_complex* in, size_t n, const sample_stretch& first, uint64_t& clipped);

    //! Waits up to `seconds` until there is room; whether there is.
    bool wait_for_room(double seconds);

    //! Forgets all samples; more may be put in, also after end().
    void clear();

    //! No more samples will be put in.
    void end();

    //! Changes how many samples of a history are of interest.
    void set_most_samples(uint64_t most_samples);

    bool ended() const;          //!< whether end() was called
    uint64_t samples() const;    //!< held now
    size_t sample_bytes() const; //!< of one sample

    //! Waits up to `seconds` for a good portion of samples, or the end; returns samples().
    uint64_t wait(double seconds);

    //! Tells of the oldest sample held; false if there is none.
    bool oldest(sample_stretch& about) const;

    /*!
     * \brief Takes samples out, the oldest first, and writes them to a file.
     *
     * Ends after `most_samples`, when none are left, before the first one at another sample rate,
     * or after about `most_seconds`. After an error the file holds what was written before, in
     * whole samples.
     * \param descriptor of a regular file, open for writing, at its end
     */
    written_samples write_to(int descriptor, uint64_t most_samples, double most_seconds);

    //! Takes all samples out and drops them; returns how many.
    uint64_t discard();

    //! The newest samples, up to so many, as a store of their own that has ended. The memory is
    //! shared.
    std::shared_ptr<sample_store> newest(uint64_t most_samples);

private:
    struct chunk;
    using chunk_ptr = std::shared_ptr<chunk>;

    explicit sample_store(const sample_encoder& encoder);
    chunk& room_for(const sample_stretch& first);
    chunk_ptr make_chunk(size_t bytes);
    void drop_oldest();
    void recycle(chunk_ptr&& done);
    bool is_portion() const;
    bool take(uint64_t most, chunk_ptr& from, uint64_t& first, sample_stretch& about);
    sample_stretch front() const;

    const sample_encoder& d_encoder;
    const uint64_t d_most_bytes;
    uint64_t d_most_samples;

    mutable std::mutex d_mutex;
    std::condition_variable d_filled, d_emptied;
    std::deque<chunk_ptr> d_chunks; // the oldest first
    uint64_t d_used = 0;            // samples of the oldest chunk that were taken out
    uint64_t d_samples = 0;
    uint64_t d_bytes = 0;    // of the chunks
    size_t d_next_bytes = 0; // of the next chunk
    double d_last_rate = 0.0;
    bool d_sealed = false; // the newest chunk is read elsewhere: nothing may be added to it
    bool d_ended = false;
    std::vector<chunk_ptr> d_free; // to be used again: new memory costs time
};

} // namespace radiofm
} // namespace gr
