# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev fuzz

readonly SANITIZERS=address,undefined,float-cast-overflow

cmd_fuzz() {
  local target=${1:-all} limit=${2:-60} targets=() programs=()
  [[ $limit =~ ^[1-9][0-9]*(runs)?$ ]] ||
    EXIT_CODE=2 fail "'$limit' is neither seconds nor a number of runs, as 60 or 1000000runs"
  mapfile -t targets < <(cd tests/fuzz/targets && printf '%s\n' [!_]*.py | sed 's/\.py$//')
  mapfile -t programs < <(cd tests/native && printf '%s\n' *.cc | sed -n '/^main/!s/\(.*\)\.cc/native_\1/p')
  targets+=("${programs[@]}")
  if [[ $target != all ]]; then
    [[ " ${targets[*]} " == *" $target "* ]] ||
      EXIT_CODE=2 fail "'$target' is none of: ${targets[*]}"
    targets=("$target")
  fi
  set_up requirements-dev.txt requirements-training.txt requirements-fuzz.txt
  use_venv
  local found=()
  for target in "${targets[@]}"; do
    say "Fuzzing $target"
    mkdir -p "build/fuzz/$target/corpus"
    if [[ $target == native_* ]]; then
      fuzz_program "$target" "$limit"
    else
      fuzz_reader "$target" "$limit"
    fi
    grep -a number_of_executed_units "build/fuzz/$target/log" ||
      found+=("build/fuzz/$target/log")
    mapfile -t -O "${#found[@]}" found < <(find "build/fuzz/$target" -maxdepth 1 -type f \
      \( -name 'fault-*' -o -name 'crash-*' -o -name 'timeout-*' -o -name 'oom-*' \))
  done
  ((${#found[@]} == 0)) || fail "found: ${found[*]}"
}

fuzz_reader() { # TARGET LIMIT: in Python
  local most=(--seconds "$2")
  [[ $2 != *runs ]] || most=(--runs "${2%runs}")
  PYTHONPATH=tests:. "$VENV/bin/python" -m fuzz "$1" "${most[@]}" >"build/fuzz/$1/log" 2>&1 || true
}

fuzz_program() { # TARGET LIMIT: in C++
  local most=-max_total_time=$2
  [[ $2 != *runs ]] || most=-runs=${2%runs}
  build_native_fuzzers
  "build/fuzz/native/tests/native/$1" "$most" -max_len=2048 -timeout=25 \
    -artifact_prefix="build/fuzz/$1/" -print_final_stats=1 "build/fuzz/$1/corpus" \
    >"build/fuzz/$1/log" 2>&1 || true
}

build_native_fuzzers() {
  need_packages clang
  local version
  version=$(clang --version | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
  need_packages "libclang-rt-$version-dev"
  forget_foreign_cache build/fuzz/native
  quietly build/fuzz/configure.log cmake -S . -B build/fuzz/native -G Ninja \
    -DCMAKE_CXX_COMPILER=clang++ -DRADIOFM_SANITIZE="$SANITIZERS" \
    "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -g1"
  quietly build/fuzz/compile.log cmake --build build/fuzz/native \
    --target gnuradio-radiofm native_checks
}
