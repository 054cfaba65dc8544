#!/bin/sh
# Fetch mail servers of Debian into the folder $1, which becomes a root for chroot: Postfix, Exim, OpenSMTPD, Dovecot.
# As packages the three exclude each other, so they are unpacked, with all they need and nothing of the system's.
set -eu

if ! command -v apt-get > /dev/null; then
    echo "Postfix, Exim and OpenSMTPD: no apt-get here, so their tests are skipped." >&2
    exit
fi

rm -rf "$1" "$1-packages"
mkdir -p "$1" "$1-packages/lists/partial" "$1-packages/archives/partial"
root=$(cd "$1" && pwd)
cd "$1-packages"
: > status

apt() {
    # An empty status: nothing is taken to be there already. Root of a container is often no more than that.
    apt-get -qq -o Dir::State::Lists="$PWD/lists" -o Dir::State::status="$PWD/status" -o Dir::Cache="$PWD" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

# What packages need for their installation, and their servers never.
installers='^(lib)?perl|^perl|debconf|^(adduser|cpio|cron|cron-daemon-common|dpkg|e2fsprogs|ed|logsave|openssl'
installers="$installers|passwd|sensible-utils|ssl-cert|sysvinit-utils|tar|ucf|usrmerge|init-system-helpers)\$"

apt update
# dash is /bin/sh, by which OpenSMTPD starts what delivers.
for server in dash postfix exim4-daemon-light opensmtpd dovecot-core; do
    apt --simulate --no-install-recommends install $server | awk '/^Inst/ { print $2 }'
done | sort --unique | grep -Ev "$installers" > needed

# shellcheck disable=SC2046 - a word is a package
apt download $(cat needed)
for package in *.deb; do
    dpkg-deb --extract "$package" "$root"
done
# Their settings are the tests' own.
rm -rf ./*.deb "$root/etc" "$root/usr/share"
