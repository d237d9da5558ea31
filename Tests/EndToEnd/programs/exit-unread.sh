#!/bin/sh
# Exits before it reads its input.
# SPDX-License-Identifier: Apache-2.0
exit 3
