#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# stage_source.sh FOLDER: a source tree to make packages from: the files of this checkout, the
# completion and manual pages of the command, and debian/ with this version. Needs .venv.
#
# DEBFULLNAME and DEBEMAIL name who makes the package, SOURCE_DATE_EPOCH its date.
set -euo pipefail
(($# == 1)) || { echo "error: name the folder for the source tree" >&2 && exit 2; }
folder=$(realpath -m -- "$1")
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' python/radiofm_core/version.py)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
maintainer="${DEBFULLNAME:-the gr-radiofm authors} <${DEBEMAIL:-gr-radiofm@localhost.localdomain}>"

rm -rf "$folder"
mkdir -p "$folder"
{
  # a tree without git is one that this script made
  git ls-files -z --cached --others --exclude-standard 2>/dev/null || find . -type f -not -path './.venv/*' -not -path './build/*' -print0
} | while IFS= read -rd '' path; do [[ ! -e $path ]] || printf '%s\0' "$path"; done |
  tar -c --null -T - | tar -x -C "$folder"
.venv/bin/python packaging/command_files.py "$folder/packaging/share"

cp -r packaging/debian "$folder/debian"
for name in control changelog; do
  [[ $name == control ]] || mv "$folder/debian/$name.in" "$folder/debian/$name"
  sed -i -e "s|@MAINTAINER@|$maintainer|" -e "s|@UPSTREAM@|$version|" \
    -e "s|@DATE@|$(date -Rud "@$SOURCE_DATE_EPOCH")|" "$folder/debian/$name"
done
