/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page Preview: which policy a machine meets and why no other, the exact script it gets, the menu.
 */

import {busy, post, problemButton} from './ask.js';
import * as tries from './tryout.js';

export async function start() {
    updateServiceControlUI('hearth');
    const query = new URLSearchParams(window.location.search);
    if (query.get('by') === 'declared') {
        $('#hearth_by').val('declared');
    }
    await tries.machines(query.get('machine'), attempt);
    $('#hearth_by').on('change', attempt);
    $('#hearth_try').on('click', attempt);
    problemButton(() => window.location.reload());
    attempt();
}

async function attempt() {
    await busy($('#hearth_try'), async () => {
        const asked = await tries.asked();
        await ($('#hearth_by').val() === 'declared' ? declared(asked) : inForce(asked));
    });
}

async function declared(asked) {
    const answer = await tries.tryout(asked);
    tries.policies(answer.error ? answer : answer.policies);
    script(answer, answer.differs ? 'What a machine with these facts would get by what is declared now, which is not applied yet.'
        : 'What a machine with these facts would get by what is declared now. It is in force as it is.');
    tries.drawMenu(answer.menu, answer);
}

function inForce({machine, facts, told}) {
    const itself = machine !== '' && facts.trim() === '';
    return Promise.all([
        post('agent/test_policies', {machine, facts}).then(tries.policies),
        post('agent/script', {machine: itself ? {machine} : told}).then((answer) => script(answer, itself
            ? 'What this machine gets when it is switched on now, with its phase and what people said of it.'
            : 'What a machine with these facts gets by the configuration that is in force, as if it were met now: ' +
                'what people did with it here is not counted.')),
        post('agent/script', {machine: {menu: '1'}}).then((answer) => tries.drawMenu(answer.script, answer)),
    ]);
}

function script(answer, text) {
    $('#hearth_script').text(answer.script ?? '').toggle(!answer.error);
    $('#hearth_script_text').html(tries.refused(answer) ?? text);
}
