#!/bin/sh
# Leaves a child in the background and exits: with `keep` the child has the pipes,
# with `quiet` not; `stubborn` ignores SIGTERM, and `daemon` leaves the process group.
# SPDX-License-Identifier: Apache-2.0
case $1 in
keep) sleep 1000 & ;;
quiet) sleep 1000 </dev/null >/dev/null 2>&1 & ;;
daemon) setsid sleep 1000 & ;;
stubborn)
    trap '' TERM
    sleep 1000 &
    ;;
esac
echo $!
exit 4
