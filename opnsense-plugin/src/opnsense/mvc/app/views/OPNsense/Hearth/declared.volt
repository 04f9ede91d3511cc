{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<script>
    $(document).ready(function () {
        $('#{{ formGridMachine['table_id'] }}').UIBootgrid({
            search: '/api/hearth/settings/search_machine/',
            get: '/api/hearth/settings/get_machine/',
            set: '/api/hearth/settings/set_machine/',
            add: '/api/hearth/settings/add_machine/',
            del: '/api/hearth/settings/del_machine/',
            toggle: '/api/hearth/settings/toggle_machine/',
            commands: {
                upload_machine: {
                    onRendered: function () {
                        $(this).data({
                            title: "{{ lang._('Import machines') }}", endpoint: '/api/hearth/settings/upload_machine'
                        }).SimpleFileUploadDlg({
                            onAction: () => $('#{{ formGridMachine['table_id'] }}').bootgrid('reload')
                        });
                    },
                    footer: true,
                    classname: 'fa fa-fw fa-upload',
                    title: "{{ lang._('Import csv') }}",
                    sequence: 400
                },
                download_machine: {
                    footer: true,
                    classname: 'fa fa-fw fa-table',
                    title: "{{ lang._('Export as csv') }}",
                    method: function (event) {
                        event.preventDefault();
                        window.open('/api/hearth/settings/download_machine');
                    },
                    sequence: 500
                }
            }
        });
        hearthApply();
        updateServiceControlUI('hearth');
    });
</script>

<div class="content-box">
    <p style="padding: 1em 1em 0">{{ lang._('Machines whose name, profile or address you want to say. All others that boot from the network are on the page Machines, and can be declared from there.') }}</p>
    {{ partial('layout_partials/base_bootgrid_table', formGridMachine + ['command_width': '120']) }}
</div>

{{ partial('OPNsense/Hearth/apply') }}
{{ partial('layout_partials/base_dialog', ['fields': formDialogMachine, 'id': formGridMachine['edit_dialog_id'], 'label': lang._('Machine')]) }}
