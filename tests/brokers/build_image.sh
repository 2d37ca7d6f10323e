#!/usr/bin/env bash
# Build the image of the container tier where no registry gives apache/kafka.
#
#   build_image.sh IMAGE JARS_FOLDER
#
# A minimal Debian with a Java runtime, from the package mirror and the suite that this machine itself uses, plus the
# Kafka jars. Needs root, debootstrap and a Docker engine. About 40 s. The last line on stderr says why it failed.
set -euo pipefail

image=$1
jars=$2
here=$(cd "$(dirname "$0")" && pwd)

die() {
    echo "$1" >&2
    exit 1
}

# REPO_URI RELEASE of this machine's own archive, whichever way its apt sources are written.
archives() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)' |
        awk -v suite="$suite" '$2 == suite && $3 == "main" && $4 == "Packages" && $1 ~ /^https?:/ { print $1; exit }'
}

# The oldest Java that Kafka 4 runs on, of those that the suite has.
java_package() {
    local version
    for version in 17 21 25; do
        if [ -n "$(apt-cache madison "openjdk-$version-jre-headless")" ]; then
            echo "openjdk-$version-jre-headless"
            return
        fi
    done
}

[ "$(id -u)" -eq 0 ] || die "debootstrap needs root"
command -v debootstrap >/dev/null || die "there is no debootstrap"
command -v apt-get >/dev/null || die "there is no apt-get to learn the package mirror from"
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ -n "$(archives)" ] || apt-get update -qq >&2
mirror=$(archives)
[ -n "$mirror" ] || die "the apt sources name no archive of suite '$suite'"
java=$(java_package)
[ -n "$java" ] || die "suite '$suite' has no Java that Kafka 4 runs on"

work=$(mktemp -d -t batch-events-image.XXXXXX)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT

debootstrap --variant=minbase --include="$java" "$suite" "$root" "$mirror" >"$work/log" 2>&1 ||
    die "debootstrap: $(tail -n 1 "$work/log")"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,locale,man}
mkdir -p "$root"/opt/kafka/{libs,config} "$root"/etc/kafka/docker "$root"/mnt/shared/config
cp "$jars"/*.jar "$root/opt/kafka/libs/"
cp "$here/log4j2.properties" "$root/etc/kafka/docker/"
install -m 0755 "$here/image_entry.sh" "$root/etc/kafka/docker/run"

tar -C "$root" --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf - . |
    docker import --change 'CMD ["/etc/kafka/docker/run"]' - "$image"
