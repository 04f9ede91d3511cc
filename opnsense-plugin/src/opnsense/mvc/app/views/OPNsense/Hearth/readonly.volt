{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

{# For who may only look: nothing that would be refused is offered. #}
<style>
    #startService, #stopService, #restartService, #token_form, #tab_talos, #talos,
    .hearth-actions, .hearth button[data-act], .hearth [data-repair], .hearth [data-cancel], .hearth a[href$="#talos"],
    #hearth_fetch_all, #hearth_fetch_loaders, #hearth_update_loaders, #hearth_prune, #hearth_preview, .modal [id^="btn_"][id$="_save"], .tabulator-row-handle,
    .command-add, .command-copy, .command-delete, .command-delete-selected, .command-enable-selected, .command-disable-selected,
    .command-upload_machine, .command-approve, .command-wake, .command-forget, .command-fetch, .command-newer, .command-extensions, #frm_dhcp,
    .bootgrid-table [data-action="add"], table [data-action="add"], table [data-action="deleteSelected"] {
        display: none !important;
    }
    .hearth ~ .hearth-readonly, .hearth-readonly ~ .hearth .hearth-readonly { display: none; }
    .command-toggle, #frm_dhcp input { pointer-events: none; }
</style>
<div class="alert alert-info hearth-readonly" role="status">{{ lang._('You may look at this, but not change it.') }}</div>
