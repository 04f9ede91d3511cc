/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One boot of a machine as a picture: a row for each step, in its place in time; transfers are bars with
 * their rate; what failed is marked, with the finding below it. Pure: events go in, SVG comes out.
 */

import {count, cut, duration, escape, rate, size, stamp} from './text.js';

/** Pixels. */
const AXIS = 26, ROW = 36, LINE = 15, LEFT = 18, RIGHT = 10, BREAK = 34;
/** Pixels of a character: about so many where a text is cut off at its room's end, and surely no more where it is not. */
const SIGN = 6, WIDE = 7.2;
/** Pixels between two times on the axis. */
const APART = 44;
/** Silence that is cut out of the picture is at least so long, in milliseconds. */
const IDLE = 8000;
/** Rows of one picture. */
const ROWS = 80;

const STAGES = {
    firmware: 'Firmware', loader: 'Loader', ipxe: 'iPXE', default: 'default.ipxe', script: 'Decision',
    images: 'Files', system: 'System',
};

/** What an event is drawn as: `good`, `bad`, `wait`, `plain`. */
function tone(event) {
    switch (event.kind) {
        case 'transfer':
            return {done: 'good', sent: 'good', probe: 'plain'}[event.outcome] ?? 'bad';
        case 'report':
            return {done: 'good', failed: 'bad'}[event.report] ?? 'plain';
        case 'phase':
            return {installed: 'good', failed: 'bad', held: 'wait'}[event.to] ?? 'plain';
        case 'script':
            return /^(hold|deny)/.test(event.decision ?? '') ? 'wait' : 'plain';
        case 'answer':
            return event.error ? 'bad' : 'good';
        case 'impostor':
            return 'bad';
        case 'power':
            return event.error ? 'bad' : 'plain';
        default:
            return 'plain';
    }
}

function basename(name) {
    return String(name ?? '').split('/').pop() || String(name ?? '');
}

/** `{label, figures}` of an event: short, for one line. */
export function words(event) {
    if (event.kind !== 'transfer') {
        return {label: event.text ?? event.kind, figures: ''};
    }
    const via = event.via === 'tftp' ? 'TFTP' : 'HTTP', name = basename(event.name);
    const whole = event.size ?? event.bytes;
    switch (event.outcome) {
        case 'done':
        case 'sent': {
            const bytes = event.outcome === 'sent' ? whole : event.bytes;
            return {label: `${name} by ${via}`, figures: `${size(bytes)}, ${rate(bytes, event.seconds)}`};
        }
        case 'probe':
            return {label: `asks how large ${name} is`, figures: ''};
        case 'not-found':
            return {label: `${name}: there is no such file`, figures: ''};
        case 'refused':
            return {label: `${name} refused: ${event.reason ?? ''}`, figures: ''};
        default:
            return {label: `${name} by ${via} broke off`, figures: `${size(event.bytes)} of ${size(whole)}`};
    }
}

/**
 * The rows of a boot. What says nothing new is left out (a question for a size before the transfer) or put
 * together (lines of an installer's log), and of very many the middle is left out.
 */
export function steps(boot, findings = []) {
    const rows = [];
    const marked = (event) => findings.find((one) => one.severity === 'error' && one.evidence?.includes(event.seq));
    for (const event of boot.events ?? []) {
        const last = rows[rows.length - 1], finding = marked(event);
        if (event.kind === 'report' && event.report === 'log' && last?.log && !finding) {
            last.log += 1;
            last.end = event.offset;
            last.label = `${last.log} lines of the installer's log, the last: ${event.text.replace(/^installer: /, '')}`;
            last.full += `\n${event.text}`;
            continue;
        }
        if (last?.probe && event.kind === 'transfer' && event.name === last.probe && !last.finding) {
            rows.pop();
        }
        const took = event.kind === 'transfer' ? (event.seconds ?? 0) * 1000 : 0;
        rows.push({
            ...words(event), tone: finding ? 'bad' : tone(event), finding, full: event.text ?? '', seq: event.seq,
            stage: event.stage ?? null, start: event.offset - took, end: event.offset, bar: took > 0,
            log: event.kind === 'report' && event.report === 'log' ? 1 : 0,
            probe: event.outcome === 'probe' ? event.name : null,
        });
    }
    // An event is told at its end: a boot whose first is a transfer began when that did.
    const early = Math.min(0, ...rows.map((row) => row.start));
    rows.forEach((row) => Object.assign(row, {start: row.start - early, end: row.end - early}));
    if (rows.length <= ROWS) {
        return rows;
    }
    const half = ROWS / 2, out = rows.slice(half, rows.length - half + 1);
    const kept = out.filter((row) => row.finding);
    const gap = {
        label: `${count(out.length - kept.length, 'step')} left out here; the list below has all`, figures: '',
        tone: 'plain', full: '', seq: null, stage: null, start: out[0].start, end: out[0].start, bar: false,
    };
    return [...rows.slice(0, half), gap, ...kept, ...rows.slice(rows.length - half + 1)];
}

/**
 * Where a time stands: long silence is cut out and told. `{x(ms), breaks: [{x, width, ms}], ticks: [{x, ms}]}`
 * for pixels from `from` to `to`.
 */
export function scale(rows, from, to) {
    const busy = [];
    for (const {start, end} of [...rows].sort((a, b) => a.start - b.start)) {
        const last = busy[busy.length - 1];
        if (last && start <= last.end + IDLE) {
            last.end = Math.max(last.end, end);
        } else {
            busy.push({start, end});
        }
    }
    if (busy.length === 0) {
        busy.push({start: 0, end: 0});
    }
    const wide = Math.min(BREAK, (to - from) / 3 / Math.max(1, busy.length - 1));
    const active = busy.reduce((sum, one) => sum + one.end - one.start, 0);
    // A part that is only a moment has some room all the same.
    const least = Math.min(24, (to - from) / 3 / busy.length);
    const room = to - from - wide * (busy.length - 1) - least * busy.length;
    const perMs = active > 0 ? room / active : 0;
    let x = from;
    const breaks = [];
    const parts = busy.map((part, number) => {
        if (number > 0) {
            breaks.push({x, width: wide, ms: part.start - busy[number - 1].end});
            x += wide;
        }
        const begin = x;
        x += least + (part.end - part.start) * perMs;
        return {...part, x: begin, width: x - begin};
    });
    const place = (ms) => {
        const part = parts.find((one) => ms <= one.end) ?? parts[parts.length - 1];
        const length = part.end - part.start;
        return part.x + (length > 0 ? Math.max(0, ms - part.start) / length * part.width : part.width / 2);
    };
    return {x: place, breaks, ticks: ticks(parts, place)};
}

function ticks(parts, place) {
    const nice = [100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, 120000, 300000, 600000, 1800000, 3600000];
    const found = [];
    for (const part of parts) {
        const length = part.end - part.start, most = Math.floor(part.width / 64);
        const step = nice.find((one) => length / one <= most) ?? Infinity;
        for (let ms = Math.ceil(part.start / step) * step; ms <= part.end && step < Infinity; ms += step) {
            const x = place(ms), last = found[found.length - 1];
            if (!last || x - last.x >= 56) {
                found.push({x, ms});
            }
        }
    }
    return found;
}

/** Words put into lines of at most so many characters. */
export function wrapped(text, most) {
    const lines = [];
    for (const word of String(text ?? '').split(/\s+/).filter(Boolean)) {
        const last = lines[lines.length - 1];
        if (last !== undefined && last.length + 1 + word.length <= most) {
            lines[lines.length - 1] = `${last} ${word}`;
        } else {
            lines.push(cut(word, most));
        }
    }
    return lines;
}

/** One sentence for those who do not see the picture. */
export function summary(boot, findings = []) {
    const events = boot.events ?? [], last = [...events].reverse().find((event) => event.stage);
    const failed = findings.find((one) => one.severity === 'error');
    const came = last ? `, came as far as: ${STAGES[last.stage] ?? last.stage}` : '';
    const length = duration((boot.ended ?? 0) - (boot.began ?? 0));
    return `Boot of ${stamp(boot.began)}: ${count(events.length, 'event')} in ${length}${came}.` +
        (failed ? ` It failed: ${failed.sentence}` : '');
}

/** The picture, `width` pixels wide; `id` is unique in the page. */
export function picture(boot, findings = [], {width = 720, id = 'hearth-timeline'} = {}) {
    const rows = steps(boot, findings);
    const left = LEFT, right = Math.max(left + 80, width - RIGHT);
    const {x, breaks, ticks: marks} = scale(rows, left, right);
    const parts = [];
    let y = AXIS, stage = null;
    for (const row of rows) {
        if (row.stage && row.stage !== stage) {
            stage = row.stage;
            y += LINE + 3;
            parts.push(`<text class="hearth-stage" x="${left}" y="${y - 3}">${escape(STAGES[stage] ?? stage)}</text>`);
        }
        const part = drawn(row, {x, y, left, right});
        parts.push(part.svg);
        y += part.height;
    }
    const height = Math.round(y + 8);
    // How long a silence was says more than a time beside it.
    const silences = breaks.map((one) => ({x: one.x + one.width / 2, ms: one.ms})).reduce((told, one) =>
        told.length === 0 || one.x - told[told.length - 1].x > APART ? [...told, one] : told, []);
    const grid = [
        ...breaks.map((one) => `<rect class="hearth-break" x="${px(one.x + 2)}" y="${AXIS - 4}" ` +
            `width="${px(one.width - 4)}" height="${height - AXIS}"><title>${escape(duration(one.ms))} ` +
            'in which nothing happened</title></rect>'),
        ...marks.map((one) => `<line class="hearth-grid" x1="${px(one.x)}" x2="${px(one.x)}" y1="${AXIS - 6}" ` +
            `y2="${height}"/>${silences.every((silence) => Math.abs(one.x - silence.x) > APART) ? axis(one, right) : ''}`),
        ...silences.map((one) => `<text class="hearth-silence" x="${px(one.x)}" y="12" text-anchor="middle">${escape(short(one.ms))}</text>`),
    ];
    return `<svg class="hearth-timeline" xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" ` +
        `height="${height}" viewBox="0 0 ${width} ${height}" aria-labelledby="${escape(id)}-title ${escape(id)}-text">` +
        `<title id="${escape(id)}-title">${escape(`Timeline of the boot of ${stamp(boot.began)}`)}</title>` +
        `<desc id="${escape(id)}-text">${escape(summary(boot, findings))}</desc>${grid.join('')}${parts.join('')}</svg>`;
}

function axis(tick, right) {
    const anchor = tick.x > right - 24 ? 'end' : tick.x < LEFT + 12 ? 'start' : 'middle';
    return `<text class="hearth-axis" x="${px(tick.x)}" y="12" text-anchor="${anchor}">${escape(short(tick.ms))}</text>`;
}

/** A time on the axis. */
function short(ms) {
    return ms === 0 ? '0' : ms < 60000 ? `${+(ms / 1000).toFixed(1)} s` : duration(ms).replace(/ \d+ s$/, '');
}

function px(number) {
    return Math.round(number * 10) / 10;
}

/** One row: label and figures, bar or dot, and below it what the finding says. */
function drawn(row, {x, y, left, right}) {
    const begin = x(row.start), end = Math.max(x(row.end), begin);
    const figures = row.figures ?? '';
    const indent = row.finding ? 16 : 0;
    // The label has the room that the figures leave, whatever the font.
    const room = Math.max(20, right - left - indent - (figures ? figures.length * WIDE + 8 : 0));
    let svg = `<g class="hearth-step hearth-${row.tone}"><title>${escape(row.full || row.label)}</title>` +
        `<svg x="${left + indent}" y="${y}" width="${px(room)}" height="17" overflow="hidden">` +
        `<text class="hearth-label" x="0" y="13">${escape(cut(row.label, Math.floor(room / SIGN)))}</text></svg>`;
    if (figures) {
        svg += `<text class="hearth-figures" x="${right}" y="${y + 13}" text-anchor="end">${escape(figures)}</text>`;
    }
    svg += `<line class="hearth-track" x1="${left}" x2="${right}" y1="${y + 24}" y2="${y + 24}"/>`;
    svg += row.bar
        ? `<rect class="hearth-bar" x="${px(begin)}" y="${y + 20}" width="${px(Math.max(4, end - begin))}" height="8" rx="2"/>`
        : `<circle class="hearth-dot" cx="${px(end)}" cy="${y + 24}" r="4.5"/>`;
    let height = ROW;
    if (row.finding) {
        svg += `<path class="hearth-mark" d="M${left + 5} ${y + 2}l6 11h-12z"/>` +
            `<text class="hearth-bang" x="${left + 5}" y="${y + 12}" text-anchor="middle">!</text>`;
        for (const line of wrapped(row.finding.sentence, Math.max(10, Math.floor((right - left - indent) / WIDE)))) {
            svg += `<text class="hearth-why" x="${left + indent}" y="${y + height + 10}">${escape(line)}</text>`;
            height += LINE;
        }
        height += 4;
    }
    return {svg: `${svg}</g>`, height};
}
