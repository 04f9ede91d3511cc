/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Does something with a machine, after the question that it needs, and says what came of it.
 */

import {act, busy, get, part, post, refusal, tell} from './ask.js';
import {actions} from './machine.js';

/** `machine` is what the API or the grid says of it; `then` is called after something was done. */
export async function perform(machine, name, then) {
    const action = actions({macs: [machine.mac], ...machine}).find((one) => one.action === name) ?? {action: name, label: name};
    let value = '';
    if (action.ask === 'profile') {
        value = await profile(machine, action);
        if (value === null) {
            return;
        }
    } else if (action.confirm && !await confirmed(action)) {
        return;
    }
    await send(machine, action.action, value, action.label, then);
}

/** Sends one action, and tells what the agent says against it. */
export async function send(machine, action, value, label, then) {
    const answer = await post(`action/machine/${part(machine.id)}`, {action, value});
    if (answer.error) {
        tell(`${label}: not done`, answer.error);
    } else if (action === 'wake') {
        tell('Wake', `${answer.what ?? 'Sent.'} Nothing says whether it was heard.`, 'success');
    }
    then?.(answer);
    return answer;
}

function confirmed({label, confirm}) {
    return new Promise((resolve) => BootstrapDialog.show({
        type: BootstrapDialog.TYPE_WARNING, title: label, message: $('<div>').text(confirm),
        onhidden: () => resolve(false),
        buttons: [
            {label: 'Cancel', action: (dialog) => dialog.close()},
            {label, cssClass: 'btn-warning', action: (dialog) => {
                resolve(true);
                dialog.close();
            }},
        ],
    }));
}

/** Lets somebody choose a profile; null if nobody did. */
async function profile(machine, {label, title, confirm}) {
    const {profiles = [], error} = await get('agent/profiles');
    if (error || profiles.length === 0) {
        tell(label, error ?? 'There is no profile yet: make one under Profiles, and apply.', 'warning');
        return null;
    }
    const select = $('<select class="form-control">').append(profiles.map((one) =>
        $('<option>').val(one.name).text(one.label && one.label !== one.name ? `${one.name}: ${one.label}` : one.name)));
    select.val(machine.wishes?.profile ?? machine.profile ?? profiles[0].name);
    if (select.val() === null) {
        select.val(profiles[0].name);
    }
    return new Promise((resolve) => BootstrapDialog.show({
        type: BootstrapDialog.TYPE_PRIMARY, title: label, onhidden: () => resolve(null),
        message: $('<div>').append($('<p>').text(confirm ? `${confirm} Which profile is on it?` : `${machine.label}: ${title.charAt(0).toLowerCase()}${title.slice(1)}.`), select),
        buttons: [
            {label: 'Cancel', action: (dialog) => dialog.close()},
            {label, cssClass: 'btn-primary', action: (dialog) => {
                resolve(select.val());
                dialog.close();
            }},
        ],
    }));
}

/** Has the rules made and loaded. */
async function opened() {
    const saved = await post('settings/set', {hearth: {general: {firewall: '1'}}});
    return refusal(saved) ? saved : act('reconfigure');
}

/** Wires the buttons of steps and findings (rows.js). */
export function pressed(elements, then) {
    elements.on('click', 'button[data-act]', async function () {
        const what = String($(this).data('act')), names = String($(this).data('names')), machine = String($(this).data('machine'));
        const answer = await busy($(this), () => {
            if (what === 'fetch') {
                return post('action/fetch', {names});
            } else if (what === 'firewall') {
                return opened();
            }
            return machine === '' ? act(what) : post(`action/machine/${part(machine)}`, {action: what, value: ''});
        });
        const why = what !== 'fetch' && machine === '' ? refusal(answer) : answer.error;
        if (why && answer.state !== 'told') {
            tell(what === 'fetch' ? 'Nothing is fetched' : 'This did not work', why);
        }
        then();
    });
}
