/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page of one machine: its timeline as a picture, what is known of it, and what can be done with it.
 */

import {act, busy, debounced, get, part, poll, post, problem, problemButton, put, refusal} from './ask.js';
import {perform, pressed, send} from './do.js';
import {actions, adopted, changes, facts, handedOver, sent, state} from './machine.js';
import * as rows from './rows.js';
import {count, duration, escape, prose, stamp} from './text.js';
import {picture, words} from './timeline.js';
import {keyOf} from './wizard.js';

/** What the agent says, the boot that is looked at, and the name that the configuration has for the machine (empty: none). */
let shown = null, chosen = null, declaredAs = null, again = () => {};
/** The key of the row that Adopt has made: another press after a refusal sets that one. */
let row = null;

export function start(number) {
    updateServiceControlUI('hearth');
    if (number === '') {
        problem({error: 'There is no machine of this number. The list of machines has all.'});
        return;
    }
    again = poll(async () => {
        const answer = await get(`agent/machine/${part(number)}`);
        if (problem(answer)) {
            return 5000;
        }
        shown = answer;
        declaredAs ??= await declared(answer.machine);
        show();
        return ['installing', 'held'].includes(answer.machine.phase) || Date.now() - answer.machine.last_seen < 120000 ? 2000 : 8000;
    });
    problemButton(again);
    pressed($('#hearth_findings'), again);
    $('#hearth_boots').on('change', function () {
        chosen = $(this).val() === 'last' ? null : Number($(this).val());
        timeline();
    });
    $('#hearth_actions').on('click', 'button', function () {
        const action = $(this).data('action');
        busy($(this), () => ({adopt, edit}[action] ?? (() => perform(shown.machine, action, after(action))))());
    });
    $(window).on('resize', debounced(() => shown && timeline(), 150));
}

/** What follows on an action: the page as it is now, or the list once the machine is forgotten. */
function after(action) {
    return (answer) => action === 'forget' && !answer.error ? window.location.assign('/ui/hearth/machines') : again();
}

function show() {
    const {machine} = shown, findings = machine.findings ?? [];
    $('#hearth_label').text(machine.label);
    put($('#hearth_phase'), rows.phase(machine.phase));
    const coming = declaredAs && !machine.declared ? `Declared as ${declaredAs}, which counts from its next boot on.` : '';
    const now = coming && machine.phase === 'discovered' ? coming : `${state(machine, Date.now())} ${coming}`.trim();
    $('#hearth_state').text(`${now} Last seen ${stamp(machine.last_seen)}${machine.address ? ` at ${machine.address}` : ''}.`);
    put($('#hearth_actions'), buttons(machine));
    put($('#hearth_facts'), facts(machine).map(([word, value]) => `<dt>${escape(word)}</dt><dd>${escape(value)}</dd>`).join(''));
    $('#hearth_findings_box').toggle(findings.length > 0);
    put($('#hearth_findings'), rows.findings(findings.map((one) => ({...one, machine: machine.id})), {named: false}));
    const advice = shown.advice?.text ?? shown.advice?.sentence ?? '';
    $('#hearth_advice_box').toggle(advice !== '');
    put($('#hearth_advice'), prose(advice));
    timeline();
}

function buttons(machine) {
    const button = ({action, label, icon, title, confirm}) => `<button type="button" class="btn btn-sm btn-default" ` +
        `data-action="${escape(action)}" title="${escape(title)}"><i class="fa fa-fw ${icon}"></i> ${escape(label)}${confirm ? '…' : ''}</button>`;
    const own = [{action: 'edit', label: 'Edit', icon: 'fa-pencil', title: 'Name, tags, notes, loader, way to its disk'}];
    if (!machine.declared && !declaredAs) {
        own.unshift({action: 'adopt', label: 'Adopt', icon: 'fa-bookmark-o', confirm: true,
            title: 'Make it a declared machine of the configuration, which backups have'});
    }
    return [...actions(machine), ...own].map(button).join('') + `<a class="btn btn-sm btn-default" ` +
        `href="/ui/hearth/preview?machine=${encodeURIComponent(machine.id)}" title="Which policy it meets, and its script">` +
        '<i class="fa fa-fw fa-eye"></i> Preview</a>';
}

function timeline() {
    const {boots = []} = shown.timeline, findings = shown.machine.findings ?? [];
    const number = chosen === null ? boots.length - 1 : boots.findIndex((boot) => boot.began === chosen);
    const boot = boots[number] ?? boots[boots.length - 1];
    $('#hearth_boots_field').toggle(boots.length > 1);
    put($('#hearth_boots'), [...boots].reverse().map((one, back) => `<option value="${back ? one.began : 'last'}">` +
        `${escape(back ? stamp(one.began) : `The last: ${stamp(one.began)}`)}, ${escape(count(one.events.length, 'event'))}</option>`).join(''));
    $('#hearth_boots').val(chosen === null ? 'last' : String(chosen));
    if (!boot) {
        put($('#hearth_picture'), '<p class="hearth-none">Nothing happened yet.</p>');
        put($('#hearth_events'), '');
        return;
    }
    const of = boot === boots[boots.length - 1] ? findings : [];
    const width = Math.max(280, Math.floor($('#hearth_picture').width()));
    put($('#hearth_picture'), picture(boot, of, {width, id: 'hearth-boot'}));
    $('#hearth_boot_text').text([stamp(boot.began), duration(boot.ended - boot.began), sent(boot)].filter(Boolean).join(', '));
    put($('#hearth_events'), boot.events.map((event) => `<tr><td title="${escape(stamp(event.at))}">+${escape(duration(event.offset))}</td>` +
        `<td>${prose(event.text)} <small>${escape(words(event).figures)}</small></td></tr>`).join(''));
}

/** The name of the row of the configuration that has one of its cards: the agent takes note of it when the machine asks again. */
async function declared({macs = [], declared: name}) {
    if (name || macs.length === 0) {
        return name ?? '';
    }
    const {rows: found = []} = await post('settings/search_machine', {rowCount: -1});
    return found.find((row) => String(row.mac ?? '').toLowerCase().split(/[\s,]+/).some((mac) => macs.includes(mac)))?.name ?? '';
}

/** Makes it a declared machine: fields as they would be, then config.xml, then what is in force. */
function adopt() {
    const fields = adopted(shown.machine);
    const name = $('<input class="form-control" type="text" maxlength="64">').val(fields.name);
    const told = $('<p class="help-block">');
    const message = $('<div class="hearth">').append(
        $('<p>').text('It becomes a machine of the configuration: backups have it, and it keeps its name, profile and notes when it is forgotten here.'),
        $('<div class="hearth-field">').append($('<label>').text('Name'), name),
        $('<p>').text(`MAC ${fields.mac || 'none'}, UUID ${fields.smbios_uuid || 'none'}, profile ${fields.profile || 'none'}`), told);
    BootstrapDialog.show({
        type: BootstrapDialog.TYPE_PRIMARY, title: 'Adopt', message,
        buttons: [
            {label: 'Cancel', action: (dialog) => dialog.close()},
            {label: 'Adopt and apply', cssClass: 'btn-primary', action: async function (dialog) {
                dialog.enableButtons(false);
                const own = name.val().trim(), error = await declare({...fields, name: own});
                dialog.enableButtons(true);
                if (error) {
                    told.addClass('is-wrong').css('white-space', 'pre-wrap').text(error);
                } else {
                    declaredAs = own;
                    dialog.close();
                    for (const [action, value] of handedOver(shown.machine)) {
                        await send(shown.machine, action, value, 'Adopt');
                    }
                    again();
                }
            }},
        ],
    });
}

/** Returns what is wrong, in sentences, or null. */
async function declare(fields) {
    // The configuration names profiles by keys of its own.
    const offered = (await get('settings/get_machine')).machine?.profile;
    const profile = keyOf(offered, fields.profile) ?? '';
    const answer = await post(row ? `settings/set_machine/${part(row)}` : 'settings/add_machine', {machine: {enabled: '1', ...fields, profile}});
    row ??= answer.uuid ?? null;
    return refusal(answer) ?? refusal(await act('reconfigure'));
}

/** What people say of it, in one dialog; what is changed is sent, one action each. */
function edit() {
    const {machine} = shown, wishes = machine.wishes ?? {};
    const field = (label, input, help) => $('<div class="hearth-field">').append($('<label>').text(label), input, $('<p class="help-block">').text(help));
    const inputs = {
        name: $('<input class="form-control" type="text" maxlength="64">').val(machine.given_name ?? ''),
        tags: $('<input class="form-control" type="text">').val((wishes.tags ?? []).join(', ')),
        notes: $('<textarea class="form-control" maxlength="1500">').val(wishes.notes ?? ''),
        loader: $('<input class="form-control" type="text">').val(wishes.loader ?? ''),
        'local-boot': $('<select class="form-control">').append(['', 'exit', 'sanboot'].map((one) =>
            $('<option>').val(one).text(one || 'as its platform needs it'))).val(wishes.local_boot ?? ''),
    };
    BootstrapDialog.show({
        type: BootstrapDialog.TYPE_PRIMARY, title: machine.label,
        message: $('<div class="hearth">').append(
            field('Name', inputs.name, 'What people call it; empty: what is declared, or its MAC.'),
            field('Tags', inputs.tags, 'With commas between; policies can ask for them.'),
            field('Notes', inputs.notes, 'For people.'),
            field('Loader', inputs.loader, 'The loader it gets, as snponly.efi; empty: the one it asks for.'),
            field('Local boot', inputs['local-boot'], 'How its disk is started.')),
        buttons: [
            {label: 'Cancel', action: (dialog) => dialog.close()},
            {label: 'Save', cssClass: 'btn-primary', action: async (dialog) => {
                const wanted = Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, String(input.val() ?? '')]));
                for (const [action, value] of changes(machine, wanted)) {
                    if ((await send(machine, action, value, `Edit ${action}`)).error) {
                        return again();
                    }
                }
                dialog.close();
                return again();
            }},
        ],
    });
}
