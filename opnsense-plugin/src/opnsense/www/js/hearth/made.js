/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A machine for a try: lines of KEY=VALUE as policies are tested with, and what `hearth script` is told. Pure.
 */

/** Keys of policies that a script depends on, by what `hearth script` calls them. */
const KEYS = {
    mac: 'mac', uuid: 'uuid', platform: 'platform', architecture: 'arch', ip: 'ip', manufacturer: 'manufacturer',
    product: 'product', serial: 'serial', asset: 'asset', busid: 'busid',
};
const PLATFORMS = {bios: 'pcbios', pcbios: 'pcbios', uefi: 'efi', efi: 'efi'};

/** `[key, value]` of each line; blanks around them and empty lines do not count. */
export function lines(text) {
    return String(text ?? '').split('\n').map((line) => line.trim()).filter(Boolean).map((line) => {
        const at = line.indexOf('=');
        return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
}

/** What the script of a made-up machine depends on. */
export function told(text) {
    const found = {};
    for (const [key, value] of lines(text)) {
        const name = KEYS[key];
        if (name && value && !(name in found)) {
            found[name] = name === 'platform' ? PLATFORMS[value.toLowerCase()] ?? value : value;
        } else if (key === 'nic' && /^[0-9a-f]{4}:[0-9a-f]{4}$/i.test(value)) {
            found.busid = `01${value.replace(':', '')}`;
        }
    }
    return found;
}

/** The same of a known machine, by what the agent knows of it. */
export function known(machine) {
    const facts = machine.facts ?? {};
    const found = {
        mac: machine.macs?.[0], uuid: machine.uuid, platform: facts.platform, ip: machine.address,
        arch: facts.cpu64 && facts.buildarch === 'i386' ? 'amd64' : facts.buildarch,
        manufacturer: facts.manufacturer, product: facts.product, serial: facts.serial, asset: facts.asset, busid: facts.busid,
    };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value));
}

/** The words of the agent's outcomes for people, with the theme's class of a label. */
export const OUTCOMES = {
    taken: ['takes it', 'success'], unmet: ['no', 'default'], full: ['is full', 'warning'],
    'no-place': ['has no place for it', 'warning'], behind: ['would take it', 'info'],
};
