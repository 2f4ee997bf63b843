# SPDX-License-Identifier: GPL-3.0-or-later
# System packages, and the Python environment .venv with its packages.

readonly SYSTEM_PYTHON=/usr/bin/python3 # the one that the GNU Radio packages are built for
readonly VENV="$PWD/.venv"
readonly STEPS="$VENV/.steps"
readonly TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu

# set by a user, these send packages to other folders than .venv
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# Asks for the password, where one is needed, before anything is done.
can_be_root() {
  ((EUID == 0)) || { command -v sudo >/dev/null && sudo -v; }
}

is_installed() {
  [[ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" == *" installed" ]]
}

is_debian() { grep -qx 'ID=debian' /etc/os-release 2>/dev/null; }

need_packages() {
  local package missing=() install
  command -v dpkg-query >/dev/null ||
    fail "set-up knows Debian and Ubuntu only; see CONTRIBUTING.md for other systems"
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  # GNU Radio's package asks for some terminal; left to apt, that brings half a desktop
  is_installed gnuradio || missing+=(xterm)
  install=(apt-get install -y --no-install-recommends "${missing[@]}")
  can_be_root ||
    fail "system packages are missing; as root run: apt-get update && ${install[*]}"
  say "Installing system packages (a few minutes): ${missing[*]}"
  quietly build/apt.log as_root apt-get update
  quietly build/apt.log as_root env DEBIAN_FRONTEND=noninteractive \
    "${install[@]}" -o DPkg::Lock::Timeout=300
}

make_venv() {
  local python key
  python=$("$SYSTEM_PYTHON" --version)
  key=$(hash_of -- "$VENV" "$python")
  is_done venv "$key" && return
  if [[ -f $STEPS/python && "$(<"$STEPS/python")" == "$python" ]]; then
    say "This folder was copied or moved: mending the Python environment .venv"
    "$SYSTEM_PYTHON" -m venv --system-site-packages --without-pip "$VENV"
    "$SYSTEM_PYTHON" dev.d/mend_scripts.py "$VENV"
  else
    say "Making the Python environment .venv"
    [[ ! -d $STEPS ]] || rm -rf "$VENV" # another Python's
    # GNU Radio's own Python packages are the system's
    "$SYSTEM_PYTHON" -m venv --system-site-packages "$VENV"
  fi
  mark_done python "$python"
  mark_done venv "$key"
}

pip_install() { "$VENV/bin/python" -m pip install --disable-pip-version-check -q "$@"; }

has_nvidia_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }

install_torch() {
  local torch index=${RADIOFM_TORCH_INDEX:-}
  torch=$(grep -m1 '^torch==' requirements.txt)
  if [[ -n $index ]]; then
    say "Installing PyTorch from $index"
    pip_install --index-url "$index" "$torch"
  elif has_nvidia_gpu; then
    say "Installing PyTorch for this machine's NVIDIA GPU (a few GB)"
    pip_install "$torch"
  else
    say "Installing PyTorch, CPU build (about 200 MB)"
    # naming the build keeps pip from fetching a CUDA build, several GB
    pip_install --no-deps "$torch+cpu" 2>/dev/null ||
      pip_install --no-deps --index-url "$TORCH_CPU_INDEX" "$torch" ||
      fail "no CPU build of $torch found; set RADIOFM_TORCH_INDEX to an index that has one"
  fi
}

torch_key() {
  hash_of -- "$(grep -m1 '^torch==' requirements.txt)" "${RADIOFM_TORCH_INDEX:-}"
}

install_python_packages() { # LIST: with PyTorch
  local key
  key=$(torch_key)
  if ! is_done torch "$key"; then
    # another build of the same version would pass for this one
    [[ ! -f $STEPS/torch ]] || "$VENV/bin/python" -m pip uninstall -q -y torch
    install_torch
    mark_done torch "$key"
  fi
  install_list "$1" requirements.txt -- "$(torch_key)"
  keep_matplotlib_whole
}

# Debian's Matplotlib, where it is installed, puts its mpl_toolkits into every Python at its start;
# the one of .venv, imported before, stays in front.
keep_matplotlib_whole() {
  local packages
  for packages in "$VENV"/lib/python3*/site-packages; do
    [[ -d $packages/mpl_toolkits ]] || continue
    touch "$packages/mpl_toolkits/__init__.py"
    echo 'import mpl_toolkits' >"$packages/mpl_toolkits.pth"
  done
}

install_list() { # LIST [OTHER FILES...] [-- WORDS...]: again when any of these changes
  local list=$1 key
  key=$(hash_of "$@")
  is_done "$list" "$key" && return
  say "Installing the Python packages of $list"
  quietly build/pip.log pip_install -r "$list"
  mark_done "$list" "$key"
}
