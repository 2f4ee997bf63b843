# SPDX-License-Identifier: GPL-3.0-or-later
# What every part of ./dev uses: lines to the user, errors, and steps that are done once.

say() {
  local bold='' plain=''
  [[ ! -t 2 ]] || bold=$'\e[1m' plain=$'\e[0m'
  printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2
}

fail() {
  printf 'error: %s\n' "$*" >&2
  exit "${EXIT_CODE:-1}"
}

# The content of files and folders as one hash; the words after -- count as they are.
hash_of() {
  local paths=()
  while (($#)) && [[ $1 != -- ]]; do paths+=("$1") && shift; done
  {
    echo "$*"
    # without a path, find would take the whole folder
    ((${#paths[@]} == 0)) ||
      find "${paths[@]}" -type f ! -path '*/__pycache__/*' -print0 | LC_ALL=C sort -z |
      xargs -0r sha256sum
  } | sha256sum | cut -c1-32
}

is_done() { [[ -f "$STEPS/$1" && "$(<"$STEPS/$1")" == "$2" ]]; }

mark_done() {
  mkdir -p "$STEPS"
  echo "$2" >"$STEPS/$1"
}

# Runs a command, its output into a file; shows the file's end if the command fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    fail "'$*' failed; all it said is in $log"
  }
}
