// The timeline picture: what is drawn, in which place, and that nothing a machine says becomes markup.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';

import {picture, scale, steps, summary, wrapped} from '../../../opnsense-plugin/src/opnsense/www/js/hearth/timeline.js';

/** What the agent told of a Dell whose initrd broke off. */
const recorded = JSON.parse(fs.readFileSync(new URL('cut-off.json', import.meta.url), 'utf8'));
let seq = 100;
const event = (offset, more) => ({seq: seq += 1, at: 1796000000000 + offset, offset, stage: null, text: 'something', ...more});
const sent = (offset, seconds, bytes, more = {}) => event(offset,
    {kind: 'transfer', via: 'http', name: 'a/kernel', bytes, size: bytes, seconds, outcome: 'done', stage: 'images', ...more});
const boot = (...events) => ({began: 1796000000000, ended: 1796000000000 + events[events.length - 1].offset, events});
const count = (text, part) => text.split(part).length - 1;

test('a recorded boot: a bar for each transfer, the failing step marked, the finding below it', () => {
    const [last] = recorded.boots.slice(-1), svg = picture(last, recorded.findings, {width: 720});
    const transfers = last.events.filter((one) => one.kind === 'transfer');
    assert.equal(count(svg, 'class="hearth-bar"'), transfers.length);
    assert.equal(count(svg, 'class="hearth-dot"'), last.events.length - transfers.length);
    const failed = recorded.findings.filter((one) => one.severity === 'error');
    assert.ok(failed.length > 0);
    assert.equal(count(svg, 'class="hearth-mark"'), failed.length);
    assert.match(svg, /broke off/);
    assert.match(svg, /class="hearth-figures"[^>]*>8\.2 MB, [\d.]+ [kM]B\/s</);
    assert.match(svg, /<svg[^>]* role="img"[^>]* aria-labelledby="hearth-timeline-title hearth-timeline-text"/);
    assert.match(svg, /<desc[^>]*>Boot of .* It failed: .*initrd\.gz broke off/);
});

test('whatever a machine says is text', () => {
    const evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'&';
    const one = boot(event(0, {kind: evil, text: evil, stage: evil}),
        sent(1000, 1, 5000, {name: evil}), event(1100, {kind: 'transfer', via: evil, name: evil, outcome: 'refused', reason: evil, seconds: 0}));
    const svg = picture(one, [{severity: 'error', sentence: evil, remedy: evil, evidence: [one.events[1].seq]}], {id: evil});
    assert.ok(!/<(script|img)/.test(svg), svg);
    const tags = svg.replace(/"[^"<>]*"/g, '""').match(/<[^>]*>/g);
    assert.ok(tags.every((tag) => /^<\/?(svg|title|desc|g|rect|line|text|circle|path)\b[^<]*>$/.test(tag)), tags.join('\n'));
    assert.ok(!/on\w+=/.test(tags.join('')));
});

test('a bar begins where its transfer began, and its place grows with time', () => {
    const rows = steps(boot(event(0, {kind: 'dhcp'}), sent(4000, 3, 9e6), sent(9000, 5, 9e6)));
    assert.deepEqual(rows.map((row) => [row.start, row.end]), [[0, 0], [1000, 4000], [4000, 9000]]);
    const {x, breaks} = scale(rows, 20, 700);
    assert.equal(breaks.length, 0);
    assert.ok(x(0) >= 20 && x(9000) <= 700.01);
    for (let ms = 0; ms < 9000; ms += 500) {
        assert.ok(x(ms) < x(ms + 500));
    }
});

test('a boot whose first event is a transfer begins when that began', () => {
    assert.deepEqual(steps(boot(sent(0, 2, 9e6), event(500, {kind: 'script'}))).map((row) => [row.start, row.end]), [[0, 2000], [2500, 2500]]);
});

test('long silence is cut out, told, and leaves room for what happened', () => {
    const rows = steps(boot(sent(5000, 5, 1e6), event(905000, {kind: 'phase', to: 'failed'})));
    const {x, breaks} = scale(rows, 0, 600);
    assert.equal(breaks.length, 1);
    assert.equal(breaks[0].ms, 900000);
    assert.ok(x(5000) > 300, `${x(5000)}`);
    assert.match(picture(boot(sent(5000, 5, 1e6), event(905000, {kind: 'phase', to: 'failed'}))), /15 min in which nothing happened/);
});

test('each silence is told above its gap, and no time of the axis stands in it', () => {
    const moments = [0, 3700, 7100, 15500, 19100, 25200, 68400, 68500];
    const told = (svg, kind) => [...svg.matchAll(new RegExp(`<text class="hearth-${kind}" x="([\\d.]+)"[^>]*>([^<]*)<`, 'g'))];
    for (const width of [350, 480, 720]) {
        const svg = picture(boot(...moments.map((at) => event(at, {kind: 'phase'}))), [], {width});
        const silences = told(svg, 'silence');
        assert.deepEqual(silences.map((one) => one[2]), ['8.4 s', '43.2 s'], `${width}`);
        for (const time of told(svg, 'axis')) {
            assert.ok(silences.every((one) => Math.abs(one[1] - time[1]) > 40), `${width}: ${time[2]}`);
        }
    }
});

test('questions for a size go with the transfer, lines of a log go together', () => {
    const rows = steps(boot(event(0, {kind: 'transfer', via: 'tftp', name: 'x.efi', outcome: 'probe', seconds: 0}),
        sent(500, 0.4, 1e5, {name: 'x.efi'}),
        ...[1, 2, 3].map((one) => event(1000 * one, {kind: 'report', report: 'log', text: `installer: step ${one}`}))));
    assert.equal(rows.length, 2);
    assert.equal(rows[1].label, "3 lines of the installer's log, the last: step 3");
    assert.match(rows[1].full, /step 1[^]*step 3/);
});

test('of very many steps the middle is left out, and never what failed', () => {
    const events = Array.from({length: 500}, (_, number) => event(number * 10, {kind: 'phase', to: 'ready', text: `step ${number}`}));
    const found = [{severity: 'error', sentence: 'It stopped.', evidence: [events[250].seq]}];
    const rows = steps(boot(...events), found);
    assert.ok(rows.length <= 82);
    assert.equal(rows.filter((row) => row.finding).length, 1);
    assert.ok(rows.some((row) => /^420 steps left out here/.test(row.label)), rows.find((row) => /left out/.test(row.label))?.label);
});

test('it fits any width, and needs no events', () => {
    for (const width of [100, 320, 370, 720, 2400]) {
        const svg = picture(recorded.boots[0], recorded.findings, {width});
        assert.match(svg, new RegExp(`width="${width}"`));
        const right = [...svg.matchAll(/class="hearth-bar" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map((one) => Number(one[1]) + Number(one[2]));
        assert.ok(right.every((one) => one <= Math.max(width, 108)), `${width}: ${right}`);
        assert.ok(!/NaN|undefined|Infinity/.test(svg));
    }
    assert.match(picture({began: 1, ended: 1, events: []}), /<svg/);
    assert.match(picture(boot(event(0, {kind: 'transfer', outcome: 'failed', name: 'x', bytes: 0, size: null, seconds: 0}))), /broke off/);
});

test('those who do not see it are told in a sentence', () => {
    assert.match(summary(boot(sent(34200, 1, 1)), []), /^Boot of [-\d: ]+: 1 event in 34\.2 s, came as far as: Files\.$/);
});

test('words are put into lines', () => {
    assert.deepEqual(wrapped('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrapped('x'.repeat(9), 4), ['xxx…']);
    assert.deepEqual(wrapped('', 4), []);
});
