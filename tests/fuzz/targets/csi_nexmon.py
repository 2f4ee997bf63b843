# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures of nexmon's datagrams."""

from functools import partial

from fuzz import csi_file
from fuzz.records import mutate_pcap
from radiofm_core.csi.formats import nexmon

REAL_FILES = ("example.pcap", "nexmon_43455c0.pcap")
seeds = partial(csi_file.seeds, "nexmon", "nexmon float")
run = partial(csi_file.read, module=nexmon)
mutate = mutate_pcap
