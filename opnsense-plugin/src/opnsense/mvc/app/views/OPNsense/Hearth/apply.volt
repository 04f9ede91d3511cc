{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

{# The button that brings settings into force, and the agent's own text where it does not take them. #}
<style>
    .hearth-said { white-space: pre; overflow-x: auto; }
    @media (min-width: 768px) {
        .modal-dialog:has(.hearth-said) { width: 90%; max-width: 1100px; }
    }
</style>
<div class="alert alert-warning" id="hearth_warnings" style="display: none">
    <pre style="white-space: pre-wrap"></pre>
</div>
{% if acl.isPageAccessible(session_username, '/api/hearth/service/reconfigure') %}
{{ partial('layout_partials/base_apply_button', ['data_endpoint': '/api/hearth/service/reconfigure', 'data_service_widget': 'hearth', 'data_error_title': 'Not applied']) }}
{% else %}
{{ partial("OPNsense/Hearth/readonly") }}
{% endif %}
<script>
    /**
     * Wires the button. `save` stores what the page has, and returns a Deferred.
     */
    function hearthApply(save) {
        {# an answer to a session comes with HTML's signs escaped; a textarea turns them back and runs nothing #}
        const plain = (text) => $('<textarea>').html(text ?? '').text();

        $("#reconfigureAct").SimpleActionButton({
            onPreAction: save ?? (() => $.Deferred().resolve()),
            onAction: function (data) {
                if (data && data.status === 'failed') {
                    const text = $('<div>').append($('<p>').text(plain(data.status_msg)));
                    if (data.details) {
                        text.append($('<pre class="hearth-said">').text(plain(data.details)));
                    }
                    data.status_msg = text;
                    {# the core lets it turn on after a refusal #}
                    setTimeout(() => $('#reconfigureAct .reload_progress').removeClass('fa fa-spinner fa-pulse'));
                }
                const warnings = plain(data && data.warnings);
                $('#hearth_warnings').toggle(warnings !== '').find('pre').text(warnings);
            }
        });
    }
</script>
