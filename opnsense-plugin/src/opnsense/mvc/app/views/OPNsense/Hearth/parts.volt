{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

{# What every page of ours has: scripts, style, and the place where the agent's problems are told. #}
<link href="{{ style }}" rel="stylesheet">
<script type="importmap">{{ imports }}</script>
{% if not acl.isPageAccessible(session_username, '/api/hearth/service/reconfigure') %}
{{ partial("OPNsense/Hearth/readonly") }}
{% endif %}
<div class="alert alert-warning hearth-problem" id="hearth_problem" role="alert">
    <span></span>
    <button class="btn btn-primary btn-sm" type="button" data-act="start" style="display: none">{{ lang._('Start') }}</button>
    <a class="btn btn-primary btn-sm" href="/ui/hearth/settings" data-act="setup" style="display: none">{{ lang._('Set up') }}</a>
    <a class="btn btn-default btn-sm" href="/ui/diagnostics/log/core/hearth">{{ lang._('Log') }}</a>
</div>
