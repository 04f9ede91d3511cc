#!/usr/local/bin/python3

"""
    Copyright (c) 2026, The Hearth developers
    SPDX-License-Identifier: BSD-2-Clause

    Asks the running agent, for configd: prints one JSON value and ends with 0, whatever happens,
    because configd drops the output of a script that fails. What went wrong is
    {"error": a sentence for people, "state": "stopped" | "silent" | "refused" | "failed"}.
"""
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.parse

SOCKET = os.environ.get('HEARTH_SOCKET', '/var/run/hearth/hearth.sock')
BINARY = os.environ.get('HEARTH_BIN', '/usr/local/sbin/hearth')
CONFIG = os.environ.get('HEARTH_CONFIG', '/usr/local/etc/hearth/hearth.toml')
# What is declared, applied or not: what makes it, and where it is then.
CHECK = os.environ.get('HEARTH_CHECK', '/usr/local/opnsense/scripts/hearth/apply.php')
STAGED = os.environ.get('HEARTH_STAGED', '/usr/local/etc/hearth/staging/hearth.toml')
# How long an answer may take, in seconds.
WAIT = float(os.environ.get('HEARTH_WAIT', '10'))
# The image factory is on the internet, and builds on demand.
WAIT_FACTORY = 60
# A check waits for another one that is under way.
WAIT_CHECK = 100
# Machines of one page of the API; those that a grid is given or that are sorted here; those that are read for a search.
PAGE, MACHINES, READ = 1000, 5000, 20000
# By what the API sorts machines.
SORTS = ('id', 'label', 'phase', 'address', 'first_seen', 'last_seen')
EVENTS = 200
# Findings of the overview and the dashboard.
FINDINGS = 20
# Machines whose network cards are looked at for hints.
HINTS = 200

STOPPED = 'The boot server does not run. Start it; if it ends again, its log says why.'
SILENT = 'The boot server runs and does not answer. Restart it; its log may say what it is busy with.'


class Problem(Exception):
    """What went wrong, for people."""

    def __init__(self, text, state='failed'):
        super().__init__(text)
        self.state = state


class Control(http.client.HTTPConnection):
    """HTTP over the agent's socket."""

    def __init__(self):
        super().__init__('localhost', timeout=WAIT)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(WAIT)
        self.sock.connect(SOCKET)


def api(method, path, body=None, who=''):
    """Asks the agent's API and returns its answer. `who` is the GUI's user, for the audit log."""
    connection = Control()
    try:
        text = None if body is None else json.dumps(body)
        headers = {} if body is None else {'Content-Type': 'application/json'}
        if who:
            headers['Hearth-For'] = who.encode('ascii', 'replace').decode()
        connection.request(method, '/api/v1/' + path, text, headers)
        response = connection.getresponse()
        status, content = response.status, response.read()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise Problem(STOPPED, 'stopped') from error
    except TimeoutError as error:
        raise Problem(SILENT, 'silent') from error
    except (OSError, http.client.HTTPException) as error:
        raise Problem(f'The boot server cannot be asked: {error or type(error).__name__}.', 'silent') from error
    finally:
        connection.close()
    try:
        answer = json.loads(content) if content else {}
    except ValueError as error:
        raise Problem(f'The boot server gave an answer that is none (status {status}).') from error
    if status >= 400:
        problem = answer if isinstance(answer, dict) else {}
        raise Problem(sentence(problem.get('detail') or problem.get('title') or f'status {status}'), 'refused')
    return answer


def get(path, **query):
    """A GET with what is given of a query."""
    pairs = {key: value for key, value in query.items() if value not in (None, '')}
    return api('GET', path + ('?' + urllib.parse.urlencode(pairs) if pairs else ''))


def called(machine):
    """A machine's name, MAC, UUID or number as a part of a path."""
    if not machine:
        raise Problem('No machine is named.', 'refused')
    return 'machines/' + urllib.parse.quote(machine, safe='')


@contextlib.contextmanager
def configuration():
    """The configuration in force, or, before there is one, what is enough to ask a factory."""
    if os.path.exists(CONFIG):
        yield CONFIG
        return
    with tempfile.NamedTemporaryFile('w', suffix='.toml') as made:
        made.write('[server]\naddresses = ["127.0.0.1"]\n')
        made.flush()
        yield made.name


def command(*arguments, wait=WAIT, of=None):
    """What a command of the agent's binary prints, by the configuration in force or that of a file."""
    try:
        with configuration() as config:
            done = subprocess.run([BINARY, '--config', of or config, *arguments], capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=wait, check=False)
    except FileNotFoundError as error:
        raise Problem('The program hearth is not installed: install the package again.') from error
    except subprocess.TimeoutExpired as error:
        raise Problem(f'No answer within {wait:.0f} seconds. Try again.', 'silent') from error
    if done.returncode != 0:
        told = done.stderr.decode(errors='replace').strip() or done.stdout.decode(errors='replace').strip()
        raise Problem(told.removeprefix('error: ') or f'hearth ended with {done.returncode}', 'refused')
    return done.stdout.decode(errors='replace')


def sentence(text):
    """Begins with a capital and ends with a dot."""
    text = str(text).strip()
    return text[:1].upper() + text[1:] + ('' if text[-1:] in '.!?' else '.')


def rank(finding):
    """The most serious first, of these what was seen last."""
    severity = {'error': 0, 'warning': 1, 'notice': 2}.get(finding['severity'], 3)
    return severity, -max(finding.get('evidence') or [0])


def worst(findings):
    """By machine, its most serious finding."""
    return {one.get('machine'): one for one in sorted(findings, key=rank, reverse=True)}


def row(machine, found):
    """A machine as a grid needs it."""
    facts, wishes = machine.get('facts') or {}, machine.get('wishes') or {}
    finding = found.get(machine['id']) or {}
    make = ' '.join(word for word in (facts.get('manufacturer'), facts.get('product')) if word)
    return {
        'id': machine['id'], 'label': machine['label'], 'phase': machine['phase'],
        'profile': (machine.get('detail') or {}).get('profile') or wishes.get('profile') or '',
        'address': machine.get('address') or '', 'mac': (machine.get('macs') or [''])[0],
        'last_seen': machine['last_seen'], 'first_seen': machine['first_seen'],
        'declared': machine.get('declared') or '', 'policy': machine.get('policy') or '', 'make': make, 'serial': facts.get('serial') or '',
        'tags': ' '.join(wishes.get('tags') or []),
        'severity': finding.get('severity', ''), 'finding': finding.get('sentence', ''),
        'remedy': finding.get('remedy', ''), 'code': finding.get('code', ''),
    }


def status():
    return get('status')


def machines(asked='{}'):
    """
    Rows of a grid: `search` (words), `phases`, `sort` (a column) and `backward`, `begin` and `count`. The API chooses, sorts
    and turns pages as far as it can; by a column that it does not sort by, the newest machines are put in order. `total`
    is how many were counted, `more` says that there are others behind them.
    """
    asked = json.loads(asked)
    words, phases = str(asked.get('search', '')).lower().split(), asked.get('phases', [])
    key, backward = asked.get('sort') or 'last_seen', asked.get('backward', True)
    begin, count = max(0, asked.get('begin', 0)), asked.get('count', -1)
    end = begin + (count if count > 0 else MACHINES)
    is_known = key in SORTS
    query = {'sort': ('-' if backward else '') + key if is_known else '-last_seen', 'limit': PAGE,
             'q': words[0] if words else '', 'phase': phases[0] if len(phases) == 1 else ''}

    def chosen(one):
        text = json.dumps(one, ensure_ascii=False).lower() if words[1:] else ''
        return (len(phases) < 2 or one['phase'] in phases) and all(word in text for word in words[1:])

    found, after, read = [], None, 0
    while read == 0 or after is not None and read < (READ if is_known else MACHINES) and not (is_known and len(found) > end):
        page = get('machines', **query, after=after)
        read += max(1, len(page['machines']))
        found += filter(chosen, page['machines'])
        after = page.get('next')
    of = worst(get('findings')['findings'])
    if is_known:
        rows = [row(one, of) for one in found[begin:end]]
    else:
        rows = sorted((row(one, of) for one in found), key=lambda one: str(one.get(key, '')).lower(), reverse=backward)[begin:end]
    return {'machines': rows, 'total': len(found), 'more': after is not None}


def machine(name):
    """All that a machine's page shows."""
    found = get(called(name))
    return {
        'machine': found, 'timeline': get(called(name) + '/timeline'),
        'advice': get(called(name) + '/advice'),
        'profiles': [one['name'] for one in get('profiles')['profiles']],
    }


def events(name=''):
    if name:
        return get(called(name) + '/events', newest='true', limit=EVENTS)
    return get('events', newest='true', limit=EVENTS)


def overview():
    """All that the overview and the dashboard show."""
    now, known = get('status'), get('machines', sort='-last_seen', limit=50)
    found = sorted(get('findings')['findings'], key=rank)
    of = worst(found)
    return {
        'status': now, 'machines': [row(one, of) for one in known['machines']],
        'findings': found[:FINDINGS], 'findings_total': len(found), 'live': live()['machines'],
        'fetches': get('fetches')['fetches'][:1],
    }


def live():
    """Machines that are on their way now."""
    return get('live')


def findings():
    return get('findings')


def images():
    """Images and loaders with what is there of them and where it came from, and the last fetches."""
    found, urls = get('images'), {one['path']: one['url'] for one in get('lock')['lock']}
    for file in (file for image in found['images'] for file in image['files']):
        file['url'] = urls.get(file['path'], '')
    return {**found, 'loaders': get('loaders')['loaders'], **get('fetches')}


def fetches():
    return get('fetches')


def begin(path, names, who):
    """Begins a task for names, with commas between."""
    return api('POST', path, {'names': [name for name in names.split(',') if name]}, who)


def fetch(names='', who=''):
    return begin('fetches', names, who)


def update(names, who=''):
    """Fetches anew and pins what comes."""
    return begin('lock/update', names, who)


def prune(who=''):
    """Removes fetched files that nothing refers to any more."""
    return api('POST', 'lock/prune', who=who)


def cancel(number, who=''):
    return api('DELETE', 'fetches/' + urllib.parse.quote(number, safe=''), who=who)


def profiles():
    return get('profiles')


def policies():
    return get('policies')


def made_up(facts):
    """Lines of KEY=VALUE as values by key."""
    made = {}
    for line in facts.splitlines():
        key, equals, value = line.partition('=')
        if line.strip() and not equals:
            raise Problem(f'"{line.strip()}" is no fact: write KEY=VALUE, as memory=16 GiB.', 'refused')
        if line.strip():
            made.setdefault(key.strip(), []).append(value.strip())
    return made


def policytest(name='', facts=''):
    """`facts`: lines of KEY=VALUE; `mac` and `tag` may come more than once."""
    wanted, made = {'machine': name} if name else {}, made_up(facts)
    if made:
        wanted['facts'] = {key: many if len(many) > 1 else many[0] for key, many in made.items()}
    return api('POST', 'policies/test', wanted)


# What an action takes beside its name, by the API's key.
VALUES = {
    'approve': None, 'assign': 'profile', 'unassign': None, 'reinstall': None, 'local': 'profile',
    'hold': None, 'release': None, 'ignore': None, 'unignore': None, 'boot': 'profile',
    'rescue': 'profile', 'cancel-boot': None, 'loader': 'loader', 'local-boot': 'method',
    'notes': 'notes', 'name': 'name', 'tags': 'tags', 'forget': None,
}


def act(name, action, value='', who=''):
    if action == 'wake':
        return api('POST', called(name) + '/wake', {}, who)
    if action not in VALUES:
        raise Problem(f'There is no action "{action}".', 'refused')
    body = {'action': action}
    if action == 'tags':
        body['tags'] = value.replace(',', ' ').split()
    elif action == 'notes':
        body['notes'] = value
    elif VALUES[action]:
        body[VALUES[action]] = value or None
    return api('POST', called(name) + '/actions', body, who)


# What `script` may be told, as the command line calls it.
SCRIPT = ('mac', 'uuid', 'platform', 'arch', 'ip', 'manufacturer', 'product', 'serial', 'asset', 'busid', 'item')


def script(told='{}', of=None):
    """The script of a machine that is known (`machine`), or of a made-up one by the configuration in force or that of
    a file; without the secret in it."""
    told, arguments = json.loads(told), []
    if told.get('machine'):
        answer = get(called(told['machine']) + '/script')
        answer['script'] = masked(answer['script'])
        return answer
    for key in SCRIPT:
        if told.get(key):
            arguments.append(f'--{key}={told[key]}')
    for flag in ('menu', 'fallback'):
        if told.get(flag) in (True, '1', 1):
            arguments.append('--' + flag)
    return {'script': masked(command('script', *arguments, of=of))}


def masked(text):
    """A script without Omni's join token."""
    return re.sub(r'(jointoken=)[^\s&]+', r'\1***', text)


def tryout(name='', facts='', told='{}'):
    """
    Policies, script and menu by what is declared now, applied or not, for a machine as if it were met now. Needs no
    running agent, but for what it knows of the machine `name`.
    """
    made = made_up(facts)
    if name:
        made = {**policytest(name)['has'], **made}
    try:
        said = json.loads(subprocess.run([CHECK, '--check'], capture_output=True, stdin=subprocess.DEVNULL,
                                         timeout=WAIT_CHECK, check=False).stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Problem('What is declared could not be checked. Try again in a minute.') from error
    if said['status'] != 'ok':
        raise Problem('\n'.join(filter(None, (said.get('message'), said.get('details')))), 'refused')
    # One that was applied meanwhile is in force.
    of = STAGED if os.path.exists(STAGED) else CONFIG
    pairs = [f'--fact={key}={value}' for key, values in made.items() for value in values]
    policies = {'error': 'Name a machine, or say what a made-up one has.', 'state': 'refused'}
    if pairs:
        policies = json.loads(command('policy', 'test', '--offline', '--json', *pairs, of=of))
    return {
        'policies': policies,
        'script': script(told, of)['script'], 'menu': script('{"menu": "1"}', of)['script'],
        'differs': said.get('differs', False), 'warnings': said.get('warnings', ''),
    }


def factory(url):
    """The option for an image factory of one's own."""
    if url and not re.fullmatch(r'https?://[^\s#]{1,2000}', url):
        raise Problem(f'"{url}" is no URL: it begins with https://.', 'refused')
    return [f'--factory={url}'] if url else []


def versions(url=''):
    """Talos versions, the newest first."""
    lines = command('talos', 'versions', *factory(url), wait=WAIT_FACTORY).split()
    return {'versions': lines[::-1]}


def extensions(version, url=''):
    if not re.fullmatch(r'v\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?', version):
        raise Problem(f'"{version}" is no version of Talos: they are written v1.11.2.', 'refused')
    lines = command('talos', 'extensions', version, *factory(url), wait=WAIT_FACTORY).splitlines()[1:]
    pairs = [line.strip().split(None, 1) for line in lines if line.strip()]
    return {'extensions': [{'name': pair[0], 'description': ''.join(pair[1:])} for pair in pairs]}


def hints():
    """What the network cards that were seen need, one entry a card."""
    cards = {}
    for one in get('machines', sort='-last_seen', limit=HINTS)['machines']:
        busid = (one.get('facts') or {}).get('busid')
        if busid and busid not in cards:
            found = get(called(str(one['id'])) + '/advice')
            cards[busid] = {key: found.get(key) for key in ('card', 'chip', 'driver', 'talos', 'extensions', 'text')}
            cards[busid]['label'] = one['label']
    return {'hints': list(cards.values())}


ASKED = {function.__name__: function for function in (
    status, machines, machine, events, overview, live, findings, images, fetches, fetch, update, prune,
    cancel, profiles, policies, policytest, tryout, act, script, versions, extensions, hints,
)}


def main(arguments):
    try:
        if not arguments or arguments[0] not in ASKED:
            raise Problem('There is no such question.', 'refused')
        answer = ASKED[arguments[0]](*arguments[1:])
    except Problem as problem:
        answer = {'error': str(problem), 'state': problem.state}
    except (TypeError, ValueError, KeyError) as error:
        answer = {'error': f'The boot server gave an answer that is not understood: {error!r}.', 'state': 'failed'}
    print(json.dumps(answer))


if __name__ == '__main__':
    main(sys.argv[1:])
