{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<div class="hearth">
    {{ partial("OPNsense/Hearth/parts") }}
    <div class="hearth-columns">
        <div>
            <section class="content-box">
                <h2>{{ lang._('To the first boot') }} <small id="hearth_progress"></small></h2>
                <ol class="hearth-steps" id="hearth_steps"><li><span class="hearth-state"><i class="fa fa-spinner fa-pulse"></i></span><span>{{ lang._('Looking') }}</span></li></ol>
            </section>
        </div>
        <div>
            <section class="content-box" aria-live="polite">
                <h2>{{ lang._('Booting now') }} <small id="hearth_live_count"></small></h2>
                <ul class="hearth-rows" id="hearth_live"></ul>
            </section>
            <section class="content-box">
                <h2>{{ lang._('What needs a look') }} <small id="hearth_finding_count"></small></h2>
                <ul class="hearth-rows" id="hearth_findings"></ul>
            </section>
        </div>
    </div>
</div>
<script type="module">
    import {start} from '/ui/js/hearth/page_overview.js';
    $(document).ready(() => start());
</script>
