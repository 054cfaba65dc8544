#!/bin/sh
# Fetch clients that others wrote into the folder $1: nodemailer from npm, swaks and msmtp from Debian.
# Nothing of the system is changed and nobody has to be root: packages are unpacked, not installed.
set -eu

mkdir -p "$1"
npm install --silent --no-save --no-package-lock --prefix "$1" nodemailer

if ! command -v apt-get > /dev/null; then
    echo "swaks and msmtp: no apt-get here. Install them, or their tests are skipped." >&2
    exit
fi

cd "$1"
folder=$(pwd)
rm -rf packages debian
mkdir -p packages/lists/partial packages/archives/partial debian
cd packages

apt() {
    # Root of a container is often no more than that: apt could not change over to its own user.
    apt-get -qq -o Dir::State::Lists="$folder/packages/lists" -o Dir::Cache="$folder/packages" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

apt update
# With what they need and this system lacks; libnet-ssleay-perl is swaks' TLS.
missing=$(apt --simulate --no-install-recommends install swaks msmtp libnet-ssleay-perl |
    awk '/^Inst/ { print $2 }')
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 - a word is a package
    apt download $missing
    for package in *.deb; do
        dpkg --extract "$package" ../debian
    done
fi
