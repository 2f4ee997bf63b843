/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writers that come and go put samples into a pipe, and one reader takes them out: what comes out
 * is what went in, in order, and each mark is on the sample that it was put before.
 */
#include "input.h"
#include <deque>
#include <gnuradio/radiofm/sample_pipe.h>

using gr::radiofm::sample_mark;
using gr::radiofm::sample_pipe;

namespace {

constexpr size_t most_pushed = 600;

// What is in the pipe: samples by their numbers, 0 for an end; and the offsets of marks and ends.
struct model
{
    std::deque<uint64_t> held;
    std::deque<uint64_t> marks, ends;
    uint64_t next = 1;
    uint64_t pushed = 0, taken = 0;
    bool has_mark = false, is_open = false, is_closed = false;
};

void push(input& in, sample_pipe& pipe, model& known)
{
    const size_t n = in.below(most_pushed);
    std::vector<gr_complex> samples(n);
    for (size_t i = 0; i < n; i++) {
        samples[i] = float(known.next + i);
    }
    const size_t taken = pipe.push(samples.data(), n);
    const uint64_t free = pipe.capacity() - std::min(pipe.capacity(), known.held.size() + 1);
    PROMISE(taken == (known.is_closed ? 0 : std::min<uint64_t>(n, free)));
    if (taken > 0 && known.has_mark) {
        known.marks.push_back(known.pushed);
        known.has_mark = false;
        PROMISE(pipe.begun_at() == known.pushed);
    }
    for (size_t i = 0; i < taken; i++) {
        known.held.push_back(known.next + i);
    }
    known.next += n;
    known.pushed += taken;
    known.is_open = known.is_open || taken > 0;
}

void end(sample_pipe& pipe, model& known, bool is_last)
{
    is_last ? pipe.close() : pipe.end();
    if (known.is_open && !known.is_closed) {
        known.ends.push_back(known.pushed++);
        known.held.push_back(0);
        known.is_open = false;
    }
    known.is_closed = known.is_closed || is_last;
}

void take(input& in, sample_pipe& pipe, model& known)
{
    std::vector<gr_complex> out(in.below(2 * most_pushed));
    std::vector<sample_mark> marks;
    const size_t taken = pipe.take(out.data(), out.size(), marks, 0.0);
    PROMISE(taken == std::min(out.size(), known.held.size()));
    for (size_t i = 0; i < taken; i++) {
        PROMISE(out[i] == gr_complex(float(known.held.front())));
        known.held.pop_front();
    }
    known.taken += taken;
    for (const sample_mark& mark : marks) {
        std::deque<uint64_t>& expected = mark.end ? known.ends : known.marks;
        PROMISE(!expected.empty() && expected.front() == mark.offset);
        PROMISE(mark.offset < known.taken);
        expected.pop_front();
    }
    PROMISE(known.ends.empty() || known.ends.front() >= known.taken);
    PROMISE(known.marks.empty() || known.marks.front() >= known.taken);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    input in(data, size);
    sample_pipe pipe(2 + in.below(1000));
    model known;
    while (!in.empty()) {
        switch (in.take<uint8_t>() % 8) {
        case 0:
            pipe.mark({});
            known.has_mark = true;
            break;
        case 1:
            end(pipe, known, false);
            break;
        case 2:
            end(pipe, known, in.take<uint8_t>() % 16 == 0);
            break;
        case 3:
        case 4:
        case 5:
            push(in, pipe, known);
            break;
        default:
            take(in, pipe, known);
        }
        PROMISE(pipe.pushed() == known.pushed && pipe.waiting() == known.held.size());
        PROMISE(pipe.closed() == (known.is_closed && known.held.empty()));
    }
    return 0;
}
