# SPDX-License-Identifier: GPL-3.0-or-later
"""The emission printer: what a console shows of emissions, activities and lost frames."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pmt
import pytest
from gnuradio import gr, radiofm
from gnuradio.radiofm.pmts.messages import to_pmt
from grc_compiler import run_program
from hostile_messages import foreign

from radiofm_core import keys
from radiofm_core.errors import UsageError

RECORDING = Path(__file__).parent.parent / "examples/demo/demo.sigmf-meta"
EMISSION = {
    keys.BURST_ID: 7,
    keys.LABEL: "lte",
    keys.CENTER_FREQUENCY: 2.38019e9,
    keys.BANDWIDTH: 18.24e6,
    keys.START_TIME: 0.5,
    keys.DURATION: 1.25,
    keys.SNR_DB: 17.6,
}
START, UPDATE, END = (
    {**EMISSION, keys.EVENT: event}
    for event in (keys.EVENT_START, keys.EVENT_UPDATE, keys.EVENT_END)
)
ACTIVITY = {
    keys.LABEL: "walk",
    keys.START_TIME: 1_700_000_000.25,
    keys.DURATION: 0.5,
    keys.CONFIDENCE: 0.914,
    keys.MOTION_DB: 12.34,
    keys.PACKET_RATE: 99.7,
    keys.SOURCE: "00:11:22:aa:bb:cc",
}
STATUS = {keys.FRAMES: 40, keys.DROPPED: 3, keys.LATENCY_P50: 0.0521}

# Prints the real emissions of the demo recording as Companion's program would
DEMO = """
from gnuradio import gr, radiofm
flowgraph = gr.top_block()
source = radiofm.recording_source("{recording}")
framer, segmenter = radiofm.spectrogram_framer(61.44e6), radiofm.spectrogram_segmenter()
tracker, printer = radiofm.emission_tracker(), radiofm.emission_printer()
flowgraph.connect(source, framer, segmenter)
flowgraph.msg_connect(segmenter, "detections", tracker, "detections")
flowgraph.msg_connect(tracker, "emissions", printer, "emissions")
flowgraph.msg_connect(segmenter, "status", printer, "status")
flowgraph.run()
"""


class Sender(gr.basic_block):
    """Sends given (port, message) pairs when the flowgraph starts."""

    def __init__(self, messages):
        gr.basic_block.__init__(self, "sender", None, None)
        self._messages = messages
        for port in ("emissions", "activity", "status"):
            self.message_port_register_out(pmt.intern(port))

    def start(self):
        for port, message in self._messages:
            self.message_port_pub(pmt.intern(port), message)
        self._post(pmt.intern("system"), pmt.cons(pmt.intern("done"), pmt.from_long(1)))
        return True


def printed(capsys, messages, events="start end") -> tuple[list[str], list[str]]:
    """The lines on standard output and on standard error."""
    printer = radiofm.emission_printer(events)
    made = [
        (port, to_pmt(content) if isinstance(content, dict) else content)
        for port, content in messages
    ]
    sender = Sender(made)
    flowgraph = gr.top_block("printer")
    for port in ("emissions", "activity", "status"):
        flowgraph.msg_connect((sender, port), (printer, port))
    flowgraph.run()
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err.splitlines()


def test_an_emission_is_a_line_with_its_frequency_as_people_write_it(capsys):
    lines, errors = printed(capsys, [("emissions", START), ("emissions", END)])
    assert lines == [
        "     0.500 s  start   #7    LTE    2380.190 MHz  18.240 MHz wide  18 dB",
        "     1.750 s  end     #7    LTE    2380.190 MHz  18.240 MHz wide  18 dB  after 1.25 s",
    ]
    assert errors == []


@pytest.mark.parametrize("events", ["start", "end", "update end", "end start update"])
def test_only_the_events_that_were_asked_for_are_printed(capsys, events):
    lines, _ = printed(capsys, [("emissions", e) for e in (START, UPDATE, END)], events)
    assert [line.split()[2] for line in lines] == sorted(
        events.split(), key=["start", "update", "end"].index
    )


def test_an_activity_is_a_line_with_the_time_of_day(capsys):
    lines, _ = printed(capsys, [("activity", ACTIVITY)])
    assert lines == [
        "22:13:20.250  walk      confidence 0.91  motion 12.3 dB  100 packets/s  00:11:22:aa:bb:cc"
    ]


def test_the_counts_come_at_the_end_in_the_units_of_what_was_counted(capsys):
    _, errors = printed(capsys, [("status", {**STATUS, keys.FRAMES: 1}), ("status", STATUS)])
    assert errors == ["radiofm: 40 frames segmented, 3 dropped, median latency 52 ms"]
    _, errors = printed(capsys, [("activity", ACTIVITY), ("status", STATUS)])
    assert errors == ["radiofm: 40 windows classified, 3 dropped, median latency 52 ms"]


def test_what_got_no_result_is_told_once_with_its_reason(capsys):
    failed = {keys.FAILED: 2, keys.ERROR: "the model raised"}
    _, errors = printed(capsys, [("status", failed), ("status", failed)])
    assert errors == ["radiofm: 2 without a result, last: the model raised"]


@pytest.mark.parametrize("events", ["", "stop", "start,end", "start stop"])
def test_another_event_is_refused(events):
    with pytest.raises(UsageError, match="start update end"):
        radiofm.emission_printer(events)


def test_messages_of_others_are_no_end_of_it(capsys):
    messages = [(port, m) for port in ("emissions", "activity", "status") for m in foreign()]
    lines, _ = printed(capsys, [*messages, ("emissions", END)])
    assert len(lines) == 1 and "LTE" in lines[0]


def test_labels_are_coloured_on_a_terminal_alone(tmp_path):
    program = tmp_path / "demo.py"
    program.write_text(DEMO.format(recording=RECORDING))
    plain = run_program(program)
    # where it lies, to what another processor's numerics leave
    (centre,) = re.findall(r" start +#\d+ +NR +([\d.]+) MHz", plain)
    assert float(centre) == pytest.approx(2400.0, abs=0.05) and "\x1b[" not in plain
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"}
    terminal, slave = pty.openpty()
    process = subprocess.Popen([sys.executable, program], stdout=slave, env=environment)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    assert process.wait(300) == 0
    assert b"\x1b[38;2;" in shown and b"LTE" in shown
