/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lists and marks that several pages show, as HTML. Everything put in is escaped here.
 */

import {ago, count, duration, escape, percent, size} from './text.js';

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

function button({button: what, state}) {
    const kind = state === 'done' || state === 'unknown' ? 'btn-default' : 'btn-primary';
    if (!what) {
        return '';
    } else if (what.link) {
        return `<a class="btn btn-sm ${kind}" href="${escape(what.link)}">${escape(what.label)}</a>`;
    }
    return `<button type="button" class="btn btn-sm ${kind}" data-act="${escape(what.act)}" ` +
        `data-names="${escape(what.names ?? '')}">${escape(what.label)}</button>`;
}

/** How far something is; without a whole the bar moves and says nothing. */
export function bar(part, whole, label) {
    const done = percent(part, whole);
    return `<div class="progress hearth-bar-of"><div class="progress-bar${done === null ? ' progress-bar-striped active' : ''}" ` +
        `role="progressbar" aria-label="${escape(label)}" aria-valuemin="0" aria-valuemax="100"` +
        `${done === null ? '' : ` aria-valuenow="${done}"`} style="width: ${done ?? 100}%"></div></div>`;
}

/** Machines that are on their way, each with its stage and what is being sent to it. */
export function live(machines, now) {
    if (machines.length === 0) {
        return '<li><p class="hearth-none">No machine is booting from the network.</p></li>';
    }
    return machines.map((machine) => {
        const sent = machine.transfer;
        const figures = sent ? [size(sent.bytes) + (sent.size ? ` of ${size(sent.size)}` : ''),
            sent.rate > 0 ? `${size(sent.rate)}/s` : ''].filter(Boolean).join(', ') : '';
        return `<li data-machine="${escape(machine.id)}"><div class="hearth-head"><b>${machine.id === null ? escape(machine.label) : link(machine)}</b>` +
            `<span>${escape(machine.stage ?? '')}${machine.since ? `, ${escape(duration(now - machine.since))}` : ''}</span></div>` +
            (sent ? bar(sent.bytes, sent.size, `${sent.name} to ${machine.label}`) +
                `<div class="hearth-head"><small>${escape(String(sent.name).split('/').pop())}</small><small>${escape(figures)}</small></div>` : '') +
            (machine.finding ? `<div class="hearth-remedy">${severity(machine.finding.severity)}${escape(machine.finding.sentence)}</div>` : '') +
            '</li>';
    }).join('');
}

function severity(word) {
    const known = ['error', 'warning'].includes(word) ? ` is-${word}` : '';
    return `<span class="hearth-severity${known}" title="${escape(word)}"></span>`;
}

/** Findings with what to do. */
export function findings(all, {named = true} = {}) {
    if (all.length === 0) {
        return '<li><p class="hearth-none">Nothing is wrong.</p></li>';
    }
    return all.map((one) => `<li>${severity(one.severity)}` +
        (named && one.machine !== undefined ? `<b>${link({id: one.machine, label: one.label})}</b>: ` : '') +
        `${escape(one.sentence)}<div class="hearth-remedy"><b>What to do:</b> ${escape(one.remedy)}</div></li>`).join('');
}

/** "3 machines" behind a heading, or nothing. */
export function counted(number, word, many) {
    return number > 0 ? count(number, word, many) : '';
}

/** A time, with the clock's as a tooltip. */
export function when(at, now, clock) {
    return `<span title="${escape(clock)}">${escape(ago(at, now))}</span>`;
}
