// The page DHCP without a page: what it says, and that nothing in it is more than text.
import assert from 'node:assert/strict';
import test from 'node:test';

const {page, possible, summary} = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/dhcp.js');

const EVIL = '<img src=x onerror="alert(1)">\'';
const row = (more = {}) => ({field: 'next-server', is: '', should: '192.168.1.1', why: 'because', state: 'add', ...more});
const conflict = (more = {}) => ({id: '0123456789ab', code: 'raw', level: 'warning', text: 'x', remedy: 'y', repairable: true, ...more});
const face = (more = {}) => ({
    name: 'lan', label: 'LAN', device: 'vtnet1', address: '192.168.1.1', state: 'open', conflicts: [], relay: [],
    servers: [{server: 'kea', label: 'Kea DHCPv4', state: 'open', rows: [row()], conflicts: []}], ...more,
});
const plan = (more = {}) => ({interfaces: [face()], conflicts: [], todo: true, applied: null, stale: [], ...more});

test('the sentence at the top says what there is to do', () => {
    assert.equal(summary(plan()), 'To be set on LAN.');
    assert.equal(summary(plan({interfaces: [face({state: 'wired'})]})), 'Everything is as it should be.');
    assert.match(summary(plan({interfaces: []})), /choose some in Settings/);
    assert.match(summary(plan({interfaces: [face({state: 'blocked'})]})), /Cannot be set on LAN\./);
    assert.match(summary(plan({stale: ['opt1']})), /opt1/);
    assert.match(summary(plan({applied: {time: 1, whole: false}})), /broke off/);
});

test('apply and revert can be pressed only when they do something', () => {
    assert.deepEqual(possible(plan()), {apply: true, revert: false});
    assert.deepEqual(possible(plan({todo: false, applied: {time: 1, whole: true}})), {apply: false, revert: true});
    assert.deepEqual(possible({error: 'x'}), {apply: false, revert: false});
});

test('is, should be and why stand side by side', () => {
    const html = page(plan());
    assert.match(html, /<td>next-server<\/td><td><span class="hearth-empty">nothing<\/span><\/td><td><code>192\.168\.1\.1<\/code><\/td><td>because<\/td>/);
    assert.match(html, /1 of 1 field to be set/);
});

test('only what can be repaired safely has a button', () => {
    const html = (repairable) => page(plan({conflicts: [conflict({repairable})]}));
    assert.match(html(true), /data-repair="0123456789ab"/);
    assert.doesNotMatch(html(false), /data-repair/);
});

test('an interface whose DHCP is elsewhere has the text to paste, one server at a time', () => {
    const html = page(plan({interfaces: [face({servers: [], state: 'elsewhere', relay: ['192.0.2.1'], snippets: {isc: 'next-server a;', kea: EVIL}})]}));
    assert.match(html, /relayed to 192\.0\.2\.1/);
    assert.match(html, /<pre[^>]*data-snippet="isc">next-server a;<\/pre>/);
    assert.match(html, /<pre[^>]*data-snippet="kea" style="display: none">/);
});

test('everything that somebody else wrote is text', () => {
    const html = page(plan({
        conflicts: [conflict({id: EVIL, level: EVIL, text: EVIL, remedy: EVIL})],
        interfaces: [
            face({name: EVIL, label: EVIL, device: EVIL, address: EVIL, state: EVIL, conflicts: [conflict({text: EVIL})],
                servers: [{server: EVIL, label: EVIL, state: EVIL, conflicts: [conflict({remedy: EVIL})],
                    rows: [row({field: EVIL, is: EVIL, should: EVIL, why: EVIL, state: EVIL})]}]}),
            face({servers: [], relay: [EVIL], snippets: {[EVIL]: EVIL}, name: EVIL}),
        ],
    }));
    assert.doesNotMatch(html, /<img/);
    assert.doesNotMatch(html, /"alert/);
});
