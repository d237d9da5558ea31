#!/bin/sh
# Does what a program can to be left alone: children in groups and sessions of their own, daemons,
# and none of them minds SIGTERM or SIGHUP. Prints their numbers; with an argument it exits with that then.
# Goes on only when all of them are there and nothing else is.
# SPDX-License-Identifier: Apache-2.0
trap '' TERM HUP INT
# They keep the output open, in addition to the pipe for their process IDs.
exec 3>&1
{
    sleep 1000 &
    echo $!
    # timeout(1) hands SIGTERM on, and what it runs minds that again.
    timeout 1000 sh -c 'trap "" TERM; echo $$; exec sleep 1000' &
    setsid sh -c 'echo $$; exec sleep 1000' &
    setsid -f sh -c 'setsid -f sh -c "echo \$\$; exec env -i /bin/sleep 1000"; echo $$; exec sleep 1000'
} | for _ in 1 2 3 4 5; do
    read -r number
    echo "$number"
done
[ $# = 0 ] || exit "$1"
echo $$
while :; do sleep 1; done
