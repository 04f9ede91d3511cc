{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<div class="hearth">
    {{ partial("OPNsense/Hearth/parts") }}
    <section class="content-box">
        <p>{{ lang._('The DHCP server tells a machine whom to ask for its loader, and which one; iPXE, once it runs, gets its script. Here is what each server of this firewall says on each interface, what it has to say, and why. Nothing is changed before you apply, and revert takes back exactly what was changed.') }}</p>
        {{ partial('layout_partials/base_form', ['fields': dhcpForm, 'id': 'frm_dhcp']) }}
        <p id="hearth_dhcp_state" aria-live="polite">{{ lang._('Looking at the settings of the DHCP servers.') }}</p>
        <div class="hearth-actions">
            <button class="btn btn-primary" type="button" id="hearth_dhcp_apply" disabled><b>{{ lang._('Apply') }}</b></button>
            <button class="btn btn-default" type="button" id="hearth_dhcp_revert" disabled>{{ lang._('Revert') }}</button>
            <button class="btn btn-default" type="button" id="hearth_dhcp_look">{{ lang._('Look again') }}</button>
        </div>
    </section>
    <div id="hearth_dhcp"></div>
</div>
<script type="module">
    import {start} from '/ui/js/hearth/page_dhcp.js';
    $(document).ready(() => start());
</script>
