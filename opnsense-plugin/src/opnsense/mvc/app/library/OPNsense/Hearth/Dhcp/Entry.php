<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * The entries of a plan, in one form for all servers: a row of the table, and a conflict.
 */
class Entry
{
    /** Rows that are Hearth's begin their description with this. */
    public const MARK = 'Hearth: ';

    /** Tags of Dnsmasq begin with this: up to 26.1 they have letters, digits and this sign only. */
    private const TAG = 'Hearth$';

    /**
     * @param string $field what the server's page calls it
     * @param string $is the value that is there, empty for none
     * @param string $should the value that has to be there, empty for none
     * @param string $why the reason, for people
     * @return array a row
     */
    public static function row(string $field, string $is, string $should, string $why): array
    {
        $state = 'change';
        if ($is === $should) {
            $state = 'ok';
        } elseif ($is === '') {
            $state = 'add';
        } elseif ($should === '') {
            $state = 'remove';
        }
        return ['field' => $field, 'is' => $is, 'should' => $should, 'why' => $why, 'state' => $state];
    }

    /**
     * @param string $code what kind of conflict
     * @param string $level `blocker` (nothing can be applied here), `warning` or `note`
     * @param string $place where it is, unique among those of the kind
     * @param string $text what it does
     * @param string $remedy what a person can do
     * @param array $fix changes that repair it; empty when that is not safe
     * @return array a conflict
     */
    public static function conflict(
        string $code,
        string $level,
        string $place,
        string $text,
        string $remedy,
        array $fix = []
    ): array {
        return [
            'id' => substr(hash('sha256', $code . "\0" . $place), 0, 12),
            'code' => $code,
            'level' => $level,
            'place' => $place,
            'text' => $text,
            'remedy' => $remedy,
            'repairable' => $fix !== [],
            'fix' => $fix,
        ];
    }

    /**
     * @param string $path where the value is, in the words of the writer
     * @param string|null $value what has to be there, null for nothing
     * @return array a change
     */
    public static function set(string $path, ?string $value): array
    {
        return ['do' => 'set', 'path' => $path, 'value' => $value];
    }

    /**
     * @param string $list which list of the model
     * @param array $values fields of the new row
     * @return array a change
     */
    public static function add(string $list, array $values): array
    {
        return ['do' => 'add', 'list' => $list, 'values' => $values];
    }

    /**
     * @param string $list which list of the model
     * @param string $uuid which row
     * @return array a change
     */
    public static function delete(string $list, string $uuid): array
    {
        return ['do' => 'delete', 'list' => $list, 'uuid' => $uuid];
    }

    /**
     * @param string $path where a list of references is
     * @param string $one what to take out of it
     * @return array a change
     */
    public static function take(string $path, string $one): array
    {
        return ['do' => 'take', 'path' => $path, 'one' => $one];
    }

    /**
     * @param string|null $text description of a row, or name of a tag
     * @return bool whether Hearth made it
     */
    public static function isOurs(?string $text): bool
    {
        return str_starts_with((string)$text, self::MARK) || str_starts_with((string)$text, self::TAG);
    }

    /**
     * @param string $name `x86_64-http`
     * @return string the tag of Dnsmasq
     */
    public static function tag(string $name): string
    {
        return self::TAG . preg_replace('/[^0-9A-Za-z]/', '', $name);
    }
}
