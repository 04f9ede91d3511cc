/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page Machines: all that were seen, and the commonest things to do with one.
 */

import {perform} from './do.js';
import {command, grid, problem, problemButton} from './ask.js';
import * as rows from './rows.js';
import {decoded, escape, stamp} from './text.js';

export function start() {
    updateServiceControlUI('hearth');
    let phases = [];
    const plain = (row) => decoded(row);
    const {reload, requestHandler, responseHandler} = grid('#grid-machines', (answer) => {
        problem(answer);
        $('#hearth_more').toggle(Boolean(answer.more));
    });
    const does = (action) => (row) => perform(row, action, reload);
    $('#grid-machines').UIBootgrid({
        search: '/api/hearth/agent/search_machines/',
        datakey: 'id',
        options: {
            selection: false, multiSelect: false,
            initialSearchPhrase: getUrlHash('search') ?? '',
            requestHandler: (request) => requestHandler({...request, phases}), responseHandler,
            formatters: {
                machine: (column, row) => machine(plain(row)),
                phase: (column, row) => rows.phase(plain(row).phase),
                seen: (column, row) => rows.when(row.last_seen, Date.now(), stamp(row.last_seen)),
                finding: (column, row) => finding(plain(row)),
            },
        },
        commands: {
            approve: command(does('approve'), {classname: 'fa fa-fw fa-check', title: 'Approve', sequence: 10,
                filter: (cell) => cell.getData().phase === 'held'}),
            wake: command(does('wake'), {classname: 'fa fa-fw fa-power-off', title: 'Wake', sequence: 20,
                filter: (cell) => cell.getData().mac !== ''}),
            forget: command(does('forget'), {classname: 'fa fa-fw fa-trash-o', title: 'Forget', sequence: 30}),
        },
    });
    $('#hearth_phases').selectpicker().on('changed.bs.select', function () {
        phases = $(this).val() ?? [];
        reload();
    });
    $('#hearth_phases_wrapper').detach().insertAfter('#grid-machines-header .search');
    problemButton(reload);
    setInterval(() => document.hidden || $('.modal:visible').length || reload(), 15000);
}

function machine(row) {
    const declared = row.declared ? ' <i class="fa fa-bookmark-o" title="declared"></i>' : '';
    const mac = row.mac && row.mac !== row.label ? `<br><small class="hearth-mono">${escape(row.mac)}</small>` : '';
    return rows.link(row) + declared + mac;
}

function finding(row) {
    if (!row.finding) {
        return '';
    }
    const kind = ['error', 'warning'].includes(row.severity) ? ` is-${row.severity}` : '';
    return `<span class="hearth-severity${kind}"></span><span class="bootgrid-tooltip" ` +
        `title="${escape(row.finding)} ${escape(row.remedy)}">${escape(row.finding)}</span>`;
}
