#!/bin/sh
# Stops itself, so that SIGTERM alone can't end it; says so when it is told to.
# SPDX-License-Identifier: Apache-2.0
trap 'echo told to end; exit 3' TERM
echo $$
kill -STOP $$
