{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<script>
    $(document).ready(function () {
        mapDataToFormUI({'frm_menu': '/api/hearth/settings/get'}).done(function () {
            formatTokenizersUI();
            $('.selectpicker').selectpicker('refresh');
            updateServiceControlUI('hearth');
        });

        hearthApply(function () {
            const saved = $.Deferred();
            saveFormToEndpoint('/api/hearth/settings/set', 'frm_menu', saved.resolve, true, saved.reject);
            return saved;
        });
    });
</script>

<div class="content-box">
    {{ partial('layout_partials/base_form', ['fields': menuForm, 'id': 'frm_menu']) }}
</div>

{{ partial('OPNsense/Hearth/apply') }}
