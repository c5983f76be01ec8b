#!/usr/bin/env bash
# Sets up what is missing: R with pROC (by apt, where it may), and .venv from the lock.
# `setup.sh test` adds what only the tests need.
# Writes nothing outside this folder but the apt packages. A second call only looks.
set -euo pipefail
cd "$(dirname "$0")/.."
export XDG_CACHE_HOME="$PWD/.cache" PIP_DISABLE_PIP_VERSION_CHECK=1

listed() { grep -v '^#' "envs/$1-packages.txt" | tr '\n' ' '; }
packages=$(listed system)
has_proc() { command -v R >/dev/null && Rscript -e 'quit(status = !nzchar(system.file(package = "pROC")))' 2>/dev/null; }
installed() { dpkg-query --show --showformat='${Status}\n' "$@" 2>/dev/null | grep -c '^install ok installed'; }
may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }
install() {
  echo "Installing ${*} (once)"
  local as_root
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

stamp=.venv/.ready
venv_is_ready() { [ -e "$stamp" ] && cmp -s envs/requirements.lock "$stamp"; }

if ! has_proc || ! { venv_is_ready || python3 -c 'import ensurepip' 2>/dev/null; }; then
  if ! may_install; then
    echo "R with pROC, or python3-venv, is missing and this user may not install it: run 'sudo apt-get install $packages', or use conda with envs/study.yaml." >&2
    exit 1
  fi
  # shellcheck disable=SC2086 # the names are words of their own
  install $packages
fi

if [ "${1:-}" = test ]; then
  wanted=$(listed test)
  # shellcheck disable=SC2086
  if [ "$(installed $wanted)" != "$(wc -w <<<"$wanted")" ]; then
    if may_install; then
      install $wanted || echo "The packages ${wanted}could not be installed; the tests that need them are skipped." >&2
    else
      echo "For the tests in a browser run 'sudo apt-get install $wanted'; without it they are skipped." >&2
    fi
  fi
fi

if ! venv_is_ready; then
  # What is built clears the folder, and that would be somebody else's.
  if [ -L .venv ]; then
    echo ".venv is a link to a folder that doesn't hold what envs/requirements.lock lists; remove the link." >&2
    exit 1
  fi
  python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    { echo "The lock is for Python 3.11, and python3 is $(python3 -V); put a 3.11 first in PATH, or use conda with envs/study.yaml." >&2; exit 1; }
  echo "Building .venv from envs/requirements.lock (a few minutes, once)"
  python3 -m venv --clear .venv
  # Not compiled beforehand, which takes half of the time: the study imports a small part of it.
  .venv/bin/pip install --quiet --no-cache-dir --no-compile -r envs/requirements.lock
  cp envs/requirements.lock "$stamp"
fi

# For the tests alone, and apart, since each start of Snakemake imports every plugin that it finds.
if [ "${1:-}" = test ] && ! cmp -s envs/cluster.txt .venv/cluster/.ready; then
  echo "Adding Snakemake's plugins for a cluster to .venv/cluster, for the tests (once)"
  rm -rf .venv/cluster
  if .venv/bin/pip install --quiet --no-cache-dir --no-deps --target .venv/cluster -r envs/cluster.txt; then
    cp envs/cluster.txt .venv/cluster/.ready
  else
    echo "They could not be installed; the tests that need them are skipped." >&2
  fi
fi

# Quarto: PyPI's package holds no program and fetches it from its release while it is installed.
if ! command -v quarto >/dev/null && [ ! -x .venv/bin/quarto ]; then
  quarto=1.7.34
  reachable() {
    .venv/bin/python - "https://github.com/quarto-dev/quarto-cli/releases/download/v$quarto/quarto-$quarto-linux-amd64.tar.gz" <<'ASK'
import signal, sys, urllib.request
signal.alarm(4)  # ends this process, whatever it waits for
urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="HEAD"), timeout=3)
ASK
  }
  if (reachable) 2>/dev/null && echo "Installing Quarto $quarto (once)" &&
    .venv/bin/pip install --quiet --no-cache-dir --no-deps "quarto-cli==$quarto" 2>/dev/null; then :; else
    rm -f .venv/bin/quarto
    echo "Quarto $quarto can't be fetched from here, so pandoc renders the manuscript."
  fi
fi
