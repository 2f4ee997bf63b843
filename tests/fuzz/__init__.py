# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzing of everything that reads what others wrote: ``./dev fuzz`` runs it.

A module of ``targets`` is a target: ``run(data)`` reads the bytes as a user's file or message
would be, and returns, also where they were refused as documented; any exception that leaves it is a
fault. ``seeds()`` names good inputs to begin with, ``mutate`` (if there) knows the format's
structure. ``corpus/TARGET`` keeps inputs that once were a fault; tests/test_fuzz_corpus.py runs
them and the seeds with every change.
"""
