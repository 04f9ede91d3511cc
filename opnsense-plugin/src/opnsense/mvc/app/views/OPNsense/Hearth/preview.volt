{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<div class="hearth">
    {{ partial("OPNsense/Hearth/parts") }}
    <div class="hearth-columns" style="grid-template-columns: minmax(0, 1fr)">
        <section class="content-box">
            <h2>{{ lang._('A machine') }}</h2>
            {{ partial('OPNsense/Hearth/try_machine') }}
            <div class="hearth-field">
                <label for="hearth_by">{{ lang._('By') }}</label>
                <select class="form-control" id="hearth_by">
                    <option value="force">{{ lang._('the configuration that is in force') }}</option>
                    <option value="declared">{{ lang._('what is declared now, applied or not') }}</option>
                </select>
                <p class="help-block">{{ lang._('What is not applied yet is tried as if the machine were met now: what people did with it here, and places that are taken, are not counted.') }}</p>
            </div>
            <button class="btn btn-primary" type="button" id="hearth_try"><b>{{ lang._('Try') }}</b></button>
        </section>
    </div>
    <ul class="nav nav-tabs" data-tabs="tabs" id="maintabs">
        <li class="active"><a data-toggle="tab" id="tab_policies" href="#policies">{{ lang._('Policies') }}</a></li>
        <li><a data-toggle="tab" id="tab_script" href="#script">{{ lang._('Script') }}</a></li>
        <li><a data-toggle="tab" id="tab_menu" href="#menu">{{ lang._('Menu') }}</a></li>
    </ul>
    <div class="tab-content content-box">
        <div id="policies" class="tab-pane fade in active">
            {{ partial('OPNsense/Hearth/try_outcome') }}
        </div>
        <div id="script" class="tab-pane fade">
            <p id="hearth_script_text"></p>
            <pre class="hearth-script" id="hearth_script" tabindex="0"></pre>
        </div>
        <div id="menu" class="tab-pane fade">
            <p>{{ lang._('As iPXE shows it on a screen of 80 columns.') }}</p>
            <div id="hearth_menu"></div>
        </div>
    </div>
</div>
<script type="module">
    import {start} from '/ui/js/hearth/page_preview.js';
    $(document).ready(() => start());
</script>
