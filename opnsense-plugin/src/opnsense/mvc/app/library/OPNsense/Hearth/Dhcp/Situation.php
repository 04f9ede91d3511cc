<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

use DOMElement;
use OPNsense\Core\Backend;
use OPNsense\Core\Config;
use OPNsense\Core\Shell;
use OPNsense\Hearth\Apply;

/**
 * Reads what a plan is made from: config.xml, what dhcpd and Dnsmasq take in beside it, who has
 * UDP port 69, and what the agent knows.
 */
class Situation
{
    /** The agent. */
    public const AGENT = '/usr/local/sbin/hearth';

    /** Its configuration, whose addresses and ports machines are told. */
    public const CONFIG = '/usr/local/etc/hearth/hearth.toml';

    /** It is there when os-isc-dhcp is installed. */
    private const ISC = '/usr/local/etc/inc/plugins.inc.d/dhcpd.inc';

    /** Longest file of others that is looked into, in bytes. */
    private const FILE_LIMIT = 1 << 20;

    /**
     * @param bool $asks also what the agent heard and whether it runs, for people; an agent that hangs takes its time,
     * so nobody asks while config.xml is locked
     * @return array the situation, as Plan::of() takes it
     */
    public static function read(bool $asks = false): array
    {
        $root = dom_import_simplexml(Config::getInstance()->object());
        $situation = self::fields(self::value($root, 'OPNsense/hearth/dhcp/http_boot') != '0') + [
            'interfaces' => self::interfaces($root),
            'isc' => ['interfaces' => self::isc($root), 'dropins' => self::files(IscFile::FOLDER)],
            'kea' => self::kea($root),
            'dnsmasq' => self::dnsmasq($root),
            'relays' => self::relays($root),
            'tftp' => [
                'enabled' => self::value($root, 'OPNsense/tftp/general/enabled') == '1',
                'listen' => self::value($root, 'OPNsense/tftp/general/listen'),
            ],
            'udp69' => self::port69(),
            'heard' => $asks ? self::ask(['findings', '--json'])['findings'] ?? [] : [],
            'runs' => !$asks || self::runs(),
            'record' => Record::load($root),
        ];
        $chosen = self::list(self::value($root, 'OPNsense/hearth/general/interfaces'));
        if ($chosen === [] && $situation['fields'] !== null) {
            $behind = fn ($interface) => $situation['fields']->behind($interface) !== null;
            $chosen = array_keys(array_filter($situation['interfaces'], $behind));
        }
        return $situation + ['chosen' => $chosen];
    }

    /** Whether it answers machines; the backup of a pair is stopped on purpose, and answers once it is master. */
    private static function runs(): bool
    {
        $answer = (string)(new Backend())->configdRun('hearth status');
        return str_contains($answer, 'is running') || is_file(Apply::STANDBY);
    }

    /**
     * @param string[] $arguments of the agent
     * @return array what it printed as JSON, empty when it did not
     */
    private static function ask(array $arguments): array
    {
        return json_decode(self::run($arguments), true) ?? [];
    }

    /**
     * @param string[] $arguments of the agent
     * @return string what it printed, standard error too
     */
    public static function run(array $arguments): string
    {
        if (!is_executable(self::AGENT)) {
            return sprintf(gettext('%s is not installed.'), self::AGENT);
        }
        $arguments = array_merge(['--config', self::CONFIG], $arguments);
        $format = self::AGENT . str_repeat(' %s', count($arguments)) . ' 2>&1';
        return (string)Shell::shell_safe($format, $arguments);
    }

    private static function fields(bool $http): array
    {
        try {
            return ['fields' => new Fields(self::run(['dhcp', 'fields', '--json']), $http), 'fields_error' => ''];
        } catch (\InvalidArgumentException $error) {
            return ['fields' => null, 'fields_error' => $error->getMessage()];
        }
    }

    /** Enabled interfaces that have IPv4 addresses, by name. */
    private static function interfaces(DOMElement $root): array
    {
        $devices = json_decode((new Backend())->configdRun('interface list ifconfig'), true) ?? [];
        $virtual = [];
        foreach (self::elements($root, 'virtualip', 'vip') as $vip) {
            if (self::value($vip, 'mode') == 'carp') {
                $virtual[self::value($vip, 'interface')][] = self::value($vip, 'subnet');
            }
        }
        $found = [];
        foreach (self::elements($root, 'interfaces') as $node) {
            $device = self::value($node, 'if');
            $networks = array_map(
                fn ($address) => sprintf('%s/%s', $address['ipaddr'] ?? '', $address['subnetbits'] ?? ''),
                $devices[$device]['ipv4'] ?? []
            );
            if (Record::find($node, ['enable']) !== null && $networks !== []) {
                $found[$node->nodeName] = [
                    'label' => self::value($node, 'descr') ?: strtoupper($node->nodeName),
                    'device' => $device,
                    'networks' => $networks,
                    'virtual' => $virtual[$node->nodeName] ?? [],
                ];
            }
        }
        return $found;
    }

    /**
     * @return bool whether os-isc-dhcp is installed
     */
    public static function hasIsc(): bool
    {
        return is_file(self::ISC);
    }

    private static function isc(DOMElement $root): array
    {
        $found = [];
        foreach (self::hasIsc() ? self::elements($root, 'dhcpd') : [] as $node) {
            $found[$node->nodeName] = (array)Config::getInstance()->toArray(null, simplexml_import_dom($node));
        }
        return $found;
    }

    private static function kea(DOMElement $root): array
    {
        $kea = Record::find($root, ['OPNsense', 'Kea', 'dhcp4']);
        $rows = fn ($list, $row, $fields) => $kea === null ? [] : self::rows($kea, $list, $row, $fields);
        $raw = ['next_server', 'option', 'option_data.tftp_server_name', 'option_data.boot_file_name'];
        $class = '\OPNsense\Kea\KeaDhcpv4';
        $model = class_exists($class) ? (new \ReflectionClass($class))->getFileName() : '';
        $items = @simplexml_load_file(substr($model, 0, -3) . 'xml')->items ?? null;
        return [
            'enabled' => $kea !== null && self::value($kea, 'general/enabled') == '1',
            'manual' => $kea !== null && self::value($kea, 'general/manual_config') == '1',
            'has_options' => isset($items->options->option),
            'interfaces' => $kea === null ? [] : self::list(self::value($kea, 'general/interfaces')),
            'subnets' => $rows('subnets', 'subnet4', ['subnet', ...$raw]),
            'options' => $rows('options', 'option', [
                'code', 'encoding', 'data', 'force', 'match_code', 'match_encoding', 'match_data', 'description',
            ]),
            'reservations' => $rows('reservations', 'reservation', [
                'subnet', 'hw_address', 'hostname', 'ip_address', ...$raw,
            ]),
        ];
    }

    private static function dnsmasq(DOMElement $root): array
    {
        $rows = fn ($row, $fields) => self::rows($root, 'dnsmasq', $row, $fields);
        return [
            'enabled' => self::value($root, 'dnsmasq/enable') == '1',
            'interfaces' => self::list(self::value($root, 'dnsmasq/interface')),
            'no_interface' => self::list(self::value($root, 'dnsmasq/dhcp/no_interface')),
            'ranges' => $rows('dhcp_ranges', ['interface', 'start_addr']),
            'tags' => $rows('dhcp_tags', ['tag']),
            'options' => array_map(
                fn ($row) => ['force' => $row['force'] ?: '0'] + $row,
                $rows('dhcp_options', [
                    'type', 'option', 'interface', 'tag', 'set_tag', 'value', 'force', 'description',
                ])
            ),
            'boot' => $rows('dhcp_boot', ['interface', 'tag', 'filename', 'servername', 'address', 'description']),
            'dropins' => self::files(DnsmasqConflicts::FOLDER),
        ];
    }

    /** Where DHCP is asked for elsewhere: servers by interface. */
    private static function relays(DOMElement $root): array
    {
        $relay = Record::find($root, ['OPNsense', 'DHCRelay']);
        if ($relay === null) {
            return [];
        }
        $servers = [];
        $found = [];
        foreach ($relay->childNodes as $node) {
            if ($node->nodeName == 'destinations') {
                $servers[$node->getAttribute('uuid')] = self::list(self::value($node, 'server'));
            }
        }
        foreach ($relay->childNodes as $node) {
            if ($node->nodeName == 'relays' && self::value($node, 'enabled') == '1') {
                $found[self::value($node, 'interface')] = $servers[self::value($node, 'destination')] ?? [];
            }
        }
        return $found;
    }

    /** Programs that have UDP port 69. */
    private static function port69(): array
    {
        $lines = Shell::shell_safe('/usr/bin/sockstat -46 -l -P udp -p 69', [], true);
        $programs = [];
        foreach (array_slice((array)$lines, 1) as $line) {
            $words = preg_split('/\s+/', trim($line));
            if (isset($words[1])) {
                $programs[$words[1]] = true;
            }
        }
        return array_keys($programs);
    }

    private static function files(string $folder): array
    {
        $found = [];
        foreach (glob("$folder/*.conf") ?: [] as $path) {
            $found[basename($path)] = (string)file_get_contents($path, false, null, 0, self::FILE_LIMIT);
        }
        return $found;
    }

    /** Rows with a uuid, by it, with these fields (a dot goes down). */
    private static function rows(DOMElement $above, string $list, string $row, array $fields): array
    {
        $found = [];
        foreach (self::elements($above, $list, $row) as $node) {
            foreach ($fields as $field) {
                $found[$node->getAttribute('uuid')][$field] = self::value($node, str_replace('.', '/', $field));
            }
        }
        return $found;
    }

    /** @return DOMElement[] what is below the first such element, of this name or of any */
    private static function elements(DOMElement $above, string $list, ?string $name = null): array
    {
        $found = [];
        foreach (Record::find($above, [$list])?->childNodes ?? [] as $node) {
            if ($node instanceof DOMElement && ($name === null || $node->nodeName == $name)) {
                $found[] = $node;
            }
        }
        return $found;
    }

    private static function value(DOMElement $above, string $path): string
    {
        return trim(Record::find($above, explode('/', $path))?->textContent ?? '');
    }

    private static function list(string $text): array
    {
        return array_values(array_filter(array_map('trim', explode(',', $text)), fn ($one) => $one !== ''));
    }
}
