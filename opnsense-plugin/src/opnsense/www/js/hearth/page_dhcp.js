/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page DHCP: the plan, and the buttons that carry it out and take it back.
 */

import {busy, get, post, problemButton, put, tell} from './ask.js';
import {page, possible, summary} from './dhcp.js';

let plan = {};

export async function start() {
    updateServiceControlUI('hearth');
    problemButton(() => window.location.reload());
    $('#hearth_dhcp_look').on('click', (event) => busy($(event.currentTarget), look));
    $('#hearth_dhcp_apply').on('click', (event) => busy($(event.currentTarget), () => carryOut('apply', {digest: plan.digest})));
    $('#hearth_dhcp_revert').on('click', (event) => revert($(event.currentTarget)));
    $('#hearth_dhcp').on('click', 'button[data-repair]', (event) => {
        repair($(event.currentTarget));
    }).on('change', 'select[data-snippets]', (event) => {
        const chosen = $(event.currentTarget), all = chosen.closest('section').find('pre[data-snippet]');
        all.hide().filter((_, one) => one.dataset.snippet === chosen.val()).show();
    });
    mapDataToFormUI({frm_dhcp: '/api/hearth/settings/get'}).done(() => {
        $('#frm_dhcp').on('change', 'input', () => saveFormToEndpoint('/api/hearth/settings/set', 'frm_dhcp', look));
    });
    await busy($('#hearth_dhcp_look'), look);
}

async function look() {
    show(await get('dhcp/plan'));
}

function show(answer) {
    plan = answer;
    $('#hearth_dhcp_state').text(answer.error ?? summary(answer));
    const {apply, revert} = possible(answer);
    $('#hearth_dhcp_apply').prop('disabled', !apply);
    $('#hearth_dhcp_revert').prop('disabled', !revert);
    put($('#hearth_dhcp'), answer.error ? '' : page(answer));
}

async function carryOut(what, data) {
    const answer = await post(`dhcp/${what}`, data);
    await look();
    if (answer.error) {
        tell(what === 'apply' ? 'Not applied' : 'Not reverted', answer.error);
    } else if (answer.failed?.length) {
        tell('It is saved, but not in force', answer.failed.join('\n'), 'warning');
    }
}

/** A repair is part of an apply: who repairs one thing is told that the rest is set with it. */
function repair(button) {
    const work = () => busy(button, () => carryOut('apply', {digest: plan.digest, repairs: button.attr('data-repair')}));
    if (!possible(plan).apply) {
        work();
        return;
    }
    BootstrapDialog.show({
        type: BootstrapDialog.TYPE_WARNING, title: 'Repair and apply',
        message: $('<div>').text(`Together with the repair all is set that is not as it should be. ${summary(plan)}`),
        buttons: [
            {label: 'Cancel', action: (dialog) => dialog.close()},
            {label: 'Repair and apply', cssClass: 'btn-warning', action: (dialog) => {
                dialog.close();
                work();
            }},
        ],
    });
}

function revert(button) {
    BootstrapDialog.show({
        type: BootstrapDialog.TYPE_WARNING, title: 'Revert',
        message: $('<div>').text('All fields of all DHCP servers become what they were before Hearth set them. Machines are not sent here any more.'),
        buttons: [
            {label: 'Cancel', action: (dialog) => dialog.close()},
            {label: 'Revert', cssClass: 'btn-warning', action: (dialog) => {
                dialog.close();
                busy(button, () => carryOut('revert'));
            }},
        ],
    });
}
