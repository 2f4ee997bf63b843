# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of a flowgraph, and the events of them, of each type."""

from __future__ import annotations

from radiofm_core.events.maker import EventMaker, Receiver

EMISSION = {
    "event": "start",
    "burst_id": 0,
    "label": "wifi",
    "confidence": 0.992298123,
    "center_frequency": 2420551784.04,
    "bandwidth": 19943040.0,
    "start_time": 0.000870833,
    "duration": 0.0277083,
    "start_offset": 53504,
    "end_offset": 1755904,
    "snr_db": 16.2582,
    "pwr_db": -18.1392,
    "active_time": 0.0182083,
    "bursts": 12,
    "subcarrier_spacing": 312500.0,
    "evidence": [
        {"coherence": 0.179362, "floor": 0.00278674, "lag": 3.2e-06, "meaning": "802.11 symbols"}
    ],
}
ACTIVITY = {
    "confidence": 0.991423,
    "dropped": 0,
    "duration": 0.5,
    "label": "WALKING",
    "latency": 0.0360662,
    "lost_packets": 19,
    "model": "activity-vit-tiny",
    "motion_db": 14.25,
    "motion_probability": 0.944,
    "packet_rate": 90.0,
    "probabilities": {"SEATED": 0.008577, "WALKING": 0.991423},
    "rx_time": (0, 0.75),
    "source": "",
    "start_time": 0.75,
}
MOTION = {
    "confidence": 0.941512,
    "duration": 1.5,
    "event": "start",
    "motion_db": 14.25,
    "source": "",
    "start_time": 0.75,
    "state": "moving",
}
STATUS = {
    "dropped": 3,
    "frames": 40,
    "latency_p50": 0.144257,
    "latency_p99": 0.144989,
    "msps": 9.87508,
    "queue_depth": 1,
}
OUTPUTS = {"mqtt=localhost": {"delivered": 12, "waiting": 3, "dropped": 0}}
RECEIVER = Receiver("soapy=driver=rtlsdr", 2.4e9, 61.44e6)


def emission(change: str = "start", number: int = 0, **others) -> dict:
    """A message on ``emissions``."""
    return {**EMISSION, "event": change, "burst_id": number, **others}


def one_of_each(maker: EventMaker) -> list[dict]:
    """An event of each type and kind, in order."""
    source = "soapy=driver=rtlsdr"
    return [
        maker.run_start(),
        maker.source_retry(source, "no device found", 1, 2.0),
        maker.source_found(source),
        *(maker.emission(emission(change)) for change in ("start", "update")),
        maker.emission(emission("end", merged_into=1)),
        maker.activity(ACTIVITY),
        maker.motion(MOTION),
        maker.motion({**MOTION, "event": "end", "duration": 9.0}),
        maker.drops("model_too_slow", "frames", 3, 3),
        maker.status(STATUS, OUTPUTS),
        maker.output_lost("mqtt=localhost", "connection refused"),
        maker.drops("output_full", "events", 10, 10, "mqtt=localhost"),
        maker.output_found("mqtt=localhost"),
        maker.source_lost(source, "no samples for 5 s"),
        maker.round(1, [(1.8e9, 5, {"lte": 1, "nr": 2}), (2.4e9, 0, {})]),
        maker.run_end("stopped", OUTPUTS),
    ]
