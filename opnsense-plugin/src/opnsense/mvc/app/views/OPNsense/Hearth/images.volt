{#
 # Copyright (c) 2026, The Hearth developers
 # SPDX-License-Identifier: BSD-2-Clause
 #}

<div class="hearth">
    {{ partial("OPNsense/Hearth/parts") }}
    <section class="content-box" id="hearth_fetch_box" style="display: none" aria-live="polite">
        <h2>{{ lang._('Fetching') }} <small id="hearth_fetch_text"></small></h2>
        <div id="hearth_fetch"></div>
    </section>
    <ul class="nav nav-tabs" data-tabs="tabs" id="maintabs">
        <li class="active"><a data-toggle="tab" id="tab_images" href="#images">{{ lang._('Images') }}</a></li>
        <li><a data-toggle="tab" id="tab_loaders" href="#loaders">{{ lang._('Loaders') }}</a></li>
        <li><a data-toggle="tab" id="tab_talos" href="#talos">{{ lang._('Set up Talos') }}</a></li>
    </ul>
    <div class="tab-content content-box">
        <div id="images" class="tab-pane fade in active">
            <table id="grid-images" class="table table-condensed table-hover table-striped" data-editDialog="DialogImage">
                <thead>
                    <tr>
                        <th data-column-id="uuid" data-type="string" data-identifier="true" data-visible="false">{{ lang._('ID') }}</th>
                        <th data-column-id="name" data-min-width="120" data-type="string" data-formatter="image">{{ lang._('Image') }}</th>
                        <th data-column-id="recipe" data-type="string" data-visible="false">{{ lang._('System') }}</th>
                        <th data-column-id="version" data-type="string" data-formatter="version">{{ lang._('Version') }}</th>
                        <th data-column-id="state" data-type="string" data-formatter="state">{{ lang._('State') }}</th>
                        <th data-column-id="size" data-type="string" data-formatter="size" data-width="90">{{ lang._('Size') }}</th>
                        <th data-column-id="files" data-type="string" data-formatter="pinned" data-sortable="false">{{ lang._('Pinned') }}</th>
                        <th data-column-id="commands" data-formatter="commands" data-sortable="false" data-width="150">{{ lang._('Commands') }}</th>
                    </tr>
                </thead>
                <tbody></tbody>
                <tfoot>
                    <tr>
                        <td></td>
                        <td>
                            <button data-action="add" type="button" class="btn btn-xs btn-primary"><span class="fa fa-plus fa-fw"></span></button>
                            <button id="hearth_fetch_all" type="button" class="btn btn-xs btn-default" title="{{ lang._('Fetch everything that is missing') }}"><span class="fa fa-download fa-fw"></span></button>
                            <button id="hearth_prune" type="button" class="btn btn-xs btn-default" title="{{ lang._('Remove files of old versions') }}"><span class="fa fa-eraser fa-fw"></span></button>
                        </td>
                    </tr>
                </tfoot>
            </table>
        </div>
        <div id="loaders" class="tab-pane fade">
            <p>{{ lang._('The iPXE programs that machines are given first, one for each kind of firmware.') }}</p>
            <ul class="hearth-steps" id="hearth_loaders"></ul>
            <button class="btn btn-primary" type="button" id="hearth_fetch_loaders"><b>{{ lang._('Fetch loaders') }}</b></button>
            <button class="btn btn-default" type="button" id="hearth_update_loaders" title="{{ lang._('Fetch them anew, as they are published now') }}">{{ lang._('Update loaders') }}</button>
        </div>
        <div id="talos" class="tab-pane fade">
            <div class="hearth-field">
                <label for="talos_join">{{ lang._('What Omni shows to join machines') }}</label>
                <textarea class="form-control" id="talos_join" spellcheck="false" autocomplete="off" placeholder="siderolink.api=https://NAME.omni.siderolabs.io?jointoken=... talos.events.sink=... talos.logging.kernel=..."></textarea>
                <p class="help-block" id="talos_join_text">{{ lang._('In Omni: Home, Copy Kernel Parameters; a join link alone will do. Leave it empty for Talos without Omni.') }}</p>
            </div>
            <details class="hearth-field">
                <summary>{{ lang._('Without Omni: a machine configuration') }}</summary>
                <div class="hearth-field"><label for="talos_config">{{ lang._('Machine configuration') }}</label>
                    <textarea class="form-control" id="talos_config" spellcheck="false" autocomplete="off" rows="8"></textarea>
                    <p class="help-block" id="talos_config_text">{{ lang._('What talosctl gen config writes, as controlplane.yaml. It becomes the answer config.yaml of the profile, given to the installation alone; it is a template, so that name and address of each machine can stand in it. Without it machines wait for talosctl.') }}</p></div>
            </details>
            <div class="hearth-field">
                <label for="talos_version">{{ lang._('Version') }}</label>
                <select class="form-control" id="talos_version" disabled><option value="">{{ lang._('asking the image factory') }}</option></select>
                <p class="help-block" id="talos_version_text">{{ lang._('The newest finished one is chosen.') }}</p>
            </div>
            <div class="hearth-field">
                <label>{{ lang._('Interfaces that machines boot from') }}</label>
                <div class="hearth-choices" id="talos_interfaces" style="max-height: 120px"></div>
                <p class="help-block" id="talos_interfaces_text">{{ lang._('The firewall lets them in on these interfaces only.') }}</p>
            </div>
            <div class="hearth-field">
                <label for="talos_who">{{ lang._('Machines that nothing else is declared for') }}</label>
                <select class="form-control" id="talos_who">
                    <option value="menu">{{ lang._('see a menu, with Talos in it') }}</option>
                    <option value="hold">{{ lang._('wait until I approve them') }}</option>
                    <option value="profile">{{ lang._('start Talos at once') }}</option>
                </select>
                <p class="help-block" id="talos_who_text">{{ lang._('Talos runs from memory; with Omni nothing is written to a disk before Omni says so.') }}</p>
            </div>
            <div class="hearth-field">
                <label for="talos_search">{{ lang._('System extensions') }} <small id="talos_extensions_count"></small></label>
                <input class="form-control" type="text" id="talos_search" placeholder="{{ lang._('Search: driver, firmware, vendor') }}">
                <div class="hearth-choices" id="talos_extensions"></div>
                <p class="help-block" id="talos_hints">{{ lang._('Drivers and firmware that Talos does not bring along. What the network cards that were seen need is chosen by itself.') }}</p>
            </div>
            <details class="hearth-field">
                <summary>{{ lang._('More') }}</summary>
                <div class="hearth-field"><label for="talos_name">{{ lang._('Name of image and profile') }}</label>
                    <input class="form-control" type="text" id="talos_name" maxlength="64" value="talos"><p class="help-block" id="talos_name_text"></p></div>
                <div class="hearth-field"><label for="talos_architectures">{{ lang._('Processors') }}</label>
                    <select class="form-control" id="talos_architectures"><option value="amd64">x86, 64 bit</option><option value="arm64">ARM, 64 bit</option><option value="amd64,arm64">{{ lang._('both') }}</option></select></div>
                <div class="hearth-field"><label for="talos_console">{{ lang._('Serial console') }}</label>
                    <select class="form-control" id="talos_console"><option value="">{{ lang._('none') }}</option><option value="ttyS0">ttyS0</option><option value="ttyS1">ttyS1</option></select></div>
                <div class="hearth-field"><label for="talos_factory">{{ lang._('Image factory of one\'s own') }}</label>
                    <input class="form-control" type="text" id="talos_factory" placeholder="https://factory.talos.dev"><p class="help-block" id="talos_factory_text"></p></div>
            </details>
            <button class="btn btn-primary" type="button" id="talos_go"><b>{{ lang._('Set up and fetch') }}</b></button>
            <ol class="hearth-steps" id="talos_steps" style="margin-top: 14px"></ol>
        </div>
    </div>
</div>
{{ partial('OPNsense/Hearth/apply') }}
{{ partial("layout_partials/base_dialog", ['fields': formDialogImage, 'id': 'DialogImage', 'label': lang._('Edit Image')]) }}
<script type="module">
    import {start} from '/ui/js/hearth/page_images.js';
    $(document).ready(() => {
        hearthApply();
        start();
    });
</script>
