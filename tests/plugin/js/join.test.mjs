// What Omni shows to join machines, in every form in which it can be copied.
import assert from 'node:assert/strict';
import test from 'node:test';

import {USUAL, join} from '../../../opnsense-plugin/src/opnsense/www/js/hearth/join.js';

const API = 'https://example.omni.siderolabs.io';
const TOKEN = 'w7uVuW3zbVKIYQuzEcyetAHeYMeo5q2L9RvkAVfCfSCD';
const ARGUMENTS = `siderolink.api=${API}?jointoken=${TOKEN} talos.events.sink=[fdae:41e4:649b:9303::1]:8090 ` +
    'talos.logging.kernel=tcp://[fdae:41e4:649b:9303::1]:8092';

test('kernel arguments', () => {
    const found = {api: API, token: TOKEN, ...USUAL, assumed: []};
    assert.deepEqual(join(ARGUMENTS), found);
    assert.deepEqual(join(`\u200b "${ARGUMENTS.replaceAll(' ', '\n')}" `), found);
    assert.deepEqual(join(ARGUMENTS.split(' ').map((one) => `'${one}',`).join('\r\n')), found);
    assert.deepEqual(join(`console=tty0 ${ARGUMENTS} panic=0`), found);
});

test('a link alone, with what is usual in place of what it does not say', () => {
    assert.deepEqual(join(`${API}/?jointoken=${TOKEN}`), {api: API, token: TOKEN, ...USUAL, assumed: ['events', 'logs']});
    assert.equal(join(`Join link: ${API}?jointoken=${TOKEN}`).token, TOKEN);
});

test('an Omni of one\'s own keeps its port, its path and what else its link says', () => {
    const found = join('siderolink.api=grpc://192.168.1.9:8090/omni?jointoken=a+b/c==&grpc_tunnel=true ' +
        'talos.events.sink=[fd00::1]:9');
    assert.equal(found.api, 'grpc://192.168.1.9:8090/omni?grpc_tunnel=true');
    assert.equal(found.token, 'a+b/c==');
    assert.equal(found.events, '[fd00::1]:9');
    assert.deepEqual(found.assumed, ['logs']);
});

test('a machine configuration', () => {
    const text = `apiVersion: v1alpha1
kind: SideroLinkConfig
apiUrl: ${API}?jointoken=${TOKEN}
---
apiVersion: v1alpha1
kind: EventSinkConfig
endpoint: '[fdae:41e4:649b:9303::1]:8090'
---
apiVersion: v1alpha1
kind: KmsgLogConfig
name: omni-kmsg
url: "tcp://[fdae:41e4:649b:9303::1]:8092"
`;
    assert.deepEqual(join(text), {api: API, token: TOKEN, ...USUAL, assumed: []});
});

test('what is none is told in a sentence', () => {
    assert.match(join('').error, /Paste/);
    assert.match(join(null).error, /Paste/);
    assert.match(join('hello').error, /no join link/);
    assert.match(join(API).error, /no join link/);
    assert.match(join(`siderolink.api=${API}`).error, /no join token/);
    assert.match(join(`siderolink.api=ftp://x?jointoken=${TOKEN}`).error, /no address of an Omni/);
    assert.match(join(`${API}?jointoken=`).error, /no join token/);
    assert.match(join(`${API}?jointoken=${'x'.repeat(2000)}`).error, /more than 1024/);
    assert.ok(join(`<script>https://x/?jointoken=1</script>`).token);
});
