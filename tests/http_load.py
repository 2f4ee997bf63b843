# SPDX-License-Identifier: GPL-3.0-or-later
"""What the live view in a browser costs.

``.venv/bin/python -m tests.http_load [--seconds 30] [--rounds 2] [--model M]``

``radiofm watch`` of a recording at 7.68 MS/s in frames of 40 ms: without the view, with it, with a
page's connection that takes all there is (as a browser elsewhere), with a browser open on the same
machine, in turn; lost frames and CPU time of each. The model is one that needs next to no time, so
that what is lost is lost to the view.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import aiohttp
import numpy as np

from .browser import Browser
from .level_model import make_level_bundle
from .radiofm_command import RADIOFM

RATE, CENTER = 7.68e6, 2.4e9
CASES = ("without --http", "--http", "--http, a page elsewhere", "--http, a browser here")
# After the first frames: the model is loaded and the page is open
SETTLING_S = 4.0


def write_recording(stem: Path, seconds: float) -> Path:
    """Noise, a carrier all the time, and another one 12 of 20 parts of it, in 8-bit samples."""
    num_samples = round(RATE / 2)
    rng = np.random.default_rng(1)
    frequency = np.fft.fftfreq(num_samples, 1 / RATE)

    def band(low: float, high: float) -> np.ndarray:
        inside = (frequency >= low) & (frequency < high)
        spectrum = np.where(inside, rng.standard_normal((num_samples, 2)) @ (1, 1j), 0)
        signal = np.fft.ifft(spectrum)
        return signal * (0.1 / np.sqrt(np.mean(np.abs(signal) ** 2)))

    burst = band(0.5e6, 2.5e6)
    burst[np.arange(num_samples) / RATE % 0.2 > 0.12] = 0
    noise = rng.standard_normal((num_samples, 2)) @ (1, 1j) * 3e-3
    samples = noise + band(-3e6, -1.2e6) + burst
    parts = np.stack([samples.real, samples.imag], axis=1)
    once = np.clip(np.rint(200 * parts), -127, 127).astype(np.int8).tobytes()
    with stem.with_suffix(".sigmf-data").open("wb") as file:
        for _ in range(round(2 * seconds)):
            file.write(once)
    head = {"core:datatype": "ci8", "core:sample_rate": RATE, "core:version": "1.2.5"}
    captures = [{"core:sample_start": 0, "core:frequency": CENTER}]
    path = stem.with_suffix(".sigmf-meta")
    path.write_text(json.dumps({"global": head, "captures": captures, "annotations": []}))
    return path


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def look(url: str, sizes: list[int]) -> None:
    """Take a page's messages until the server goes, and note their sizes in bytes."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}live") as page:
        await page.send_json({"type": "view", "span": 10, "lines": 500})
        async for message in page:
            sizes.append(len(message.data))
            if message.type is aiohttp.WSMsgType.TEXT and '"number"' in message.data:
                number = json.loads(message.data)["number"]
                await page.send_json({"type": "seen", "number": number})


def measure(case: str, recording: Path, model: str, seconds: float) -> str:
    """Run one case; its figures in a line."""
    is_served = case != CASES[0]
    options = ["--model", model, "--frame-duration", "40ms"] + ["--http", "0"] * is_served
    process = subprocess.Popen(
        [*RADIOFM, "watch", "--source", f"file={recording}", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = ""
    while "watching" not in (line := process.stderr.readline()):
        url = (re.search(r"http://\S+", line) or [url])[0]
    browser, drawn, sizes = None, 0, []
    if case == CASES[2]:
        threading.Thread(target=lambda: asyncio.run(look(url, sizes)), daemon=True).start()
    if case == CASES[3]:
        browser = Browser()
        page = browser.open(url)
        page.until("radiofmView.picture", 60)
    time.sleep(SETTLING_S)
    begin, before = time.monotonic(), cpu_seconds(process.pid)
    first = page.run("radiofmView.drawn") if browser else 0
    sizes.clear()
    time.sleep(seconds)
    spent = (cpu_seconds(process.pid) - before) / (time.monotonic() - begin)
    skipped = ""
    if is_served:
        status = json.load(urllib.request.urlopen(f"{url}api/status"))
        skipped = f", {status['skipped']} frames or masks not shown"
    if browser:
        drawn = (page.run("radiofmView.drawn") - first) / seconds
        browser.close()
    process.send_signal(signal.SIGINT)
    last = process.communicate(timeout=30)[1].strip().splitlines()[-1].removeprefix("radiofm: ")
    page_words = f", page drawn {drawn:.1f} times a second" if browser else ""
    if sizes:
        page_words = f", {sum(sizes) / seconds / 1e3:.0f} kB/s"
    return f"{case:25} {last}; {100 * spent:.0f} % of a core{skipped}{page_words}"


def main() -> None:
    """Measure in turn, so that what else the machine does hits all alike."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of each run (default 30)")
    parser.add_argument("--rounds", type=int, default=2, help="of all cases (default 2)")
    parser.add_argument("--model", help="another model, such as default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recording = write_recording(Path(folder) / "load", options.seconds + 40)
        model = options.model or str(make_level_bundle(Path(folder) / "level.pt"))
        for _ in range(options.rounds):
            for case in CASES:
                print(measure(case, recording, model, options.seconds), flush=True)


if __name__ == "__main__":
    main()
