/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A machine to try the configuration on, and what comes of it; Preview, Policies and Menu have it.
 */

import {get, part, post, problem} from './ask.js';
import {OUTCOMES, known, told} from './made.js';
import {menu, screen} from './menu.js';
import {escape, prose} from './text.js';

/** Fills the choice of machines. `wanted`: the number of the one that is chosen; `then` is called on each choice. */
export async function machines(wanted, then) {
    const which = $('#hearth_which');
    const answer = await post('agent/search_machines', {rowCount: 1000, sort: {last_seen: 'desc'}});
    problem(answer);
    which.append((answer.rows ?? []).map((row) => $('<option>').val(row.id).text([row.label, row.make, row.address].filter(Boolean).join(', '))));
    if (wanted && which.find('option').filter((_, one) => one.value === wanted).length === 0) {
        which.append($('<option>').val(wanted).text(wanted));
    }
    which.val(wanted ?? '');
    const facts = $('#hearth_facts_text'), first = facts.val();
    which.on('change', () => {
        facts.val(which.val() === '' ? first : '');
        then();
    });
    if (which.val() !== '') {
        facts.val('');
    }
}

/** What is asked: the number of a known machine, or nothing; lines of facts; and what a script is told. */
export async function asked() {
    const machine = String($('#hearth_which').val() ?? ''), facts = $('#hearth_facts_text').val(), made = told(facts);
    if (machine === '') {
        return {machine, facts, told: made};
    }
    const answer = await get(`agent/machine/${part(machine)}`);
    return {machine, facts, told: {...(answer.machine ? known(answer.machine) : {}), ...made}};
}

/** What is declared now, applied or not, tried on it. */
export function tryout({machine, facts, told}) {
    return post('agent/tryout', {machine, facts, told});
}

/** What became of each policy. */
export function policies(answer) {
    const rows = answer.policies ?? [];
    $('#hearth_has_title').toggle(!answer.error);
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
    $('#hearth_outcome').html(refused(answer) ?? prose(`It would get: ${answer.decision}. ${asked} ${sentence(answer.reason)}`));
}

/** Why there is no answer, as HTML: a refusal has lines of the configuration. */
export function refused({error}) {
    if (!error) {
        return null;
    }
    const [first, ...lines] = error.split('\n');
    return prose(first) + (lines.length ? `<pre class="hearth-script">${escape(lines.join('\n'))}</pre>` : '');
}

function sentence(text) {
    return text ? `Because: ${text}.` : '';
}

/** The menu of a script, as a screen. */
export function drawMenu(script, answer) {
    const found = menu(script);
    $('#hearth_menu').html(found ? `<pre class="hearth-screen" tabindex="0">${screen(found)}</pre>`
        : `<div class="hearth-none">${refused(answer) ?? 'There is no menu: add entries under Menu, and apply.'}</div>`);
}
