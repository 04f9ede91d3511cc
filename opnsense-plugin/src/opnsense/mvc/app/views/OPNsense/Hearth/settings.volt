{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<script>
    $(document).ready(function () {
        mapDataToFormUI({'frm_settings': '/api/hearth/settings/get'}).done(function () {
            formatTokenizersUI();
            $('.selectpicker').selectpicker('refresh');
            updateServiceControlUI('hearth');
            $('#hearth\\.general\\.unknown').change();
            $('#hearth\\.loaders\\.source').change();
        }).done(async function (data) {
            {# machines of whoever is behind a gateway would be served too #}
            const [{outside}, {decoded}] = await Promise.all([import('/ui/js/hearth/wizard.js'), import('/ui/js/hearth/text.js')]);
            ['general', 'api'].forEach(function (section) {
                const field = $(`#hearth\\.${section}\\.interfaces`), choices = decoded(data.frm_settings.hearth[section].interfaces);
                const told = $('<div class="text-danger hearth-upstream">').appendTo(field.closest('td'));
                field.change(() => told.text(outside(choices, field.val() ?? []))).change();
            });
        });

        $('#hearth\\.general\\.unknown').change(function () {
            $('#row_hearth\\.general\\.unknown_profile').toggle($(this).val() === 'profile');
        });
        $('#hearth\\.loaders\\.source').change(function () {
            $('#row_hearth\\.loaders\\.origin').toggle($(this).val() === 'origin');
            $('#row_hearth\\.loaders\\.archive').toggle($(this).val() === 'archive');
        });

        hearthApply(function () {
            const saved = $.Deferred();
            saveFormToEndpoint('/api/hearth/settings/set', 'frm_settings', saved.resolve, true, saved.reject);
            return saved;
        });

        const grids = {
            '{{ formGridFile['table_id'] }}': 'file',
            '{{ formGridWebhook['table_id'] }}': 'webhook'
        };
        $.each(grids, function (id, kind) {
            const urls = {};
            ['search', 'get', 'set', 'add', 'del'].concat(kind === 'webhook' ? ['toggle'] : []).forEach(function (verb) {
                urls[verb] = `/api/hearth/settings/${verb}_${kind}/`;
            });
            $(`#${id}`).UIBootgrid(urls);
        });

        $('#grid_tokens').UIBootgrid({
            search: '/api/hearth/token/search/',
            del: '/api/hearth/token/del/',
            datakey: 'name',
            options: {selection: false, datakey: 'name'}
        });
        $('#token_create').click(function () {
            ajaxCall('/api/hearth/token/add', {
                name: $('#token_name').val(), role: $('#token_role').val(), expires: $('#token_expires').val()
            }, function (data) {
                const made = data && data.token;
                $('#token_made').toggle(!!made).find('code').text(made ?? '');
                $('#token_error').text(made ? '' : $('<textarea>').html((data && data.error) ?? '').text());
                $('#grid_tokens').bootgrid('reload');
            });
        });

        const show = function () {
            const tab = $('#maintabs a').filter(`[href="${location.hash}"]`).first();
            (tab.length ? tab : $('#maintabs a').first()).tab('show');
        };
        $(window).on('hashchange', show);
        show();
        $('#maintabs a').on('shown.bs.tab', (event) => history.replaceState(null, null, event.target.hash));
    });
</script>

<ul class="nav nav-tabs" data-tabs="tabs" id="maintabs">
    <li><a data-toggle="tab" href="#settings">{{ lang._('Settings') }}</a></li>
    <li><a data-toggle="tab" href="#files">{{ lang._('Loader files') }}</a></li>
    <li><a data-toggle="tab" href="#webhooks">{{ lang._('Webhooks') }}</a></li>
    <li><a data-toggle="tab" href="#tokens">{{ lang._('API tokens') }}</a></li>
</ul>
<div class="tab-content content-box">
    <div id="settings" class="tab-pane fade">
        {{ partial('layout_partials/base_form', ['fields': settingsForm, 'id': 'frm_settings']) }}
    </div>
    <div id="files" class="tab-pane fade">
        {{ partial('layout_partials/base_bootgrid_table', formGridFile) }}
    </div>
    <div id="webhooks" class="tab-pane fade">
        {{ partial('layout_partials/base_bootgrid_table', formGridWebhook + ['command_width': '120']) }}
    </div>
    <div id="tokens" class="tab-pane fade">
        <p style="padding: 1em 1em 0">{{ lang._('Programs on other hosts show a token to the API of the agent. It is shown once, here; the agent keeps its hash. Tokens need no Apply.') }}</p>
        <table id="grid_tokens" class="table table-condensed table-hover table-striped">
            <thead>
                <tr>
                    <th data-column-id="name" data-identifier="true" data-type="string">{{ lang._('Name') }}</th>
                    <th data-column-id="role" data-type="string">{{ lang._('Role') }}</th>
                    <th data-column-id="created" data-type="string">{{ lang._('Created') }}</th>
                    <th data-column-id="expires" data-type="string">{{ lang._('Expires') }}</th>
                    <th data-column-id="commands" data-formatter="commands" data-sortable="false">{{ lang._('Commands') }}</th>
                </tr>
            </thead>
            <tbody></tbody>
            <tfoot></tfoot>
        </table>
        <div style="padding: 1em">
            <form class="form-inline" id="token_form" onsubmit="return false">
                <input class="form-control" type="text" id="token_name" maxlength="64" placeholder="{{ lang._('Name') }}" aria-label="{{ lang._('Name') }}">
                <select class="form-control" id="token_role" aria-label="{{ lang._('Role') }}">
                    <option value="read">{{ lang._('read: sees everything but secrets') }}</option>
                    <option value="operate">{{ lang._('operate: says what becomes of machines') }}</option>
                    <option value="admin">{{ lang._('admin: changes what is declared') }}</option>
                </select>
                <select class="form-control" id="token_expires" aria-label="{{ lang._('Expires') }}">
                    <option value="90d">{{ lang._('for 90 days') }}</option>
                    <option value="365d">{{ lang._('for a year') }}</option>
                    <option value="">{{ lang._('until it is revoked') }}</option>
                </select>
                <button class="btn btn-primary" type="button" id="token_create">{{ lang._('Make a token') }}</button>
            </form>
            <div class="alert alert-info" id="token_made" style="display: none; margin-top: 1em">
                {{ lang._('Copy it now, it is not shown again:') }} <code style="word-break: break-all"></code>
            </div>
            <p class="text-danger" id="token_error"></p>
        </div>
    </div>
</div>

{{ partial('OPNsense/Hearth/apply') }}
{{ partial('layout_partials/base_dialog', ['fields': formDialogFile, 'id': formGridFile['edit_dialog_id'], 'label': lang._('Loader file')]) }}
{{ partial('layout_partials/base_dialog', ['fields': formDialogWebhook, 'id': formGridWebhook['edit_dialog_id'], 'label': lang._('Webhook')]) }}
