/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The way from nothing to the first boot: what of it is done, and the one button for what is not.
 */

import {count, percent, size} from './text.js';

/**
 * The steps, in order: `{id, state, title, detail, button}`. A state is `done`, `open` (to be done), `wrong`
 * (was done, does not work), or `unknown` (cannot be looked at now). A button is `{label, act}` or
 * `{label, link}`.
 *
 * `seen` is what the page knows: `settings` (model of general: enabled, interfaces), `overview` (answer of
 * agent/overview, or its `error`), `dhcp` (answer of dhcp/plan), `firewall` (answer of
 * agent/firewall).
 */
export function steps(seen) {
    return [running(seen), system(seen), loaders(seen), images(seen), dhcp(seen), firewall(seen), machine(seen)];
}

const TALOS = {label: 'Set up Talos', link: '/ui/hearth/images#talos'};
const LATER = 'The boot server tells, once it runs.';

/** Whether it is known to be switched off. */
function isOff(settings) {
    return Boolean(settings) && settings.enabled !== '1';
}

/** How many steps are done, of how many. */
export function progress(all) {
    return {done: all.filter((one) => one.state === 'done').length, of: all.length};
}

function running({settings, overview}) {
    const step = {id: 'agent', title: 'The boot server runs'};
    if (overview && !overview.error) {
        const {status} = overview, refused = status.configuration?.refused;
        if (refused) {
            return {...step, state: 'wrong', detail: `The last change was refused, what was before is in force: ${refused.error}`,
                button: {label: 'Settings', link: '/ui/hearth/settings'}};
        }
        if (overview.unapplied) {
            return {...step, state: 'open', detail: 'Changes were saved that are not in force yet.', button: {label: 'Apply', act: 'reconfigure'}};
        }
        return {...step, state: 'done',
            detail: `${(status.addresses ?? []).join(', ')}, TFTP on port ${status.tftp_port}, HTTP on port ${status.http_port}`};
    }
    if (isOff(settings)) {
        return {...step, state: 'open', detail: 'It is switched off. Choose the interfaces it serves, and switch it on.',
            button: {label: 'Set up', link: '/ui/hearth/settings'}};
    } else if (settings && settings.interfaces === '') {
        return {...step, state: 'open', detail: 'It serves no interface yet.', button: {label: 'Choose interfaces', link: '/ui/hearth/settings'}};
    } else if (!overview) {
        return {...step, state: 'unknown', detail: ''};
    }
    if (overview.state === 'standby') {
        return {...step, state: 'done', detail: overview.error};
    }
    return {...step, state: 'wrong', detail: overview.error,
        button: overview.state === 'stopped' ? {label: 'Start', act: 'start'} : {label: 'Log', link: '/ui/diagnostics/log/core/hearth'}};
}

function system({settings, overview}) {
    const step = {id: 'system', title: 'A system is set up to boot'};
    if (overview?.error && isOff(settings)) {
        return {...step, state: 'open', detail: 'Talos, with Omni or without, is set up in one go with the boot server itself.', button: TALOS};
    } else if (!overview || overview.error) {
        return {...step, state: 'unknown', detail: LATER};
    }
    const profiles = overview.status.declared?.profiles ?? 0;
    return profiles > 0 ? {...step, state: 'done', detail: count(profiles, 'profile')} : {...step, state: 'open', button: TALOS,
        detail: 'Machines are offered only what needs no profile, such as netboot.xyz. Talos is set up on one page, other systems under Images and Profiles.'};
}

function loaders({overview}) {
    const step = {id: 'loaders', title: 'Loaders are there and verified'};
    if (!overview || overview.error) {
        return {...step, state: 'unknown', detail: LATER};
    }
    return fetched(step, overview, overview.status.loaders ?? [], 'loaders', 'loader');
}

function images({overview}) {
    const step = {id: 'images', title: 'Images are there and verified'};
    if (!overview || overview.error) {
        return {...step, state: 'unknown', detail: LATER};
    }
    const all = overview.status.images ?? [];
    if (all.length === 0) {
        return {...step, state: 'open', detail: 'There is nothing to boot yet.', button: TALOS};
    }
    return fetched(step, overview, all, all.filter((one) => one.state !== 'ready').map((one) => one.name).join(','), 'image');
}

function fetched(step, {fetches}, all, names, word) {
    const missing = all.filter((one) => one.state !== 'ready'), last = fetches?.[0];
    if (missing.length === 0) {
        return {...step, state: all.length ? 'done' : 'unknown', detail: count(all.length, word)};
    } else if (last && last.ended === null) {
        return {...step, state: 'open', detail: fetching(last)};
    }
    const error = why(fetches ?? [], missing, names.split(',')), failed = error ? ` The last try failed: ${error}` : '';
    return {...step, state: failed ? 'wrong' : 'open',
        detail: `${count(missing.length, word)} of ${all.length} missing: ${list(missing.map((one) => one.name))}.${failed}`,
        button: {label: failed ? 'Try again' : 'Fetch', act: 'fetch', names}};
}

/** Why these are missing, as the last fetch that was to bring them said; null if there was none or it says nothing. */
function why(fetches, missing, names) {
    const wanted = new Set(missing.flatMap((one) => [one.name, ...one.missing ?? []]));
    const meant = (fetch) => (fetch.names ?? []).length === 0 || fetch.names.some((name) => names.includes(name) || wanted.has(name));
    const last = fetches.find(meant), file = (last?.files ?? []).find((one) => one.error && wanted.has(one.name));
    return file?.error ?? (last?.state === 'failed' ? last.error : null);
}

/** A fetch that runs, in a sentence. */
export function fetching(fetch) {
    const now = [...(fetch.files ?? [])].reverse().find((file) => file.state === 'running');
    if (!now) {
        return 'Being fetched now.';
    }
    const part = percent(now.bytes, now.total);
    return `Being fetched now: ${now.name}, ${size(now.bytes)}${part === null ? '' : ` (${part} %)`}` +
        (now.rate > 0 ? `, ${size(now.rate)}/s` : '');
}

function dhcp({settings, dhcp: plan}) {
    const step = {id: 'dhcp', title: 'The DHCP server sends machines here'};
    if (isOff(settings) && !plan?.applied) {
        return {...step, state: 'open', detail: 'One button sets its fields, once the boot server runs.'};
    }
    if (!plan || plan.error) {
        return {...step, state: 'unknown', detail: plan?.error ?? 'Its settings are being read.', button: {label: 'DHCP', link: '/ui/hearth/dhcp'}};
    }
    const all = plan.interfaces ?? [], name = (one) => one.label ?? one.name;
    const open = all.filter((one) => one.state === 'open'), blocked = all.filter((one) => one.state === 'blocked');
    const elsewhere = all.filter((one) => one.state === 'elsewhere');
    if (all.length === 0) {
        return {...step, state: 'open', detail: 'No interface is served yet.', button: {label: 'Settings', link: '/ui/hearth/settings'}};
    } else if (blocked.length > 0) {
        const why = [...blocked[0].conflicts ?? [], ...(blocked[0].servers ?? []).flatMap((one) => one.conflicts ?? [])]
            .find((one) => one.level === 'blocker');
        return {...step, state: 'wrong', detail: `${name(blocked[0])}: ${why?.sentence ?? why?.what ?? why?.text ?? 'something is in the way.'}`,
            button: {label: 'Look', link: '/ui/hearth/dhcp'}};
    } else if (open.length > 0) {
        return {...step, state: 'open', detail: `Not yet on ${list(open.map(name))}.`, button: {label: 'Wire it', link: '/ui/hearth/dhcp'}};
    } else if (elsewhere.length > 0) {
        return {...step, state: elsewhere.length === all.length ? 'unknown' : 'done',
            detail: `${list(elsewhere.map(name))}: no server of this firewall answers there; another one has to be told.`,
            button: {label: 'Fields for it', link: '/ui/hearth/dhcp'}};
    }
    return {...step, state: 'done', detail: all.map((one) =>
        `${name(one)}: ${(one.servers ?? []).map((server) => server.label).join(', ')}`).join('; ')};
}

function firewall({settings, firewall: rules}) {
    const step = {id: 'firewall', title: 'The firewall lets machines in'};
    if (!settings) {
        return {...step, state: 'unknown', detail: ''};
    } else if (isOff(settings)) {
        return {...step, state: 'open', detail: 'Rules for TFTP and HTTP are made once it is switched on.'};
    } else if (settings.firewall === '0') {
        return {...step, state: 'unknown', detail: 'Rules are not made by itself: UDP 69 and the HTTP port have to be allowed by rules of your own.',
            button: {label: 'Open the firewall', act: 'firewall'}};
    } else if (!rules || rules.error) {
        return {...step, state: 'unknown', detail: rules?.error ?? ''};
    } else if (!rules.filter) {
        return {...step, state: 'done', detail: 'The packet filter is switched off: nothing is kept out.'};
    } else if (rules.missing.length > 0 || rules.loaded === 0) {
        return {...step, state: 'open', detail: `Rules are not in force yet: ${list(rules.missing) || 'no interface is served'}.`,
            button: {label: 'Apply', act: 'firewall'}};
    }
    return {...step, state: 'done', detail: `${count(rules.loaded, 'rule')} for TFTP, HTTP and the API in force, on the chosen interfaces only.`};
}

function machine({overview}) {
    const step = {id: 'machine', title: 'The first machine was seen'};
    if (!overview || overview.error) {
        return {...step, state: 'unknown', detail: LATER};
    }
    const all = overview.machines ?? [];
    return all.length === 0
        ? {...step, state: 'open', detail: 'Switch a machine on and let it boot from the network (often F12 at its start).'}
        : {...step, state: 'done', detail: `${all.length === 50 ? '50 or more' : all.length} known, the last: ${all[0].label}`,
            button: {label: 'Machines', link: '/ui/hearth/machines'}};
}

function list(names) {
    return names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
