#!/usr/bin/env bash
# A process that is started while procps looks is 1.2 million years old for it.
#
# Package:      procps and libproc2-0 2:4.0.2-3, of Debian 12, unpacked in a temporary folder
# A good guess: POSIX has `ps -o etime` as the time since the process was started, [[dd-]hh:]mm:ss: of one that was started a
#               moment ago that is 00:00. Whoever asks when each was started subtracts it from now.
# Seen:         ps reads the clock first and the processes after that. One that was started in between has an age below zero,
#               which is shown as one without a sign: 441077234-00:18:40, and 4123168608 as `etimes`, the same in seconds: the
#               two do not agree either. So the processes that appear while somebody looks are the ones that are lost to
#               whoever subtracts, sorts by age or refuses what cannot be: `kill` of a tree that still grows, above all.
#
# Linux, with apt-get and dpkg-deb of a Debian 12. Ends with 1 when a thousand looks do not show it.
set -euo pipefail

version=2:4.0.2-3
looks=1000
scratch=$(mktemp -d)
starts=()
finish() {
    for start in "${starts[@]}"; do kill "$start" 2>/dev/null || true; done
    wait
    rm -rf "$scratch"
}
trap finish EXIT
mkdir "$scratch/packages" "$scratch/root"
(cd "$scratch/packages" && apt-get download --quiet "procps=$version" "libproc2-0=$version" >/dev/null 2>&1)
for package in "$scratch"/packages/*.deb; do dpkg-deb --extract "$package" "$scratch/root"; done
libraries=$(dirname "$(find "$scratch/root" -name 'libproc2.so.0' | head -1)")
ps() { LD_LIBRARY_PATH=$libraries "$scratch/root/bin/ps" "$@"; }
ps --version

# Something must be started while ps looks.
for _ in 1 2; do
    (while :; do /bin/true; done) &
    starts+=($!)
done
seen=
for look in $(seq $looks); do
    seen=$(ps -A -o pid=,etime=,etimes=,args= | grep -E '[0-9]{6}-' | head -1 || true)
    [ -z "$seen" ] || break
done
[ -n "$seen" ] || { echo "no longer so: $looks looks show no such age"; exit 1; }
printf 'in look %s: id, etime, etimes, command\n%s\n' "$look" "$seen"
read -r _ age seconds _ <<<"$seen"
days=${age%%-*}
[ "$days" -gt 400000000 ] || { echo "no longer so: $days days"; exit 1; }
[ "$seconds" -lt $((days * 86400)) ] || { echo 'no longer so: etime and etimes agree'; exit 1; }
echo "as seen: $days days, $((days / 365)) years"
