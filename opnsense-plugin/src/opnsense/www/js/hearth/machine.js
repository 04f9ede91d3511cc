/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One machine: what is known of it, what can be done with it, and what it would be as a declared one. Pure.
 */

import {duration, size} from './text.js';

/** `[word, value]` of what is known; what a machine did not say is left out. */
export function facts(machine) {
    const said = machine.facts ?? {}, wishes = machine.wishes ?? {}, learnt = machine.learnt ?? {};
    const make = [said.manufacturer, said.product].filter(Boolean).join(' ');
    const firmware = [{pcbios: 'BIOS', efi: 'UEFI'}[said.platform] ?? said.platform, said.firmware].filter(Boolean).join(', ');
    const processor = [said.cpu_model || said.cpu_vendor, said.buildarch && architecture(said)].filter(Boolean).join(', ');
    const secure = {true: 'on', false: 'off'}[String(said.secure_boot)];
    return [
        ['Make', make], ['Serial number', said.serial], ['Asset tag', said.asset], ['UUID', machine.uuid],
        ['MAC', (machine.macs ?? []).join(', ')], ['Address', machine.address], ['Firmware', firmware],
        ['Secure Boot', secure], ['Processor', processor],
        ['Memory', said.memory_mb ? `${Math.round(said.memory_mb / 102.4) / 10} GiB` : ''],
        ['Network card', [said.chip, card(said.busid)].filter(Boolean).join(', ')],
        ['Plugged in at', [said.switch, said.port].filter(Boolean).join(', port ')],
        ['DHCP name', said.hostname], ['iPXE', said.version],
        ['Declared as', machine.declared], ['Profile given', wishes.profile], ['Next boot only', wishes.once],
        ['Loader', wishes.loader || (learnt.loader && `${learnt.loader[0]} (learnt: ${learnt.loader[1]})`)],
        ['Local boot', wishes.local_boot || (learnt.local_boot && `${learnt.local_boot[0]} (learnt: ${learnt.local_boot[1]})`)],
        ['Policy', machine.policy], ['Tags', (wishes.tags ?? []).join(', ')], ['Notes', wishes.notes],
    ].filter(([, value]) => value !== undefined && value !== null && value !== '');
}

function architecture(said) {
    return said.cpu64 && said.buildarch === 'i386' ? 'amd64' : said.buildarch;
}

/** iPXE's bus id of a PCI card (0114e41639, with colons from an old iPXE) as lspci writes it. */
export function card(busid) {
    const pci = String(busid ?? '').replaceAll(':', '').match(/^01([0-9a-f]{4})([0-9a-f]{4})$/i);
    return pci ? `PCI ${pci[1]}:${pci[2]}` : busid ?? '';
}

/** Where it is, in a sentence. */
export function state(machine, now) {
    const detail = machine.detail ?? {}, given = machine.wishes?.profile, since = duration(Math.max(0, now - machine.since));
    switch (machine.phase) {
        case 'discovered': return given ? `It gets ${given} at its next boot.` : `Met, and nothing is meant for it. For ${since}.`;
        case 'held': return `It waits for a person${detail.reason ? `: ${detail.reason}` : ''}. For ${since}.`;
        case 'ready': return `It gets ${detail.profile ?? given ?? (machine.profile || 'its profile')} at its next boot.`;
        case 'installing': return `${detail.profile ?? 'Its profile'} is being installed, try ${detail.tries ?? 1}. For ${since}.`;
        case 'installed': return `Its disk is bootable${detail.profile ? ` (${detail.profile})` : ''}: it gets that. For ${since}.`;
        case 'failed': return `Its installation failed${detail.reason ? `: ${detail.reason}` : ''}.`;
        case 'ignored': return 'It gets nothing: its firmware goes on with its boot order.';
        default: return '';
    }
}

/**
 * What can be done with a machine as it is now: `{action, label, icon, title, confirm, ask}`. `confirm` is the
 * question before something that destroys; `ask` is what has to be chosen first (`profile`: which it gets, or which
 * is on its disk where nothing says that).
 */
export function actions(machine) {
    const {phase, wishes = {}} = machine, label = machine.label;
    const onDisk = machine.detail?.profile || wishes.profile || machine.profile || machine.policy;
    const anew = `${label} goes on with its disk if it was installed before. Else it gets what is meant for it: if that installs a system, what is on its disk is lost.`;
    const all = [
        [phase === 'held' && !wishes.held, 'approve', 'Approve', 'fa-check', 'It may have what is meant for it'],
        [phase === 'held' && wishes.held || phase === 'failed', 'release', 'Release', 'fa-play', 'It goes on', anew],
        [phase !== 'ignored', 'assign', 'Assign profile', 'fa-id-card-o', 'It gets this profile, whatever is declared', null, 'profile'],
        [Boolean(wishes.profile), 'unassign', 'Take back profile', 'fa-eraser', 'It gets what is declared, or what a policy says, again'],
        [['installed', 'failed', 'installing'].includes(phase), 'reinstall', 'Reinstall', 'fa-refresh', 'It is installed anew at its next boot',
            `${label} is installed anew at its next boot. What is on its disk is lost.`],
        [phase !== 'installed', 'local', 'Boot its disk', 'fa-hdd-o',
            'Its disk is bootable, and it gets that from now on',
            `${label} gets its own disk from now on, and nothing is installed on it.`, onDisk ? null : 'profile'],
        [phase !== 'ignored', 'rescue', 'Boot once', 'fa-medkit', 'Its next boot only, for a look from outside', null, 'profile'],
        [Boolean(wishes.once), 'cancel-boot', 'Cancel boot', 'fa-times', 'The one boot is not wanted any more'],
        [(machine.macs ?? []).length > 0, 'wake', 'Wake', 'fa-power-off', 'Switch it on by Wake-on-LAN'],
        [!wishes.held && !['ignored', 'failed'].includes(phase), 'hold', 'Hold', 'fa-pause', 'It waits until it is released'],
        [phase !== 'ignored', 'ignore', 'Ignore', 'fa-ban', 'It gets nothing, and its firmware goes on',
            `${label} gets nothing from now on, on any way.`],
        [phase === 'ignored', 'unignore', 'Serve again', 'fa-undo', 'It is served again', anew],
        [true, 'forget', 'Forget', 'fa-trash-o', 'The next time it asks it is a new one',
            `Nothing is known of ${label} any more: no phase, no profile, no notes, no timeline. The next time it asks it is a new machine, and may be installed.`],
    ];
    return all.filter(([possible]) => possible).map(([, action, name, icon, title, confirm = null, ask = null]) =>
        ({action, label: name, icon, title, confirm, ask}));
}

/** A name as the configuration takes it, made of what a machine is called. */
export function nameOf(label) {
    const name = String(label ?? '').toLowerCase().replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+|[-._]+$/g, '');
    return name.slice(0, 64) || 'machine';
}

/** The fields of a declared machine that a discovered one becomes. */
export function adopted(machine) {
    const called = machine.given_name || machine.facts?.hostname || machine.label;
    return {
        name: nameOf(called), mac: (machine.macs ?? []).join(','), smbios_uuid: machine.uuid ?? '',
        profile: machine.wishes?.profile ?? machine.detail?.profile ?? '',
        loader: machine.wishes?.loader ?? '', local_boot: machine.wishes?.local_boot ?? '',
        description: (machine.wishes?.notes ?? '').replace(/\s+/g, ' ').trim().slice(0, 255),
    };
}

/** What was said of a machine here and is declared now, taken back as pairs of action and value: else it would hide what is declared later. */
export function handedOver({given_name: given, wishes = {}}) {
    return [
        [wishes.profile, 'unassign'], [wishes.loader, 'loader'], [wishes.local_boot, 'local-boot'], [given, 'name'],
    ].filter(([said]) => said).map(([, action]) => [action, '']);
}

/** What one edit of a machine changes: pairs of action and value, in order. */
export function changes(machine, wanted) {
    const wishes = machine.wishes ?? {};
    const had = {
        name: machine.given_name ?? '', tags: (wishes.tags ?? []).join(', '), notes: wishes.notes ?? '',
        loader: wishes.loader ?? '', 'local-boot': wishes.local_boot ?? '',
    };
    return Object.entries(wanted).filter(([key, value]) => key in had && value.trim() !== had[key].trim())
        .map(([key, value]) => [key, value.trim()]);
}

/** All transfers of a boot together. */
export function sent(boot) {
    const bytes = (boot.events ?? []).filter((event) => event.kind === 'transfer').reduce((sum, event) => sum + (event.bytes ?? 0), 0);
    return bytes > 0 ? size(bytes) : '';
}
