<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

use DOMDocument;
use DOMElement;

/**
 * What Hearth changed in the settings of others, so that it can be taken back: each element as it
 * was before and as Hearth left it.
 *
 * It is kept in config.xml and saved together with the change, so that neither is there without the
 * other: not after a crash, and not after a backup of config.xml was restored. It is no part of
 * Hearth's model, and gone when all is taken back.
 */
class Record
{
    /** Where it is, below the root of config.xml. */
    private const PLACE = ['OPNsense', 'hearthdhcp'];

    /**
     * @param DOMElement $root of config.xml
     * @return array|null phase (`begun`, `done`), time, interfaces, repairs, nodes, files, servers
     */
    public static function load(DOMElement $root): ?array
    {
        $place = self::find($root, self::PLACE);
        $packed = $place === null ? false : base64_decode($place->textContent, true);
        $text = $packed === false ? false : @gzinflate($packed, 64 << 20);
        $record = $text === false ? null : json_decode($text, true);
        if ($place !== null && !is_array($record)) {
            throw new \RuntimeException(
                gettext('What Hearth wrote down of the DHCP servers (OPNsense/hearthdhcp in config.xml) cannot be ' .
                    'read. Restore a backup of the configuration from before it was damaged.')
            );
        }
        return $record;
    }

    /**
     * @param DOMElement $root of config.xml
     * @param array|null $record what to keep, null to forget all
     */
    public static function store(DOMElement $root, ?array $record): void
    {
        $place = self::find($root, self::PLACE);
        if ($record === null) {
            $place?->parentNode->removeChild($place);
            return;
        }
        if ($place === null) {
            $above = self::find($root, [self::PLACE[0]]);
            $place = $above->appendChild($root->ownerDocument->createElement(self::PLACE[1]));
        }
        $place->textContent = base64_encode(gzdeflate(json_encode($record, JSON_THROW_ON_ERROR), 9));
    }

    /**
     * @param DOMElement $root of config.xml
     * @param string[] $path names from below the root
     * @return DOMElement|null the first such element
     */
    public static function find(DOMElement $root, array $path): ?DOMElement
    {
        $node = $root;
        foreach ($path as $name) {
            $next = null;
            foreach ($node->childNodes as $child) {
                if ($child instanceof DOMElement && $child->nodeName == $name) {
                    $next = $child;
                    break;
                }
            }
            if ($next === null) {
                return null;
            }
            $node = $next;
        }
        return $node;
    }

    /**
     * @param DOMElement $root of config.xml
     * @param string $path `OPNsense/Kea/dhcp4`
     * @return string|null the element as text, null when there is none
     */
    public static function text(DOMElement $root, string $path): ?string
    {
        $node = self::find($root, explode('/', $path));
        return $node === null ? null : $node->ownerDocument->saveXML($node);
    }

    /**
     * @param string $text what text() gave
     * @return DOMElement it, in a document of its own
     */
    public static function parse(string $text): DOMElement
    {
        $document = new DOMDocument();
        $document->preserveWhiteSpace = false;
        $document->loadXML($text, LIBXML_NONET | LIBXML_PARSEHUGE);
        return $document->documentElement;
    }

    /**
     * Takes back in the configuration what the record says.
     * @param DOMElement $root of config.xml
     * @param array $record a record
     */
    public static function undo(DOMElement $root, array $record): void
    {
        foreach ($record['nodes'] as $path => $node) {
            $now = self::find($root, explode('/', $path));
            if ($now !== null) {
                Undo::apply($now, self::parse($node['before']), self::parse($node['after']));
            }
        }
    }

    /**
     * What the record has to say when somebody else has saved since: their change is then part of
     * what was there before, and of what Hearth left.
     * @param DOMElement $root of config.xml
     * @param array $record a record
     * @return array the record over what is there now
     */
    public static function rebase(DOMElement $root, array $record): array
    {
        foreach ($record['nodes'] as $path => $node) {
            $text = self::text($root, $path);
            if ($text !== null) {
                $holder = new DOMDocument();
                $top = $holder->appendChild($holder->createElement('top'));
                $now = $top->appendChild($holder->importNode(self::parse($text), true));
                Undo::apply($now, self::parse($node['before']), self::parse($node['after']));
                $record['nodes'][$path]['before'] = $holder->saveXML($top->firstChild);
            }
        }
        return $record;
    }
}
