/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page Policies: a test of them against a machine, before they are applied.
 */

import {busy} from './ask.js';
import * as tries from './tryout.js';

export async function start() {
    const attempt = () => busy($('#hearth_try'), async () => {
        const answer = await tries.tryout(await tries.asked());
        tries.policies(answer.error ? answer : answer.policies);
        $('#hearth_tried').show();
    });
    $('#hearth_try').on('click', attempt);
    // A policy that was changed or moved makes what was shown old.
    $(document).on('settings-changed', () => $('#hearth_tried').hide());
    await tries.machines(new URLSearchParams(window.location.search).get('machine'), attempt);
}
