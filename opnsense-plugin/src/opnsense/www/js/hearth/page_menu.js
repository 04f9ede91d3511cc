/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page Menu: how the menu would look, before it is applied.
 */

import {busy} from './ask.js';
import * as tries from './tryout.js';

/** `save` stores the form, and returns a Deferred. */
export function start(save) {
    $('#hearth_preview').on('click', function () {
        return busy($(this), async () => {
            try {
                await save();
            } catch {
                // The form has said at its fields why it is not saved.
                return;
            }
            const answer = await tries.tryout({machine: '', facts: '', told: {}});
            tries.drawMenu(answer.menu, answer);
        });
    });
}
