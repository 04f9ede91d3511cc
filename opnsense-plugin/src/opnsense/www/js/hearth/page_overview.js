/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page Overview: the way to the first boot, machines that boot now, what needs a look.
 */

import {get, poll, problem, problemButton, put} from './ask.js';
import {pressed} from './do.js';
import * as rows from './rows.js';
import {progress, steps} from './steps.js';

/** What the page knows; configuration and DHCP are asked for less often. */
const seen = {settings: null, overview: null, dhcp: null, firewall: null};
let turns = 0;

export function start() {
    updateServiceControlUI('hearth');
    const again = poll(async () => {
        const slow = turns % 10 === 0;
        turns += 1;
        const [overview, settings, firewall] = await Promise.all([get('agent/overview'), slow ? get('settings/get') : null, slow ? get('agent/firewall') : null]);
        seen.overview = overview;
        seen.settings = settings?.hearth?.general ?? settings?.general ?? seen.settings;
        seen.firewall = firewall ?? seen.firewall;
        show();
        if (slow) {
            // The plan reads all DHCP servers: nothing else waits for it.
            get('dhcp/plan').then((plan) => {
                seen.dhcp = plan;
                show();
            });
        }
        return overview.live?.length || overview.fetches?.[0]?.ended === null ? 2000 : 5000;
    });
    const now = () => {
        turns = 0;
        again();
    };
    problemButton(now);
    pressed($('#hearth_steps, #hearth_findings'), now);
}

function show() {
    const {overview} = seen, all = steps({...seen, settings: chosen(seen.settings)});
    const {done, of} = progress(all);
    problem(['stopped', 'off', 'standby'].includes(overview.state) ? null : overview);
    put($('#hearth_steps'), rows.steps(all));
    $('#hearth_progress').text(done === of ? 'all done' : `${done} of ${of} done`);
    const live = overview.live ?? [], findings = overview.findings ?? [];
    put($('#hearth_live'), rows.live(live, Date.now()));
    put($('#hearth_findings'), rows.findings(findings));
    $('#hearth_live_count').text(rows.counted(live.length, 'machine'));
    const total = overview.findings_total ?? findings.length;
    $('#hearth_finding_count').text(rows.counted(total, 'finding') + (total > findings.length ? `, here the worst ${findings.length}` : ''));
}

/** The settings as plain values: a model's list fields come as their choices. */
function chosen(settings) {
    if (!settings) {
        return null;
    }
    const plain = ([key, value]) => [key, value !== null && typeof value === 'object'
        ? Object.entries(value).filter(([, one]) => String(one.selected) === '1').map(([name]) => name).join(',') : value];
    return Object.fromEntries(Object.entries(settings).map(plain));
}
