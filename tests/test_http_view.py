# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view in a browser: ``radiofm watch --http`` and a real Chromium, and what it refuses."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from browser import Browser, find_chromium
from event_brokers import free_port
from level_model import CENTER, RATE, make_level_bundle, two_carriers
from radiofm_command import RADIOFM
from view_messages import emission, feed

from radiofm_core import keys
from radiofm_core.events.maker import EventMaker, Receiver
from radiofm_core.outputs import colors
from radiofm_core.view.emission_list import MOST_ENDED
from radiofm_web.server import ViewServer

NO_CHROMIUM = "Chromium is not here: apt install chromium"
LTE_MHZ, NR_MHZ = (CENTER - 450e3) / 1e6, (CENTER + 550e3) / 1e6


@pytest.fixture(scope="module")
def browser():
    if find_chromium() is None:
        pytest.skip(NO_CHROMIUM)
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    """Two carriers for longer than a test takes, in 8-bit samples; beside it a model that
    knows them."""
    folder = tmp_path_factory.mktemp("carriers")
    samples = two_carriers(2.0)
    parts = np.stack([samples.real, samples.imag], axis=1)
    once = np.clip(np.rint(200 * parts), -127, 127).astype(np.int8).tobytes()
    with (folder / "carriers.sigmf-data").open("wb") as file:
        for _ in range(45):
            file.write(once)
    head = {"core:datatype": "ci8", "core:sample_rate": RATE, "core:version": "1.2.5"}
    captures = [{"core:sample_start": 0, "core:frequency": CENTER}]
    meta = {"global": head, "captures": captures, "annotations": []}
    (folder / "carriers.sigmf-meta").write_text(json.dumps(meta))
    make_level_bundle(folder / "level.pt")
    return folder / "carriers.sigmf-meta"


class Watch:
    """``radiofm watch --http 0 --json`` of a recording, and the address that it prints."""

    def __init__(self, recording: Path, folder: Path):
        self.lines = folder / "lines.jsonl"
        arguments = ["--source", f"file={recording}", "--model", recording.with_name("level.pt")]
        with self.lines.open("w") as out:
            self.process = subprocess.Popen(
                [*RADIOFM, "watch", *map(str, arguments), "--http", "0", "--json"],
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
            )
        self.url = re.search(r"http://\S+", self.process.stderr.readline())[0]

    def stop(self) -> tuple[int, float, str]:
        """(exit code, seconds that it took, the rest of its messages) after Ctrl-C."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        errors = self.process.communicate(timeout=120)[1]
        return self.process.returncode, time.monotonic() - begin, errors


@pytest.fixture
def watch(recording, tmp_path):
    watch = Watch(recording, tmp_path)
    yield watch
    if watch.process.poll() is None:
        watch.stop()


def color_at(mhz: float, share: float) -> str:
    """JavaScript for the red, green and blue of the waterfall at a frequency and a share of its
    height; around the plot are the margins of waterfall.js."""
    across = (mhz * 1e6 - CENTER) / RATE + 0.5
    return f"""((canvas, ratio) => [...canvas.getContext('2d').getImageData(
        (56 + (canvas.clientWidth - 70) * {across}) * ratio,
        (8 + (canvas.clientHeight - 44) * {share}) * ratio, 1, 1).data.slice(0, 3)]
    )(document.getElementById('waterfall'), devicePixelRatio)"""


def is_tinted(pixel, color: str) -> bool:
    """Whether a pixel has the hue of a class's colour, and noise has not."""
    wanted = colors.rgb(color) - colors.rgb(color).mean()
    found = np.array(pixel) / 255 - np.mean(pixel) / 255
    return np.abs(found).max() > 0.08 and np.corrcoef(wanted, found)[0, 1] > 0.9


def test_a_browser_shows_the_emissions_of_a_recording(browser, watch, tmp_path):
    page = browser.open(watch.url)
    page.until("document.querySelectorAll('tbody tr').length >= 2", 60)
    rows = page.until(
        "(rows => rows.some(r => r[0] === 'NR') && rows)("
        "[...document.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.textContent)))"
    )
    lte = next(row for row in rows if row[0] == "LTE")
    assert float(lte[1].split()[0]) == pytest.approx(LTE_MHZ, abs=0.02)
    assert lte[6] == "now"
    nr = next(row for row in rows if row[0] == "NR")
    assert float(nr[1].split()[0]) == pytest.approx(NR_MHZ, abs=0.02)

    # a second after the burst's begin it is still within the picture's ten seconds
    classes = {c["label"]: c["color"] for c in api(page, "api/status")["classes"]}
    page.until("document.getElementById('connection').dataset.state === 'live'")
    seen = page.until(f"(p => p[2] > p[0] + 60 && p)({color_at(LTE_MHZ, 0.1)})")
    assert is_tinted(seen, classes["lte"])
    between = page.run(color_at(CENTER / 1e6, 0.1))
    assert not any(is_tinted(between, color) for color in classes.values())

    # without its class the carrier is grey, and its row is gone
    page.run("document.querySelector('#classes button').click()")
    page.until(
        "![...document.querySelectorAll('tbody tr')].some(r => r.textContent.includes('LTE'))"
    )
    page.until(f"(p => Math.abs(p[0] - p[2]) < 60)({color_at(LTE_MHZ, 0.1)})")
    page.run("document.querySelector('#classes button').click()")
    page.until(
        "[...document.querySelectorAll('tbody tr')].some(r => r.textContent.includes('LTE'))"
    )

    state = page.run("document.getElementById('state').textContent")
    assert re.match(r"\d+ frames, \d+ dropped", state) and state.endswith("model level")
    place = urlsplit(watch.url).netloc
    assert {urlsplit(each).netloc for each in page.requests} == {place}
    assert len(page.requests) > 10 and page.faults == []
    page.close()

    code, seconds, errors = watch.stop()
    assert code == 0 and seconds < 60, errors
    assert "Traceback" not in errors


def api(page, path: str):
    """What a request of the page gives, as JSON."""
    answer = page.do(
        "Runtime.evaluate",
        expression=f"fetch('{path}').then(r => r.json())",
        awaitPromise=True,
        returnByValue=True,
    )
    return answer["result"]["value"]


def test_the_keyboard_selects_pauses_and_the_mouse_tells(browser):
    with ViewServer("0") as server:
        feed(server, seconds=2.0)
        server.take(keys.PORT_EMISSIONS, emission(1, center=1e9, evidence="LTE's symbols"), None)
        server.take(keys.PORT_EMISSIONS, emission(2, center=1.0002e9), None)
        page = browser.open(server.url)
        page.until("document.querySelectorAll('tbody tr').length === 2")
        page.run("document.querySelector('tbody tr').focus()")
        page.key("ArrowDown")
        page.until("document.querySelectorAll('tr')[2].ariaSelected === 'true'")
        page.key("ArrowUp")
        page.until("document.getElementById('details').textContent.includes('LTE\\'s symbols')")
        page.key("Escape")
        page.until("document.getElementById('details').textContent === ''")
        page.run("document.activeElement.blur()")
        box = page.run(
            "(r => [r.x + 56 + (r.width - 70) / 2, r.y + 14])(waterfall.getBoundingClientRect())"
        )
        page.point(*box)
        page.until("document.getElementById('readout').textContent.includes('1000.0')")
        page.until("document.getElementById('readout').textContent.includes('LTE\\'s symbols')")
        page.point(*box, click=True)
        page.until("document.querySelectorAll('tr')[1].ariaSelected === 'true'")
        page.key(" ")
        page.until("document.getElementById('connection').textContent.includes('paused')")
        newest = page.run("radiofmView.picture.ring.newest")
        feed(server, seconds=0.5, start=2.0)
        time.sleep(0.3)
        assert page.run("radiofmView.picture.ring.newest") == newest
        page.key(" ")
        page.until(f"radiofmView.picture.ring.newest > {newest}")
        assert page.faults == []
        page.close()


@pytest.mark.parametrize("size", [(360, 700), (1, 1), (2400, 1400)])
def test_the_page_fits_any_window(browser, size):
    with ViewServer("0") as server:
        feed(server, seconds=0.5)
        server.take(keys.PORT_EMISSIONS, emission(1), None)
        page = browser.open(server.url, size)
        page.until("document.querySelectorAll('tbody tr').length === 1")
        if size[0] > 1:
            assert page.run("document.documentElement.scrollWidth") <= size[0]
            page.until("radiofmView.picture && radiofmView.picture.ring.newest > 0")
        assert page.faults == []
        page.close()


def test_a_receiver_that_knows_the_date_is_shown_with_the_time_of_day(browser):
    start = 1_900_000_000.0
    with ViewServer("0") as server:
        feed(server, seconds=1.0, start=start)
        event = {**emission(1), keys.START_TIME: start + 0.25}
        server.take(keys.PORT_EMISSIONS, event, None)
        page = browser.open(server.url)
        shown = page.until("document.querySelector('tbody tr')?.cells[5].textContent")
        assert shown == page.run(f"new Date({1e3 * start}).toTimeString().slice(0, 8)")
        page.until(f"Math.abs(radiofmView.picture.ring.now - {start + 1.0}) < 0.05")
        feed(server, seconds=0.5, start=start + 1.0)
        page.until(f"Math.abs(radiofmView.picture.ring.now - {start + 1.5}) < 0.05")
        lines = page.run("radiofmView.picture.ring.numbers.filter(n => n > 0).length")
        duration = page.run("radiofmView.picture.ring.duration")
        assert lines * duration == pytest.approx(1.5, abs=0.06) and page.faults == []
        page.close()


def test_nothing_is_drawn_while_nothing_changes(browser):
    with ViewServer("0") as server:
        feed(server, seconds=0.5)
        page = browser.open(server.url)
        page.until("radiofmView.picture")
        # a busy machine is through with the beginning late
        end, drawn = time.monotonic() + 60, [-100]
        while len(drawn) < 2 or drawn[-1] - drawn[-2] > 1:
            assert time.monotonic() < end, drawn
            time.sleep(0.8)
            drawn.append(page.run("radiofmView.drawn"))
        page.close()


def test_a_tab_finds_the_server_that_comes_back(browser):
    port = free_port()
    with ViewServer(str(port)) as server:
        feed(server, seconds=0.5)
        server.take(keys.PORT_EMISSIONS, emission(1), None)
        page = browser.open(server.url)
        page.until("document.querySelectorAll('tbody tr').length === 1")
    page.until("document.getElementById('connection').dataset.state === 'lost'")
    told = page.run("document.getElementById('connection').textContent")
    assert told == "the receiver has ended, trying again"
    time.sleep(1.2)  # it has tried
    assert page.run("document.getElementById('connection').textContent") == told
    # what there was is still to be seen
    assert page.run("document.querySelectorAll('tbody tr').length") == 1
    with ViewServer(str(port)) as server:
        server.take(keys.PORT_EMISSIONS, emission(7, label="nr"), None)
        page.until("document.getElementById('connection').dataset.state === 'live'")
        page.until("[...radiofmView.emissions.keys()].join() === '7'")
        page.close()


def test_a_page_tells_that_the_source_is_lost_since_when_and_that_it_is_back(browser):
    connection = "document.getElementById('connection')"
    maker = EventMaker(Receiver("soapy=driver=rtlsdr"))
    with ViewServer("0") as server:
        feed(server, seconds=0.5)
        page = browser.open(server.url)
        page.until("radiofmView.picture")
        page.until(f"{connection}.textContent === 'live'")
        lost = maker.source_lost("soapy=driver=rtlsdr", "no samples for 5 s")
        server.take_event(lost)
        page.until(f"{connection}.dataset.state === 'source-lost'")
        time_of_day = page.run(f"new Date('{lost['time']}').toTimeString().slice(0, 8)")
        told = page.run(f"{connection}.textContent")
        assert re.fullmatch(
            rf"source lost since {time_of_day}, for \d+ s \(no samples for 5 s\); trying again",
            told,
        )
        page.until(f"/, for ([2-9]|\\d\\d+) s/.test({connection}.textContent)")
        server.take_event(maker.source_retry("soapy=driver=rtlsdr", "no device found", 1, 2.0))
        page.until(f"{connection}.textContent.includes('(no device found)')")
        # the first loss counts, also for a page that comes later
        later = browser.open(server.url)
        later.until(f"{connection}.dataset.state === 'source-lost'")
        assert f"since {time_of_day}, " in later.run(f"{connection}.textContent")
        assert int(re.search(r", for (\d+) s", later.run(f"{connection}.textContent"))[1]) >= 2
        later.close()
        server.take_event(maker.source_found("soapy=driver=rtlsdr"))
        page.until(f"{connection}.dataset.state === 'live'")
        assert page.run(f"{connection}.textContent") == "live" and page.faults == []
        page.close()


def test_a_page_tells_of_a_source_that_never_was(browser):
    maker = EventMaker(Receiver("zmq=tcp://127.0.0.1:5555"))
    with ViewServer("0") as server:
        server.take_event(maker.source_lost("zmq=tcp://127.0.0.1:5555", "no samples for 5 s"))
        page = browser.open(server.url)
        notice = "document.getElementById('notice').textContent"
        page.until(f"{notice}.startsWith('source lost since ')")
        server.take_event(maker.source_found("zmq=tcp://127.0.0.1:5555"))
        page.until(f"{notice} === 'waiting for the first frame'")
        page.close()


def test_a_hidden_tab_is_told_the_newest_when_it_comes_back(browser):
    with ViewServer("0") as server:
        feed(server, seconds=1.0)
        page = browser.open(server.url)
        page.until("radiofmView.picture")
        # a tab in the background draws nothing and asks for nothing
        other = browser.open("about:blank")
        other.do("Page.bringToFront")
        page.until("document.hidden")
        feed(server, seconds=30.0, start=1.0)
        server.take(keys.PORT_EMISSIONS, emission(3), None)
        time.sleep(0.5)
        assert page.run("radiofmView.picture.ring.now") < 20
        page.do("Page.bringToFront")
        page.until("radiofmView.picture.ring.now > 30.5 && radiofmView.emissions.has(3)")
        assert page.faults == []
        other.close()
        page.close()


def test_five_hundred_emissions_at_once(browser):
    with ViewServer("0") as server:
        feed(server, seconds=0.2)
        for number in range(500):
            event = emission(number, center=1e9 + 1e3 * number, bandwidth=800.0)
            server.take(keys.PORT_EMISSIONS, event, None)
        for number in range(500, 1200):
            server.take(keys.PORT_EMISSIONS, emission(number, keys.EVENT_END), None)
        page = browser.open(server.url)
        page.until("document.querySelectorAll('tbody tr').length === 500")
        page.until("document.getElementById('none').textContent === 'and 500 more'")
        # it still answers
        begin = time.monotonic()
        page.run("document.getElementById('outlines').click()")
        page.until("document.getElementById('outlines').ariaPressed === 'false'")
        assert time.monotonic() - begin < 30 and page.faults == []
        page.close()


def test_a_page_that_stays_open_does_not_grow(browser):
    """Most of an hour of a receiver's time, hundreds of emissions in each update."""

    def heap() -> float:
        page.do("HeapProfiler.collectGarbage")
        return page.do("Runtime.getHeapUsage")["usedSize"]

    with ViewServer("0") as server:
        page = browser.open(server.url)
        page.until("document.getElementById('connection').dataset.state === 'live'")
        sizes = []
        for number in range(24):
            feed(server, seconds=0.2, start=120.0 * number)
            for each in range(300):
                event = emission(300 * number + each, keys.EVENT_END)
                server.take(keys.PORT_EMISSIONS, event, None)
            page.until(f"radiofmView.emissions.has({300 * number + 299})")
            if number in (8, 23):
                sizes.append(heap())
        assert page.run("radiofmView.emissions.size") == MOST_ENDED
        assert sizes[1] - sizes[0] < 1e6 and page.faults == []
        page.close()


def test_a_token_leads_in_from_the_address_once_and_from_a_cookie_then(browser):
    with ViewServer("0.0.0.0:0") as server:
        address = urlsplit(server.url)
        assert address.query.startswith("token=") and len(address.query) > 30
        feed(server, seconds=0.2)
        # a machine without a network may not find itself by the name that it is shown with
        page = browser.open(f"http://127.0.0.1:{server.port}/?{address.query}")
        page.until("document.getElementById('connection').dataset.state === 'live'")
        assert page.run("location.search + document.cookie") == ""
        page.do("Page.reload")
        page.until("document.getElementById('connection').dataset.state === 'live'")
        assert page.faults == []
        page.close()


def test_a_page_whose_token_holds_no_more_says_so(browser):
    port = free_port()
    with ViewServer(str(port), "the-first-token") as server:
        page = browser.open(server.url)
        page.until("document.getElementById('connection').dataset.state === 'live'")
    with ViewServer(str(port), "another-token") as server:
        page.until("document.getElementById('connection').textContent.includes('new address')")
        page.do("Page.navigate", url=server.url)
        page.until("document.getElementById('connection').dataset.state === 'live'")
        page.close()


def test_the_page_has_the_colours_of_pictures_and_windows():
    sheet = (Path(sys.modules["radiofm_web"].__file__).parent / "static/style.css").read_text()
    for name in ("INK", "FAINT", "PAPER", "EMPTY", "FRAME"):
        assert f"--{name.lower()}: {getattr(colors, name)};" in sheet
