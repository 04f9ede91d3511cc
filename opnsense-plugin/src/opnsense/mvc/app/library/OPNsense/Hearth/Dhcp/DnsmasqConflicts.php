<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * What in Dnsmasq's settings is in the way of network boot.
 */
class DnsmasqConflicts
{
    /** Where Dnsmasq looks for files of others. */
    public const FOLDER = '/usr/local/etc/dnsmasq.conf.d';

    /**
     * @param array $dnsmasq what is set
     * @param string $name of the interface
     * @param array $site what machines there are told
     * @return array conflicts
     */
    public static function of(array $dnsmasq, string $name, array $site): array
    {
        $found = [];
        foreach ($dnsmasq['options'] as $uuid => $row) {
            $isRaw = $row['type'] == 'set' && in_array($row['option'], ['60', '66', '67', '93'], true);
            if ($isRaw && self::concerns($row, $name)) {
                $found[] = Entry::conflict(
                    'raw-option',
                    'warning',
                    "dhcp_options.$uuid",
                    sprintf(
                        gettext('A DHCP option row sends option %s (%s) besides the boot rows.'),
                        $row['option'],
                        $row['value']
                    ),
                    gettext('Remove the row.'),
                    [Entry::delete('dhcp_options', $uuid)]
                );
            }
        }
        foreach ($dnsmasq['boot'] as $uuid => $row) {
            if (!self::concerns($row, $name)) {
                continue;
            }
            /* with no tag it also goes to firmware that Hearth has no loader for, which is harmless */
            $elsewhere = $row['address'] !== '' && $row['address'] !== $site['address'];
            $found[] = Entry::conflict(
                $elsewhere ? 'next-server' : 'boot-row',
                $elsewhere ? 'warning' : 'note',
                "dhcp_boot.$uuid",
                sprintf(
                    gettext('A DHCP boot row sends machines to %s (%s).'),
                    $row['address'] ?: gettext('this firewall'),
                    $row['filename']
                ),
                gettext('Rows of Hearth come behind it and win for every firmware that they know. Remove it if it is ' .
                    'not needed.'),
                [Entry::delete('dhcp_boot', $uuid)]
            );
        }
        foreach ($dnsmasq['dropins'] as $file => $text) {
            $text = preg_replace('/^\s*#.*$/m', '', $text);
            if (preg_match('/^\s*(dhcp-boot|pxe-\w+|enable-tftp|tftp-\w+|dhcp-option\S*=\S*6[067])/m', $text, $word)) {
                $found[] = Entry::conflict(
                    'include',
                    'warning',
                    $file,
                    sprintf(gettext('The file %s in %s says `%s`.'), $file, self::FOLDER, $word[1]),
                    gettext('Take it out of that file: it is read as well, and no page shows it.')
                );
            }
        }
        return $found;
    }

    private static function concerns(array $row, string $name): bool
    {
        return !Entry::isOurs($row['description']) && ($row['interface'] === '' || $row['interface'] === $name);
    }
}
