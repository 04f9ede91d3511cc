{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<div class="hearth">
    {{ partial("OPNsense/Hearth/parts") }}
    <div class="content-box">
        <div class="btn-group" id="hearth_phases_wrapper">
            <select class="selectpicker" multiple="multiple" id="hearth_phases" data-width="auto" title="{{ lang._('All phases') }}">
                <option value="discovered">{{ lang._('discovered') }}</option>
                <option value="held">{{ lang._('held') }}</option>
                <option value="ready">{{ lang._('ready') }}</option>
                <option value="installing">{{ lang._('installing') }}</option>
                <option value="installed">{{ lang._('installed') }}</option>
                <option value="failed">{{ lang._('failed') }}</option>
                <option value="ignored">{{ lang._('ignored') }}</option>
            </select>
        </div>
        <table id="grid-machines" class="table table-condensed table-hover table-striped">
            <thead>
                <tr>
                    <th data-column-id="id" data-type="string" data-identifier="true" data-visible="false">{{ lang._('Number') }}</th>
                    <th data-column-id="label" data-min-width="150" data-type="string" data-formatter="machine">{{ lang._('Machine') }}</th>
                    <th data-column-id="phase" data-type="string" data-formatter="phase" data-width="105">{{ lang._('Phase') }}</th>
                    <th data-column-id="profile" data-type="string">{{ lang._('Profile') }}</th>
                    <th data-column-id="address" data-type="string">{{ lang._('Address') }}</th>
                    <th data-column-id="mac" data-type="string" data-visible="false">{{ lang._('MAC') }}</th>
                    <th data-column-id="make" data-type="string">{{ lang._('Make') }}</th>
                    <th data-column-id="serial" data-type="string" data-visible="false">{{ lang._('Serial number') }}</th>
                    <th data-column-id="tags" data-type="string" data-visible="false">{{ lang._('Tags') }}</th>
                    <th data-column-id="last_seen" data-type="string" data-formatter="seen" data-width="95">{{ lang._('Last seen') }}</th>
                    <th data-column-id="finding" data-type="string" data-formatter="finding">{{ lang._('Finding') }}</th>
                    <th data-column-id="commands" data-formatter="commands" data-sortable="false" data-width="110">{{ lang._('Commands') }}</th>
                </tr>
            </thead>
            <tbody></tbody>
        </table>
        <p class="hearth-none" id="hearth_more" style="display: none">{{ lang._('There are more machines than were counted here: they follow behind the last page, and the search finds them.') }}</p>
    </div>
</div>
<script type="module">
    import {start} from '/ui/js/hearth/page_machines.js';
    $(document).ready(() => start());
</script>
