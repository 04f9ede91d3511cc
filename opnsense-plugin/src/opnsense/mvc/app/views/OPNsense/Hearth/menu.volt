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

        hearthApply(hearthSaveMenu);
    });

    function hearthSaveMenu() {
        const saved = $.Deferred();
        saveFormToEndpoint('/api/hearth/settings/set', 'frm_menu', saved.resolve, true, saved.reject);
        return saved;
    }
</script>

<div class="content-box">
    {{ partial('layout_partials/base_form', ['fields': menuForm, 'id': 'frm_menu']) }}
</div>

{{ partial('OPNsense/Hearth/apply') }}

<div class="hearth" style="margin-top: 14px">
    {{ partial("OPNsense/Hearth/parts") }}
    <section class="content-box">
        <h2>{{ lang._('Preview') }}</h2>
        <p id="hearth_menu_text">{{ lang._('The menu as it is above, as iPXE shows it on a screen of 80 columns. It is saved for that, and not applied.') }}</p>
        <button class="btn btn-default" type="button" id="hearth_preview"><b>{{ lang._('Save and preview') }}</b></button>
        <div id="hearth_menu" style="margin-top: 14px"></div>
    </section>
</div>
<script type="module">
    import {start} from '/ui/js/hearth/page_menu.js';
    $(document).ready(() => start(hearthSaveMenu));
</script>
