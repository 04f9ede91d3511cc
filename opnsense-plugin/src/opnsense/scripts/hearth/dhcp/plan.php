#!/usr/local/bin/php
<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

require_once 'script/load_phalcon.php';

use OPNsense\Hearth\Dhcp\Plan;
use OPNsense\Hearth\Dhcp\Situation;

/* What each server has to be told where DHCP is elsewhere. */
const ELSEWHERE = ['isc', 'kea', 'dnsmasq', 'mikrotik', 'windows'];

try {
    $plan = Plan::of(Situation::read(true));
    unset($plan['work']);
    foreach ($plan['interfaces'] as &$interface) {
        if ($interface['servers'] === [] && $interface['address'] !== '') {
            foreach (ELSEWHERE as $server) {
                $interface['snippets'][$server] = Situation::run(
                    ['dhcp', 'snippet', '--for', $server, '--address', $interface['address']]
                );
            }
        }
    }
} catch (\Throwable $error) {
    $plan = ['status' => 'failed', 'message' => $error->getMessage()];
}
echo json_encode($plan, JSON_INVALID_UTF8_SUBSTITUTE) . PHP_EOL;
