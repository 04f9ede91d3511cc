<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * What in Kea's settings is in the way of network boot.
 */
class KeaConflicts
{
    /** Options that say what to boot, or that only a client may send. */
    private const BOOT = ['60', '66', '67', '93', '175'];

    /**
     * @param array $kea what is set
     * @param string $uuid of the subnet
     * @param array $foreign uuids of the options that it lists and that are not Hearth's
     * @param array $site what machines there are told
     * @return array conflicts
     */
    public static function ofSubnet(array $kea, string $uuid, array $foreign, array $site): array
    {
        $subnet = $kea['subnets'][$uuid];
        $path = "subnets.subnet4.$uuid";
        $found = [];
        if ($subnet['next_server'] !== '' && $subnet['next_server'] !== $site['address']) {
            $found[] = Entry::conflict(
                'next-server',
                'warning',
                $path,
                sprintf(
                    gettext('%s: next server is %s, which is not Hearth.'),
                    $subnet['subnet'],
                    $subnet['next_server']
                ),
                gettext('Apply puts Hearth in its place; revert brings it back.')
            );
        }
        $found = array_merge($found, self::raw($path, $subnet, sprintf(gettext('Subnet %s'), $subnet['subnet'])));
        foreach ($foreign as $one) {
            $option = $kea['options'][$one] ?? null;
            if ($option === null || !in_array($option['code'], self::BOOT, true)) {
                continue;
            }
            $found[] = Entry::conflict(
                'raw-option',
                'warning',
                "$path.option.$one",
                sprintf(
                    gettext('Subnet %s sends option %s of its own (%s).'),
                    $subnet['subnet'],
                    $option['code'],
                    $option['description']
                ),
                gettext('Take it out of the subnet\'s list; the option itself stays.'),
                [Entry::take("$path.option", $one)]
            );
        }
        return $found;
    }

    /**
     * @param array $kea what is set
     * @param string $uuid of the subnet
     * @return array conflicts of its reservations, which win over the subnet
     */
    public static function ofHosts(array $kea, string $uuid): array
    {
        $found = [];
        foreach ($kea['reservations'] as $one => $host) {
            if ($host['subnet'] !== $uuid) {
                continue;
            }
            $path = "reservations.reservation.$one";
            $who = $host['hw_address'] ?: $host['hostname'] ?: $host['ip_address'];
            $fix = [];
            $what = [];
            foreach (['next_server', 'option_data.tftp_server_name', 'option_data.boot_file_name'] as $field) {
                if ($host[$field] !== '') {
                    $fix[] = Entry::set("$path.$field", null);
                    $what[] = $host[$field];
                }
            }
            foreach (array_filter(explode(',', $host['option'])) as $option) {
                $row = $kea['options'][$option] ?? ['code' => ''];
                if (in_array($row['code'], self::BOOT, true)) {
                    $fix[] = Entry::take("$path.option", $option);
                    $what[] = $row['description'];
                }
            }
            if ($fix !== []) {
                $found[] = Entry::conflict(
                    'host',
                    'warning',
                    $path,
                    sprintf(
                        gettext('The reservation %s has boot fields of its own (%s). They go to its firmware and ' .
                            'to its iPXE.'),
                        $who,
                        implode(', ', $what)
                    ),
                    gettext('Empty them, so that Hearth decides.'),
                    $fix
                );
            }
        }
        return $found;
    }

    private static function raw(string $path, array $config, string $who): array
    {
        $fix = [];
        $what = [];
        foreach (['tftp_server_name' => 66, 'boot_file_name' => 67] as $field => $code) {
            if ($config["option_data.$field"] !== '') {
                $fix[] = Entry::set("$path.option_data.$field", null);
                $what[] = sprintf('%d: %s', $code, $config["option_data.$field"]);
            }
        }
        return $fix === [] ? [] : [Entry::conflict(
            'option-66-67',
            'warning',
            $path,
            sprintf(
                gettext('%s sends raw options to every client, whatever its firmware (%s).'),
                $who,
                implode(', ', $what)
            ),
            gettext('Empty both.'),
            $fix
        )];
    }
}
