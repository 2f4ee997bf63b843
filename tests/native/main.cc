/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where there is no libFuzzer: `PROGRAM COUNT` runs COUNT inputs of random lengths and bytes, the
 * same ones each time.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv)
{
    const long count = argc == 2 ? std::atol(argv[1]) : 0;
    if (count < 1) {
        std::fprintf(stderr, "usage: %s COUNT\n", argv[0]);
        return 2;
    }
    std::mt19937 random(1);
    for (long i = 0; i < count; i++) {
        std::vector<uint8_t> data(random() % (1u << (4 + random() % 8)));
        for (uint8_t& byte : data) {
            byte = uint8_t(random());
        }
        LLVMFuzzerTestOneInput(data.data(), data.size());
    }
    std::printf("%ld inputs\n", count);
    return 0;
}
