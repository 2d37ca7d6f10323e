#!/usr/bin/env bash
# Build the two images that deploy/Dockerfile starts from, where no registry gives them.
#
#   build_base_image.sh IMAGE [SUITE]
#   docker build -f deploy/Dockerfile --build-arg BASE_IMAGE=IMAGE --build-arg BUILD_IMAGE=IMAGE-build …
#
# IMAGE is a minimal Debian with Python and the usual certificate authorities; IMAGE-build has the venv module and
# binutils besides. From the package mirror that this machine's own apt sources name; SUITE is this machine's unless
# said: bookworm has Python 3.11, trixie 3.13. Needs root, debootstrap and a Docker engine. About a minute. The last
# line on stderr says why it failed.
set -euo pipefail

image=$1
own_suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
suite=${2:-$own_suite}
packages=python3,ca-certificates

die() {
    echo "$1" >&2
    exit 1
}

# The archive of this machine's own release, whichever way its apt sources are written.
archive() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)' |
        awk -v suite="$own_suite" '$2 == suite && $3 == "main" && $4 == "Packages" && $1 ~ /^https?:/ { print $1; exit }'
}

import_image() {
    tar -C "$root" --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf - . |
        docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["python3"]' - "$1" >/dev/null
}

[ "$(id -u)" -eq 0 ] || die "debootstrap needs root"
command -v debootstrap >/dev/null || die "there is no debootstrap"
command -v apt-get >/dev/null || die "there is no apt-get to learn the package mirror from"
[ -n "$(archive)" ] || apt-get update -qq >&2
mirror=$(archive)
[ -n "$mirror" ] || die "the apt sources name no archive of suite '$own_suite'"

work=$(mktemp -d -t batch-events-base.XXXXXX)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT

{
    debootstrap --variant=minbase --include="$packages" --print-debs "$suite" "$work/list" "$mirror" >"$work/kept"
    debootstrap --variant=minbase --include="$packages,python3-venv,binutils" "$suite" "$root" "$mirror"
} >"$work/log" 2>&1 || die "debootstrap: $(tail -n 1 "$work/log")"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man} \
    "$root"/var/log/{apt,dpkg.log,bootstrap.log}
import_image "$image-build"

only_for_the_build=$(comm -13 <(tr ' ' '\n' <"$work/kept" | sort -u) \
    <(chroot "$root" dpkg-query --show --showformat '${Package}\n' | sort -u))
# shellcheck disable=SC2086  # names of packages
chroot "$root" dpkg --purge $only_for_the_build >"$work/log" 2>&1 || die "dpkg --purge: $(tail -n 1 "$work/log")"
rm -f "$root/var/log/dpkg.log"
import_image "$image"
