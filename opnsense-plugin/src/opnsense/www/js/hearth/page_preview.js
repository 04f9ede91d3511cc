/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page Preview: which policy a machine meets and why no other, the exact script it gets, the menu.
 */

import {busy, get, part, post, problem, problemButton} from './ask.js';
import {OUTCOMES, known, told} from './made.js';
import {menu, screen} from './menu.js';
import {escape, prose} from './text.js';

export async function start() {
    updateServiceControlUI('hearth');
    const which = $('#hearth_which'), wanted = new URLSearchParams(window.location.search).get('machine');
    const answer = await post('agent/search_machines', {rowCount: -1, sort: {label: 'asc'}});
    problem(answer);
    which.append((answer.rows ?? []).map((row) => $('<option>').val(row.id).text([row.label, row.make, row.address].filter(Boolean).join(', '))));
    if (wanted && which.find('option').filter((_, one) => one.value === wanted).length) {
        which.val(wanted);
    }
    const facts = $('#hearth_facts_text'), first = facts.val();
    which.on('change', () => {
        facts.val(which.val() === '' ? first : '');
        attempt();
    });
    if (which.val() !== '') {
        facts.val('');
    }
    $('#hearth_try').on('click', attempt);
    problemButton(() => window.location.reload());
    attempt();
}

async function attempt() {
    const machine = $('#hearth_which').val(), text = $('#hearth_facts_text').val();
    await busy($('#hearth_try'), () => Promise.all([policies(machine, text), script(machine, text), menus()]));
}

async function policies(machine, facts) {
    const answer = await post('agent/test_policies', {machine, facts});
    const rows = answer.policies ?? [];
    $('#hearth_policies, #hearth_has_title').toggle(!answer.error);
    $('#hearth_policies').toggle(rows.length > 0);
    $('#hearth_policies tbody').html(rows.map((row) => {
        const [word, kind] = OUTCOMES[row.outcome] ?? [row.outcome, 'default'];
        return `<tr><td>${escape(row.number)}</td><td>${escape(row.name)}</td><td>${escape(row.profile)}</td>` +
            `<td><span class="label label-${kind}">${escape(word)}</span></td><td>${prose(row.why)}</td></tr>`;
    }).join(''));
    $('#hearth_has').html(Object.entries(answer.has ?? {}).map(([key, values]) =>
        `<dt>${escape(key)}</dt><dd>${escape([].concat(values).join(', '))}</dd>`).join(''));
    const by = answer.taken ? `Policy "${answer.taken}" takes it.` : `No policy takes it; any other machine gets: ${answer.otherwise}.`;
    const asked = answer.applies === false ? 'It has a profile of its own, and policies are not asked.' : by;
    $('#hearth_outcome').html(prose(answer.error ?? `It would get: ${answer.decision}. ${asked} ${sentence(answer.reason)}`));
}


function sentence(text) {
    return text ? `Because: ${text}.` : '';
}

async function script(number, text) {
    let machine = told(text);
    const itself = number !== '' && text.trim() === '';
    if (itself) {
        machine = {machine: number};
    } else if (number !== '') {
        const answer = await get(`agent/machine/${part(number)}`);
        machine = {...(answer.machine ? known(answer.machine) : {}), ...machine};
    }
    const answer = await post('agent/script', {machine});
    $('#hearth_script').text(answer.script ?? '').toggle(!answer.error);
    $('#hearth_script_text').text(answer.error ?? (itself
        ? 'What this machine gets when it is switched on now, with its phase and what people said of it.'
        : 'What a machine with these facts gets by the configuration that is in force, as if it were met now: ' +
            'what people did with it here is not counted.'));
}

async function menus() {
    const answer = await post('agent/script', {machine: {menu: '1'}}), found = menu(answer.script);
    $('#hearth_menu').html(found ? `<pre class="hearth-screen" tabindex="0">${screen(found)}</pre>`
        : `<p class="hearth-none">${escape(answer.error ?? 'There is no menu: add entries under Menu, and apply.')}</p>`);
}
