#!/bin/sh
# Installs Tiyin into a virtual environment: `install.sh VENV run` what the emulator needs, `install.sh VENV dev` what
# the tests need too (Debian's Chromium among it). Nothing is fetched but what the lock names.
set -eu
venv=$1
kind=$2

apt_install() {
    command -v apt-get >/dev/null 2>&1 || { echo "Please install: $*" >&2; exit 1; }
    as=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 || { echo "Please install (no root or sudo here): $*" >&2; exit 1; }
        as=sudo
    fi
    $as apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tiyin needs Python 3.11 or newer; PYTHON= names one." >&2; exit 1; }
if [ ! -x "$venv/bin/pip" ]; then
    echo "Making $venv ..."
    "$python" -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
    "$python" -m venv --clear "$venv"
fi
echo "Installing what $kind needs ..."
"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "requirements/$kind.txt"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
if [ "$kind" = dev ]; then
    command -v chromium >/dev/null 2>&1 || { echo "Installing Chromium ..."; apt_install chromium fonts-dejavu-core; }
fi
