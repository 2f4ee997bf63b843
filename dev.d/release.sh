# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev deb and ./dev release: packages of this checkout.

readonly DEB_PACKAGES=(debhelper dh-python dpkg-dev libfftw3-dev pybind11-dev python3-dev)

cmd_deb() { # [check [SYSTEM...]]
  if [[ ${1:-} == check ]]; then
    shift
    exec packaging/check_deb.sh "$@"
  fi
  (($# == 0)) || EXIT_CODE=2 fail "'$1' is neither nothing nor check"
  need_packages "${SYSTEM_PACKAGES[@]}" "${DEB_PACKAGES[@]}"
  set_up
  say "Building Debian packages"
  rm -f build/deb/*.deb
  packaging/stage_source.sh build/deb/gr-radiofm
  quietly build/deb/build.log packaging/build_deb.sh build/deb/gr-radiofm
  local path
  say "Install with: apt install ./FILE"
  for path in build/deb/*.deb; do printf '      %s\n' "$path"; done
}

version_of_source() { sed -n 's/^__version__ = "\(.*\)"/\1/p' python/radiofm_core/version.py; }

# A release is of a commit, and says what changed.
check_release() { # VERSION
  [[ -z $(git status --porcelain) ]] ||
    fail "there are files that are not committed; a release is made of a commit alone"
  grep -qF "## $1" CHANGELOG.md ||
    fail "CHANGELOG.md has no section '## $1'; give 'Unreleased' this version and its date"
}

cmd_release() {
  (($# == 0)) || EXIT_CODE=2 fail "release takes no arguments, got '$1'"
  local version out name
  version=$(version_of_source)
  check_release "$version"
  out=$PWD/build/release/$version name=gr-radiofm-$version
  rm -rf "$out"
  mkdir -p "$out/conda"
  set_up requirements-dev.txt
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
  export SOURCE_DATE_EPOCH
  say "Source"
  packaging/stage_source.sh "build/release/$name"
  rm -r "build/release/$name/debian" # Debian's files are in packaging/ and made for each system
  pack build/release "$name" "$out/$name.tar.xz"
  pack "build/release/$name/packaging" share "$out/$name-man-and-completion.tar.xz"
  sed -e "s|\${{ env.get(\"RADIOFM_VERSION\") }}|\"$version\"|" -e "s|path: ../..|path: ../$name.tar.xz|" \
    packaging/conda/recipe.yaml >"$out/conda/recipe.yaml"
  cp packaging/conda/build.sh "$out/conda/"
  say "Wheel"
  quietly build/release/wheel.log "$VENV/bin/python" -m hatchling build -t wheel -d "$out"
  cmd_deb
  cp build/deb/*.deb "$out/"
  cmd_docs
  pack build docs "$out/$name-docs.tar.xz"
  (cd "$out" && find . -type f ! -name SHA256SUMS -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum) \
    >build/release/sums
  mv build/release/sums "$out/SHA256SUMS"
  say "Release $version of commit $(git rev-parse --short=12 HEAD): $out"
}

# The same files give the same archive.
pack() { # FOLDER NAME ARCHIVE
  tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cJf "$3" "$2"
}
