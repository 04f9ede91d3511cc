<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * The plan for Kea: rows of "DHCP options", each sent to clients whose option equals a value, and
 * in each subnet the address and the list of these rows.
 *
 * Of two rows that match one client the last in the subnet's list wins, both as option data with client
 * classes (26.1.5 to 26.7.1) and with the hook libdhcp_flex_option (since 26.7.2). iPXE names an
 * architecture as well, so its row is the last, and Hearth's rows are behind those of others.
 */
class Kea
{
    private const OPTIONS = 'options.option';

    /**
     * @param array $kea what is set, see Situation
     * @param array $sites what machines behind each interface are told, with `networks`, by name
     * @return array plan by interface, and changes of both steps
     */
    public static function plan(array $kea, array $sites): array
    {
        $result = ['interfaces' => [], 'rows' => [], 'references' => []];
        $blockers = self::blockers($kea);
        if ($blockers !== []) {
            $blocked = ['rows' => [], 'conflicts' => $blockers];
            return ['interfaces' => array_map(fn () => $blocked, $sites)] + $result;
        }
        $should = [];
        $lists = [];
        foreach ($sites as $name => $site) {
            $rows = self::rows($site);
            $should += $rows;
            $part = self::interface($kea, $site, $rows);
            $result['interfaces'][$name] = ['rows' => $part['rows'], 'conflicts' => $part['conflicts']];
            $result['rows'] = array_merge($result['rows'], $part['changes']);
            $lists += $part['lists'];
        }
        $there = self::own($kea['options']);
        foreach ($kea['options'] as $uuid => $option) {
            $same = self::isSame($option, $should[$option['description']] ?? []);
            if (Entry::isOurs($option['description']) && !($same && $there[$option['description']] == $uuid)) {
                /* a row can only go when nothing refers to it */
                $result['references'][] = Entry::delete(self::OPTIONS, $uuid);
                unset($there[$option['description']]);
            }
        }
        foreach (array_diff_key($should, $there) as $row) {
            $result['rows'][] = Entry::add(self::OPTIONS, $row);
        }
        foreach ($lists as $uuid => $list) {
            $refs = array_map(fn ($one) => $there[$one] ?? $one, $list);
            if (implode(',', $refs) !== $kea['subnets'][$uuid]['option']) {
                array_unshift(
                    $result['references'],
                    Entry::set("subnets.subnet4.$uuid.option", implode(',', $refs))
                );
            }
        }
        return $result;
    }

    /** Own rows by description: uuid. */
    private static function own(array $options): array
    {
        $found = [];
        foreach ($options as $uuid => $option) {
            if (Entry::isOurs($option['description'])) {
                $found += [$option['description'] => $uuid];
            }
        }
        return $found;
    }

    private static function isSame(array $is, array $should): bool
    {
        return $should !== [] && array_intersect_key($is, $should) == $should;
    }

    /**
     * @param array $site what machines are told
     * @return array rows by description, in the order in which a subnet lists them
     */
    private static function rows(array $site): array
    {
        $ipxe = $site['ipxe'];
        $rows = [];
        foreach ($site['rows'] as $row) {
            foreach ($row['option_93'] as $value) {
                $label = sprintf('%s (%d)', $row['label'], $value);
                if (isset($row['file'])) {
                    /* some firmware reads on behind a name that does not end with a zero byte */
                    $rows[] = self::firmware($label, $value, 67, bin2hex($row['file']) . '00');
                } else {
                    $label = sprintf('%s, %s', $label, $site['address']);
                    $rows[] = self::firmware($label, $value, 67, bin2hex($row['url']));
                    $label = sprintf('%s (%d), vendor class', $row['label'], $value);
                    $rows[] = self::firmware($label, $value, 60, bin2hex('HTTPClient'));
                }
            }
        }
        $rows[] = self::ipxe($site, 'iPXE, no proxy DHCP', 175, $ipxe['option_175']);
        $rows[] = self::ipxe($site, 'iPXE', 67, bin2hex($ipxe['file']) . '00');
        return array_column($rows, null, 'description');
    }

    private static function ipxe(array $site, string $label, int $code, string $data): array
    {
        return self::option($label, $code, $data, 77, 'hex', bin2hex($site['ipxe']['option_77']));
    }

    private static function firmware(string $label, int $value, int $code, string $data): array
    {
        return self::option($label, $code, $data, 93, 'uint16', (string)$value);
    }

    private static function option(
        string $label,
        int $code,
        string $data,
        int $match,
        string $encoding,
        string $value
    ): array {
        return [
            'code' => (string)$code,
            'encoding' => 'hex',
            'data' => $data,
            'force' => '1',
            'match_code' => (string)$match,
            'match_encoding' => $encoding,
            'match_data' => $value,
            'description' => Entry::MARK . $label,
        ];
    }

    /** One interface: its subnets, what is in the way, the list that each subnet has to have. */
    private static function interface(array $kea, array $site, array $should): array
    {
        $part = ['rows' => [], 'conflicts' => [], 'changes' => [], 'lists' => []];
        $own = self::own($kea['options']);
        foreach (self::subnets($kea, $site) as $uuid => $subnet) {
            $is = array_values(array_filter(explode(',', $subnet['option'])));
            $foreign = array_values(array_filter(
                $is,
                fn ($one) => !Entry::isOurs($kea['options'][$one]['description'] ?? '')
            ));
            $list = array_merge($foreign, array_keys($should));
            $part['lists'][$uuid] = $list;
            $part['rows'][] = Entry::row(
                sprintf(gettext('%s: Next server'), $subnet['subnet']),
                $subnet['next_server'],
                $site['address'],
                gettext('Whom firmware asks for the file, by TFTP.')
            );
            if ($subnet['next_server'] !== $site['address']) {
                $part['changes'][] = Entry::set("subnets.subnet4.$uuid.next_server", $site['address']);
            }
            foreach ($should as $name => $row) {
                $there = $kea['options'][$own[$name] ?? ''] ?? null;
                $used = $there !== null && in_array($own[$name], $is);
                $part['rows'][] = Entry::row(
                    sprintf(gettext('%s: %s'), $subnet['subnet'], substr($name, strlen(Entry::MARK))),
                    $used ? self::inWords($there) : '',
                    self::inWords($row),
                    self::why($row)
                );
            }
            $refs = array_map(fn ($one) => $own[$one] ?? $one, $list);
            $part['rows'][] = Entry::row(
                sprintf(gettext('%s: Order of options'), $subnet['subnet']),
                self::order($is, $refs, $own),
                gettext('these at the end, iPXE last'),
                gettext('Of two rows that match, the last wins; iPXE has to win over its architecture.')
            );
            $part['conflicts'] = array_merge(
                $part['conflicts'],
                KeaConflicts::ofSubnet($kea, $uuid, $foreign, $site),
                KeaConflicts::ofHosts($kea, $uuid)
            );
        }
        return $part;
    }

    private static function order(array $is, array $should, array $own): string
    {
        if (array_intersect($is, $own) === []) {
            return '';
        }
        return $is === $should ? gettext('these at the end, iPXE last') : gettext('another order');
    }

    private static function blockers(array $kea): array
    {
        if ($kea['manual']) {
            return [Entry::conflict(
                'manual',
                'blocker',
                'kea',
                gettext('Kea runs with a manual configuration file, which OPNsense does not write.'),
                gettext('Turn "Manual config" off, or put what the snippet says into that file.')
            )];
        }
        if (!$kea['has_options']) {
            return [Entry::conflict(
                'no-options',
                'blocker',
                'kea',
                gettext('This version of Kea\'s pages has no DHCP options with conditions: every firmware would ' .
                    'get the same file.'),
                gettext('Update OPNsense to 26.1.5 or newer, or let Dnsmasq serve DHCP.')
            )];
        }
        return [];
    }

    /**
     * @param array $kea what is set
     * @param array $site with `networks`
     * @return array the subnets that machines behind the interface are in
     */
    public static function subnets(array $kea, array $site): array
    {
        return array_filter($kea['subnets'], function ($subnet) use ($site) {
            foreach ($site['networks'] as $network) {
                if (Ipv4::isIn(explode('/', $network)[0], $subnet['subnet'])) {
                    return true;
                }
            }
            return false;
        });
    }

    private static function inWords(array $row): string
    {
        $data = $row['encoding'] == 'hex' && ctype_xdigit($row['data']) && strlen($row['data']) % 2 == 0
            ? hex2bin($row['data']) : $row['data'];
        $text = rtrim($data, "\0");
        return preg_match('/^[\x20-\x7e]*$/D', $text) ? $text : '0x' . bin2hex($text);
    }

    private static function why(array $row): string
    {
        if ($row['code'] == '60') {
            return gettext('Firmware takes an answer for HTTP boot only if it says HTTPClient.');
        } elseif ($row['code'] == '175') {
            return gettext('iPXE need not wait two seconds for a proxy DHCP server.');
        } elseif ($row['match_code'] == '77') {
            return gettext('iPXE gets its script. Given a loader again, it would load itself for ever.');
        }
        return sprintf(gettext('Option 67 for clients whose option 93 is %s.'), $row['match_data']);
    }
}
