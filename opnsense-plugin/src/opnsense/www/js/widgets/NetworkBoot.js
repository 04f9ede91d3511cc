/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

export default class NetworkBoot extends BaseTableWidget {
    constructor(config) {
        super(config);
        this.tickTimeout = 5;
        this.rows = null;
        this.text = null;
    }

    getGridOptions() {
        return {w: 3, minW: 2, sizeToContent: 450};
    }

    getMarkup() {
        return $('<div class="hearth" id="hearthWidget" style="text-align: left"></div>');
    }

    async onMarkupRendered() {
        // The parts that our pages have too; a browser keeps them by the time of this visit.
        const fresh = `?t=${Date.now()}`;
        [this.rows, this.text] = await Promise.all([import('/ui/js/hearth/rows.js' + fresh), import('/ui/js/hearth/text.js' + fresh)]);
        if ($('#hearthWidgetStyle').length === 0) {
            $('head').append($('<link id="hearthWidgetStyle" rel="stylesheet">').attr('href', '/ui/css/hearth.css' + fresh));
        }
        await this.onWidgetTick();
    }

    async onWidgetTick() {
        if (this.rows === null) {
            return;
        }
        let overview;
        try {
            overview = this.text.decoded(await this.ajaxCall('/api/hearth/agent/overview'));
        } catch (error) {
            overview = {error: this.translations.unanswered};
        }
        const {live = [], findings = [], machines = []} = overview;
        if (!this.dataChanged('hearth', {live, findings, error: overview.error, known: machines.length})) {
            return;
        }
        $('#hearthWidget').html(this.shown(overview, live, findings));
        // What is higher or lower now is shown whole.
        this.config.callbacks.updateGrid();
    }

    shown({error}, live, findings) {
        const {escape, count} = this.text;
        if (error) {
            return `<div class="error-message"><a href="/ui/hearth/">${escape(error)}</a></div>`;
        }
        const people = findings.filter((one) => one.severity !== 'notice' || one.code === 'waits-for-approval');
        const heading = (text) => `<div class="flextable-row"><div class="flex-cell"><b>${escape(text)}</b></div></div>`;
        const list = (html) => `<div style="padding: .5em"><ul class="hearth-rows">${html}</ul></div>`;
        return heading(live.length ? count(live.length, this.translations.booting1, this.translations.booting) : this.translations.quiet) +
            (live.length ? list(this.rows.live(live.slice(0, 8), Date.now(), {short: true})) : '') +
            (people.length ? heading(this.translations.findings) + list(this.rows.findings(people.slice(0, 5), {short: true})) : '');
    }
}
