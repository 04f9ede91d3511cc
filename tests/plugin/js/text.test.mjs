// What people read: escaping, sizes, times.
import assert from 'node:assert/strict';
import test from 'node:test';

import * as text from '../../../opnsense-plugin/src/opnsense/www/js/hearth/text.js';

test('what a machine says is text in HTML, in quotes of either kind too', () => {
    assert.equal(text.escape(`<script>alert("1")</script>&'`),
        '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;');
    assert.equal(text.escape(null), '');
    assert.equal(text.escape(0), '0');
});

test('an answer that the core escaped is as the agent gave it, once', () => {
    const said = {'a<b': ['<i>', '&lt;', {deep: 'x & y'}], number: 1, nothing: null, yes: true};
    const escaped = JSON.parse(JSON.stringify(said).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'));
    assert.deepEqual(text.decoded(escaped), said);
});

test('sizes have units of 1000', () => {
    for (const [bytes, shown] of [[0, '0 bytes'], [999, '999 bytes'], [1000, '1.0 kB'], [999499, '999 kB'],
        [999500, '1.0 MB'], [123456789, '123 MB'], [1.5e9, '1.5 GB'], [4e15, '4000 TB'], [-1, ''], [NaN, '']]) {
        assert.equal(text.size(bytes), shown);
    }
    assert.equal(text.rate(5e6, 2), '2.5 MB/s');
    assert.equal(text.rate(5e6, 0), '');
});

test('times are as long as a person says them', () => {
    for (const [ms, shown] of [[0, '0 ms'], [850.4, '850 ms'], [4200, '4.2 s'], [59949, '59.9 s'], [59950, '1 min'],
        [200000, '3 min 20 s'], [7500000, '2 h 5 min'], [259200000, '3 days'], [-1, '']]) {
        assert.equal(text.duration(ms), shown);
    }
    for (const [ms, shown] of [[0, 'now'], [-50, 'now'], [12000, '12 s ago'], [120000, '2 min ago'],
        [7200000, '2 h ago'], [864000000, '10 days ago'], [NaN, '']]) {
        assert.equal(text.ago(1e12, 1e12 + ms), shown);
    }
    assert.match(text.stamp(1e12), /^2001-09-0\d \d\d:\d\d:40$/);
    assert.equal(text.stamp('x'), '');
});

test('long texts are cut at characters, not inside of them', () => {
    assert.equal(text.cut('🦊🦊🦊', 2), '🦊…');
    assert.equal(text.cut('abc', 3), 'abc');
    assert.equal(text.cut(null, 3), '');
});

test('a part is a percentage only of a whole that is known', () => {
    assert.equal(text.percent(1, 3), 33);
    assert.equal(text.percent(5, 3), 100);
    assert.equal(text.percent(5, null), null);
    assert.equal(text.percent(5, 0), null);
});
