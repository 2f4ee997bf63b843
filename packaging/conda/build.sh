#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
cmake ${CMAKE_ARGS:-} -S . -B build-conda -G Ninja \
  -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_INSTALL_PREFIX="$PREFIX" \
  -DCMAKE_PREFIX_PATH="$PREFIX" \
  -DPYTHON_EXECUTABLE="$PYTHON" \
  -DRADIOFM_PYTHON_DIR="$SP_DIR"
cmake --build build-conda --parallel "${CPU_COUNT:-2}"
cmake --install build-conda
