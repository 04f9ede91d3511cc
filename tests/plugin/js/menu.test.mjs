// The menu preview: from the agent's own golden scripts to what iPXE shows.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';

import {menu, screen} from '../../../opnsense-plugin/src/opnsense/www/js/hearth/menu.js';

const golden = (name) => fs.readFileSync(new URL(`../../../agent/tests/golden/${name}`, import.meta.url), 'utf8');
const plain = (html) => html.replace(/<\/?[bi]>/g, '').replaceAll('&lt;', '<').replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&').split('\n');

test('the menu of the script that a machine gets', () => {
    const found = menu(golden('menu-uefi.ipxe'));
    assert.equal(found.title, 'Network boot');
    assert.equal(found.chosen, 'local');
    assert.equal(found.seconds, 5);
    assert.deepEqual(found.items.slice(0, 2).map((item) => item.label), ['Talos Linux, joins Omni', 'debian-auto']);
    assert.equal(found.items.length, 8);
});

test('a screen has 25 rows of 80 columns, and one item is chosen', () => {
    const drawn = screen(menu(golden('menu-uefi.ipxe')));
    const rows = plain(drawn);
    assert.equal(rows.length, 25);
    assert.ok(rows.every((row) => [...row].length === 80), JSON.stringify(rows.map((row) => row.length)));
    assert.match(rows[1], /^ {34}Network boot {34}$/);
    assert.match(rows[3], /^ {3}Talos Linux, joins Omni/);
    assert.deepEqual(drawn.match(/<b>.*?<\/b>/g).map((one) => one.replace(/ +/g, ' ')), ['<b> Local disk (5)</b>']);
});

test('every golden script with a menu has one', () => {
    const names = fs.readdirSync(new URL('../../../agent/tests/golden/', import.meta.url));
    const menus = names.filter((name) => name.startsWith('menu-'));
    assert.ok(menus.length >= 3);
    for (const name of menus) {
        assert.ok(menu(golden(name)).items.length > 0, name);
    }
    assert.equal(menu(golden('hold-first.ipxe')), null);
    assert.equal(menu(''), null);
});

test('long labels, many items and markup stay inside of the screen', () => {
    const items = Array.from({length: 40}, (_, number) => ({name: `i${number}`, label: `<b>${number}</b> ${'x'.repeat(99)}`, gap: number === 30}));
    const rows = plain(screen({title: '<script>'.repeat(20), items, chosen: 'i35', seconds: null}));
    assert.equal(rows.length, 25);
    assert.ok(rows.every((row) => [...row].length === 80));
    assert.ok(rows.some((row) => row.includes('<b>35</b>')) && !rows.some((row) => row.includes('<b>3</b>')));
    assert.ok(!/<script|<b>3[0-9]<\/b> x/.test(screen({title: '<script>', items, chosen: 'i35', seconds: 3})));
    assert.equal(plain(screen({title: '', items: [], chosen: null, seconds: null})).length, 25);
});
