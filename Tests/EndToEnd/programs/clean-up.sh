#!/bin/sh
# Needs a moment when it is told to end.
# SPDX-License-Identifier: Apache-2.0
trap 'sleep 0.3; echo cleaned up; exit 0' TERM
echo $$
while :; do sleep 0.05; done
