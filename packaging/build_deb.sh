#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# build_deb.sh SOURCE: packages for the system that this runs on, of a tree that stage_source.sh
# made; they lie beside it. Needs what debian/control names under Build-Depends.
set -eu
cd "$1"
. /etc/os-release
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' python/radiofm_core/version.py)
short=$(echo "$ID" | sed 's/^debian$/deb/')
sed -i -e "s|@VERSION@|$version~$short${VERSION_ID:-}|" \
  -e "s|@SUITE@|${VERSION_CODENAME:-unstable}|" debian/changelog
exec dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo
