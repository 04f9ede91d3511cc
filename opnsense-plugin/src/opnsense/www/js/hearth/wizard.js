/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Talos, from what Omni shows to what the configuration needs: versions, extensions, and the rows of the
 * model. Pure.
 */

/** A version as numbers, or null: v1.11.2, v1.12.0-alpha.1. */
function parsed(version) {
    const parts = String(version).match(/^v(\d+)\.(\d+)\.(\d+)(?:-(.+))?$/);
    return parts && {numbers: parts.slice(1, 4).map(Number), early: parts[4] ?? null};
}

/** Which of two versions is newer: below, above, or 0. */
export function compare(one, other) {
    const a = parsed(one), b = parsed(other);
    if (!a || !b) {
        return Number(Boolean(a)) - Number(Boolean(b));
    }
    for (let place = 0; place < 3; place += 1) {
        if (a.numbers[place] !== b.numbers[place]) {
            return a.numbers[place] - b.numbers[place];
        }
    }
    if (a.early === b.early) {
        return 0;
    }
    return a.early === null ? 1 : b.early === null ? -1 : a.early.localeCompare(b.early, 'en', {numeric: true});
}

/** Versions, the newest first: finished ones, then those before their time. */
export function sorted(versions) {
    const known = versions.filter((version) => parsed(version)).sort((a, b) => compare(b, a));
    return {finished: known.filter((one) => !parsed(one).early), early: known.filter((one) => parsed(one).early)};
}

/** The newest finished version that is newer than this one, or null. */
export function newer(version, versions) {
    const newest = sorted(versions).finished[0];
    return newest && parsed(version) && compare(newest, version) > 0 ? newest : null;
}

/** Whether a file of a fetch failed because another one came than is pinned: the agent's remedy names the command. */
export function isOther(file) {
    return file.state === 'failed' && (file.error ?? '').includes('hearth lock update');
}

/**
 * The id of the schematic that files of Talos are of: whole by a URL of the factory, else its beginning by a
 * name in the catalogue; empty if there is none.
 */
export function schematic(names) {
    const found = (pattern) => names.map((name) => String(name).match(pattern)?.[1]).find(Boolean);
    return found(/\/image\/([0-9a-f]{64})\//) ?? found(/^talos\/v[^/]+\/([0-9a-f]{12,64})\//) ?? '';
}

/** What the cards that were seen ask for: extensions with the reason, those that are needed before the others. */
export function wanted(hints) {
    const found = new Map();
    for (const hint of hints) {
        for (const name of hint.extensions ?? []) {
            const needed = ['firmware', 'driver'].includes(hint.talos), had = found.get(name);
            found.set(name, {name, needed: needed || Boolean(had?.needed), machines: [...had?.machines ?? [], hint.label], text: had?.text ?? hint.text});
        }
    }
    return [...found.values()].sort((a, b) => Number(b.needed) - Number(a.needed) || a.name.localeCompare(b.name));
}

/** Extensions that have every word of a search in their name or description; those that are chosen come first. */
export function chosenFirst(all, chosen, search) {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const has = ({name, description}) => words.every((word) => `${name} ${description ?? ''}`.toLowerCase().includes(word));
    const is = (one) => chosen.includes(one.name);
    return [...all.filter(is), ...all.filter((one) => !is(one) && has(one))];
}

/** Where the kernel is told to find its machine configuration, which is an answer of the profile. */
const CONFIG = 'config.yaml';

/** What is wrong with a machine configuration, or null. */
function configuration(text, join) {
    if (join) {
        return 'Omni configures its machines by itself: leave one of both empty.';
    } else if (!/^(machine|kind)\s*:/m.test(text)) {
        return 'This is no machine configuration: talosctl gen config writes one, and it has a line "machine:".';
    }
    return null;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * What a filled-in wizard means: `{errors}` by field, or `{image, profile, answer, general}` as the model has them; `answer`
 * is null without a machine configuration. `form`: join (answer of join.js, or null for no Omni), config (text), version, extensions, interfaces, who (`menu`, `hold`,
 * `profile`, or `keep`: as it is), name, architectures, factory, console; `taken`: names of images and profiles there are.
 */
export function planned(form, taken = []) {
    const errors = {};
    if (form.join?.error) {
        errors.join = form.join.error;
    }
    const config = (form.config ?? '').trim() === '' ? '' : form.config, wrong = config && configuration(config, form.join);
    if (wrong) {
        errors.config = wrong;
    }
    if (!parsed(form.version)) {
        errors.version = 'Choose a version.';
    }
    if (form.interfaces.length === 0) {
        errors.interfaces = 'Choose at least one interface: machines boot from there.';
    }
    if (!NAME.test(form.name)) {
        errors.name = 'A name has 1 to 64 letters, digits, dots, underscores or dashes, and begins with a letter or digit.';
    } else if (taken.includes(form.name)) {
        errors.name = `There is an image or profile "${form.name}" already: choose another name.`;
    }
    if (Object.keys(errors).length > 0) {
        return {errors};
    }
    const {join} = form;
    return {
        image: {
            name: form.name, recipe: 'talos', version: form.version, extensions: form.extensions.join(','),
            architectures: form.architectures.join(','), factory: form.factory ?? '',
        },
        profile: {
            name: form.name, label: join ? 'Talos Linux, joins Omni' : 'Talos Linux',
            arguments: [form.console && `console=tty0 console=${form.console}`, config && `talos.config=\${answer:${CONFIG}}`].filter(Boolean).join(' '),
            // By its configuration Talos installs itself, and starts anew from its disk.
            installed: config ? 'next-boot' : 'never',
            omni_api: join?.api ?? '', omni_token: join?.token ?? '', omni_events: join?.events ?? '', omni_logs: join?.logs ?? '',
        },
        answer: config ? {name: CONFIG, text: config} : null,
        general: {enabled: '1', interfaces: form.interfaces.join(','), ...(form.who === 'keep' ? {} : {unknown: form.who})},
    };
}

/** A name that nobody has: talos, talos-2, ... */
export function free(name, taken) {
    for (let number = 1; ; number += 1) {
        const tried = number === 1 ? name : `${name}-${number}`;
        if (!taken.includes(tried)) {
            return tried;
        }
    }
}

/**
 * What is to be thought of before machines are served on an interface that leads to other networks, or nothing. `choices` is
 * the model's list of interfaces, `keys` those that are chosen.
 */
export function outside(choices, keys) {
    const names = keys.filter((key) => choices?.[key]?.upstream).map((key) => choices[key].value);
    return names.length === 0 ? '' : `${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} a gateway: who is on that side can fetch ` +
        'scripts and images from here, with what is secret in them. Choose networks whose machines are yours.';
}

/** The key of a choice that the core offers for a field, by what people read. */
export function keyOf(choices, text) {
    const found = Object.entries(choices ?? {}).find(([key, one]) => key === text || one.value === text);
    return found ? found[0] : null;
}

/** The keys that are chosen of a field. */
export function selected(choices) {
    return Object.entries(choices ?? {}).filter(([key, one]) => key !== '' && String(one.selected) === '1').map(([key]) => key);
}
