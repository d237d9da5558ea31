#!/bin/sh
# Does what a program can to be left alone: children in groups and sessions of their own, daemons,
# and none of them minds SIGTERM or SIGHUP. Prints their numbers; with an argument it exits with that then.
# SPDX-License-Identifier: Apache-2.0
trap '' TERM HUP INT
sleep 1000 &
echo $!
timeout 1000 sh -c 'echo $$; exec sleep 1000' &
setsid sh -c 'echo $$; exec sleep 1000' &
setsid -f sh -c 'echo $$; setsid -f sh -c "echo \$\$; exec env -i /bin/sleep 1000"; exec sleep 1000'
[ $# = 0 ] || exit "$1"
echo $$
while :; do sleep 1; done
