<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

use DOMElement;

/**
 * Rows that are marked as Hearth's but are in no record.
 */
class Leftover
{
    /**
     * Removes them, references to them, and addresses of Hearth as next server beside them.
     * @param DOMElement $root of config.xml
     * @param array $situation what is set
     * @return string[] the servers that had some
     */
    public static function remove(DOMElement $root, array $situation): array
    {
        $addresses = $situation['fields'] === null ? [] : $situation['fields']->addresses();
        $servers = [];
        foreach (['kea', 'dnsmasq'] as $server) {
            $top = Record::find($root, explode('/', Writer::PATHS[$server]));
            $gone = $top === null ? [] : self::rows($top);
            if ($gone === []) {
                continue;
            }
            $servers[] = $server;
            $uuids = array_map(fn ($row) => $row->getAttribute('uuid'), $gone);
            foreach ($gone as $row) {
                $row->parentNode->removeChild($row);
            }
            foreach ($top->getElementsByTagName('*') as $node) {
                $list = explode(',', $node->textContent);
                if ($node->firstElementChild === null && array_intersect($list, $uuids) !== []) {
                    $node->textContent = implode(',', array_diff($list, $uuids));
                    $next = Record::find($node->parentNode, ['next_server']);
                    if ($next !== null && in_array($next->textContent, $addresses, true)) {
                        $next->textContent = '';
                    }
                }
            }
            if ($top->hasAttribute('persisted_at')) {
                $top->setAttribute('persisted_at', sprintf('%0.2f', microtime(true)));
            }
        }
        return $servers;
    }

    /** @return DOMElement[] */
    private static function rows(DOMElement $top): array
    {
        $found = [];
        foreach ($top->getElementsByTagName('*') as $node) {
            foreach ($node->hasAttribute('uuid') ? ['description', 'tag'] : [] as $name) {
                $text = Record::find($node, [$name])?->textContent;
                if ($text !== null && Entry::isOurs($text)) {
                    $found[] = $node;
                    break;
                }
            }
        }
        return $found;
    }
}
