/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page Images: what there is to boot, how far it is fetched, new versions.
 */

import {busy, command, get, grid, part, poll, post, problem, problemButton, put, refusal, tell} from './ask.js';
import * as rows from './rows.js';
import {cut, decoded, escape, percent, rate, size} from './text.js';
import {talos} from './talos.js';
import {isOther, newer, schematic} from './wizard.js';

/** The last answer of agent/fetches; versions of Talos, once they are known. */
let fetches = [], versions = [], again = () => {}, was = null;

export function start() {
    updateServiceControlUI('hearth');
    // Fields of other systems than the chosen one say nothing.
    $('#image\\.recipe').on('change', function () {
        $('#frm_DialogImage .recipe').closest('tr').hide();
        $(`#frm_DialogImage .recipe_${CSS.escape($(this).val() ?? '')}`).closest('tr').show();
    });
    $(document).on('settings-changed', reload);
    again = poll(look);
    problemButton(reload);
    $(document).on('click', '#hearth_fetch_all', () => fetch(''));
    $('#hearth_fetch_loaders').on('click', () => fetch('loaders'));
    $('#hearth_update_loaders').on('click', () => accept('loaders', 'The loaders are fetched as they are published now, and take the place of those that are there.'));
    $(document).on('click', '#hearth_prune', prune);
    $('#hearth_fetch').on('click', 'button[data-accept]', function () {
        const name = $(this).data('accept');
        accept(name, `${name} is fetched anew, and what comes is what machines get from then on. Do so if its publisher says that there is a new one.`);
    });
    $('#hearth_fetch').on('click', 'button[data-cancel]', async function () {
        const answer = await busy($(this), () => post(`action/cancel/${part($(this).data('cancel'))}`));
        if (answer.error) {
            tell('Not cancelled', answer.error);
        }
        again();
    });
    $('#maintabs a').on('shown.bs.tab', (event) => {
        if (event.target.hash === '#images') {
            table();
        }
        history.replaceState(null, '', event.target.hash);
        $('#reconfigureAct').closest('section').toggle(event.target.hash === '#images');
    });
    const tab = $('#maintabs a').filter((_, one) => one.hash === window.location.hash);
    if (tab.length && window.location.hash !== '#images') {
        tab.tab('show');
    } else {
        table();
    }
    talos(reload);
    known().then((found) => {
        versions = found;
        reload();
    });
}

/** Versions of Talos; the factory is asked once an hour and window. */
async function known() {
    const {at, versions: kept} = JSON.parse(sessionStorage.getItem('hearthVersions') ?? '{}');
    if (kept && Date.now() - at < 3600000) {
        return kept;
    }
    const answer = await post('agent/talos_versions');
    if (answer.versions?.length) {
        sessionStorage.setItem('hearthVersions', JSON.stringify({at: Date.now(), versions: answer.versions}));
    }
    return answer.versions ?? [];
}

const images = grid('#grid-images', problem);
let isMade = false;

/** The grid is made once it is seen: it asks the page how wide it is. */
function table() {
    if (isMade) {
        return;
    }
    isMade = true;
    $('#grid-images').UIBootgrid({
        search: '/api/hearth/agent/search_images/',
        get: '/api/hearth/settings/get_image/', set: '/api/hearth/settings/set_image/',
        add: '/api/hearth/settings/add_image/', del: '/api/hearth/settings/del_image/',
        options: {
            selection: false, multiSelect: false,
            requestHandler: images.requestHandler, responseHandler: images.responseHandler,
            formatters: {
                image: (column, row) => image(decoded(row)),
                version: (column, row) => version(decoded(row)),
                state: (column, row) => state(decoded(row)),
                size: (column, row) => escape(row.size > 0 ? size(row.size) : ''),
                pinned: (column, row) => pinned(decoded(row)),
            },
        },
        commands: {
            // What a fragment declares is changed there.
            ...Object.fromEntries(['edit', 'copy', 'delete'].map((name) => [name, {filter: (cell) => cell.getData().uuid !== ''}])),
            fetch: command((row) => fetch(row.name), {classname: 'fa fa-fw fa-download', title: 'Fetch',
                sequence: 10, filter: (cell) => ['missing', 'ready'].includes(cell.getData().state)}),
            newer: command(update, {classname: 'fa fa-fw fa-level-up', title: 'New version',
                sequence: 20, filter: (cell) => cell.getData().uuid !== '' && next(decoded(cell.getData())) !== null}),
        },
    });
}

function reload() {
    if (isMade) {
        images.reload();
    }
    again();
}

/** What is fetched now; a fetch goes on in the agent, whoever looks at it. */
async function look() {
    const answer = await get('agent/images');
    // The wizard starts it.
    problem(answer.state === 'stopped' && $('#talos').hasClass('active') ? null : answer);
    fetches = answer.fetches ?? [];
    const last = fetches[0], runs = last !== undefined && last.ended === null;
    show(last);
    put($('#hearth_loaders'), loaders(answer.loaders ?? []));
    const now = `${last?.id} ${last?.state}`;
    if (was !== null && was !== now && isMade) {
        images.reload();
    }
    was = now;
    return runs ? 1500 : 8000;
}

function show(last) {
    // One that ended well is told for a while; one that did not, until there is another.
    const shows = Boolean(last) && (last.state !== 'done' || Date.now() - last.ended < 60000);
    $('#hearth_fetch_box').toggle(shows);
    if (!shows) {
        return;
    }
    const files = last.files ?? [], over = files.filter((file) => file.state !== 'running').length;
    const task = {update: 'anew: ', prune: 'removing '}[last.task] ?? '', all = last.task === 'prune' ? 'what nothing refers to' : 'everything';
    const words = {running: `${over} of ${files.length} files so far`, done: 'done', failed: 'failed', cancelled: 'cancelled'};
    $('#hearth_fetch_text').text(`${task}${(last.names ?? []).join(', ') || all}: ${words[last.state] ?? last.state}`);
    const shown = last.state === 'running' ? files.filter((file) => file.state === 'running').slice(-2) : files.filter((file) => file.error);
    put($('#hearth_fetch'), shown.map(file).join('') +
        files.map(acceptance).join('') + (last.error ? `<p style="color: var(--bad)">${escape(last.error)}</p>` : '') + (last.note ? `<p>${escape(last.note)}</p>` : '') +
        (last.ended === null ? `<button class="btn btn-default btn-sm" type="button" data-cancel="${escape(last.id)}">Cancel</button>` : ''));
}

function file(one) {
    if (one.state !== 'running') {
        return `<p><span class="hearth-mono">${escape(one.name)}</span>: ${escape(one.error)}</p>`;
    }
    const part = percent(one.bytes, one.total);
    const figures = [part === null ? size(one.bytes) : `${size(one.bytes)} of ${size(one.total)}, ${part} %`, one.rate > 0 ? rate(one.rate) : ''];
    return `<div><div class="hearth-head" style="display: flex; justify-content: space-between; flex-wrap: wrap; gap: 4px">` +
        `<span class="hearth-mono">${escape(one.name)}</span><span>${escape(figures.filter(Boolean).join(', '))}</span></div>` +
        `${rows.bar(one.bytes, one.total, one.name)}</div>`;
}

/** Another file under a name that is pinned is taken only if a person says so. */
function acceptance(one) {
    return isOther(one) ? `<button class="btn btn-default btn-sm" type="button" data-accept="${escape(one.name)}">Accept the new ${escape(one.name)}</button> ` : '';
}

function loaders(all) {
    const state = (one) => one.state === 'ready' ? 'done' : 'open';
    return rows.steps(all.map((one) => ({
        id: one.name, state: state(one), title: one.name, detail: one.state === 'ready' ? 'there and verified' : one.remedy ?? 'missing',
    })));
}

function image(row) {
    return `<b>${escape(row.name)}</b><br><small>${escape([row.recipe, row.description].filter(Boolean).join(', '))}</small>`;
}

function next(row) {
    return row.recipe === 'talos' ? newer(row.version, versions) : null;
}

function version(row) {
    const found = next(row), id = schematic([...row.files.flatMap((one) => [one.url, one.path]), ...[].concat(row.missing ?? [])]);
    return escape(row.version) + (found ? ` <span class="label label-info" title="A newer version can be had">new: ${escape(found)}</span>` : '') +
        (id ? `<br><small class="bootgrid-tooltip" title="Schematic ${escape(id)}">schematic <span class="hearth-mono">${escape(id.slice(0, 12))}…</span></small>` : '');
}

function state(row) {
    const now = fetches[0]?.ended === null ? (fetches[0].files ?? []).find((one) => one.state === 'running' && [].concat(row.missing).includes(one.name)) : null;
    if (now) {
        return `<div>${percent(now.bytes, now.total) ?? ''}${now.total ? ' %' : 'being fetched'}</div>${rows.bar(now.bytes, now.total, now.name)}`;
    }
    const words = {
        ready: ['fa-check-circle', '--good', 'there and verified'], missing: ['fa-circle-o', '--wait', 'not fetched yet'],
        unapplied: ['fa-pencil', '--wait', 'not applied yet'], unknown: ['fa-question-circle-o', '--line', 'not known'],
    };
    const [icon, colour, word] = words[row.state] ?? words.unknown;
    return `<i class="fa fa-fw ${icon}" style="color: var(${colour})"></i> <span class="bootgrid-tooltip" title="${escape(row.remedy || word)}">${word}</span>`;
}

function pinned(row) {
    return row.files.slice(0, 3).map((one) => `<span class="bootgrid-tooltip" title="${escape(`${one.path}: sha256 ${one.sha256}, ${one.pinned}`)}">` +
        `<span class="hearth-mono">${escape(one.sha256.slice(0, 10))}…</span> <small>${escape(cut(one.path.split('/').pop(), 22))}</small></span>`).join('<br>') +
        (row.files.length > 3 ? `<br><small>and ${row.files.length - 3} more</small>` : '');
}

/** Begins to fetch, and says why if nothing is fetched. */
function fetch(names) {
    return begin('fetch', {names});
}

async function begin(what, data) {
    const answer = await post(`action/${what}`, data);
    if (answer.error) {
        tell(what === 'prune' ? 'Nothing is removed' : 'Nothing is fetched', answer.error);
    }
    again();
    return answer;
}

/** Fetches anew and pins what comes, once somebody says yes. */
function accept(names, what) {
    stdDialogConfirm('Accept what comes', $('<div>').text(what), 'Fetch and pin', 'Cancel', () => begin('update', {names}), 'primary');
}

function prune() {
    stdDialogConfirm('Remove files of old versions', $('<div>').text('Files that Hearth fetched and that no loader, image or profile refers to any more are removed. ' +
        'Files of your own stay.'), 'Remove', 'Cancel', () => begin('prune', {}), 'primary');
}

/** The new version: into config.xml, in force, and fetched; the old one stays until nothing needs it. */
function update(row) {
    const version = next(row);
    stdDialogConfirm('New version', $('<div>').text(`${row.name} becomes ${version}. Machines get ${row.version} until ${version} is applied, ` +
        'and nothing is removed.'), 'Update, apply and fetch', 'Cancel', async () => {
        for (const [path, data] of [[`settings/set_image/${part(row.uuid)}`, {image: {version}}], ['service/reconfigure', {}]]) {
            const error = refusal(await post(path, data));
            if (error !== null) {
                return tell('The version is not in force', error);
            }
        }
        reload();
        return fetch(row.name);
    }, 'primary');
}
