{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<div class="hearth">
    {{ partial("OPNsense/Hearth/parts") }}
    <div class="hearth-columns" style="grid-template-columns: minmax(0, 1fr)">
        <section class="content-box">
            <h2>{{ lang._('A machine') }}</h2>
            <div class="hearth-field">
                <label for="hearth_which">{{ lang._('Which') }}</label>
                <select class="form-control" id="hearth_which"><option value="">{{ lang._('one that is made up') }}</option></select>
                <p class="help-block">{{ lang._('A known machine as it is, or one that is made up of what stands below.') }}</p>
            </div>
            <div id="hearth_made_up">
                <div class="hearth-field">
                    <label for="hearth_facts_text">{{ lang._('What it says of itself') }}</label>
                    <textarea class="form-control" id="hearth_facts_text" spellcheck="false">mac=52:54:00:12:34:56
platform=efi
architecture=amd64</textarea>
                    <p class="help-block">{{ lang._('One KEY=VALUE a line, by the keys of policies: manufacturer, product, serial, memory=16 GiB, mac, nic=14e4:1639, subnet, tag, ... With a known machine these stand in place of what it says.') }}</p>
                </div>
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
            <p id="hearth_outcome" style="font-size: 15px"></p>
            <div class="table-responsive"><table class="table table-condensed table-striped" id="hearth_policies" style="display: none">
                <thead><tr><th style="width: 30px">#</th><th>{{ lang._('Policy') }}</th><th>{{ lang._('Profile') }}</th><th>{{ lang._('Outcome') }}</th><th>{{ lang._('Why') }}</th></tr></thead>
                <tbody></tbody>
            </table></div>
            <h2 id="hearth_has_title" style="display: none">{{ lang._('What it has') }}</h2>
            <dl class="hearth-facts" id="hearth_has"></dl>
        </div>
        <div id="script" class="tab-pane fade">
            <p id="hearth_script_text"></p>
            <pre class="hearth-script" id="hearth_script" tabindex="0"></pre>
        </div>
        <div id="menu" class="tab-pane fade">
            <p>{{ lang._('The menu that is in force, as iPXE shows it on a screen of 80 columns.') }}</p>
            <div id="hearth_menu"></div>
        </div>
    </div>
</div>
<script type="module">
    import {start} from '/ui/js/hearth/page_preview.js';
    $(document).ready(() => start());
</script>
