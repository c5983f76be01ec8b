#!/usr/bin/env bash
# Sets up what is missing: R with pROC (by apt, where it may), and .venv from the lock.
# Writes nothing outside this folder but the apt packages. A second call only looks.
set -euo pipefail
cd "$(dirname "$0")/.."
export XDG_CACHE_HOME="$PWD/.cache" PIP_DISABLE_PIP_VERSION_CHECK=1

packages=$(grep -v '^#' envs/system-packages.txt | tr '\n' ' ')
has_proc() { command -v R >/dev/null && Rscript -e 'quit(status = !nzchar(system.file(package = "pROC")))' 2>/dev/null; }
may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }

stamp=.venv/.ready
venv_is_ready() { [ -e "$stamp" ] && cmp -s envs/requirements.lock "$stamp"; }

if ! has_proc || ! { venv_is_ready || python3 -c 'import ensurepip' 2>/dev/null; }; then
  if ! may_install; then
    echo "R with pROC is missing and this user may not install it: run 'sudo apt-get install $packages', or use conda with envs/study.yaml." >&2
    exit 1
  fi
  echo "Installing ${packages}(once)"
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -qq
  # shellcheck disable=SC2086 # the names are words of their own
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages >/dev/null
fi

if ! venv_is_ready; then
  python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    { echo "The lock is for Python 3.11, and python3 is $(python3 -V); put a 3.11 first in PATH, or use conda with envs/study.yaml." >&2; exit 1; }
  echo "Building .venv from envs/requirements.lock (a few minutes, once)"
  python3 -m venv --clear .venv
  .venv/bin/pip install --quiet --no-cache-dir --no-compile -r envs/requirements.lock
  cp envs/requirements.lock "$stamp"
fi
