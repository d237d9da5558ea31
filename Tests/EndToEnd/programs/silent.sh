#!/bin/sh
# Writes nothing for as many seconds as the argument says, then a line.
# SPDX-License-Identifier: Apache-2.0
sleep "$1"
echo "at last"
