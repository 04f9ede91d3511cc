<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * The file of classes that dhcpd.conf takes in, for what the page of ISC DHCPv4 has no field for.
 *
 * It holds for all interfaces. Each class looks whether the answer sends the client to Hearth
 * (next-server), so that interfaces without Hearth are left alone, and each gets its own URL.
 */
class IscFile
{
    /** Its name in the folder. */
    public const NAME = 'hearth.conf';

    /** How it begins. */
    private const HEAD =
        "# Network boot through Hearth. The page Services: Network Boot: DHCP writes and removes this.\n";

    /** Where os-isc-dhcp looks for such files. */
    public const FOLDER = '/usr/local/etc/dhcpd.opnsense.d';

    /**
     * @param array $sites what machines behind each interface are told, by name
     * @return string the file, empty when none is needed
     */
    public static function text(array $sites): string
    {
        $classes = [];
        foreach ($sites as $site) {
            foreach ($site['rows'] as $row) {
                if (!Isc::hasField($row)) {
                    $classes[$row['tag']]['row'] = $row;
                    $classes[$row['tag']]['answers'][$site['address']] = $row['url'] ?? $row['file'];
                }
            }
        }
        if ($classes === []) {
            return '';
        }
        $text = self::HEAD;
        foreach ($classes as $tag => $class) {
            $row = $class['row'];
            $tests = array_map(
                fn ($value) => sprintf('substring(option arch, 0, 2) = %02x:%02x', $value >> 8, $value & 255),
                $row['option_93']
            );
            $ipxe = reset($sites)['ipxe'];
            $text .= sprintf("\n# %s\nclass \"hearth-%s\" {\n", $row['label'], $tag);
            $text .= sprintf("  match if %s;\n", implode(' or ', $tests));
            foreach ($class['answers'] as $address => $file) {
                $text .= sprintf("  if config-option server.next-server = %s {\n", Ipv4::bytes($address));
                /* the way round matters: `not` of a comparison with an option that is not there is not true */
                $text .= sprintf(
                    "    if exists user-class and option user-class = \"%s\" {\n      filename \"%s\";\n    } else {\n",
                    $ipxe['option_77'],
                    $ipxe['file']
                );
                $text .= isset($row['url']) ? "      option vendor-class-identifier \"HTTPClient\";\n" : '';
                $text .= sprintf("      filename \"%s\";\n    }\n  }\n", $file);
            }
            $text .= "}\n";
        }
        return $text;
    }

    /**
     * Writes the file, or removes it. Of one that somebody has changed a copy is kept beside it,
     * under a name that dhcpd.conf does not take in.
     * @param string $text the file, empty for none
     * @param string $former what it was when Hearth wrote it last
     */
    public static function put(string $text, string $former): void
    {
        $path = self::FOLDER . '/' . self::NAME;
        $there = is_file($path) ? (string)file_get_contents($path) : '';
        if (!in_array($there, ['', $text, $former], true)) {
            rename($path, $path . '.saved');
        }
        if ($text === '') {
            @unlink($path);
        } elseif ($there !== $text) {
            @mkdir(self::FOLDER, 0755, true);
            file_put_contents("$path.new", $text);
            rename("$path.new", $path);
        }
    }
}
