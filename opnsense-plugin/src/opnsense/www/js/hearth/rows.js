/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lists and marks that several pages show, as HTML. Everything put in is escaped here.
 */

import {ago, count, duration, escape, percent, prose, size} from './text.js';

const PHASES = ['discovered', 'held', 'ready', 'installing', 'installed', 'failed', 'ignored'];

/** Where a machine is, as a word with its colour. */
export function phase(word) {
    const known = PHASES.includes(word) ? ` is-${word}` : '';
    return `<span class="hearth-phase${known}">${escape(word)}</span>`;
}

/** The way to a machine's page. */
export function link(machine) {
    return `<a href="/ui/hearth/machines/machine/${encodeURIComponent(machine.id)}">${escape(machine.label)}</a>`;
}

const STATES = {
    done: ['fa-check-circle', 'done'], open: ['fa-circle-o', 'to be done'], wrong: ['fa-exclamation-circle', 'does not work'],
    unknown: ['fa-question-circle-o', 'not known'],
};

/** The list of steps.js. */
export function steps(all) {
    return all.map((step) => {
        const [icon, word] = STATES[step.state];
        return `<li class="is-${step.state}" data-step="${escape(step.id)}">` +
            `<span class="hearth-state"><i class="fa ${icon}" title="${word}"></i><span class="sr-only">${word}: </span></span>` +
            `<span><b>${escape(step.title)}</b><br><span class="hearth-detail">${escape(step.detail)}</span></span>` +
            `<span class="hearth-button">${button(step)}</span></li>`;
    }).join('');
}

function button({button: what, state, machine}) {
    const kind = state === 'done' || state === 'unknown' ? 'btn-default' : 'btn-primary';
    if (!what) {
        return '';
    } else if (what.link) {
        return `<a class="btn btn-sm ${kind}" href="${escape(what.link)}">${escape(what.label)}</a>`;
    }
    return `<button type="button" class="btn btn-sm ${kind}" data-act="${escape(what.act)}" ` +
        `data-names="${escape(what.names ?? '')}" data-machine="${escape(machine ?? '')}">${escape(what.label)}</button>`;
}

/** How far something is; without a whole the bar moves and says nothing. */
export function bar(part, whole, label) {
    const done = percent(part, whole);
    return `<div class="progress hearth-bar-of"><div class="progress-bar${done === null ? ' progress-bar-striped active' : ''}" ` +
        `role="progressbar" aria-label="${escape(label)}" aria-valuemin="0" aria-valuemax="100"` +
        `${done === null ? '' : ` aria-valuenow="${done}"`} style="width: ${done ?? 100}%"></div></div>`;
}

const STAGES = {
    firmware: 'firmware', loader: 'loader', ipxe: 'iPXE', default: 'default.ipxe', script: 'decision', images: 'files', system: 'system',
};

/**
 * Machines that are on their way, each with its stage and what is being sent to it (rows of GET /api/v1/live).
 * `short` is for little room.
 */
export function live(machines, now, {short = false} = {}) {
    if (machines.length === 0) {
        return '<li><p class="hearth-none">No machine is booting from the network.</p></li>';
    }
    return machines.map((machine) => {
        const name = machine.machine === null ? escape(machine.label) : link({id: machine.machine, label: machine.label});
        const stage = machine.ended ? [machine.ended.how, machine.ended.why].filter(Boolean).join(': ') : STAGES[machine.stage] ?? machine.stage ?? '';
        const since = machine.since && !machine.ended ? duration(Math.max(0, now - machine.since)) : '';
        return `<li><div class="hearth-head"><span><b>${name}</b> ${escape(machine.profile ?? '')}</span>` +
            `<span>${escape([stage, since].filter(Boolean).join(', '))}</span></div>` +
            (machine.transfers ?? []).slice(0, 3).map((one) => transfer(one, machine.label)).join('') +
            (machine.event && !machine.transfers?.length && !short ? `<div class="hearth-remedy">${prose(machine.event.text)}</div>` : '') +
            (machine.finding ? `<div class="hearth-remedy">${severity(machine.finding.severity)}${prose(machine.finding.sentence)}</div>` : '') +
            '</li>';
    }).join('');
}

function transfer(one, label) {
    const figures = [one.size ? `${size(one.bytes)} of ${size(one.size)}` : size(one.bytes), one.rate > 0 ? `${size(one.rate)}/s` : ''];
    const name = String(one.name).split('/').pop();
    return `${bar(one.bytes, one.size, `${name} to ${label}`)}<div class="hearth-head"><small>${escape(name)}</small>` +
        `<small>${escape(figures.filter(Boolean).join(', '))}</small></div>`;
}

function severity(word) {
    const known = ['error', 'warning'].includes(word) ? ` is-${word}` : '';
    return `<span class="hearth-severity${known}" title="${escape(word)}"></span>`;
}

/** What a press of a button can do against a finding; everything else is done where the remedy says. */
const REMEDIES = {
    'image-not-fetched': {label: 'Fetch', act: 'fetch'},
    'image-missing': {label: 'Fetch', act: 'fetch'},
    'loader-missing': {label: 'Fetch loaders', act: 'fetch', names: 'loaders'},
    'waits-for-approval': {label: 'Approve', act: 'approve'},
    'nic-needs-extension': {label: 'Add it', act: 'extension'},
    'installation-failed': {label: 'Look', machine: true},
    'back-after-local': {label: 'Look', machine: true},
};
const DHCP = ['no-dhcp-offer', 'no-boot-file', 'wrong-next-server', 'options-66-67', 'other-dhcp-server', 'wrong-architecture', 'ipxe-loops'];

/** What to do on this firewall, where the agent can only name a command. */
const AT_DHCP = 'the page DHCP shows what the server says, what it has to say and what is in the way, and sets it right';

/** The button for a finding, as `button` takes it, or null. What fetches fail of is seen beside the images. */
export function remedy({code, machine}, named = true) {
    if (machine === null) {
        return {label: 'Images', link: '/ui/hearth/images'};
    }
    const found = DHCP.includes(code) ? {label: 'DHCP', link: '/ui/hearth/dhcp'} : REMEDIES[code];
    if (!found || found.machine && (!named || machine === undefined)) {
        return null;
    }
    return found.machine ? {label: found.label, link: `/ui/hearth/machines/machine/${encodeURIComponent(machine)}`} : found;
}

/** Whose a finding is: a machine's, or, where `machine` is null, of fetches. */
function whose({machine, label}) {
    return machine === null ? '<b>Fetch</b>: ' : machine === undefined ? '' : `<b>${link({id: machine, label})}</b>: `;
}

/** Findings with what to do. */
export function findings(all, {named = true, short = false} = {}) {
    if (all.length === 0) {
        return '<li><p class="hearth-none">Nothing is wrong.</p></li>';
    }
    return all.map((one) => {
        const what = remedy(one, named);
        return `<li class="hearth-finding"><div>${severity(one.severity)}` +
            (named ? whose(one) : '') + prose(one.sentence) +
            (short ? '' : `<div class="hearth-remedy"><b>What to do:</b> ${prose(DHCP.includes(one.code) ? AT_DHCP : one.remedy)}</div>`) + '</div>' +
            (what && !short ? `<span>${button({button: what, machine: one.machine, state: 'open'})}</span>` : '') + '</li>';
    }).join('');
}

/** "3 machines" behind a heading, or nothing. */
export function counted(number, word, many) {
    return number > 0 ? count(number, word, many) : '';
}

/** A time, with the clock's as a tooltip. */
export function when(at, now, clock) {
    return `<span title="${escape(clock)}">${escape(ago(at, now))}</span>`;
}
