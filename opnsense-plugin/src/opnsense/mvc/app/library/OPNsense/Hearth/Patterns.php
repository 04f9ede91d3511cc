<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

/**
 * The patterns of policies, one a line, read as the agent reads them (docs/policies.md), so that a mistake is told
 * at its field. Needs nothing of OPNsense: a test holds every answer against the agent's own.
 */
class Patterns
{
    /**
     * Bytes of a pattern.
     */
    private const MOST = 128;

    /**
     * How numbers in hexadecimal groups are written: digits of each group, and what may stand between.
     */
    private const DIGITS = [
        'mac' => [[[2, 2, 2, 2, 2, 2], ':-'], [[4, 4, 4], '.'], [[12], '']],
        'smbios_uuid' => [[[8, 4, 4, 4, 12], '-'], [[32], '']],
        'nic' => [[[4, 4], ':']],
        'busid' => [[[2, 2, 2, 2, 2], ':'], [[10], '']],
    ];
    private const UNITS = [
        'B' => 1, 'kB' => 1e3, 'KB' => 1e3, 'MB' => 1e6, 'GB' => 1e9, 'TB' => 1e12,
        'KiB' => 1 << 10, 'MiB' => 1 << 20, 'GiB' => 1 << 30, 'TiB' => 1 << 40,
    ];

    /**
     * @param string $field of a policy
     * @param string $pattern a line of it
     * @return string|null what is wrong with it, as a sentence with the remedy
     */
    public static function fault(string $field, string $pattern): ?string
    {
        $acting = '/[\p{Cc}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}\x{61c}]/u';
        if (strlen($pattern) > self::MOST || preg_match($acting, $pattern) !== 0) {
            return sprintf(gettext('A line has at most %d bytes and no control characters.'), self::MOST);
        }
        $wanted = trim($pattern);
        if (strpos($wanted, '!') === 0) {
            $wanted = ltrim(substr($wanted, 1));
            if ($wanted === '' || $wanted[0] === '!') {
                return gettext('Behind one ! stands what is left out, such as !IBM*.');
            }
        }
        if ($wanted === '*') {
            return null;
        }
        $texts = [
            'memory' => gettext('"%s" is no comparison with a size. Write >= 16 GiB, < 8 GiB or 8 GiB..64 GiB.'),
            'mac' => gettext('"%s" is no MAC address or its beginning. Write 5c:f3:fc:01:02:03 or 5c:f3:fc:*.'),
            'smbios_uuid' => gettext('"%s" is no UUID or its beginning. Write all of its digits, or 4c4c4544-*.'),
            'nic' => gettext('"%s" is no PCI id or a vendor. Write 14e4:1639 or 14e4:*.'),
            'busid' => gettext('"%s" is no bus id or its beginning. Write 01:14:e4:16:39 or 01:14:e4:*.'),
            'ip' => gettext('"%s" is no address, network or range. ' .
                'Write 192.168.1.7, 192.168.1.0/24 or 192.168.1.10..192.168.1.50.'),
            'subnet' => gettext('"%s" is no network. Write its first address and its bits, such as 192.168.1.0/24.'),
        ];
        if ($field === 'memory') {
            $fits = self::isSize($wanted);
        } elseif ($field === 'ip') {
            $fits = self::isAddresses($wanted);
        } elseif ($field === 'subnet') {
            $fits = self::isNetwork($wanted);
        } elseif (isset(self::DIGITS[$field])) {
            $fits = self::isDigits($wanted, self::DIGITS[$field]);
        } elseif (preg_match('/^(?:[^\\\\]|\\\\[*?!\\\\])*$/Ds', $wanted)) {
            return null;
        } else {
            return gettext('A backslash makes the *, ?, ! or \ behind it a plain character. Write two for one.');
        }
        return $fits ? null : sprintf($texts[$field], $wanted);
    }

    private static function isSize(string $wanted): bool
    {
        $bytes = function (string $text): ?float {
            $units = implode('|', array_keys(self::UNITS));
            if (!preg_match("/^([0-9]+) ?({$units})\$/D", trim($text), $part)) {
                return null;
            }
            $result = (float)$part[1] * self::UNITS[$part[2]];
            return $result < 2 ** 64 ? $result : null;
        };
        if (strpos($wanted, '..') !== false) {
            [$low, $high] = array_map($bytes, explode('..', $wanted, 2));
            return $low !== null && $high !== null && $low <= $high;
        }
        preg_match('/^(>=|<=|>|<|=|)(.*)$/Ds', $wanted, $part);
        $size = $bytes($part[2]);
        return $size !== null && ($part[1] !== '<' || $size > 0);
    }

    /**
     * @return string|null the bytes of an address; one of IPv4 in IPv6's form is IPv4
     */
    private static function address(string $text): ?string
    {
        $bytes = filter_var($text, FILTER_VALIDATE_IP) === false ? '' : inet_pton($text);
        $mapped = str_repeat("\0", 10) . "\xff\xff";
        return $bytes === '' ? null : (strpos($bytes, $mapped) === 0 ? substr($bytes, 12) : $bytes);
    }

    private static function isAddresses(string $wanted): bool
    {
        if (strpos($wanted, '..') !== false) {
            [$first, $last] = array_map(fn($end) => self::address(trim($end)), explode('..', $wanted, 2));
            return $first !== null && $last !== null && strlen($first) === strlen($last) && $first <= $last;
        } elseif (strpos($wanted, '/') !== false) {
            return self::isNetwork($wanted);
        } elseif (strpos($wanted, '*') !== false) {
            return preg_match('/^([0-9]{1,9}(?:\.[0-9]{1,9}){0,2})(?:\.\*)+$/D', $wanted, $part) === 1
                && substr_count($wanted, '.') <= 3 && max(array_map('intval', explode('.', $part[1]))) <= 255;
        }
        return self::address($wanted) !== null;
    }

    private static function isNetwork(string $wanted): bool
    {
        if (!preg_match('/^([^\/]+)\/([0-9]{1,9})$/D', $wanted, $part)) {
            return false;
        }
        $base = filter_var($part[1], FILTER_VALIDATE_IP) === false ? '' : inet_pton($part[1]);
        $bits = (int)$part[2];
        if ($base === '' || $bits > 8 * strlen($base)) {
            return false;
        }
        /* nothing is set behind the network's own bits */
        $open = '';
        foreach (str_split($base) as $byte) {
            $open .= sprintf('%08b', ord($byte));
        }
        return strpos(substr($open, $bits), '1') === false;
    }

    /**
     * Hexadecimal digits in groups: `?` is an open one, one `*` any number of them, and whole groups that are missing
     * at the end are open too.
     */
    private static function isDigits(string $wanted, array $layouts): bool
    {
        $parts = explode('*', strtolower($wanted));
        if (count($parts) > 2 || !preg_match('/^[0-9a-f?*:.-]*$/D', $parts[0] . ($parts[1] ?? ''))) {
            return false;
        }
        $separator = preg_match('/[:.-]/', $wanted, $found) ? $found[0] : '';
        $groups = null;
        foreach ($layouts as [$lengths, $between]) {
            if ($groups === null && ($separator === '' || strpos($between, $separator) !== false)) {
                $groups = $lengths;
            }
        }
        if ($groups === null) {
            return false;
        }
        $total = array_sum($groups);
        $groups = $separator === '' ? [$total] : $groups;
        $split = fn($text) => $separator === '' ? [$text] : explode($separator, $text);
        $starred = count($parts) === 2;
        $before = self::fitting($split($parts[0]), $groups, $starred || $separator === '');
        $after = 0;
        if ($starred && $parts[1] !== '') {
            $after = self::fitting(array_reverse($split($parts[1])), array_reverse($groups), true);
        }
        if ($before === null || $after === null || $before + $after > $total) {
            return false;
        }
        /* half a byte without a sign that more follows is a slip */
        return $starred || ($before > 0 && ($separator !== '' || ($total - $before) % 2 === 0));
    }

    /**
     * @return int|null how many digits parts have that are the first of these groups; only the last part may be short,
     * where `open`, and no part may follow the last group
     */
    private static function fitting(array $parts, array $groups, bool $open): ?int
    {
        foreach ($parts as $index => $part) {
            $last = $index === count($parts) - 1;
            $length = strlen($part);
            if (preg_match('/[^0-9a-f?]/', $part) || (!isset($groups[$index]) && !($last && $length === 0))) {
                return null;
            }
            $group = $groups[$index] ?? 0;
            $short = $last && ($open || $length === 0);
            if ($short ? $length > $group : $length !== $group) {
                return null;
            }
        }
        return strlen(implode('', $parts));
    }
}
