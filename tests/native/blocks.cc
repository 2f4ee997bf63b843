/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blocks in flowgraphs: a recording of any bytes, and a stream with any tags in chunks of any
 * length, both into the framer; such a stream into the SigMF sink.
 */
#include "input.h"
#include <cmath>
#include <fstream>
#include <gnuradio/io_signature.h>
#include <gnuradio/logger.h>
#include <gnuradio/radiofm/keys.h>
#include <gnuradio/radiofm/recording_source.h>
#include <gnuradio/radiofm/sigmf_sink.h>
#include <gnuradio/radiofm/spectrogram_framer.h>
#include <gnuradio/sync_block.h>
#include <gnuradio/top_block.h>
#include <stdexcept>
#include <unistd.h>

namespace keys = gr::radiofm::keys;
using gr::radiofm::recording_segment;
using gr::radiofm::recording_source;
using gr::radiofm::sigmf_sink;
using gr::radiofm::spectrogram_framer;
using gr::radiofm::spectrogram_spec;

namespace {

constexpr double usual_rate = 1.92e6;
constexpr size_t most_samples = 4096;

spectrogram_spec small_spec()
{
    spectrogram_spec spec;
    spec.fft_size = 16;
    spec.hop = 8;
    spec.rows = 16;
    spec.peak = true;
    return spec;
}

// Frames of four cells; a lag within them, one over several and one that cannot be judged.
spectrogram_spec spec_with_evidence()
{
    spectrogram_spec spec;
    spec.fft_size = 32;
    spec.hop = 32;
    spec.rows = 8;
    spec.row_multiple = 2;
    spec.row_duration_min = 0.0;
    spec.evidence_lags = {33e-6, 1e-3, 3.2e-6};
    return spec;
}

// Samples and tags as an input tells.
class told_source : public gr::sync_block
{
public:
    explicit told_source(input& in)
        : gr::sync_block("told_source",
                         gr::io_signature::make(0, 0, 0),
                         gr::io_signature::make(1, 1, sizeof(gr_complex))),
          d_in(in)
    {
    }

    int work(int noutput_items, gr_vector_const_void_star&, gr_vector_void_star& outputs) override
    {
        if (d_in.empty() || nitems_written(0) > most_samples) {
            return WORK_DONE;
        }
        const size_t n = std::min(size_t(noutput_items), 1 + d_in.below(200));
        auto* out = static_cast<gr_complex*>(outputs[0]);
        for (size_t i = 0; i < n; i++) {
            out[i] = {d_in.part(), d_in.part()};
        }
        for (size_t tags = d_in.take<uint8_t>() % 4; tags > 0; tags--) {
            constexpr const char* names[] = {
                keys::TAG_RX_RATE, keys::TAG_RX_FREQ, keys::TAG_RX_TIME, keys::TAG_END, "other"};
            const pmt::pmt_t name = pmt::mp(d_in.one_of(names));
            add_item_tag(0, nitems_written(0) + d_in.below(n), name, value(0));
        }
        return int(n);
    }

private:
    pmt::pmt_t value(int depth)
    {
        switch (d_in.take<uint8_t>() % (depth ? 5 : 8)) {
        case 0:
            return pmt::from_double(d_in.number(usual_rate));
        case 1:
            return pmt::from_uint64(d_in.take<uint64_t>());
        case 2:
            return pmt::from_long(long(d_in.take<int64_t>()));
        case 3:
            return pmt::mp("text");
        case 4:
            return pmt::from_complex(d_in.number(1.0), d_in.number(1.0));
        case 5:
            return pmt::PMT_NIL;
        case 6:
            return pmt::make_tuple(value(1));
        default:
            return pmt::make_tuple(value(1), value(1));
        }
    }

    input& d_in;
};

// Frames must hold finite levels, and coherences up to 1 or none.
class frame_check : public gr::sync_block
{
public:
    explicit frame_check(const spectrogram_spec& spec)
        : gr::sync_block("frame_check",
                         gr::io_signature::make(1, 1, int(spec.frame_floats() * sizeof(float))),
                         gr::io_signature::make(0, 0, 0)),
          d_power(spec.power_floats()),
          d_floats(spec.frame_floats())
    {
    }

    int work(int noutput_items, gr_vector_const_void_star& inputs, gr_vector_void_star&) override
    {
        const auto* levels = static_cast<const float*>(inputs[0]);
        for (size_t i = 0; i < size_t(noutput_items) * d_floats; i++) {
            const bool is_power = i % d_floats < d_power;
            PROMISE(is_power ? std::isfinite(levels[i]) : !(std::fabs(levels[i]) > 1.001f));
        }
        return noutput_items;
    }

private:
    const size_t d_power;
    const size_t d_floats;
};

void run(const gr::basic_block_sptr& source, const spectrogram_spec& spec)
{
    const auto framer = spectrogram_framer::make({usual_rate, 0.0, 1e-3, spec});
    const auto check = gnuradio::make_block_sptr<frame_check>(spec);
    const auto top = gr::make_top_block("checked");
    top->connect(source, 0, framer, 0);
    top->connect(framer, 0, check, 0);
    top->run();
}

// What was neither dropped nor forgotten comes out of the sink.
void write_samples(input& in)
{
    constexpr const char* types[] = {"cf32_le", "ci16_le", "ci8"};
    const char* type = in.one_of(types);
    const double history = in.take<uint8_t>() % 2 ? in.number(1e-3) : 0.0;
    std::shared_ptr<sigmf_sink> sink;
    try {
        sink = sigmf_sink::make({type, usual_rate, in.number(1e9), history, 1 << 16, true});
    } catch (const std::invalid_argument& refused) {
        PROMISE(std::strlen(refused.what()) > 0);
        return;
    }
    const auto source = gnuradio::make_block_sptr<told_source>(in);
    const auto top = gr::make_top_block("checked");
    top->connect(source, 0, sink, 0);
    top->run();
    FILE* file = std::tmpfile();
    PROMISE(file && sink->store()->ended());
    uint64_t written = 0, held = sink->store()->samples();
    while (sink->store()->samples() > 0) {
        uint64_t next = 0;
        const auto done = sink->store()->write_to(fileno(file), held, 10.0);
        PROMISE(done.error.empty() && !done.stretches.empty());
        for (const gr::radiofm::sample_stretch& one : done.stretches) {
            PROMISE(one.offset >= next && std::isfinite(one.center_frequency));
            PROMISE(one.sample_rate == done.stretches[0].sample_rate && one.sample_rate >= 1.0);
            PROMISE(one.time.fraction >= 0 && one.time.fraction < 1);
            next = one.offset + one.samples;
            written += one.samples;
        }
    }
    std::fclose(file);
    PROMISE(written == held && held + sink->dropped() <= sink->position());
}

void play_recording(input& in)
{
    constexpr const char* types[] = {"cf32_le", "cf64_be", "ci16_le", "cu8", "ci24_be"};
    const std::string path = "/tmp/radiofm-native-" + std::to_string(getpid());
    const std::string type = in.one_of(types);
    const uint64_t start_byte = in.below(20), n_samples = in.below(9) * 100;
    const double rate = in.number(usual_rate);
    std::vector<recording_segment> segments;
    for (size_t count = in.take<uint8_t>() % 4; count > 0; count--) {
        const double frequency = in.number(1e9), fraction = in.number(0.3);
        const uint64_t start = in.below(50) * 10, header = in.below(4) * 30;
        segments.push_back({start, frequency, in.take<uint64_t>(), fraction, header});
    }
    {
        std::ofstream file(path, std::ios::binary);
        while (!in.empty()) {
            file.put(char(in.take<uint8_t>()));
        }
    }
    try {
        run(recording_source::make({path, type, rate, start_byte, n_samples, segments}),
            small_spec());
    } catch (const std::invalid_argument& refused) {
        PROMISE(std::strlen(refused.what()) > 0);
    }
    unlink(path.c_str());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    // rates that a model does not serve are reported, once an input
    gr::logging::singleton().set_default_level(gr::log_level::off);
    input in(data, size);
    const uint8_t way = in.take<uint8_t>() % 5;
    if (way < 2) {
        play_recording(in);
    } else if (way == 4) {
        write_samples(in);
    } else {
        run(gnuradio::make_block_sptr<told_source>(in),
            way == 2 ? small_spec() : spec_with_evidence());
    }
    return 0;
}
