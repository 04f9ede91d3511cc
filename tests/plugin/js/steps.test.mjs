// The way to the first boot where it is not as it should be, or as somebody wanted it.
import assert from 'node:assert/strict';
import test from 'node:test';

const {steps} = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/steps.js');
const {outside} = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/wizard.js');
const running = (overview) => steps({settings: {enabled: '1', interfaces: 'lan'}, overview, dhcp: null}).find((one) => one.id === 'agent');
const status = {addresses: ['192.168.1.1'], tftp_port: 69, http_port: 8069, configuration: {refused: null}};

test('what was saved and is not in force has its button', () => {
    assert.equal(running({status, unapplied: false}).state, 'done');
    const open = running({status, unapplied: true});
    assert.deepEqual([open.state, open.button], ['open', {label: 'Apply', act: 'reconfigure'}]);
    const refused = running({status: {...status, configuration: {refused: {error: 'no'}}}, unapplied: true});
    assert.equal(refused.state, 'wrong', 'why it was refused is told first');
});

test('an interface that leads to other networks is warned of', () => {
    const choices = {lan: {value: 'LAN'}, wan: {value: 'WAN', upstream: 1}, opt1: {value: 'DSL', upstream: 1}};
    assert.equal(outside(choices, ['lan']), '');
    assert.equal(outside(null, ['lan']), '');
    assert.match(outside(choices, ['lan', 'wan']), /^WAN has a gateway/);
    assert.match(outside(choices, ['wan', 'opt1']), /^WAN, DSL have a gateway/);
});

test('the backup of a pair is not to be started', () => {
    const step = running({error: 'This node is the backup.', state: 'standby'});
    assert.deepEqual([step.state, step.detail, step.button], ['done', 'This node is the backup.', undefined]);
});
