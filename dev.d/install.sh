# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev install and ./dev uninstall: into a prefix for all users, and out of it without a trace.
#
# The Python packages lie in PREFIX/lib/radiofm/packages, where no other program finds them;
# radiofm_core looks there. Beside them, `files` and `folders` list what was put elsewhere in the
# prefix: a file's path in it, a folder's from the root.

# NumPy is the one that GNU Radio was built for, so what is built on it is the system's too.
readonly NUMPY_PACKAGES=(python3-numpy python3-scipy python3-matplotlib)
readonly OWN_FOLDER=lib/radiofm

OWNER=""
# Runs a command as one who may write into the prefix: this user, or root.
as_owner() {
  if [[ -n $OWNER ]]; then as_root "$@"; else "$@"; fi
}

# The prefix, as a plain absolute path.
prefix_of() { # COMMAND [PREFIX...]
  local command=$1
  shift
  (($# == 1)) || EXIT_CODE=2 fail "name the prefix, for instance: ./dev $command /usr/local"
  [[ $1 == /* ]] || EXIT_CODE=2 fail "the prefix '$1' must be an absolute path"
  realpath -ms -- "$1"
}

find_owner() { # COMMAND PREFIX
  local above=$2
  while [[ ! -e $above ]]; do above=$(dirname "$above"); done
  [[ -d $above ]] || fail "'$2' cannot be a prefix: $above is a file"
  [[ ! -w $above ]] || return 0
  can_be_root || fail "$above belongs to another user; as root run: ./dev $1 '$2'"
  OWNER=root
}

cmd_install() {
  local prefix stage=build/system/stage
  prefix=$(prefix_of install "$@")
  need_packages "${NUMPY_PACKAGES[@]}"
  set_up
  find_owner install "$prefix"
  say "Building for $prefix"
  compile_for "$prefix" build/system
  rm -rf "$stage"
  DESTDIR=$PWD/$stage quietly build/system/install.log cmake --install build/system
  # compiled here: what Python compiles later would not be on the list
  "$SYSTEM_PYTHON" -m compileall -q -s "$PWD/$stage" "$stage$prefix"
  "$VENV/bin/python" dev.d/copy_packages.py requirements.txt "$stage$prefix/$OWN_FOLDER/packages"
  say "Installing into $prefix"
  put_into "$prefix" "$stage$prefix"
  tell_how_to_use "$prefix"
}

# Everything below STAGE, and the lists of it; what an earlier call put there and this one does
# not is removed.
put_into() { # PREFIX STAGE
  local prefix=$1 stage=$2 own=$1/$OWN_FOLDER lists=build/system/lists taken
  mkdir -p "$lists"
  (cd "$stage" && find . ! -type d ! -path "./$OWN_FOLDER/*" -printf '%P\n') | LC_ALL=C sort >"$lists/new"
  [[ -f $own/files || ! -e $own ]] || fail "$own is there already, and ./dev did not make it"
  { cat "$own/files" 2>/dev/null || true; } | LC_ALL=C sort -u >"$lists/old"
  taken=$(LC_ALL=C comm -23 "$lists/new" "$lists/old" | files_in "$prefix")
  [[ -z $taken ]] || fail "$prefix has files that ./dev did not put there, as ${taken%%$'\n'*};" \
    "remove them or name another prefix"
  LC_ALL=C sort -u "$lists/new" "$lists/old" >"$lists/both"
  {
    cat "$own/folders" 2>/dev/null || true
    missing_folders "$prefix" "$OWN_FOLDER/files" "$lists/new"
  } | LC_ALL=C sort -u >"$lists/folders"
  # the lists first: whatever happens from here on, uninstall finds all
  as_owner install -d -m 755 "$own"
  as_owner install -m 644 "$lists/both" "$own/files"
  as_owner install -m 644 "$lists/folders" "$own/folders"
  as_owner rm -rf "$own/packages"
  tar -C "$stage" --mode=u+rwX,go=rX -c . | as_owner tar -C "$prefix" -x --no-same-owner --no-overwrite-dir
  LC_ALL=C comm -13 "$lists/new" "$lists/old" | remove_files "$prefix"
  as_owner install -m 644 "$lists/new" "$own/files"
  ((EUID)) && [[ -z $OWNER ]] || as_root ldconfig
}

# Those of the paths on standard input that the prefix has.
files_in() { # PREFIX
  local path
  while IFS= read -r path; do
    [[ ! -e $1/$path && ! -L $1/$path ]] || printf '%s\n' "$path"
  done
}

# The folders that are not there yet and that the files need, from the root.
missing_folders() { # PREFIX FILE LIST_OF_MORE
  local folder
  { echo "$2" && cat "$3"; } | sed 's|/*[^/]*$||' | LC_ALL=C sort -u | while IFS= read -r folder; do
    folder=$1/$folder
    while [[ ! -d $folder ]]; do
      printf '%s\n' "${folder%/}"
      folder=$(dirname "$folder")
    done
  done
}

# Removes the files on standard input, and what Python compiled of them since.
remove_files() { # PREFIX
  local path name
  {
    while IFS= read -r path; do
      [[ "/$path/" != */../* ]] || continue
      printf '%s\0' "$1/$path"
      [[ $path == *.py ]] || continue
      name=${path##*/}
      find "$1/${path%/*}/__pycache__" -maxdepth 1 -name "${name%.py}.*.pyc" -print0 2>/dev/null || true
    done
  } | as_owner xargs -0r rm -f --
}

cmd_uninstall() {
  local prefix own folders folder
  prefix=$(prefix_of uninstall "$@")
  own=$prefix/$OWN_FOLDER
  [[ -f $own/files ]] ||
    fail "$prefix has nothing that ./dev install put there: no $OWN_FOLDER/files"
  find_owner uninstall "$own"
  say "Removing gr-radiofm from $prefix"
  remove_files "$prefix" <"$own/files"
  mapfile -t folders < <(LC_ALL=C sort -r "$own/folders")
  as_owner rm -rf "$own"
  for folder in "${folders[@]}"; do
    [[ -d $folder ]] || continue
    as_owner rmdir --ignore-fail-on-non-empty "$folder/__pycache__" 2>/dev/null || true
    as_owner rmdir --ignore-fail-on-non-empty "$folder"
  done
  ((EUID)) && [[ -z $OWNER ]] || as_root ldconfig
  say "$prefix is as it was before"
}

tell_how_to_use() { # PREFIX
  local packages
  packages=$(sed -n 's|/radiofm_core/__init__.py$||p' build/system/install_manifest.txt)
  say "Installed: $1/bin/radiofm"
  "$SYSTEM_PYTHON" -c "import sys; sys.exit(sys.argv[1] not in sys.path)" "$packages" ||
    say "For GNU Radio Companion set PYTHONPATH=$packages and" \
      "GRC_BLOCKS_PATH=$1/share/gnuradio/grc/blocks"
}
