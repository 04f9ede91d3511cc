/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The menu of an iPXE script as iPXE draws it on a screen of 80 columns and 25 rows: title in row 1, items
 * from row 3 on, at most 20 of them at once, the chosen one with the seconds that are left.
 */

import {escape} from './text.js';

const COLUMNS = 80, ROWS = 25, TITLE_ROW = 1, FIRST_ROW = 3, SHOWN = 20;

/** `{title, items: [{name, label, gap}], chosen, seconds}` of a script, or null if it shows no menu. */
export function menu(script) {
    const lines = String(script ?? '').split('\n').map((line) => line.trim());
    const at = lines.findIndex((line) => /^menu(\s|$)/.test(line));
    if (at < 0) {
        return null;
    }
    const items = [];
    let chosen = null, seconds = null;
    for (const line of lines.slice(at + 1)) {
        const item = line.match(/^item\s+(.*)$/)?.[1];
        if (item !== undefined) {
            const gap = item.match(/^--gap(?:\s+--)?(?:\s+(.*))?$/);
            const [name, ...label] = item.replace(/^(--key\s+\S+|--default)\s+/, '').split(/\s+/);
            items.push(gap ? {name: null, label: gap[1] ?? '', gap: true} : {name, label: label.join(' ') || name, gap: false});
        } else if (line.startsWith('choose')) {
            chosen = line.match(/--default\s+(\S+)/)?.[1] ?? null;
            seconds = Math.ceil(Number(line.match(/--timeout\s+(\d+)/)?.[1] ?? 0) / 1000) || null;
            break;
        }
    }
    return {title: lines[at].slice(4).trim(), items, chosen, seconds};
}

/** The screen as HTML: lines of 80 characters, the chosen item in <b>, gaps in <i>. */
export function screen({title, items, chosen, seconds}) {
    const at = Math.max(0, items.findIndex((item) => item.name === chosen && !item.gap));
    const first = Math.max(0, Math.min(at - SHOWN + 1, items.length - SHOWN));
    const blank = ' '.repeat(COLUMNS), rows = Array(ROWS).fill(blank);
    const head = [...title].slice(0, COLUMNS - 2).join('');
    rows[TITLE_ROW] = escape(padded(' '.repeat(Math.floor((COLUMNS - [...head].length) / 2)) + head, COLUMNS));
    items.slice(first, first + SHOWN).forEach((item, number) => {
        const isChosen = first + number === at && !item.gap;
        const counter = isChosen && seconds ? `(${seconds})` : '';
        const text = padded(`  ${item.label}`, COLUMNS - 2 - counter.length) + counter;
        const tag = isChosen ? 'b' : item.gap ? 'i' : null;
        rows[FIRST_ROW + number] = tag ? ` <${tag}>${escape(text)}</${tag}> ` : ` ${escape(text)} `;
    });
    return rows.join('\n');
}

function padded(text, columns) {
    const signs = [...text].slice(0, columns);
    return signs.join('') + ' '.repeat(columns - signs.length);
}
