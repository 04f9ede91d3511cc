{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<script>
    $(document).ready(function () {
        const grids = {
            '{{ formGridProfile['table_id'] }}': 'profile',
            '{{ formGridAnswer['table_id'] }}': 'answer',
            '{{ formGridVariable['table_id'] }}': 'variable'
        };
        $('#maintabs a').on('shown.bs.tab', function (event) {
            history.replaceState(null, null, event.target.hash);
            {# a grid needs to be seen to know its width #}
            const id = $(event.target.hash).find('[id^=dialog]').first().attr('id');
            if (!(id in grids)) {
                return;
            }
            const kind = grids[id];
            delete grids[id];
            const urls = {};
            ['search', 'get', 'set', 'add', 'del'].forEach(function (verb) {
                urls[verb] = `/api/hearth/settings/${verb}_${kind}/`;
            });
            $(`#${id}`).UIBootgrid(urls);
        });

        $('#variable\\.type').change(function () {
            const secret = $(this).val() === 'secret';
            $('#row_variable\\.secret').toggle(secret);
            $('#row_variable\\.value').toggle(!secret);
        });

        {# what Omni shows is pasted whole: its address, token and the rest go where they belong #}
        $('#profile\\.omni_api').on('input', async function () {
            const pasted = $(this).val();
            if (!/jointoken/i.test(pasted)) {
                return;
            }
            const found = (await import('/ui/js/hearth/join.js')).join(pasted);
            if (found.error === undefined) {
                $('#profile\\.omni_api').val(found.api);
                $('#profile\\.omni_token').val(found.token);
                $('#profile\\.omni_events').val(found.events);
                $('#profile\\.omni_logs').val(found.logs);
            } else {
                $('#help_block_profile\\.omni_api').text(found.error);
            }
        });

        hearthApply();
        updateServiceControlUI('hearth');

        const show = function () {
            const tab = $('#maintabs a').filter(`[href="${location.hash}"]`).first();
            (tab.length ? tab : $('#maintabs a').first()).tab('show');
        };
        $(window).on('hashchange', show);
        show();
    });
</script>

<style>
    textarea.hearth-answer { font-family: Menlo, Consolas, monospace; white-space: pre; max-width: 100%; width: 100%; }
</style>

<ul class="nav nav-tabs" data-tabs="tabs" id="maintabs">
    <li><a data-toggle="tab" href="#profiles">{{ lang._('Profiles') }}</a></li>
    <li><a data-toggle="tab" href="#answers">{{ lang._('Answers') }}</a></li>
    <li><a data-toggle="tab" href="#variables">{{ lang._('Variables') }}</a></li>
</ul>
<div class="tab-content content-box">
    <div id="profiles" class="tab-pane fade">
        {{ partial('layout_partials/base_bootgrid_table', formGridProfile) }}
    </div>
    <div id="answers" class="tab-pane fade">
        {{ partial('layout_partials/base_bootgrid_table', formGridAnswer) }}
    </div>
    <div id="variables" class="tab-pane fade">
        {{ partial('layout_partials/base_bootgrid_table', formGridVariable) }}
    </div>
</div>

{{ partial('OPNsense/Hearth/apply') }}
{{ partial('layout_partials/base_dialog', ['fields': formDialogProfile, 'id': formGridProfile['edit_dialog_id'], 'label': lang._('Profile')]) }}
{{ partial('layout_partials/base_dialog', ['fields': formDialogAnswer, 'id': formGridAnswer['edit_dialog_id'], 'label': lang._('Answer')]) }}
{{ partial('layout_partials/base_dialog', ['fields': formDialogVariable, 'id': formGridVariable['edit_dialog_id'], 'label': lang._('Variable')]) }}
