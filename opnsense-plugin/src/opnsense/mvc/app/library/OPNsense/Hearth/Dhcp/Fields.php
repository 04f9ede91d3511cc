<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Dhcp;

/**
 * What the agent says DHCP servers have to tell (`hearth dhcp fields --json`): the one table of
 * architectures and loaders. Nothing of it is repeated here.
 */
class Fields
{
    /** @var array networks by their address */
    private array $networks = [];

    /**
     * @param string $json what the agent printed
     * @param bool $http whether firmware that boots by HTTP is to be told a URL
     * @throws \InvalidArgumentException when it is not that
     */
    public function __construct(string $json, bool $http = true)
    {
        $document = json_decode($json, true);
        if (!is_array($document) || !is_array($document['networks'] ?? null)) {
            throw new \InvalidArgumentException(
                sprintf(gettext('The agent did not say what DHCP has to tell: %s'), trim(substr($json, 0, 400)))
            );
        }
        foreach ($document['networks'] as $network) {
            $network['rows'] = array_values(array_filter(
                $network['rows'],
                fn ($row) => $http || !isset($row['url'])
            ));
            $this->networks[$network['address']] = $network;
        }
    }

    /**
     * @return array the IPv4 addresses that Hearth answers on
     */
    public function addresses(): array
    {
        return array_keys($this->networks);
    }

    /**
     * @param array $interface with `networks` (CIDR) and `virtual` (addresses that move with CARP)
     * @return array|null what machines behind this interface are told, null when Hearth has no address there
     */
    public function behind(array $interface): ?array
    {
        $found = array_filter($this->addresses(), function ($address) use ($interface) {
            foreach ($interface['networks'] as $network) {
                if (Ipv4::isIn($address, $network)) {
                    return true;
                }
            }
            return false;
        });
        /* of a pair of firewalls, only this address is always there */
        $shared = array_intersect($found, $interface['virtual'] ?? []);
        $address = reset($shared) ?: reset($found);
        return $address === false ? null : $this->networks[$address];
    }
}
