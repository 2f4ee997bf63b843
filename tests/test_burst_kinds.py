# SPDX-License-Identifier: GPL-3.0-or-later
"""Bursts of short-range systems against their standards: rates, codes, slots, periods."""

import itertools

import numpy as np
import pytest
import torch
from self_likeness import likeness

from radiofm_core.spectrum.spec import SpectrogramSpec
from training.waveforms.other import linear, mobile, shortrange, telegrams, traffic, wifi_b
from training.waveforms.other.base import fsk, put
from training.waveforms.other.wifi_packets import TRAINING, _training, packet, subcarriers
from training.waveforms.rng import Rng
from training.waveforms.span import Span

SPEC = SpectrogramSpec()
# 19.995 MS/s: no symbol rate divides it.
ODD = Span(1333, SPEC.hops_per_row(19.995e6, 5e-3), 256, SPEC)


def spectrum_peak(x, rate: float) -> float:
    """Frequency of the strongest line, Hz."""
    size = 1 << 20
    power = np.abs(np.fft.fft(np.asarray(x), size))
    return float(np.fft.fftfreq(size)[power.argmax()] * rate)


def edges(level) -> np.ndarray:
    """Samples at which a level (samples,) begins to be on and ends."""
    on = np.asarray(level) > 0.3
    return np.flatnonzero(np.diff(np.r_[False, on, False]))


# ---- modulation


@pytest.mark.parametrize("rate", [1e6, 1.152e6, 40e3])
def test_symbols_have_their_exact_rate_at_any_sample_rate(rate):
    """Bits that alternate square to lines at the symbol rate."""
    bits = torch.tensor([1.0, -1.0]).repeat(20_000)
    x = fsk(80_000, ODD, Rng(0), rate, rate / 4, 0.0, bits)
    turn = np.angle(x[1:].numpy() * x[:-1].numpy().conj())
    assert abs(spectrum_peak(turn - turn.mean(), ODD.sample_rate)) == pytest.approx(
        rate / 2, abs=200
    )


def test_a_matched_filter_finds_the_symbols_that_were_sent():
    pulse = linear.root_raised_cosine(0.22)
    sent = {}

    def draw(count: int) -> torch.Tensor:
        sent["symbols"] = Rng(3).data((count,))
        return sent["symbols"]

    x = linear.keyed(draw, ODD.samples, 3.84e6, ODD, pulse, 2e6)
    assert x.abs().square().mean() == pytest.approx(1.0, abs=0.03)
    t = np.arange(ODD.samples) / ODD.sample_rate
    y = np.fft.fft(x.numpy() * np.exp(-2j * np.pi * 2e6 * t))
    f = torch.fft.fftfreq(ODD.samples).double() * ODD.sample_rate / 3.84e6
    y = np.fft.ifft(y * np.where(f.abs() < 0.61, pulse.shape(f).numpy(), 0))
    places = np.arange(2000, 12000)
    found = np.interp(places / 3.84e6, t, y.real) + 1j * np.interp(places / 3.84e6, t, y.imag)
    want = sent["symbols"][places].numpy()
    # The centre is rounded to a bin of the frame: 200 Hz at most, so phases turn slowly.
    pieces = (found * want.conj()).reshape(-1, 500).mean(1)
    assert (np.abs(pieces) > 0.85).all()


def test_half_sine_chips_have_a_steady_envelope():
    def draw(count: int) -> torch.Tensor:
        chips = torch.randint(0, 2, (count,), generator=torch.Generator().manual_seed(1)) * 2.0 - 1
        return chips * torch.tensor([1, 1j]).repeat(count // 2 + 1)[:count]

    x = linear.keyed(draw, ODD.samples, 2e6, ODD, linear.half_sine(), 0.0).abs()
    assert x.mean() == pytest.approx(1.0, abs=0.05) and x.std() / x.mean() < 0.1


def test_chips_of_802154_are_those_of_table_12_1():
    table = shortrange.chip_table()
    agree = table @ table.T / 32
    off = agree[~torch.eye(16, dtype=torch.bool)]
    assert torch.allclose(agree.diag(), torch.ones(16)) and off.abs().max() <= 0.5
    # Symbol 1 is symbol 0, four chips later; symbol 8 its conjugate.
    text = "".join("1" if c > 0 else "0" for c in table[1])
    assert text == "11101101100111000011010100100010"
    assert (table[8] * table[0])[::2].min() == 1 and (table[8] * table[0])[1::2].max() == -1


# ---- 802.11


@pytest.mark.parametrize(("form", "width"), [("n", 20), ("n", 40), ("ac", 80)])
def test_long_training_fields_use_the_formats_subcarriers(form, width):
    text = TRAINING[width]
    k, pilots = subcarriers(form, width)
    used = [i - len(text) // 2 for i, c in enumerate(text) if c != "0"]
    assert used == k.tolist() or (width == 20 and sorted(used) == k.tolist())
    assert int(pilots.sum()) == {20: 4, 40: 6, 80: 8}[width]
    # Low peaks are what the sequence is made for.
    x = torch.fft.ifft(_training(width, 1024)).abs().square()
    assert x.max() / x.mean() < 10 ** (7.5 / 10)


def test_the_long_training_field_of_n_is_what_is_on_the_air(shared_data):
    path = shared_data / "iq/wifi_usrp/wifi_dot11n_13mbps.sigmf-data"
    samples = np.fromfile(path, np.int16).astype(np.float32).view(np.complex64)
    # L-STF, L-LTF, L-SIG, two of HT-SIG and HT-STF take 32 us of a packet; then the field's guard.
    symbol = packet(20 * 44, 20, "n", Rng(1), over=1)[20 * 32 + 16 :][:64].numpy()
    symbol = symbol / np.linalg.norm(symbol)
    found = np.abs(np.correlate(samples, symbol)) ** 2
    energy = np.convolve(np.abs(samples) ** 2, np.ones(64), mode="valid")
    share = found / np.maximum(energy, 0.01 * energy.max())
    assert share.max() > 0.8


def test_a_packet_of_ax_repeats_its_signal_field_and_ends_in_long_symbols():
    x = packet(20 * 300, 20, "ax", Rng(2), over=1)
    # L-SIG begins after 16 us and comes once more 4 us later.
    assert torch.allclose(x[320:400], x[400:480], atol=1e-4)
    assert likeness(x[1200:], 20e6, 12.8e-6) > 3 * likeness(x[1200:], 20e6, 3.2e-6)


def test_a_packet_at_1_mbit_is_spread_by_the_barker_code():
    chips = wifi_b.packet(1e-3, 1.0, False, Rng(1))
    words = chips[: len(chips) // 11 * 11].view(-1, 11)
    assert len(words) == pytest.approx(1000, abs=2)
    assert (words @ wifi_b.BARKER.to(words.dtype)).abs().min() == pytest.approx(11, abs=1e-3)


def test_code_words_of_11_mbit_are_complementary():
    """Eight chips of one amplitude whose 64 words have a smallest distance of half of them."""
    words = wifi_b._complementary(400, True, Rng(2)).view(-1, 8)
    agree = (words @ words.conj().T).abs() / 8
    assert torch.allclose(agree.diag(), torch.ones(400), atol=1e-4)
    assert agree[agree < 0.99].max() < 0.71


def test_an_exchange_is_answered_after_16_us():
    for seed in range(5):
        sent = traffic.busy(20e-3, Rng(seed))
        gaps = [b.start - a.start - a.length for a, b in itertools.pairwise(sent)]
        assert min(gaps) == pytest.approx(16e-6)
        answered = [g for g, b in zip(gaps, sent[1:], strict=True) if b.station != 0 and b.control]
        assert all(g == pytest.approx(16e-6) or g >= 34e-6 - 1e-9 for g in gaps)
        assert answered or all(b.station == 0 for b in sent if b.control)


# ---- slots and periods


def test_slots_of_gsm_come_again_after_eight():
    span = Span(160, SPEC.hops_per_row(2.4e6, 17e-3), 256, SPEC)
    for seed in range(20):
        rng = Rng(seed)
        x, _ = mobile.gsm(span, rng)
        level = x.abs().square().numpy()
        if level.min() < 0.9 * level.max():
            break
    slow = np.convolve(level, np.ones(120) / 120, mode="same")
    frame = round(120e-3 / 26 * 2.4e6)
    a, b = slow[120:-120][:-frame], slow[120:-120][frame:]
    assert np.corrcoef(a, b)[0, 1] > 0.3


def test_a_remote_control_repeats_its_bursts_exactly():
    span = Span(134, SPEC.hops_per_row(2.01e6, 40e-3), 256, SPEC)
    alike = []
    for seed in range(5, 10):
        x, _ = telegrams.remote_control(span, Rng(seed))
        power = x.abs().square().numpy()
        starts = edges(np.convolve(power, np.ones(200) / 200, mode="same"))[::2]
        assert len(starts) >= 1
        alike.append(max(likeness(x, 2.01e6, ms * 1e-3, 1) for ms in (9, 10, 11, 18)))
    # Others hop, or their sticks move.
    assert sum(a > 0.5 for a in alike) >= 3


def test_replies_of_aircraft_have_pulses_of_half_a_microsecond():
    keying = telegrams._mode_s(Rng(1))
    t = torch.arange(1210) / 10e6
    level = keying(t).numpy()
    on = np.flatnonzero(level[:80])
    # Pulses at 0, 1, 3.5 and 4.5 us, then nothing until 8 us
    starts = np.array([0, 10, 35, 45])
    assert on.tolist() == [s + i for s in starts for i in range(5)]
    bits = level[80:1200].reshape(-1, 2, 5)
    ends = np.flatnonzero(level)[-1] / 10e6
    assert ends == pytest.approx(120e-6, abs=1e-6) or ends == pytest.approx(64e-6, abs=1e-6)
    sent = bits[: round(ends * 1e6 - 8)].mean(2).round()
    assert (sent.sum(1) == 1).all()


def test_a_burst_is_put_at_its_time_and_frequency():
    out = torch.zeros(ODD.samples, dtype=torch.complex64)
    put(out, torch.ones(2000, dtype=torch.complex64), 5e6, 1e-3, ODD, 3e6)
    on = edges(out.abs() > 0.5)
    assert on[0] / ODD.sample_rate == pytest.approx(1e-3, abs=0.5e-6)
    assert on[-1] / ODD.sample_rate == pytest.approx(1.4e-3, abs=1e-6)
    assert spectrum_peak(out, ODD.sample_rate) == pytest.approx(3e6, abs=3e3)
