/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Words, numbers and times for people. Nothing here touches a page.
 */

const ENTITIES = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'};

/** Text as it stands in HTML and SVG, inside of tags and attributes. */
export function escape(text) {
    return String(text ?? '').replace(/[&<>"']/g, (sign) => ENTITIES[sign]);
}

/**
 * What the core's API makes of a session's answers, taken back: it replaces & < > in the whole JSON
 * text, once. Every string of an answer becomes what the agent said.
 */
export function decoded(value) {
    if (typeof value === 'string') {
        return value.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    } else if (Array.isArray(value)) {
        return value.map(decoded);
    } else if (value !== null && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(([key, one]) => [decoded(key), decoded(one)]));
    }
    return value;
}

/** A sentence of the agent's as HTML: with a capital, but for names such as iPXE, and what stands between backticks as code. */
export function prose(text) {
    const begun = String(text ?? '').replace(/^\p{Ll}(?=\p{Ll}*:? )/u, (letter) => letter.toUpperCase());
    return begun.split('`').map((part, number, all) =>
        number % 2 === 1 && number < all.length - 1 ? `<code>${escape(part)}</code>` : escape(number % 2 === 1 ? `\`${part}` : part)).join('');
}

/** Bytes with a unit of 1000: 1.2 MB. */
export function size(bytes) {
    if (!Number.isFinite(bytes) || bytes < 0) {
        return '';
    }
    const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
    let unit = 0;
    while (bytes >= 999.5 && unit < units.length - 1) {
        bytes /= 1000;
        unit += 1;
    }
    return `${unit > 0 && bytes < 99.95 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

/** Bytes a second. */
export function rate(bytes, seconds = 1) {
    return seconds > 0 && Number.isFinite(bytes) ? `${size(bytes / seconds)}/s` : '';
}

/** A length of time, in milliseconds: 850 ms, 4.2 s, 3 min 20 s, 2 h 5 min, 3 days. */
export function duration(ms) {
    if (!Number.isFinite(ms) || ms < 0) {
        return '';
    } else if (ms < 1000) {
        return `${Math.round(ms)} ms`;
    } else if (ms < 59950) {
        return `${(ms / 1000).toFixed(1)} s`;
    }
    const s = Math.round(ms / 1000);
    if (s < 3600) {
        return s % 60 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${s / 60} min`;
    } else if (s < 172800) {
        const minutes = Math.floor(s % 3600 / 60);
        return minutes ? `${Math.floor(s / 3600)} h ${minutes} min` : `${Math.floor(s / 3600)} h`;
    }
    return `${Math.floor(s / 86400)} days`;
}

/** How long ago something was, as a person says it. */
export function ago(at, now) {
    const ms = now - at;
    if (!Number.isFinite(ms)) {
        return '';
    } else if (ms < 5000) {
        return 'now';
    }
    const s = Math.floor(ms / 1000);
    if (s < 60) {
        return `${s} s ago`;
    } else if (s < 3600) {
        return `${Math.floor(s / 60)} min ago`;
    } else if (s < 172800) {
        return `${Math.floor(s / 3600)} h ago`;
    }
    return `${Math.floor(s / 86400)} days ago`;
}

/** A time of the clock, in the browser's zone: 2026-11-28 19:04:05. */
export function stamp(at) {
    const date = new Date(at);
    if (Number.isNaN(date.getTime())) {
        return '';
    }
    const two = (number) => String(number).padStart(2, '0');
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
        `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** At most so many characters; what is cut off is told by three dots. */
export function cut(text, most) {
    const signs = [...String(text ?? '')];
    return signs.length <= most ? signs.join('') : signs.slice(0, Math.max(0, most - 1)).join('') + '…';
}

/** A part of a whole in percent, 0 to 100; null if the whole is not known. */
export function percent(part, whole) {
    return whole > 0 && part >= 0 ? Math.min(100, Math.floor(part * 100 / whole)) : null;
}

/** "1 machine", "2 machines". */
export function count(number, one, many = `${one}s`) {
    return `${number} ${number === 1 ? one : many}`;
}
