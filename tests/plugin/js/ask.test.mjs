// The edge between the pages and the firewall: what a page is told of an answer that is none, and of a refusal.
import assert from 'node:assert/strict';
import test from 'node:test';

const ask = await import('../../../opnsense-plugin/src/opnsense/www/js/hearth/ask.js');

/** What the core's ajaxCall hands on: JSON, or the request itself. */
async function answer(data, status) {
    globalThis.ajaxCall = (url, sent, then) => then(data, status);
    return ask.post('service/reconfigure');
}

test('who may not change something is told so, and who is logged out to log in', async () => {
    const page = (text) => ({status: 200, responseText: `<!doctype html>\n<html>${text}</html>`});
    assert.equal((await answer(page('<nav>Lobby</nav>'), 'parsererror')).state, 'denied');
    assert.equal((await answer({status: 403, responseText: ''}, 'error')).state, 'denied');
    const out = await answer(page('<input name="usernamefld">'), 'parsererror');
    assert.equal(out.state, 'failed');
    assert.match(out.error, /logged out/);
    assert.equal((await answer({status: 0, responseText: ''}, 'error')).state, 'failed');
    assert.deepEqual(await answer({status: 'ok'}, 'success'), {status: 'ok'});
});

test('a start that was refused is told with what the agent said', () => {
    assert.equal(ask.refusal({status: 'ok', running: true, response: 'OK'}), null);
    assert.equal(ask.refusal({status: 'failed', status_msg: 'The agent does not start.', details: 'port 69 is taken by 17'}),
        'The agent does not start.\nport 69 is taken by 17');
    assert.equal(ask.refusal({error: 'You may look.', state: 'denied'}), 'You may look.');
});

test('a command of a row works with every grid of the core', () => {
    const seen = [], clicked = {};
    const button = {off: () => button, on: (event, then) => Object.assign(clicked, {[event]: then})};
    const made = ask.command((row) => seen.push(row), {title: 'Fetch', sequence: 10});
    assert.deepEqual([made.title, made.sequence, made.method], ['Fetch', 10, undefined]);
    made.onRendered.call(button, {getData: () => ({name: 'a &amp; b'})});
    clicked.click({stopPropagation() {}});
    assert.deepEqual(seen, [{name: 'a & b'}]);
});

test('what is asked for many times at once is done once', async () => {
    let times = 0;
    const work = ask.debounced(() => times += 1, 5);
    [1, 2, 3].forEach(work);
    assert.equal(times, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(times, 1);
});
