# SPDX-License-Identifier: GPL-3.0-or-later
# ./dev matrix: this commit, built and tested on each system that is supported, in folders that
# debootstrap fills. They are kept, so that the next call installs only what has changed.

readonly SYSTEMS=(debian:12 debian:13 ubuntu:24.04 ubuntu:26.04)
readonly MATRIX=${RADIOFM_MATRIX:-$PWD/build/matrix}
readonly CHECKOUT=/root/gr-radiofm # in each root

cmd_matrix() {
  local system systems=()
  while (($#)) && [[ $1 != -- ]]; do
    [[ " ${SYSTEMS[*]} " == *" $1 "* ]] || EXIT_CODE=2 fail "'$1' is none of: ${SYSTEMS[*]}"
    systems+=("$1") && shift
  done
  shift $(($# > 0))
  ((EUID == 0)) || fail "debootstrap needs root; as root run: ./dev matrix"
  need_packages debootstrap git
  mkdir -p "$MATRIX/pip"
  ((${#systems[@]})) || systems=("${SYSTEMS[@]}")
  local table=$MATRIX/table.md
  {
    echo '| system | GNU Radio | Python | NumPy | demo | tests | passed | failed | skipped |'
    echo '|---|---|---|---|---|---|---|---|---|'
  } >"$table"
  for system in "${systems[@]}"; do
    # in a process of its own: what fails ends this system's part alone
    (row_of "$system" "$@" >>"$table") || true
  done
  cat "$table"
  ! grep -qE '\| (not had|[1-9][0-9]*) \| [0-9-]+ \|$' "$table"
}

# One line of the table. A step that cannot be had is named in it.
row_of() { # SYSTEM [TEST ARGUMENTS...]
  local system=$1 root log begin demo tests counts
  root=$(root_of "$system") log=$(root_of "$system").log
  shift
  : >"$log"
  say "$system: the log is $log"
  (make_root "$system" && put_checkout "$root") >>"$log" 2>&1 || { row_failed "$system" "its root" "$log"; return; }
  begin=$SECONDS
  in_root "$root" ./dev demo >>"$log" 2>&1 || { row_failed "$system" "./dev demo" "$log"; return; }
  demo=$(minutes $((SECONDS - begin)))
  begin=$SECONDS
  in_root "$root" ./dev test "$@" >"$root.tests.log" 2>&1 || true
  tests=$(minutes $((SECONDS - begin)))
  counts=$(counts_of "$root.tests.log")
  [[ -n $counts ]] || { row_failed "$system" "./dev test" "$root.tests.log"; return; }
  echo "| $system | $(versions_in "$root") | $demo | $tests | $counts |"
}

row_failed() { # SYSTEM STEP LOG
  local last
  last=$(reason_in "$3")
  say "$1: $2 failed: $last"
  echo "| $1 | $2 failed: ${last//|/ } | | | | | - | not had | - |"
}

# Why a step failed, in one line: the error at the end, pytest's count where no test ran, else the
# last line that begins as an error does, else the last one that says anything.
reason_in() { # LOG
  local last
  last=$(tail -n 5 "$1" | grep -aE '^(error|ERROR)' | tail -n 1 || true)
  [[ -n $last ]] || last=$(tail -n 3 "$1" | grep -aE 'no tests ran|deselected in' || true)
  [[ -n $last ]] || last=$(grep -aE '^(E|W|error|ERROR|CMake Error)' "$1" | tail -n 1 || true)
  [[ -n $last ]] || last=$(grep -a '[[:alnum:]]' "$1" | tail -n 1 || true)
  last=$(sed 's/^[= ]*//; s/[= ]*$//' <<<"$last")
  echo "${last:-it printed nothing}"
}

minutes() { printf '%d.%d min' $(($1 / 60)) $(($1 % 60 / 6)); }

versions_in() { # ROOT
  in_root "$1" .venv/bin/python -c 'import platform, numpy
from gnuradio import gr
print(gr.version(), platform.python_version(), numpy.__version__, sep=" | ")'
}

counts_of() { # LOG: what pytest's last line counts; nothing where no test ran
  tail -n 3 "$1" | sed -n 's/^=* *\([0-9].* in [0-9.]*s.*\)$/\1/p' | tail -n 1 | awk '{
    for (i = 2; i <= NF; i++) { sub(",", "", $i); count[$i] += $(i - 1) }
    failed = count["failed"] + count["error"] + count["errors"]
    if (count["passed"] + failed + count["skipped"]) printf "%d | %d | %d", count["passed"], failed, count["skipped"]
  }'
}

root_of() { echo "$MATRIX/${1/:/-}"; } # SYSTEM

# A root with the packages of a container image of that name; kept once it is whole.
make_root() { # SYSTEM
  local system=$1 root suite mirror keyring components=main script=
  root=$(root_of "$system")
  [[ ! -f $root/etc/radiofm-matrix ]] || return 0
  case $system in
    debian:12) suite=bookworm ;;
    debian:13) suite=trixie ;;
    ubuntu:24.04) suite=noble ;;
    ubuntu:26.04) suite=resolute ;;
  esac
  if [[ $system == debian:* ]]; then
    mirror=${RADIOFM_DEBIAN_MIRROR:-http://deb.debian.org/debian}
    need_packages debian-archive-keyring
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  else
    mirror=${RADIOFM_UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu}
    find_ubuntu_keyring
    components=main,universe
  fi
  # older debootstraps do not know newer suites; one script serves all of a distribution's
  [[ -e /usr/share/debootstrap/scripts/$suite ]] || script=$([[ $system == debian:* ]] && echo sid || echo gutsy)
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates,git --components="$components" \
    --keyring="$keyring" "$suite" "$root" "$mirror" $script || return 1
  printf "deb $mirror %s ${components//,/ }\n" "$suite" "$suite-updates" >"$root/etc/apt/sources.list"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no services are started
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # certificates that this machine's administrator trusts, say a proxy's
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  in_root "$root" -C / sh -c 'update-ca-certificates && apt-get update' || return 1
  echo "$suite" >"$root/etc/radiofm-matrix"
}

# Debian 12 has no package of Ubuntu's keys; Debian 13 has, signed as all its packages are.
find_ubuntu_keyring() {
  keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg
  [[ ! -f $keyring ]] || return 0
  keyring=$MATRIX/ubuntu-keyring/usr/share/keyrings/ubuntu-archive-keyring.gpg
  [[ ! -f $keyring ]] || return 0
  make_root debian:13 || return 1
  in_root "$(root_of debian:13)" -C /var/tmp apt-get download ubuntu-keyring || return 1
  dpkg-deb -x "$(root_of debian:13)"/var/tmp/ubuntu-keyring_*.deb "$MATRIX/ubuntu-keyring"
}

# This commit; .venv and build stay from the call before.
put_checkout() { # ROOT
  local clone=$1$CHECKOUT bundle=$MATRIX/commit.bundle
  # root may not own this folder; git asks to be told that this is meant
  git -c safe.directory="$PWD" bundle create -q "$bundle" HEAD || return 1
  [[ -d $clone/.git ]] || git init -q "$clone"
  git -C "$clone" fetch -q --force "$bundle" HEAD && git -C "$clone" reset -q --hard FETCH_HEAD &&
    git -C "$clone" clean -fdq
}

# Runs a command in a root, in the checkout or in the folder after -C. What it leaves running ends
# with it. It sees this machine's network, settings of pip (also the PIP_ variables), a common
# cache of downloads, and the folders that RADIOFM_MATRIX_FOLDERS names, separated by colons.
in_root() { # ROOT [-C FOLDER] COMMAND...
  local root=$1 folder=$CHECKOUT
  shift
  if [[ $1 == -C ]]; then folder=$2 && shift 2; fi
  unshare --mount --pid --fork --kill-child --propagation private \
    bash -euc "$(declare -f mounts_of)"'; root=$1 cache=$2 folder=$3; shift 3
      mounts_of "$root" "$cache"
      unset PYTHONPATH VIRTUAL_ENV TMPDIR LANG
      export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
      export LC_ALL=C.UTF-8 LANG=C.UTF-8
      exec chroot "$root" sh -c '\''cd "$0" && exec "$@"'\'' "$folder" "$@"' \
    - "$root" "$MATRIX/pip" "$folder" "$@"
}

mounts_of() { # ROOT CACHE
  local path folders=${RADIOFM_MATRIX_FOLDERS:-}
  folders=${folders//:/ }
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  mount -t sysfs -o ro sysfs "$1/sys"
  cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
  mkdir -p "$1/root/.cache/pip" "$1/root/.config"
  mount --bind "$2" "$1/root/.cache/pip"
  [[ ! -d ~/.config/pip ]] || cp -rL ~/.config/pip "$1/root/.config/"
  for path in /etc/pip.conf /etc/xdg/pip $folders; do
    [[ -e $path ]] || continue
    mkdir -p "$(dirname "$1$path")"
    if [[ -d $path ]]; then mkdir -p "$1$path"; else touch "$1$path"; fi
    mount --bind -o ro "$path" "$1$path"
  done
}
