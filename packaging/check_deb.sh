#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check_deb.sh [SYSTEM...]: builds the Debian packages on clean systems (default: debian:12 and
# debian:13), installs them there with apt, uses them, purges them, and compares all files before
# and after. Needs root; folders that debootstrap fills are kept in build/deb.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
export RADIOFM_MATRIX=${RADIOFM_MATRIX:-$PWD/build/deb}
source ./dev # make_root, in_root, say, fail

readonly QUIET_APT=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0)

check_system() { # SYSTEM
  local system=$1 root clean
  root=$(root_of "$system")
  clean=$root.clean
  make_root "$system" || fail "$system: no root could be made"
  say "$system: building the packages"
  build_packages "$root"
  say "$system: installing, using and purging them"
  rm -rf "$clean"
  cp -a "$root" "$clean"
  mkdir "$clean/packages"
  cp "$root.packages"/*.deb "$clean/packages/"
  apt_in "$clean" update
  packages_of "$clean" >"$root.packages/base"
  # what the package needs, and then the state to compare with
  in_root "$clean" -C / apt-get -s --no-install-recommends install $(debs_of "$clean") |
    awk '$1 == "Inst" && $2 !~ /radiofm/ {print $2}' >"$root.packages/needed"
  apt_in "$clean" install $(<"$root.packages/needed")
  in_root "$clean" -C / apt-mark auto $(<"$root.packages/needed") >/dev/null
  in_root "$clean" -C / useradd --create-home radio
  files_of "$clean" >"$root.packages/before"
  apt_in "$clean" install $(debs_of "$clean")
  use_package "$clean"
  apt_in "$clean" purge gr-radiofm libgnuradio-radiofm-dev
 
  files_of "$clean" >"$root.packages/after"
  diff "$root.packages/before" "$root.packages/after" >"$root.packages/left" ||
    fail "$system: purging leaves files behind, or changed some: $root.packages/left"
  # also what a package of the base only recommends or suggests
  apt_in "$clean" autoremove --purge \
    -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false
  packages_of "$clean" | diff "$root.packages/base" - >"$root.packages/left" ||
    fail "$system: autoremove leaves packages behind: $root.packages/left"
  say "$system: $(wc -l <"$root.packages/before") files are as they were before"
  rm -rf "$clean"
}

build_packages() { # ROOT
  local build=$1.build
  [[ -d $build ]] || cp -a "$1" "$build"
  packaging/stage_source.sh "$build/root/source/gr-radiofm"
  apt_in "$build" update
  apt_in "$build" install dpkg-dev lintian xterm # one of the terminals that GNU Radio asks for
  in_root "$build" -C /root/source/gr-radiofm "${QUIET_APT[@]}" build-dep ./
  rm -f "$build"/root/source/*.deb
  in_root "$build" -C /root/source gr-radiofm/packaging/build_deb.sh gr-radiofm >"$1.build.log" 2>&1 ||
    fail "the build failed: $1.build.log"
  # the address of who makes the package is theirs to give, see stage_source.sh
  in_root "$build" -C /root/source sh -c 'lintian --fail-on error --suppress-tags \
    bogus-mail-host,bogus-mail-host-in-debian-changelog *.changes' || fail "lintian finds errors"
  rm -rf "$1.packages"
  mkdir -p "$1.packages"
  cp "$build"/root/source/*.deb "$1.packages/"
  rm -f "$1.packages"/*dbgsym*
}

# All that a user does first; each command fails if it does not work.
use_package() { # ROOT
  local examples=/usr/share/doc/gr-radiofm/examples demo=/usr/lib/python3/dist-packages/radiofm_core/demo
  in_root "$1" -C / radiofm doctor
  in_root "$1" -C / runuser -u radio -- radiofm segment $demo/demo.sigmf-meta --out /home/radio/results
  in_root "$1" -C / python3 -c '
import json, sys
found = [json.loads(line) for line in open(sys.argv[1])]
labels = sorted(one["label"] for one in found if "label" in one)
sys.exit(0 if labels == ["lte", "nr", "wifi"] else f"found {labels}")
' /home/radio/results/demo.jsonl
  in_root "$1" -C / radiofm activity $demo/room.npz --out /tmp/results
  # Companion's compiler knows the blocks, and what it writes is imported
  in_root "$1" -C / grcc -o /tmp/results $examples/segment_recording.grc
  in_root "$1" -C /tmp/results env QT_QPA_PLATFORM=offscreen python3 -c 'import segment_recording'
  in_root "$1" -C / python3 $examples/segment_headless.py $demo/demo.sigmf-meta
  in_root "$1" -C / sh -c 'ls /usr/lib/*/libgnuradio-radiofm.so.* /usr/share/man/man1/radiofm.1.gz'
}

apt_in() { # ROOT ARGUMENTS...
  local root=$1
  shift
  in_root "$root" -C / "${QUIET_APT[@]}" "$@" >>"$MATRIX/apt.log" 2>&1 || {
    tail -n 20 "$MATRIX/apt.log" >&2
    fail "apt-get $* failed; all it said is in $MATRIX/apt.log"
  }
}

debs_of() { (cd "$1" && printf '/%s ' packages/*.deb); }                      # ROOT
# But for the init system, which GNU Radio's packages bring, and apt protects from then on, with what it needs
packages_of() { in_root "$1" -C / dpkg-query -W -f '${Package} ${Version}\n' | grep -vE '^(systemd[^ ]*|libsystemd-shared|libapparmor1|adduser) '; } # ROOT

# Each file with its mode and content, each folder and link; but for the records and logs of apt
# and dpkg, and what users have in their homes.
files_of() { # ROOT
  (
    cd "$1"
    local folders=(./proc ./sys ./dev ./packages ./tmp ./root ./home ./var/log ./var/lib/dpkg ./var/lib/apt ./var/cache/apt
      ./var/cache/ldconfig ./var/cache/debconf)
    local skipped=()
    for folder in "${folders[@]}"; do skipped+=(-path "$folder" -prune -o); done
    find . "${skipped[@]}" ! -type f -printf '%M %u %p %l\n'
    find . "${skipped[@]}" -type f -printf '%M %u %p\n'
    find . "${skipped[@]}" -type f -print0 | xargs -0 sha256sum
  ) | LC_ALL=C sort
}

main() {
  ((EUID == 0)) || fail "debootstrap needs root; as root run: packaging/check_deb.sh"
  need_packages debootstrap
  set_up
  mkdir -p "$MATRIX/pip"
  (($#)) || set -- debian:12 debian:13
  local system
  for system in "$@"; do check_system "$system"; done
}
main "$@"
