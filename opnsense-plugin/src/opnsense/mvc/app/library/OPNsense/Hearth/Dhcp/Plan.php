<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * What every DHCP server of this firewall says, what it has to say, and what is in the way.
 *
 * Pure: it decides over plain arrays, which Situation reads and Wiring carries out.
 */
class Plan
{
    /** Servers in the order in which they are shown. */
    public const SERVERS = ['isc' => 'ISC DHCPv4', 'kea' => 'Kea DHCPv4', 'dnsmasq' => 'Dnsmasq DHCP'];

    /** Findings of the agent that tell of another boot server. */
    private const HEARD = ['other-dhcp-server', 'wrong-next-server', 'options-66-67'];

    /**
     * @param array $situation see Situation::read()
     * @return array the plan; `work` holds what Wiring has to do and is not for a page
     */
    public static function of(array $situation): array
    {
        $plan = ['status' => 'ok', 'interfaces' => [], 'conflicts' => self::everywhere($situation), 'work' => []];
        $sites = self::sites($situation);
        foreach (array_keys(self::SERVERS) as $server) {
            $there = array_filter($sites, fn ($site) => in_array($server, $site['servers']) && isset($site['rows']));
            $plan['work'][$server] = $there === [] ? self::nothing() : match ($server) {
                'isc' => Isc::plan($situation['isc'], $there),
                'kea' => Kea::plan($situation['kea'], $there),
                'dnsmasq' => Dnsmasq::plan($situation['dnsmasq'], $there),
            };
        }
        foreach ($sites as $name => $site) {
            $plan['interfaces'][] = self::interface($name, $site, $plan['work'], $situation);
        }
        $record = $situation['record'];
        $plan['applied'] = $record === null ? null : ['time' => $record['time'], 'whole' => $record['phase'] == 'done'];
        $plan['stale'] = self::stale($record, $sites);
        $plan['todo'] = $plan['stale'] !== [] || ($record !== null && $record['phase'] != 'done') || array_filter(
            $plan['interfaces'],
            fn ($interface) => array_filter($interface['servers'], fn ($server) => $server['state'] == 'open') !== []
        ) !== [];
        $plan['marked'] = self::isMarked($situation);
        /* of the settings only: what the agent hears meanwhile changes nothing of them */
        $settings = array_map(fn ($one) => [$one['name'], $one['address'], $one['servers']], $plan['interfaces']);
        $plan['digest'] = hash('sha256', json_encode([$settings, $record]));
        return $plan;
    }

    private static function nothing(): array
    {
        return ['interfaces' => [], 'changes' => [], 'rows' => [], 'references' => [], 'file' => ''];
    }

    /** What machines behind each chosen interface are told, and which servers answer there. */
    private static function sites(array $situation): array
    {
        $sites = [];
        foreach ($situation['interfaces'] as $name => $interface) {
            if (!in_array($name, $situation['chosen'])) {
                continue;
            }
            $told = $situation['fields'] === null ? null : $situation['fields']->behind($interface);
            $site = ($told ?? []) + ['interface' => $interface, 'networks' => $interface['networks'], 'servers' => []];
            if (isset($situation['isc']['interfaces'][$name]['enable'])) {
                $site['servers'][] = 'isc';
            }
            $kea = $situation['kea'];
            $onKea = $kea['enabled'] && in_array($name, $kea['interfaces']);
            if ($onKea && ($kea['manual'] || Kea::subnets($kea, $site) !== [])) {
                $site['servers'][] = 'kea';
            }
            if (self::isOnDnsmasq($situation['dnsmasq'], $name, $site)) {
                $site['servers'][] = 'dnsmasq';
            }
            $sites[$name] = $site;
        }
        return $sites;
    }

    private static function isOnDnsmasq(array $dnsmasq, string $name, array $site): bool
    {
        $listens = $dnsmasq['interfaces'] === [] || in_array($name, $dnsmasq['interfaces']);
        if (!$dnsmasq['enabled'] || !$listens || in_array($name, $dnsmasq['no_interface'])) {
            return false;
        }
        foreach ($dnsmasq['ranges'] as $range) {
            if (!Ipv4::isAddress($range['start_addr'])) {
                continue;
            }
            $inside = array_filter($site['networks'], fn ($network) => Ipv4::isIn($range['start_addr'], $network));
            if ($range['interface'] === $name || ($range['interface'] === '' && $inside !== [])) {
                return true;
            }
        }
        return false;
    }

    private static function interface(string $name, array $site, array $work, array $situation): array
    {
        $result = [
            'name' => $name,
            'label' => $site['interface']['label'],
            'device' => $site['interface']['device'],
            'address' => $site['address'] ?? '',
            'servers' => [],
            'conflicts' => [],
            'relay' => $situation['relays'][$name] ?? [],
        ];
        if (!isset($site['rows'])) {
            $result['conflicts'][] = Entry::conflict(
                'not-listening',
                'blocker',
                $name,
                gettext('Hearth has no address on this interface, so machines behind it cannot be sent here.'),
                gettext('Give the interface an IPv4 address, choose it in Settings, and apply there first.')
            );
        }
        foreach ($site['servers'] as $server) {
            $part = $work[$server]['interfaces'][$name] ?? ['rows' => [], 'conflicts' => []];
            $isBlocker = fn ($one) => $one['level'] == 'blocker';
            $blocked = !isset($site['rows']) || array_filter($part['conflicts'], $isBlocker) !== [];
            $open = array_filter($part['rows'], fn ($row) => $row['state'] != 'ok') !== [];
            $result['servers'][] = [
                'server' => $server,
                'label' => self::SERVERS[$server],
                'state' => $blocked ? 'blocked' : ($open ? 'open' : 'done'),
            ] + $part;
        }
        if (count($site['servers']) > 1) {
            $labels = array_map(fn ($server) => self::SERVERS[$server], $site['servers']);
            $result['conflicts'][] = Entry::conflict(
                'several-servers',
                'warning',
                $name,
                sprintf(
                    gettext('%s are all enabled here: one of them cannot listen, or both answer.'),
                    implode(', ', $labels)
                ),
                gettext('Leave one enabled on this interface. Apply sets the fields of each.')
            );
        }
        $result['server'] = implode(', ', array_column($result['servers'], 'label'));
        $result['state'] = self::state($result['servers'], isset($site['rows']));
        return $result;
    }

    /** Whether rows of Hearth are there, with a record or without. */
    private static function isMarked(array $situation): bool
    {
        $rows = array_merge(
            array_column($situation['kea']['options'], 'description'),
            array_column($situation['dnsmasq']['options'], 'description'),
            array_column($situation['dnsmasq']['boot'], 'description'),
            array_column($situation['dnsmasq']['tags'], 'tag')
        );
        return array_filter($rows, Entry::isOurs(...)) !== [];
    }

    /** `wired`, `open`, `blocked`, or `elsewhere` where no server of this firewall answers. */
    private static function state(array $servers, bool $listens): string
    {
        $states = array_column($servers, 'state');
        if (!$listens || in_array('blocked', $states)) {
            return 'blocked';
        } elseif ($states === []) {
            return 'elsewhere';
        }
        return in_array('open', $states) ? 'open' : 'wired';
    }

    /** Interfaces that an earlier apply set and that would not be set now. */
    private static function stale(?array $record, array $sites): array
    {
        $now = array_keys(array_filter($sites, fn ($site) => isset($site['rows']) && $site['servers'] !== []));
        return array_values(array_diff($record['interfaces'] ?? [], $now));
    }

    /** What concerns no single interface. */
    private static function everywhere(array $situation): array
    {
        $found = [];
        if ($situation['fields'] === null) {
            $found[] = Entry::conflict(
                'no-fields',
                'blocker',
                'hearth',
                $situation['fields_error'],
                gettext('Apply the settings of Network Boot first.')
            );
        }
        $ports = [];
        foreach ($situation['fields'] === null ? [] : $situation['fields']->addresses() as $address) {
            $ports[] = $situation['fields']->behind(['networks' => ["$address/32"]])['tftp_port'];
        }
        if (array_diff($ports, [69]) !== []) {
            $found[] = Entry::conflict(
                'tftp-port',
                'warning',
                'hearth',
                sprintf(gettext('Hearth\'s TFTP listens on port %d, but firmware always asks port 69.'), $ports[0]),
                gettext('Set the TFTP port to 69, or forward port 69 to it.')
            );
        }
        if (!$situation['runs']) {
            $found[] = Entry::conflict(
                'not-running',
                'warning',
                'hearth',
                gettext('Hearth does not run: machines that are sent here get nothing.'),
                gettext('Start it on the page Overview before you apply here.')
            );
        }
        if ($situation['tftp']['enabled']) {
            $found[] = Entry::conflict(
                'os-tftp',
                'warning',
                'tftp',
                sprintf(
                    gettext('The plugin os-tftp is enabled and listens on %s, port 69.'),
                    $situation['tftp']['listen']
                ),
                gettext('Disable it: Hearth serves the same folder.'),
                [Entry::set('general/enabled', '0')]
            );
        }
        foreach ($situation['udp69'] as $program) {
            if ($program != 'hearth' && !($program == 'in.tftpd' && $situation['tftp']['enabled'])) {
                $found[] = Entry::conflict(
                    'port-69',
                    'warning',
                    $program,
                    sprintf(gettext('The program %s has UDP port 69.'), $program),
                    gettext('Stop it, or have it listen on other addresses than Hearth.')
                );
            }
        }
        foreach ($situation['heard'] as $finding) {
            if (in_array($finding['code'] ?? '', self::HEARD, true)) {
                $found[] = Entry::conflict(
                    $finding['code'],
                    'warning',
                    (string)($finding['machine'] ?? ''),
                    (string)($finding['sentence'] ?? ''),
                    (string)($finding['remedy'] ?? '')
                );
            }
        }
        return $found;
    }

    /**
     * @param array $plan a plan
     * @param array $ids conflicts that are to be repaired
     * @return array changes by server
     */
    public static function repairs(array $plan, array $ids): array
    {
        $fixes = ['isc' => [], 'kea' => [], 'dnsmasq' => [], 'tftp' => []];
        $seen = [];
        $take = function (array $conflicts, string $server) use (&$fixes, &$seen, $ids) {
            foreach ($conflicts as $one) {
                if (in_array($one['id'], $ids, true) && !isset($seen[$one['id']])) {
                    $seen[$one['id']] = true;
                    $fixes[$server] = array_merge($fixes[$server], $one['fix']);
                }
            }
        };
        $take($plan['conflicts'], 'tftp');
        foreach ($plan['interfaces'] as $interface) {
            foreach ($interface['servers'] as $server) {
                $take($server['conflicts'], $server['server']);
            }
        }
        return $fixes;
    }
}
