{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

{# A machine to try things on: a known one, or one that is made up. #}
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
