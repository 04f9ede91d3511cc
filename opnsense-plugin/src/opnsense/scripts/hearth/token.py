#!/usr/local/bin/python3

"""
Copyright (c) 2026, The Hearth developers
SPDX-License-Identifier: BSD-2-Clause

Tokens of the agent's API: token.py list | create NAME ROLE [TIME] | revoke NAME
Prints JSON and ends with 0, also when the agent refuses: configd drops what a failing script printed.
"""

import json
import subprocess
import sys

AGENT = '/usr/local/sbin/hearth'


def ask(what, values):
    if what == 'list':
        arguments = ['list', '--json']
    elif what == 'create':
        name, role, *time = values
        arguments = ['create', '--json', '--role', role] + ['--expires=%s' % one for one in time if one] + ['--', name]
    else:
        arguments = ['revoke', '--'] + values
    done = subprocess.run([AGENT, 'token'] + arguments, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        said = done.stderr.strip().removeprefix('error: ')
        return {'error': (said[:1].upper() + said[1:]).rstrip('.') + '.' if said else 'The agent gave no reason.'}
    return json.loads(done.stdout) if '--json' in arguments else {}


if __name__ == '__main__':
    try:
        answer = ask(sys.argv[1], sys.argv[2:])
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        answer = {'error': str(error)}
    print(json.dumps(answer))
