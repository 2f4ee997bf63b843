# SPDX-License-Identifier: GPL-3.0-or-later
# Compiling, and installing into .venv.

compile_for() { # PREFIX BUILD_FOLDER
  forget_foreign_cache "$2"
  quietly "$2/command_files.log" "$VENV/bin/python" packaging/command_files.py "$2/share"
  quietly "$2/configure.log" cmake -S . -B "$2" -G Ninja -DCMAKE_INSTALL_PREFIX="$1" \
    -DRADIOFM_COMMAND_FILES="$PWD/$2/share"
  quietly "$2/compile.log" cmake --build "$2"
}

# A build folder that came along with a copy of this one belongs elsewhere. CMake's files alone
# are removed, and only where they lie in this folder: `build` may be a link.
forget_foreign_cache() { # BUILD_FOLDER
  [[ -f $1/CMakeCache.txt ]] || return 0
  ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$1/CMakeCache.txt" || return 0
  [[ "$(readlink -f "$1")/" == "$(readlink -f .)"/* ]] ||
    fail "$1 leads to $(readlink -f "$1"), where another copy builds; remove the link"
  rm -rf "$1/CMakeCache.txt" "$1/CMakeFiles"
}

build_into_venv() {
  local key
  key=$(hash_of CMakeLists.txt cmake gr-radiofm python grc examples/demo service packaging -- "$("$SYSTEM_PYTHON" --version)")
  is_done build "$key" && return
  say "Building (the first time takes a minute or two)"
  compile_for "$VENV" build
  quietly build/install.log cmake --install build
  paths_in_venv build/install_manifest.txt >build/venv_manifest.new
  # what an earlier build installed and this one does not must not be imported
  remove_from_venv < <(
    [[ ! -f build/venv_manifest.txt ]] ||
      LC_ALL=C comm -23 <(paths_in_venv build/venv_manifest.txt) build/venv_manifest.new
  )
  mv build/venv_manifest.new build/venv_manifest.txt
  mark_done build "$key"
}

# The files that a list names, relative to .venv and sorted; those that lie elsewhere are left out.
paths_in_venv() { # LIST
  local path
  while IFS= read -r path; do
    path=${path#"$VENV/"}
    [[ -z $path || $path == /* ]] || printf '%s\n' "$path"
  done <"$1" | LC_ALL=C sort -u
}

# Removes files by their paths in .venv, one a line. A path that leads out of it, by `..` or by a
# link, is left alone; of a link in .venv the link is removed.
remove_from_venv() {
  local path folder venv
  venv=$(readlink -f "$VENV")
  while IFS= read -r path; do
    folder=$VENV/$path
    folder=$(readlink -f "${folder%/*}") || continue
    path=$folder/${path##*/}
    [[ $path == "$venv"/* && (-f $path || -L $path) ]] || continue
    rm -f -- "$path"
  done
}

set_up() {
  need_packages "${SYSTEM_PACKAGES[@]}"
  make_venv
  local list
  for list in "${@:-requirements.txt}"; do install_python_packages "$list"; done
  build_into_venv
}

use_venv() {
  export PATH="$VENV/bin:$PATH"
  export GRC_BLOCKS_PATH="$VENV/share/gnuradio/grc/blocks${GRC_BLOCKS_PATH:+:$GRC_BLOCKS_PATH}"
}
