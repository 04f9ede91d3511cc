/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The plan of the DHCP fields as HTML: is, should be and why, side by side. Everything put in is escaped here. Pure.
 */

import {count, escape, prose} from './text.js';

const STATES = {
    wired: ['success', 'as it should be'], open: ['warning', 'to be set'], blocked: ['danger', 'cannot be set'],
    elsewhere: ['default', 'DHCP is elsewhere'], done: ['success', 'as it should be'],
};
const CHANGES = {ok: ['success', 'is so'], add: ['info', 'add'], change: ['warning', 'change'], remove: ['warning', 'remove']};
const LEVELS = {blocker: ['danger', 'in the way'], warning: ['warning', 'conflict'], note: ['info', 'note']};
const SNIPPETS = {isc: 'ISC dhcpd', kea: 'Kea', dnsmasq: 'dnsmasq', mikrotik: 'MikroTik', windows: 'Windows Server'};

function label([kind, word]) {
    return `<span class="label label-${kind}">${escape(word)}</span>`;
}

/** What all of it comes to, as a sentence. */
export function summary(plan) {
    const open = (plan.interfaces ?? []).filter((one) => one.state === 'open').map((one) => one.label);
    const blocked = (plan.interfaces ?? []).filter((one) => one.state === 'blocked').map((one) => one.label);
    const said = [];
    if (plan.applied && !plan.applied.whole) {
        said.push('An apply broke off: apply completes it, revert undoes it.');
    }
    if (plan.stale?.length) {
        said.push(`Fields of Hearth are still set on ${plan.stale.join(', ')}, where they are not wanted any more: apply takes them back.`);
    }
    if (open.length) {
        said.push(`To be set on ${open.join(', ')}.`);
    }
    if (blocked.length) {
        said.push(`Cannot be set on ${blocked.join(', ')}.`);
    }
    if (!(plan.interfaces ?? []).length) {
        said.push('No interface is served: choose some in Settings, and apply there first.');
    } else if (!said.length) {
        said.push('Everything is as it should be.');
    }
    return said.join(' ');
}

/** Whether apply and revert have something to do. */
export function possible(plan) {
    return {apply: Boolean(plan.todo), revert: Boolean(plan.applied) || Boolean(plan.marked)};
}

/** The whole plan. */
export function page(plan) {
    const everywhere = conflicts(plan.conflicts ?? []);
    return (everywhere ? `<section class="content-box"><h2>On the whole firewall</h2>${everywhere}</section>` : '') +
        (plan.interfaces ?? []).map(one).join('');
}

function one(face) {
    const where = [face.device, face.address].filter(Boolean).join(', ');
    return `<section class="content-box" data-interface="${escape(face.name)}">` +
        `<h2>${escape(face.label)} <small>${escape(where)}</small> ${label(STATES[face.state] ?? STATES.open)}</h2>` +
        conflicts(face.conflicts) + face.servers.map(server).join('') +
        (face.servers.length === 0 ? elsewhere(face) : '') + '</section>';
}

function server(one) {
    const open = one.rows.filter((row) => row.state !== 'ok').length;
    const figures = open ? `${open} of ${count(one.rows.length, 'field')} to be set` : count(one.rows.length, 'field');
    return `<h3 class="hearth-server">${escape(one.label)} ${label(STATES[one.state] ?? STATES.open)} <small>${escape(figures)}</small></h3>` +
        conflicts(one.conflicts) + (one.rows.length ? `<details${open ? ' open' : ''}><summary>All fields</summary>` +
        '<div class="table-responsive"><table class="table table-condensed hearth-plan">' +
        '<thead><tr><th>Field</th><th>Is</th><th>Should be</th><th>Why</th><th></th></tr></thead>' +
        `<tbody>${one.rows.map(row).join('')}</tbody></table></div></details>` : '');
}

function row(one) {
    const value = (text) => text === '' ? '<span class="hearth-empty">nothing</span>' : `<code>${escape(text)}</code>`;
    return `<tr class="is-${escape(one.state)}"><td>${escape(one.field)}</td><td>${value(one.is)}</td><td>${value(one.should)}</td>` +
        `<td>${escape(one.why)}</td><td>${label(CHANGES[one.state] ?? CHANGES.change)}</td></tr>`;
}

function conflicts(all) {
    return all.length === 0 ? '' : `<ul class="hearth-rows hearth-conflicts">${all.map(conflict).join('')}</ul>`;
}

function conflict(one) {
    return `<li class="hearth-finding"><div>${label(LEVELS[one.level] ?? LEVELS.note)} ${prose(one.text)}` +
        `<div class="hearth-remedy"><b>What to do:</b> ${prose(one.remedy)}</div></div>` +
        (one.repairable ? `<span><button type="button" class="btn btn-sm btn-default" data-repair="${escape(one.id)}">Repair</button></span>` : '') +
        '</li>';
}

function elsewhere(face) {
    const relay = face.relay?.length ? ` It is relayed to ${escape(face.relay.join(', '))}.` : '';
    const texts = Object.entries(face.snippets ?? {});
    const name = `hearth_snippet_${escape(face.name)}`;
    return `<p>No DHCP server of this firewall answers here.${relay}` +
        (texts.length ? ' Put this into the server that does:' : '') + '</p>' + (texts.length
        ? `<div class="hearth-field"><label class="sr-only" for="${name}">DHCP server</label>` +
          `<select class="form-control" id="${name}" data-snippets>${texts.map(([key]) =>
              `<option value="${escape(key)}">${escape(SNIPPETS[key] ?? key)}</option>`).join('')}</select></div>` +
          texts.map(([key, text], at) => `<pre class="hearth-script" tabindex="0" data-snippet="${escape(key)}"${at ? ' style="display: none"' : ''}>` +
              `${escape(text)}</pre>`).join('')
        : '');
}
