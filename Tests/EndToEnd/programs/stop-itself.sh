#!/bin/sh
# Stops itself, so that SIGTERM alone can't end it.
# SPDX-License-Identifier: Apache-2.0
echo $$
kill -STOP $$
