/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The wizard for Talos on the page Images: one page from what Omni shows to the first node.
 */

import {busy, get, part, post, put, refusal} from './ask.js';
import {join} from './join.js';
import * as rows from './rows.js';
import {fetching} from './steps.js';
import {count, escape} from './text.js';
import {chosenFirst, free, outside, planned, selected, sorted, wanted} from './wizard.js';

/** What there is to choose from, and what is chosen. */
const offered = {extensions: [], hints: [], taken: [], general: null};
const chosen = new Set();
/** Keys of the rows that this page has made. */
const own = {image: null, profile: null, answer: null};
let reload = () => {}, asked = null;

export function talos(then) {
    reload = then;
    // Nothing is asked of the factory before somebody looks at it.
    const begin = () => asked ??= Promise.all([versions(), settings(), hints()]);
    $('#tab_talos').on('shown.bs.tab', begin);
    if ($('#talos').hasClass('active')) {
        begin();
    }
    $('#talos_join').on('input', told);
    $('#talos_version').on('change', extensions);
    $('#talos_factory').on('change', versions);
    $('#talos_search').on('input', list);
    $('#talos_extensions').on('change', 'input', function () {
        chosen[this.checked ? 'add' : 'delete'](this.value);
        counted();
    });
    $('#talos_interfaces').on('change', 'input', upstream);
    $('#talos_go').on('click', function () {
        return busy($(this), go);
    });
}

/** Says what was read out of the pasted text, without the token. */
function told() {
    const text = $('#talos_join').val().trim(), found = text === '' ? null : join(text);
    if (found === null) {
        return say('join', 'Talos without Omni: it is configured with talosctl.');
    } else if (found.error) {
        return say('join', found.error, 'wrong');
    }
    const rest = found.assumed.length ? ' Events and logs go where every Omni takes them.' : '';
    return say('join', `Joins ${found.api}, with a token of ${count(found.token.length, 'character')}.${rest}`, 'good');
}

function say(field, text, kind = '') {
    $(`#talos_${field}_text`).removeClass('is-wrong is-good').addClass(kind && `is-${kind}`).text(text);
}

async function versions() {
    const factory = $('#talos_factory').val().trim(), select = $('#talos_version').prop('disabled', true);
    const answer = await post('agent/talos_versions', {factory});
    if (answer.error) {
        say('version', answer.error, 'wrong');
        return;
    }
    const {finished, early} = sorted(answer.versions ?? []);
    const options = (all) => all.slice(0, 40).map((one) => `<option>${escape(one)}</option>`).join('');
    select.html(options(finished) + (early.length ? `<optgroup label="before their time">${options(early)}</optgroup>` : '')).prop('disabled', false);
    say('version', finished.length ? `The newest finished one is ${finished[0]}.` : 'The factory has no version.');
    await extensions();
}

async function extensions() {
    const version = $('#talos_version').val(), factory = $('#talos_factory').val().trim();
    if (!version) {
        return;
    }
    const answer = await post('agent/talos_extensions', {version, factory});
    offered.extensions = answer.extensions ?? [];
    if (answer.error) {
        $('#talos_hints').addClass('is-wrong').text(answer.error);
    }
    list();
}

async function hints() {
    const answer = await get('agent/hints');
    offered.hints = wanted(answer.hints ?? []);
    offered.hints.filter((hint) => hint.needed).forEach((hint) => chosen.add(hint.name));
    if (offered.hints.length) {
        $('#talos_hints').addClass('is-good').text(offered.hints.map((hint) =>
            `${hint.name} is ${hint.needed ? 'needed' : 'better'} for ${hint.machines.slice(0, 3).join(', ')}.`).join(' '));
    }
    list();
}

function list() {
    const known = new Set(offered.extensions.map((one) => one.name));
    const all = [...offered.extensions, ...[...chosen].filter((name) => !known.has(name)).map((name) => ({name, description: ''}))];
    const found = chosenFirst(all, [...chosen], $('#talos_search').val()).slice(0, 200);
    put($('#talos_extensions'), found.map((one) => `<label><input type="checkbox" value="${escape(one.name)}"${chosen.has(one.name) ? ' checked' : ''}> ` +
        `${escape(one.name)} <small>${escape(one.description)}</small></label>`).join('') || '<p class="hearth-none">Nothing has this in its name.</p>');
    $('#talos_extensions input').each((_, input) => {
        input.checked = chosen.has(input.value);
    });
    counted();
}

function counted() {
    $('#talos_extensions_count').text(chosen.size ? `${chosen.size} chosen` : '');
}

/** Interfaces, and names that are taken, as the configuration has them. */
async function settings() {
    const [all, image] = await Promise.all([get('settings/get'), post('settings/search_image', {rowCount: -1})]);
    const profiles = await post('settings/search_profile', {rowCount: -1});
    offered.general = all.hearth?.general ?? null;
    offered.taken = [...image.rows ?? [], ...profiles.rows ?? []].map((one) => one.name);
    $('#talos_name').val(free($('#talos_name').val() || 'talos', offered.taken));
    const choices = Object.entries(offered.general?.interfaces ?? {}).filter(([key]) => key !== '');
    const had = selected(offered.general?.interfaces);
    const first = had.length ? had : [(choices.find(([key]) => key === 'lan') ?? choices[0] ?? [''])[0]];
    put($('#talos_interfaces'), choices.map(([key, one]) => `<label><input type="checkbox" value="${escape(key)}"` +
        `${first.includes(key) ? ' checked' : ''}> ${escape(one.value)}</label>`).join(''));
    upstream();
    // A boot server that is set up already goes on with what it gives to others.
    if (offered.general?.enabled === '1' && $('#talos_who option[value=keep]').length === 0) {
        $('#talos_who').prepend('<option value="keep">get what they get now</option>').val('keep');
    }
}

function upstream() {
    const keys = $('#talos_interfaces input:checked').map((_, one) => one.value).get(), text = outside(offered.general?.interfaces, keys);
    say('interfaces', text || 'The firewall lets them in on these interfaces only.', text ? 'wrong' : '');
}

function form() {
    const text = $('#talos_join').val().trim();
    return {
        join: text === '' ? null : join(text), config: $('#talos_config').val(), version: $('#talos_version').val() ?? '', extensions: [...chosen],
        interfaces: $('#talos_interfaces input:checked').map((_, one) => one.value).get(), who: $('#talos_who').val(),
        name: $('#talos_name').val().trim(), architectures: $('#talos_architectures').val().split(','),
        factory: $('#talos_factory').val().trim(), console: $('#talos_console').val(),
    };
}

/** Does all of it, step by step; the first that fails ends it, and what was done stays to be seen and changed. */
async function go() {
    const plan = planned(form(), offered.taken);
    for (const field of ['join', 'config', 'version', 'interfaces', 'name']) {
        if (plan.errors?.[field]) {
            say(field, plan.errors[field], 'wrong');
            $(`#talos_${field}`).closest('details').prop('open', true);
        }
    }
    if (plan.errors) {
        $('.help-block.is-wrong').first()[0]?.scrollIntoView({block: 'center'});
        return;
    }
    const shown = [
        ['image', 'The image is declared', () => saved('image', plan.image)],
        ['profile', 'The profile is declared', () => saved('profile', {...plan.profile, image: own.image})],
        ...plan.answer ? [['answer', 'The machine configuration is declared', () => saved('answer', {...plan.answer, profile: own.profile})]] : [],
        ['general', 'The boot server is set up', () => general(plan)],
        ['apply', 'The configuration is in force', applied],
        ['fetch', 'Loaders and image are there and verified', (say) => fetched(plan, say)],
    ].map(([id, title, work]) => ({id, title, work, state: 'unknown', detail: ''}));
    const draw = () => put($('#talos_steps'), rows.steps(shown));
    for (const step of shown) {
        step.state = 'open';
        step.detail = 'Under way.';
        draw();
        const error = await step.work((detail) => {
            step.detail = detail;
            draw();
        });
        step.state = error ? 'wrong' : 'done';
        step.detail = error ?? '';
        draw();
        if (error) {
            return;
        }
    }
    // The token is where it belongs now, and no longer on a screen; another press makes another profile.
    $('#talos_join, #talos_config').val('');
    Object.assign(own, {image: null, profile: null, answer: null});
    settings();
    shown.push({id: 'dhcp', state: 'open', title: 'The DHCP server sends machines here', detail: 'Look at what changes there, and apply.',
        button: {label: 'Wire DHCP', link: '/ui/hearth/dhcp'}},
    {id: 'boot', state: 'open', title: 'The first node', detail: 'Switch it on, and let it boot from the network.',
        button: {label: 'Overview', link: '/ui/hearth/'}});
    draw();
    reload();
}

/** Adds a row, or, where an earlier press of the button did that already, sets it anew. */
async function saved(kind, row) {
    const answer = await post(own[kind] ? `settings/set_${kind}/${part(own[kind])}` : `settings/add_${kind}`, {[kind]: row});
    own[kind] ??= answer.uuid;
    return refusal(answer);
}

/** Settings; a menu of one's own gets the new entry, and one that is left alone has every profile anyway. */
async function general(plan) {
    const now = (await get('settings/get')).hearth ?? {}, items = selected(now.menu?.items);
    const general = {...plan.general, ...(plan.general.unknown === 'profile' ? {unknown_profile: own.profile} : {})};
    const menu = items.length ? {menu: {items: [own.profile, ...items].join(',')}} : {};
    return refusal(await post('settings/set', {hearth: {general, ...menu}}));
}

async function applied() {
    const error = refusal(await post('service/reconfigure'));
    updateServiceControlUI('hearth');
    return error;
}

/** Fetches, and follows it to its end. */
async function fetched(plan, say) {
    const begun = await started(plan.image.name);
    if (begun.error) {
        return begun.error;
    }
    for (;;) {
        await sleep(1500);
        const answer = await get('agent/fetches'), mine = (answer.fetches ?? []).find((one) => one.id === begun.id);
        if (answer.error || !mine || mine.ended !== null) {
            return answer.error ?? (mine?.state === 'done' ? null : mine?.error ?? 'The fetch is not known any more.');
        }
        say(fetching(mine));
    }
}

function sleep(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A boot server that was started a moment ago may not answer yet. */
async function started(name) {
    for (let tries = 0; ; tries += 1) {
        const answer = await post('action/fetch', {names: `loaders,${name}`});
        if (!['stopped', 'silent'].includes(answer.state) || tries >= 20) {
            return answer;
        }
        await sleep(500);
    }
}
