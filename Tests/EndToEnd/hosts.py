# SPDX-License-Identifier: Apache-2.0
"""Configurations for the client, and a client that has one."""

import json
import pathlib

import authority
from support import PARLEY, Program, new_folder


class Parley(Program):
    """A `parley` with any words."""

    def __init__(self, owner, *words, config=None, **how):
        options = [] if config is None else ["--config", config]
        super().__init__(owner, [PARLEY, words[0], *options, *words[1:]], **how)


def write(folder, hosts, name="config.json5"):
    """A configuration; `hosts` are text, or an object."""
    text = hosts if isinstance(hosts, str) else json.dumps({"hosts": hosts})
    return authority.write(pathlib.Path(folder) / name, text)


def configured(hosts):
    return write(new_folder(), hosts)
