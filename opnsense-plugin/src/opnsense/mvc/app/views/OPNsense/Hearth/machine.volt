{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<div class="hearth">
    {{ partial("OPNsense/Hearth/parts") }}
    <section class="content-box">
        <h2><a href="/ui/hearth/machines" title="{{ lang._('All machines') }}"><i class="fa fa-arrow-left"></i></a>
            <span id="hearth_label"></span> <span id="hearth_phase"></span></h2>
        <p id="hearth_state"></p>
        <div class="hearth-actions" id="hearth_actions"></div>
    </section>
    <div class="hearth-columns">
        <div>
            <section class="content-box" id="hearth_findings_box" style="display: none">
                <h2>{{ lang._('What is wrong, and what to do') }}</h2>
                <ul class="hearth-rows" id="hearth_findings"></ul>
            </section>
            <section class="content-box">
                <h2>{{ lang._('Timeline') }} <small id="hearth_boot_text"></small></h2>
                <div class="hearth-field" id="hearth_boots_field" style="display: none"><select class="form-control" id="hearth_boots" aria-label="{{ lang._('Which boot') }}"></select></div>
                <div id="hearth_picture"></div>
            </section>
            <section class="content-box">
                <h2>{{ lang._('Events') }} <small>{{ lang._('of this boot') }}</small></h2>
                <table class="hearth-events"><tbody id="hearth_events"></tbody></table>
            </section>
        </div>
        <div>
            <section class="content-box">
                <h2>{{ lang._('What is known') }}</h2>
                <dl class="hearth-facts" id="hearth_facts"></dl>
            </section>
            <section class="content-box" id="hearth_advice_box" style="display: none">
                <h2>{{ lang._('Network card') }}</h2>
                <p id="hearth_advice"></p>
            </section>
        </div>
    </div>
</div>
<script type="module">
    import {start} from '/ui/js/hearth/page_machine.js';
    $(document).ready(() => start('{{ number }}'));
</script>
