<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

/**
 * The addresses that the chosen interfaces have now. Needs config.inc and interfaces.inc to be loaded.
 */
class Addresses
{
    /**
     * @var array details of ifconfig, read once
     */
    private $details;

    public function __construct(private readonly Hearth $model)
    {
        $this->details = legacy_interfaces_details();
    }

    /**
     * @param array $interfaces names such as lan
     * @return array addresses of each, those of the interface before those of CARP, IPv4 before IPv6
     */
    public function of(array $interfaces): array
    {
        $wanted = $this->model->general->addresses->getValue();
        $result = [];
        foreach ($interfaces as $interface) {
            $virtual = $this->virtual($interface);
            $found = ['own' => ['inet' => [], 'inet6' => []], 'carp' => ['inet' => [], 'inet6' => []]];
            foreach (interfaces_addresses($interface, false, $this->details) as $one) {
                $packed = inet_pton($one['address']);
                if ($one['scope'] || $one['tentative'] || $one['detached'] || $one['deprecated']) {
                    continue;
                } elseif ($one['family'] === 'inet6' && $this->model->general->ipv6->isEmpty()) {
                    continue;
                } elseif (!$one['alias']) {
                    $found['own'][$one['family']][] = $one['address'];
                } elseif ($packed !== false && in_array($packed, $virtual, true)) {
                    $found['carp'][$one['family']][] = $one['address'];
                }
            }
            $result[$interface] = array_merge(
                $wanted === 'carp' ? [] : array_merge(...array_values($found['own'])),
                $wanted === 'interface' ? [] : array_merge(...array_values($found['carp']))
            );
        }
        return $result;
    }

    /**
     * @return bool one of the CARP groups on the chosen interfaces is master here
     */
    public function master(): bool
    {
        foreach ($this->model->general->interfaces->getValues() as $interface) {
            $device = get_real_interface($interface);
            foreach ($this->details[$device]['carp'] ?? [] as $group) {
                if (($group['status'] ?? '') === 'MASTER') {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * An alias in a CARP group goes with the group's master.
     * @return array CARP addresses that are declared on an interface, packed, since IPv6 has many spellings
     */
    private function virtual(string $interface): array
    {
        $result = [];
        foreach (config_read_array('virtualip', 'vip', false) as $vip) {
            $moves = $vip['mode'] === 'carp' || ($vip['mode'] === 'ipalias' && !empty($vip['vhid']));
            if ($vip['interface'] === $interface && $moves) {
                $result[] = inet_pton($vip['subnet']);
            }
        }
        return $result;
    }
}
