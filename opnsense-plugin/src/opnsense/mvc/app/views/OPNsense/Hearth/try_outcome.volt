{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

{# What became of each policy for that machine. #}
<p id="hearth_outcome" style="font-size: 15px"></p>
<div class="table-responsive"><table class="table table-condensed table-striped" id="hearth_policies" style="display: none">
    <thead><tr><th style="width: 30px">#</th><th>{{ lang._('Policy') }}</th><th>{{ lang._('Profile') }}</th><th>{{ lang._('Outcome') }}</th><th>{{ lang._('Why') }}</th></tr></thead>
    <tbody></tbody>
</table></div>
<h2 id="hearth_has_title" style="display: none">{{ lang._('What it has') }}</h2>
<dl class="hearth-facts" id="hearth_has"></dl>
