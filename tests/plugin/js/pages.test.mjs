// What the pages show and offer, without a page: the way to the first boot, machines, findings, the wizard.
import assert from 'node:assert/strict';
import test from 'node:test';

const machine = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/machine.js');
const steps = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/steps.js');
const rows = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/rows.js');
const wizard = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/wizard.js');
const made = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/made.js');
const {prose} = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/text.js');

const EVIL = '<img src=x onerror="alert(1)">\'';
const status = (more = {}) => ({
    addresses: ['192.168.1.1'], tftp_port: 69, http_port: 8069, configuration: {refused: null},
    loaders: [{name: 'snponly.efi', state: 'ready'}], images: [{name: 'talos', state: 'ready'}], declared: {profiles: 1}, ...more,
});
const overview = (more = {}) => ({status: status(), machines: [], fetches: [], ...more});
const ON = {enabled: '1', interfaces: 'lan', firewall: '1'};
const OPEN = {filter: true, loaded: 2, missing: []};
const WIRED = {interfaces: [{name: 'lan', label: 'LAN', servers: [{server: 'dnsmasq', label: 'Dnsmasq'}], state: 'wired'}]};
const found = (seen) => Object.fromEntries(steps.steps(seen).map((step) => [step.id, step]));

test('a fresh firewall: everything is to be done, and nothing is claimed that was not seen', () => {
    const all = found({settings: {enabled: '0', interfaces: '', firewall: '1'}, overview: {error: 'It does not run.', state: 'stopped'}, dhcp: {error: 'no'}});
    assert.equal(all.agent.state, 'open');
    assert.equal(all.agent.button.label, 'Set up');
    assert.deepEqual(['loaders', 'images', 'machine'].map((id) => all[id].state), Array(3).fill('unknown'));
    assert.equal(all.system.button.link, '/ui/hearth/images#talos');
    assert.deepEqual([all.firewall.state, all.dhcp.state, all.dhcp.button], ['open', 'open', undefined]);
    assert.equal(steps.progress(steps.steps({settings: null, overview: null, dhcp: null})).done, 0);
});

test('a firewall on which all is well', () => {
    const seen = {settings: ON, overview: overview({machines: [{id: 1, label: 'oden'}]}), dhcp: WIRED, firewall: OPEN};
    assert.deepEqual(steps.progress(steps.steps(seen)), {done: 7, of: 7});
});

test('before the boot server runs nothing is said to be wrong with DHCP, but what was set there can be taken back', () => {
    const blocked = {interfaces: [{label: 'LAN', state: 'blocked', conflicts: [{level: 'blocker', text: 'No address.'}]}]};
    const dhcp = (plan) => found({settings: {enabled: '0', interfaces: 'lan'}, overview: {error: 'It does not run.', state: 'stopped'}, dhcp: plan}).dhcp;
    assert.equal(dhcp(blocked).state, 'open');
    assert.equal(dhcp({...blocked, applied: {whole: true}}).state, 'wrong');
});

test('what is at hand without a profile is no system of one\'s own', () => {
    const {system} = found({settings: ON, overview: overview({status: status({declared: {profiles: 0}})}), dhcp: WIRED});
    assert.deepEqual([system.state, system.button.label], ['open', 'Set up Talos']);
});

test('what is missing is told with the reason of its own last fetch, not with that of another', () => {
    const loaders = [{name: 'arm64/snponly.efi', state: 'missing', missing: ['arm64/snponly.efi']}], images = [{name: 'talos', state: 'missing', missing: ['talos/k']}];
    const fetches = [
        {ended: 2, names: ['talos'], state: 'failed', error: '1 of 1 files failed', files: [{name: 'talos/k', state: 'failed', error: 'the disk is full'}]},
        {ended: 1, names: ['loaders'], state: 'done', error: null, files: [{name: 'arm64/snponly.efi', state: 'absent', error: 'answers 404'}]},
    ];
    const of = (fetches) => found({settings: ON, overview: overview({status: status({loaders, images}), fetches}), dhcp: WIRED});
    assert.match(of(fetches).images.detail, /The last try failed: the disk is full/);
    assert.match(of(fetches).loaders.detail, /The last try failed: answers 404/);
    assert.deepEqual([of(fetches.slice(1)).images.state, of(fetches.slice(1)).images.button.label], ['open', 'Fetch']);
});

test('what the page DHCP sets right is not told as a command', () => {
    const html = rows.findings([{machine: 7, label: 'x', code: 'wrong-next-server', severity: 'error', sentence: 's', remedy: 'run `hearth dhcp snippet`'}]);
    assert.match(html, /The page DHCP shows what the server says/);
    assert.ok(!html.includes('snippet'), html);
});

test('each step that is not done has one button that does it', () => {
    const agent = (overview, settings = ON) => found({settings, overview, dhcp: WIRED}).agent;
    assert.deepEqual(agent({error: 'x', state: 'stopped'}).button, {label: 'Start', act: 'start'});
    assert.equal(agent({error: 'x', state: 'silent'}).button.label, 'Log');
    assert.equal(agent({error: 'x', state: 'stopped'}, {...ON, interfaces: ''}).button.label, 'Choose interfaces');
    const refused = agent(overview({status: status({configuration: {refused: {error: 'hearth.toml:3:1: no'}}})}));
    assert.equal(refused.state, 'wrong');
    assert.match(refused.detail, /hearth\.toml:3:1/);
    const images = (images, fetches = []) => found({settings: ON, overview: overview({status: status({images}), fetches}), dhcp: WIRED}).images;
    assert.deepEqual(images([{name: 'a', state: 'missing'}, {name: 'b', state: 'ready'}]).button, {label: 'Fetch', act: 'fetch', names: 'a'});
    assert.equal(images([]).button.label, 'Set up Talos');
    const running = images([{name: 'a', state: 'missing'}], [{ended: null, files: [{name: 'a/k', state: 'running', bytes: 5e6, total: 1e7, rate: 1e6}]}]);
    assert.equal(running.button, undefined);
    assert.equal(running.detail, 'Being fetched now: a/k, 5.0 MB (50 %), 1.0 MB/s');
    const failed = images([{name: 'a', state: 'missing'}], [{ended: 1, state: 'failed', error: 'no route'}]);
    assert.equal(failed.state, 'wrong');
    assert.match(failed.detail, /no route/);
    const dhcp = found({settings: ON, overview: overview(), dhcp: {interfaces: [{label: 'LAN', state: 'open'}, {label: 'LAB', state: 'wired'}]}}).dhcp;
    assert.match(dhcp.detail, /Not yet on LAN\./);
});

test('the firewall is open when its rules are loaded, and one button opens it', () => {
    const step = (firewall, settings = ON) => found({settings, overview: overview(), dhcp: WIRED, firewall}).firewall;
    assert.equal(step(OPEN).state, 'done');
    const shut = step({filter: true, loaded: 1, missing: ['LAN, UDP 69']});
    assert.equal(shut.state, 'open');
    assert.match(shut.detail, /LAN, UDP 69/);
    assert.deepEqual(shut.button, {label: 'Apply', act: 'firewall'});
    assert.equal(step({filter: true, loaded: 0, missing: []}).state, 'open');
    assert.equal(step({filter: false, loaded: 0, missing: ['LAN, UDP 69']}).state, 'done');
    assert.deepEqual([null, {error: 'x'}].map((one) => step(one).state), ['unknown', 'unknown']);
    const off = step(OPEN, {...ON, firewall: '0'});
    assert.equal(off.state, 'unknown');
    assert.equal(off.button.act, 'firewall');
});

test('lists have what machines and findings say as text', () => {
    const html = rows.steps(steps.steps({settings: ON, overview: overview({machines: [{id: EVIL, label: EVIL}]}), dhcp: {error: EVIL}})) +
        rows.live([{machine: EVIL, label: EVIL, stage: EVIL, profile: EVIL, since: 1, transfers: [{name: EVIL, bytes: 1, size: 2, rate: 3}],
            event: {text: EVIL}, finding: {severity: EVIL, sentence: EVIL}, ended: {how: EVIL, why: EVIL}}], 2) +
        rows.findings([{machine: EVIL, label: EVIL, severity: EVIL, sentence: EVIL, remedy: EVIL, code: 'waits-for-approval'}]) +
        rows.phase(EVIL) + rows.when(1, 2, EVIL);
    assert.ok(!html.includes('<img'), html);
    const quoted = html.match(/"[^"]*"/g).join('');
    assert.ok(!/[<>]/.test(quoted), quoted);
});

test('machines on their way: stage, bytes, how far', () => {
    const html = rows.live([{machine: 3, label: 'oden', stage: 'images', since: 1000, profile: 'talos',
        transfers: [{name: 'talos/kernel', bytes: 5e6, size: 2e7, rate: 1e6}], event: null, finding: null, ended: null}], 13000);
    assert.match(html, /href="\/ui\/hearth\/machines\/machine\/3">oden</);
    assert.match(html, /files, 12\.0 s/);
    assert.match(html, /aria-valuenow="25"/);
    assert.match(html, /5\.0 MB of 20\.0 MB, 1\.0 MB\/s/);
    assert.match(rows.live([{machine: null, label: '192.168.1.9', transfers: []}], 1), /<b>192\.168\.1\.9<\/b>/);
    assert.match(rows.live([], 1), /No machine is booting/);
    assert.match(rows.bar(5, null, 'x'), /active/);
});

test('a finding has a button where one press is the remedy', () => {
    assert.deepEqual(rows.remedy({code: 'loader-missing', machine: 1}), {label: 'Fetch loaders', act: 'fetch', names: 'loaders'});
    assert.equal(rows.remedy({code: 'options-66-67', machine: 1}).link, '/ui/hearth/dhcp');
    assert.equal(rows.remedy({code: 'installation-failed', machine: 7}).link, '/ui/hearth/machines/machine/7');
    assert.equal(rows.remedy({code: 'installation-failed', machine: 7}, false), null);
    assert.equal(rows.remedy({code: 'never heard of', machine: 7}), null);
    assert.match(rows.findings([{machine: 7, label: 'x', code: 'waits-for-approval', severity: 'notice', sentence: 's', remedy: 'r'}]),
        /data-act="approve" data-names="" data-machine="7"/);
    // The dashboard has none of our buttons' wires.
    const short = rows.findings([{machine: 7, label: 'x', code: 'waits-for-approval', severity: 'notice', sentence: 's', remedy: 'r'}], {short: true});
    assert.doesNotMatch(short, /<button|What to do/);
    assert.match(short, /machines\/machine\/7/);
});

test('what a fetch failed of is no machine\'s, and leads to the images', () => {
    const html = rows.findings([{machine: null, label: 'fetch', code: 'fetch-dns', severity: 'error', sentence: 's', remedy: 'r'}]);
    assert.ok(!html.includes('/machines/'), html);
    assert.match(html, /<b>Fetch<\/b>: s</);
    assert.match(html, /href="\/ui\/hearth\/images">Images</);
    assert.ok(!rows.findings([{machine: null, label: 'fetch', code: 'fetch-dns', severity: 'error', sentence: 's', remedy: 'r'}],
        {named: false}).includes('Fetch'));
});

test('sentences of the agent: a capital, and code', () => {
    assert.equal(prose('run `hearth fetch <x>` now'), 'Run <code>hearth fetch &lt;x&gt;</code> now');
    assert.equal(prose('iPXE asks for its address'), 'iPXE asks for its address');
    assert.equal(prose('decided: menu'), 'Decided: menu');
    assert.equal(prose('debian/initrd.gz broke off'), 'debian/initrd.gz broke off');
    assert.equal(prose('a ` alone <b>'), 'A ` alone &lt;b&gt;');
    assert.equal(prose(null), '');
});

const oden = (more = {}) => ({
    id: 1, label: 'oden', phase: 'ready', macs: ['5c:f3:fc:01:02:03'], uuid: 'u', since: 0, address: '192.168.1.171', declared: null,
    facts: {manufacturer: 'IBM', product: 'x3550', memory_mb: 16384, platform: 'efi', firmware: '1.2', buildarch: 'i386', cpu64: true, busid: '0114e41639', chip: 'bnx2'},
    wishes: {held: false, profile: null, once: null, tags: ['lab'], notes: ''}, learnt: {}, detail: {}, ...more,
});

test('what is known of a machine, and nothing it did not say', () => {
    const known = Object.fromEntries(machine.facts(oden()));
    assert.equal(known.Make, 'IBM x3550');
    assert.equal(known.Memory, '16 GiB');
    assert.equal(known['Network card'], 'bnx2, PCI 14e4:1639');
    assert.equal(machine.card('01:1a:f4:10:00'), 'PCI 1af4:1000');
    assert.equal(known.Processor, 'amd64');
    assert.ok(!('Serial number' in known) && !('Notes' in known));
    assert.deepEqual(machine.facts({}), []);
});

test('what can be done follows from the phase, and what destroys asks first', () => {
    const names = (more) => machine.actions(oden(more)).map((one) => one.action);
    assert.deepEqual(names({phase: 'held'}).slice(0, 1), ['approve']);
    assert.ok(names({phase: 'held', wishes: {held: true}}).includes('release'));
    assert.ok(!names({phase: 'ready'}).includes('reinstall') && names({phase: 'installed'}).includes('reinstall'));
    assert.deepEqual(names({phase: 'ignored', macs: []}), ['local', 'unignore', 'forget']);
    assert.ok(names({wishes: {once: 'rescue', profile: 'x'}}).includes('cancel-boot'));
    for (const phase of ['discovered', 'held', 'ready', 'installing', 'installed', 'failed', 'ignored']) {
        for (const one of machine.actions(oden({phase}))) {
            assert.equal(Boolean(one.confirm), ['release', 'reinstall', 'local', 'ignore', 'unignore', 'forget'].includes(one.action), one.action);
        }
        assert.notEqual(machine.state(oden({phase}), 1000), '');
    }
});

test('which profile is on a disk is asked where nothing says it', () => {
    const local = (more) => machine.actions(oden(more)).find((one) => one.action === 'local');
    assert.equal(local({phase: 'discovered'}).ask, 'profile');
    assert.equal(local({phase: 'discovered', wishes: {profile: 'talos'}}).ask, null);
    assert.equal(local({phase: 'installing', detail: {profile: 'talos'}}).ask, null);
    assert.equal(local({phase: 'ready', policy: 'old servers'}).ask, null);
});

test('an adopted machine has a name that the configuration takes', () => {
    const fields = machine.adopted(oden({label: '5c:f3:fc:01:02:03'}));
    assert.deepEqual([fields.name, fields.mac, fields.smbios_uuid], ['5c-f3-fc-01-02-03', '5c:f3:fc:01:02:03', 'u']);
    assert.equal(machine.nameOf('<Script> Füchse!'), 'script-f-chse');
    assert.equal(machine.nameOf('!!!'), 'machine');
    assert.equal(machine.nameOf('x'.repeat(99)).length, 64);
    assert.deepEqual(machine.handedOver(oden()), []);
    const said = oden({given_name: 'oden', wishes: {profile: 'talos', loader: 'ipxe.efi', local_boot: 'exit', notes: 'n', tags: ['lab']}});
    assert.deepEqual(machine.handedOver(said), [['unassign', ''], ['loader', ''], ['local-boot', ''], ['name', '']]);
});

test('an edit sends what was changed, and nothing else', () => {
    const was = oden({given_name: 'oden'});
    const same = {name: 'oden', tags: 'lab', notes: '', loader: '', 'local-boot': ''};
    assert.deepEqual(machine.changes(was, same), []);
    assert.deepEqual(machine.changes(was, {...same, tags: 'lab, old', name: ' thor '}), [['name', 'thor'], ['tags', 'lab, old']]);
});

test('versions of Talos are sorted as numbers, and what is not finished is not offered as new', () => {
    const all = ['v1.9.10', 'v1.10.0', 'v1.9.9', 'v1.11.0-alpha.2', 'v1.11.0-alpha.10', 'nonsense'];
    assert.deepEqual(wizard.sorted(all), {finished: ['v1.10.0', 'v1.9.10', 'v1.9.9'], early: ['v1.11.0-alpha.10', 'v1.11.0-alpha.2']});
    assert.equal(wizard.newer('v1.9.9', all), 'v1.10.0');
    assert.equal(wizard.newer('v1.10.0', all), null);
    assert.equal(wizard.newer('v1.11.0-alpha.2', all), null);
    assert.equal(wizard.newer('bookworm', all), null);
    const changed = 'the bytes are not those of the lock; if the publisher changed it on purpose, `hearth lock update NAME` accepts that';
    assert.equal(wizard.isOther({state: 'failed', error: changed}), true);
    assert.equal(wizard.isOther({state: 'failed', error: 'no answer'}), false);
    assert.equal(wizard.isOther({state: 'kept', error: null}), false);
    assert.equal(wizard.newer('v1.0.0', []), null);
});

test('the schematic is shown whole where a URL has it', () => {
    const id = 'd9ff89777e24'.padEnd(64, '0');
    assert.equal(wizard.schematic([`https://factory.talos.dev/image/${id}/v1.11.2/kernel-amd64`, 'talos/v1.11.2/d9ff89777e24/kernel-amd64']), id);
    assert.equal(wizard.schematic([undefined, 'talos/v1.11.2/d9ff89777e24/kernel-amd64']), 'd9ff89777e24');
    assert.equal(wizard.schematic(['debian/bookworm/amd64/linux']), '');
});

test('hints: what the cards that were seen need comes first', () => {
    const wanted = wizard.wanted([{label: 'a', talos: 'better', extensions: ['siderolabs/x']}, {label: 'b', talos: 'works', extensions: []},
        {label: 'c', talos: 'firmware', extensions: ['siderolabs/bnx2-bnx2x']}, {label: 'd', talos: 'firmware', extensions: ['siderolabs/bnx2-bnx2x']}]);
    assert.deepEqual(wanted.map((one) => [one.name, one.needed, one.machines]),
        [['siderolabs/bnx2-bnx2x', true, ['c', 'd']], ['siderolabs/x', false, ['a']]]);
    const all = [{name: 'siderolabs/a', description: 'Broadcom firmware'}, {name: 'siderolabs/b', description: 'other'}];
    assert.deepEqual(wizard.chosenFirst(all, ['siderolabs/b'], 'BROAD firm').map((one) => one.name), ['siderolabs/b', 'siderolabs/a']);
    assert.deepEqual(wizard.chosenFirst(all, [], 'nothing'), []);
});

test('a filled-in wizard becomes rows of the configuration', () => {
    const form = {join: {api: 'https://x', token: 't', events: 'e', logs: 'l'}, version: 'v1.11.2', extensions: ['siderolabs/bnx2-bnx2x'],
        interfaces: ['lan'], who: 'menu', name: 'talos', architectures: ['amd64'], factory: '', console: 'ttyS0'};
    const plan = wizard.planned(form);
    assert.deepEqual(plan.image, {name: 'talos', recipe: 'talos', version: 'v1.11.2', extensions: 'siderolabs/bnx2-bnx2x', architectures: 'amd64', factory: ''});
    assert.equal(plan.profile.omni_token, 't');
    assert.equal(plan.profile.arguments, 'console=tty0 console=ttyS0');
    assert.deepEqual(plan.general, {enabled: '1', interfaces: 'lan', unknown: 'menu'});
    assert.ok(!('unknown' in wizard.planned({...form, who: 'keep'}).general));
    assert.equal(wizard.planned({...form, join: null}).profile.omni_api, '');
    assert.equal(plan.answer, null);
    const configured = wizard.planned({...form, join: null, config: 'version: v1alpha1\nmachine:\n  type: worker\n'});
    assert.deepEqual(configured.answer, {name: 'config.yaml', text: 'version: v1alpha1\nmachine:\n  type: worker\n'});
    assert.equal(configured.profile.arguments, 'console=tty0 console=ttyS0 talos.config=${answer:config.yaml}');
    assert.equal(configured.profile.installed, 'next-boot');
    assert.deepEqual(Object.keys(wizard.planned({...form, config: 'machine: {}'}).errors), ['config']);
    assert.match(wizard.planned({...form, join: null, config: 'hello'}).errors.config, /no machine configuration/);
    const {errors} = wizard.planned({...form, join: {error: 'no'}, version: '', interfaces: [], name: 'a b'});
    assert.deepEqual(Object.keys(errors).sort(), ['interfaces', 'join', 'name', 'version']);
    assert.match(wizard.planned(form, ['talos']).errors.name, /already/);
    assert.equal(wizard.free('talos', ['talos', 'talos-2']), 'talos-3');
    assert.equal(wizard.keyOf({'': {value: ''}, 'u-1': {value: 'talos'}}, 'talos'), 'u-1');
    assert.deepEqual(wizard.selected({'': {selected: 1}, lan: {selected: 1}, wan: {selected: 0}}), ['lan']);
});

test('a made-up machine is told to policies and to the script alike', () => {
    assert.deepEqual(made.lines(' a = b \n\n c'), [['a', 'b'], ['c', '']]);
    assert.deepEqual(made.told('mac=1\nmac=2\nplatform=BIOS\narchitecture=amd64\nmemory=16 GiB\nnic=14e4:1639'),
        {mac: '1', platform: 'pcbios', arch: 'amd64', busid: '0114e41639'});
    assert.deepEqual(made.known(oden()), {mac: '5c:f3:fc:01:02:03', uuid: 'u', platform: 'efi', ip: '192.168.1.171', arch: 'amd64',
        manufacturer: 'IBM', product: 'x3550', busid: '0114e41639'});
});
