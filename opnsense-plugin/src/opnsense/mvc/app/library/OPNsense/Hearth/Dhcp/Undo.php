<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

use DOMElement;
use DOMNode;

/**
 * Takes back what was changed between two states of an element, in a third state of it.
 *
 * When nobody has changed the element since, the result is the first state to the byte. Otherwise
 * everything of Hearth's goes back to what it was, and what somebody else has changed stays.
 */
class Undo
{
    /** Attributes that the models keep for themselves. */
    private const STAMP = 'persisted_at';

    /**
     * @param DOMElement $now as it is; it is changed in place or replaced
     * @param DOMElement $before as it was before Hearth's change
     * @param DOMElement $after as Hearth left it
     */
    public static function apply(DOMElement $now, DOMElement $before, DOMElement $after): void
    {
        if ($now->C14N() === $after->C14N()) {
            $now->parentNode->replaceChild($now->ownerDocument->importNode($before, true), $now);
            return;
        }
        self::merge($now, $before, $after);
        self::forget($now, array_diff(self::uuids($after), self::uuids($before)));
        if ($now->hasAttribute(self::STAMP)) {
            /* what the models cache is known by this stamp */
            $now->setAttribute(self::STAMP, sprintf('%0.2f', microtime(true)));
        }
    }

    private static function merge(DOMElement $now, DOMElement $before, DOMElement $after): void
    {
        $old = self::children($before);
        $new = self::children($after);
        $is = self::children($now);
        foreach ($new as $key => $child) {
            $there = $is[$key] ?? null;
            if ($there === null) {
                continue;
            } elseif (!isset($old[$key])) {
                if ($there->hasAttribute('uuid') || $there->C14N() === $child->C14N()) {
                    $now->removeChild($there);
                }
            } elseif ($old[$key]->C14N() !== $child->C14N()) {
                self::element($there, $old[$key], $child);
            }
        }
        $previous = null;
        foreach ($old as $key => $child) {
            if (!isset($new[$key]) && !isset($is[$key])) {
                $place = $previous === null ? $now->firstChild : ($is[$previous] ?? null)?->nextSibling;
                $is[$key] = $now->insertBefore($now->ownerDocument->importNode($child, true), $place);
            }
            $previous = isset($is[$key]) && $is[$key]->parentNode === $now ? $key : $previous;
        }
    }

    /** @return array uuids of all rows in an element */
    private static function uuids(DOMElement $element): array
    {
        $found = [];
        foreach ($element->getElementsByTagName('*') as $node) {
            if ($node->hasAttribute('uuid')) {
                $found[] = $node->getAttribute('uuid');
            }
        }
        return $found;
    }

    /** Takes rows that are gone out of lists in which somebody else has named them meanwhile. */
    private static function forget(DOMElement $now, array $uuids): void
    {
        foreach ($now->getElementsByTagName('*') as $node) {
            $list = explode(',', $node->textContent);
            if (!$node->firstElementChild && array_intersect($list, $uuids) !== []) {
                $node->textContent = implode(',', array_diff($list, $uuids));
            }
        }
    }

    private static function element(DOMElement $now, DOMElement $before, DOMElement $after): void
    {
        if ($now->C14N() === $after->C14N()) {
            $now->parentNode->replaceChild($now->ownerDocument->importNode($before, true), $now);
        } elseif (self::children($now) !== [] || self::children($after) !== []) {
            self::merge($now, $before, $after);
        } elseif (str_contains($after->textContent, ',') || str_contains($now->textContent, ',')) {
            $now->textContent = self::list($now->textContent, $before->textContent, $after->textContent);
        }
    }

    /** A list of references: without what was added, with what was taken out. */
    private static function list(string $now, string $before, string $after): string
    {
        [$now, $before, $after] = array_map(fn ($list) => array_filter(explode(',', $list)), [$now, $before, $after]);
        $kept = array_diff($now, array_diff($after, $before));
        return implode(',', array_merge($kept, array_diff($before, $after, $kept)));
    }

    /**
     * Children by what they are known by: uuid, MAC, range, or their number among those of one name.
     */
    private static function children(DOMElement $element): array
    {
        $found = [];
        $count = [];
        foreach ($element->childNodes as $child) {
            if ($child instanceof DOMElement) {
                $at = $count[$child->nodeName] = ($count[$child->nodeName] ?? -1) + 1;
                $key = $child->nodeName . ' ' . (self::identity($child) ?? $at);
                $found[isset($found[$key]) ? "$key $at" : $key] = $child;
            }
        }
        return $found;
    }

    private static function identity(DOMElement $element): ?string
    {
        if ($element->hasAttribute('uuid')) {
            return $element->getAttribute('uuid');
        }
        foreach (['staticmap' => 'mac', 'pool' => 'range', 'item' => 'number'] as $name => $child) {
            if ($element->nodeName == $name) {
                foreach ($element->childNodes as $node) {
                    if ($node->nodeName == $child) {
                        return self::text($node);
                    }
                }
            }
        }
        return null;
    }

    private static function text(DOMNode $node): string
    {
        return $node->firstChild instanceof DOMElement ? self::text($node->firstChild) : $node->textContent;
    }
}
