/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What Omni shows to join machines, taken apart: its kernel arguments, its join link alone, or its
 * machine configuration (the documents SideroLinkConfig, EventSinkConfig, KmsgLogConfig).
 */

/** A join token is longer nowhere. */
const MOST = 1024;

/** What every Omni hands out where nothing else is said (its SideroLink network is fixed). */
export const USUAL = {events: '[fdae:41e4:649b:9303::1]:8090', logs: 'tcp://[fdae:41e4:649b:9303::1]:8092'};

/**
 * `{api, token, events, logs, assumed}` of a pasted text, or `{error}` with a sentence.
 * `assumed` names what was not in the text and is as usual.
 */
export function join(pasted) {
    const text = String(pasted ?? '').replace(/[\u200b\ufeff]/g, '').trim();
    if (text === '') {
        return {error: 'Paste what Omni shows under "Copy Kernel Parameters" or "Join Token".'};
    }
    const found = ofArguments(text) ?? ofDocuments(text) ?? ofLink(text);
    if (!found) {
        return {error: 'There is no join link in this: it begins with https:// or grpc:// and has jointoken= in it.'};
    }
    return whole(found);
}

/** `siderolink.api=... talos.events.sink=... talos.logging.kernel=...`, quoted or not. */
function ofArguments(text) {
    const words = text.split(/\s+/).map((word) => word.replace(/^["'`-]+|["'`,]+$/g, ''));
    const value = (key) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1)
        .replace(/^["']|["']$/g, '');
    const link = value('siderolink.api');
    return link && {link, events: value('talos.events.sink'), logs: value('talos.logging.kernel')};
}

/** `apiUrl: ...` and its neighbours. */
function ofDocuments(text) {
    const after = (kind, key) => {
        const document = text.split(/^---\s*$/m).find((one) => new RegExp(`^kind:\\s*${kind}\\s*$`, 'm').test(one));
        const line = document?.match(new RegExp(`^${key}:\\s*(.+?)\\s*$`, 'm'));
        return line?.[1].replace(/^(["'])(.*)\1$/, '$2');
    };
    const link = after('SideroLinkConfig', 'apiUrl');
    return link && {link, events: after('EventSinkConfig', 'endpoint'), logs: after('KmsgLogConfig', 'url')};
}

function ofLink(text) {
    const link = text.match(/\b(?:https|grpc):\/\/[^\s"'`<>]+/)?.[0];
    return link?.includes('jointoken=') ? {link} : null;
}

function whole({link, events, logs}) {
    const parts = link.match(/^((?:https|grpc):\/\/[^/?#\s]+)(\/[^?#]*)?(?:\?([^#]*))?/);
    if (!parts) {
        return {error: `"${link}" is no address of an Omni: it begins with https:// or grpc://.`};
    }
    // As it stands: the token may have signs that a form would read as something else.
    const pairs = (parts[3] ?? '').split('&').filter(Boolean);
    const token = pairs.find((pair) => pair.startsWith('jointoken='))?.slice('jointoken='.length);
    if (!token) {
        return {error: 'The link has no join token (jointoken=...). Copy it again from Omni, to its end.'};
    }
    if (token.length > MOST) {
        return {error: `The join token has more than ${MOST} characters. Copy it again from Omni.`};
    }
    const others = pairs.filter((pair) => !pair.startsWith('jointoken='));
    const path = parts[2] && parts[2] !== '/' ? parts[2] : '';
    return {
        api: parts[1] + path + (others.length ? `?${others.join('&')}` : ''), token,
        events: events || USUAL.events, logs: logs || USUAL.logs,
        assumed: [events ? null : 'events', logs ? null : 'logs'].filter(Boolean),
    };
}
