#!/bin/sh
# Ignores SIGTERM, as its children do.
# SPDX-License-Identifier: Apache-2.0
trap '' TERM HUP INT
echo $$
while :; do sleep 0.2; done
