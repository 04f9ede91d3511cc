/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The edge between our pages and the firewall: questions, what goes wrong with them, and asking again.
 */

import {decoded} from './text.js';

/** The core sends who may not ask something to another page, and who is logged out to the one to log in. */
function isDenied(data) {
    const text = String(data?.responseText ?? '');
    return data?.status === 403 || /^\s*<!doctype html/i.test(text) && !text.includes('usernamefld');
}

/** An answer as the agent gave it; what failed on the way here is told like the agent's own problems. */
function answered(resolve) {
    return (data, status) => {
        if (status === 'success' && data !== null && typeof data === 'object') {
            resolve(decoded(data));
        } else if (data?.errorMessage !== undefined || data?.responseJSON?.errorMessage !== undefined) {
            // The core has shown it in a dialog already.
            resolve({error: String(data.errorMessage ?? data.responseJSON.errorMessage), state: 'told'});
        } else if (isDenied(data)) {
            resolve({error: 'You may look at this, but not change it: your privileges do not allow it.', state: 'denied'});
        } else {
            resolve({error: 'The firewall gave no answer. Either you may not do this, or you were logged out: then load this page again.', state: 'failed'});
        }
    };
}

/** A GET; always ends in an object, with `error` and `state` if there is no answer. */
export function get(path) {
    return new Promise((resolve) => ajaxGet(`/api/hearth/${path}`, {}, answered(resolve)));
}

/** A POST, likewise. */
export function post(path, data = {}) {
    return new Promise((resolve) => ajaxCall(`/api/hearth/${path}`, data, answered(resolve)));
}

/** A part of a path. */
export function part(text) {
    return encodeURIComponent(text);
}

/** Shows or hides the agent's problem above the page. */
export function problem(answer) {
    const box = $('#hearth_problem'), error = answer?.error;
    box.toggleClass('is-there', Boolean(error) && answer.state !== 'told');
    box.find('span').text(error ?? '');
    box.find('[data-act=start]').toggle(answer?.state === 'stopped');
    box.find('[data-act=setup]').toggle(answer?.state === 'off');
    return Boolean(error);
}

/** Wires the button of the problem; `then` is called once the service has started or failed to. */
export function problemButton(then) {
    $('#hearth_problem [data-act=start]').on('click', async function () {
        const answer = await busy($(this), () => act('start')), why = refusal(answer);
        if (why !== null && answer.state !== 'told') {
            tell('It does not start', why);
        }
        then();
    });
}

/** Has the service do something: start, stop, restart, reconfigure. */
export async function act(what) {
    const answer = await post(`service/${what}`);
    updateServiceControlUI('hearth');
    return answer;
}

/** Why something was not saved or not applied, in sentences; null if it was. */
export function refusal(answer, wanted = ['ok', 'saved']) {
    if (wanted.includes(answer.status) || wanted.includes(answer.result)) {
        return null;
    }
    const told = [answer.error, answer.status_msg, answer.message, answer.details, ...Object.values(answer.validations ?? {}).flat()];
    return [...new Set(told.filter(Boolean))].join('\n') || 'It was refused, and nothing says why; the log may.';
}

/** Shows on a button that something is under way, and keeps it from being pressed twice. */
export async function busy(button, work) {
    const icon = $('<i class="fa fa-spinner fa-pulse fa-fw"></i>');
    button.prop('disabled', true).append(' ', icon);
    try {
        return await work();
    } finally {
        icon.remove();
        button.prop('disabled', false);
    }
}

/**
 * Asks again and again while the page is looked at, one question at a time. `work` returns how many
 * milliseconds to wait. Returns a function that asks at once.
 */
export function poll(work) {
    let timer = null, running = false, again = false;
    const turn = async () => {
        clearTimeout(timer);
        if (running) {
            again = true;
            return;
        }
        running = true;
        let wait = 5000;
        try {
            wait = await work() ?? wait;
        } finally {
            running = false;
        }
        if (again) {
            again = false;
            turn();
        } else if (!document.hidden) {
            timer = setTimeout(turn, wait);
        }
    };
    document.addEventListener('visibilitychange', () => document.hidden ? clearTimeout(timer) : turn());
    turn();
    return turn;
}

/**
 * Reloads a grid, not while it loads: the core's grid would drop the answer and say so. `told` is called with
 * each answer; the two handlers go into the grid's options.
 */
export function grid(selector, told) {
    // The first load is on its way from the beginning; one that never ends is forgotten after a minute.
    let loads = Date.now(), again = false;
    const reload = () => {
        if (Date.now() - loads < 60000) {
            again = true;
            return;
        }
        $(selector).bootgrid('reload');
    };
    const requestHandler = (request) => {
        loads = Date.now();
        return request;
    };
    const responseHandler = (response) => {
        loads = 0;
        told(decoded(response));
        if (again) {
            again = false;
            setTimeout(reload, 50);
        }
        return response;
    };
    return {reload, requestHandler, responseHandler};
}

/**
 * A command of a grid's rows: its icon and title as the core takes them, and `work` with the row. The core hands the cell to
 * a command's method only since 26.1.5, and to what is done once the button is there always.
 */
export function command(work, rest) {
    return {...rest, onRendered(cell) {
        this.off('click').on('click', (event) => {
            event.stopPropagation();
            work(decoded(cell.getData()));
        });
    }};
}

/** Works once it was asked for and then not again for some milliseconds. The core has this only since 26.1.7. */
export function debounced(work, ms) {
    let timer = null;
    return () => {
        clearTimeout(timer);
        timer = setTimeout(work, ms);
    };
}

/** Puts HTML in place only where it changed, so that what somebody marks or points at stays. */
export function put(element, html) {
    if (element.data('hearthHtml') !== html) {
        element.data('hearthHtml', html).html(html);
    }
}

/** A dialog that says a sentence; untrusted text is text. */
export function tell(title, text, type = 'danger') {
    stdDialogInform(title, $('<div>').css('white-space', 'pre-wrap').text(text), 'Close', undefined, type);
}
