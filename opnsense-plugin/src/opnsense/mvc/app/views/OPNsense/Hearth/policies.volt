{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<script>
    $(document).ready(function () {
        const id = '{{ formGridPolicy['table_id'] }}';
        const policies = '/api/hearth/settings';

        {# what a policy asks for, in one column #}
        const keys = [
            {% for field in conditions %}'{{ field }}', {% endfor %}
        ];
        function conditions(column, row) {
            const parts = keys.filter((key) => row[key]).map(function (key) {
                const text = (row[`%${key}`] || row[key]).split('\n').filter((line) => line.trim()).join(' | ');
                return `<span class="label label-default">${htmlSafe(key.replace(/^(machine|smbios)_/, '').replace('_', ' '))}</span> ${htmlSafe(text)}`;
            });
            return parts.length ? parts.join(' ') : '{{ lang._('every machine') }}';
        }

        $(`#${id}`).UIBootgrid({
            search: `${policies}/search_policy/`,
            get: `${policies}/get_policy/`,
            set: `${policies}/set_policy/`,
            add: `${policies}/add_policy/`,
            del: `${policies}/del_policy/`,
            toggle: `${policies}/toggle_policy/`,
            options: {
                selection: false,
                sorting: false,
                formatters: {conditions: conditions}
            },
            tabulatorOptions: {
                movableRows: true,
                rowHeader: {
                    formatter: 'handle', rowHandle: true, width: 30, minWidth: 30, headerSort: false, resizable: false,
                    frozen: true
                }
            }
        });

        const grid = $(`#${id}`).data('UIBootgrid');
        grid.table.on('rowMoved', function (row) {
            {# the last of a page or of what a search found is not the last of all #}
            const next = row.getNextRow(), previous = row.getPrevRow();
            const before = next ? `/${next.getData().uuid}` : '';
            const after = !next && previous ? {after: previous.getData().uuid} : {};
            ajaxCall(`${policies}/move_policy/${row.getData().uuid}${before}`, after, function (data) {
                if (data && data.result === 'saved') {
                    $(document).trigger('settings-changed');
                }
                $(`#${id}`).bootgrid('reload');
            });
        });

        hearthApply();
        updateServiceControlUI('hearth');
    });
</script>

<div class="content-box">
    <p style="padding: 1em 1em 0">{{ lang._('For machines that have no profile of their own. The first policy that matches and has room counts; drag them into their order.') }}</p>
    {{ partial('layout_partials/base_bootgrid_table', formGridPolicy + ['command_width': '120', 'hide_delete': true]) }}
</div>

{{ partial('OPNsense/Hearth/apply') }}

<div class="hearth" style="margin-top: 14px">
    {{ partial("OPNsense/Hearth/parts") }}
    <section class="content-box">
        <h2>{{ lang._('Test against a machine') }}</h2>
        <p>{{ lang._('By the policies as they are above, applied or not, as if the machine were met now.') }}</p>
        {{ partial('OPNsense/Hearth/try_machine') }}
        <button class="btn btn-primary" type="button" id="hearth_try"><b>{{ lang._('Test') }}</b></button>
        <div id="hearth_tried" style="display: none; margin-top: 14px">{{ partial('OPNsense/Hearth/try_outcome') }}</div>
    </section>
</div>
{{ partial('layout_partials/base_dialog', ['fields': formDialogPolicy, 'id': formGridPolicy['edit_dialog_id'], 'label': lang._('Policy')]) }}
<script type="module">
    import {start} from '/ui/js/hearth/page_policies.js';
    $(document).ready(() => start());
</script>
